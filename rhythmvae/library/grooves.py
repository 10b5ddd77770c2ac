"""The grooves of results, read from the files where they lie."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

from rhythmvae.data.files import Found, Source, found_at, members
from rhythmvae.data.reading import read_source
from rhythmvae.errors import CorpusError, MidiError, RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.library.search import Library, Result
from rhythmvae.text import clean_text

MOST_OPEN = 8  # zips at a time


def sources(library: Library, results: Iterable[tuple[int, str]]) -> Generator[Source, None, None]:
    """The file of each (number of folder, path), to be read before the next one is asked for.

    Raises:
        MidiError: when one is read that is there no more.
    """
    with ExitStack() as stack:
        zips: dict[Path, Callable[[str], Source | None]] = {}
        for root, path in results:
            folder = library.roots[root]
            container = library.store.container_of(root, path)
            if container is None:
                place = folder if folder.is_file() else folder / path
                found = found_at(place, audio=True) if place.exists() else Found(())
                yield replace(found[0], name=path) if found else _gone(path)
                continue
            place = folder if folder.is_file() else folder / container
            if place not in zips:
                if len(zips) == MOST_OPEN:
                    stack.close()
                    zips = {}
                zips[place] = _opened(place, stack)
            source = zips[place](path.removeprefix(f"{container}/"))
            yield _gone(path) if source is None else replace(source, name=path)


def _opened(place: Path, stack: ExitStack) -> Callable[[str], Source | None]:
    try:
        look = stack.enter_context(members(place, audio=True))
    except (CorpusError, OSError):
        return lambda name: None  # it is there no more, or another file
    # A library's paths have no slash at their ends.
    return lambda name: look(name) or look(f"/{name}") or look(f"{name}/")


def _gone(path: str) -> Source:
    def load() -> bytes:
        raise MidiError(f"{clean_text(path)}: expected a file, but it is there no more; index its folder again.")

    return Source(path, "", load)


def grooves(library: Library, results: Sequence[Result]) -> list[Groove | str]:
    """The bars of each result, read as its folder was, as a groove that is called by its file; or the sentence of its
    error."""
    numbers = {folder: number for number, folder in library.roots.items()}
    found: list[Groove | str] = []
    places = [(numbers[result.folder], result.path) for result in results]
    for result, source in zip(results, sources(library, places), strict=True):
        try:
            whole, _ = read_source(source, library.store.reading(numbers[result.folder]))
            found.append(part_of(whole, result.bars, result.path))
        except RhythmVAEError as error:
            found.append(str(error))
    return found


def part_of(whole: Groove, bars: tuple[int, int], path: str) -> Groove:
    """Bars of a file's groove, from 1, called by the file."""
    first, last = (min(bar, whole.n_bars) for bar in bars)
    return replace(whole.bars(first, last), title=clean_text(PurePosixPath(path).stem))
