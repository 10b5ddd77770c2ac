"""The grooves of results, read from the files where they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from rhythmvae.data.files import Found, Source, found_at
from rhythmvae.data.reading import read_source
from rhythmvae.errors import MidiError, RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.library.search import Library, Result
from rhythmvae.text import clean_text


def sources(library: Library, results: Sequence[tuple[int, str]]) -> Iterator[Source]:
    """The file of each (number of folder, path), to be read; those in one zip behind each other look into it once.

    Raises:
        MidiError: when one is read that is there no more.
    """
    zips: dict[Path, Found] = {}
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
            zips = {place: found_at(place, audio=True) if place.exists() else Found(())}  # of one zip at a time
        inner = path.removeprefix(f"{container}/")
        own = [source for source in zips[place] if source.name.strip("/") == inner]
        yield replace(own[0], name=path) if own else _gone(path)


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
            first, last = result.bars
            part = whole.bars(min(first, whole.n_bars), min(last, whole.n_bars))
            found.append(replace(part, title=clean_text(PurePosixPath(result.path).stem)))
        except RhythmVAEError as error:
            found.append(str(error))
    return found
