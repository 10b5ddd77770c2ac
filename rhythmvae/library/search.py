"""What in a library is like a groove.

The *distance* of two windows is the share of cells that only one of them hits, of all that one of them hits (Jaccard's;
0 to 1), and FEEL_SHARE times how far apart their latents are, where sqrt(2 Z), the distance between two draws from the
prior, is 1. So which drums play where counts first, and how they are played decides among those. 0: the same.

All patterns are compared (`scan`), N_WORDS words a window: a million take a hundredth of a second, with any filter,
and need no index that has to be built (docs/decisions/0039-library.md). Of the SHORTLIST nearest by pattern the latents
are read.

Searched by some voices, only their cells count, and latents, which hold all voices, do not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.groove import BoolArray, FloatArray
from rhythmvae.library import columns, scan
from rhythmvae.library.asking import ALL_VOICES, Asked, Filters, Variant, packed
from rhythmvae.library.columns import Columns
from rhythmvae.library.scan import Near, Wanted
from rhythmvae.library.store import Store, to_bytes, undamaged
from rhythmvae.midi.report import ReadOptions
from rhythmvae.text import clean_text, did_you_mean

if TYPE_CHECKING:
    from rhythmvae.model.vae import RhythmVAE

FEEL_SHARE = 0.25
SHORTLIST = 2_000
MORE = 8  # times as many, where these are too few
MOST_PASSES = 8  # of filters, whose contents an open library remembers
MAX_ENCODED = 4  # variants of a window that are encoded: those of the nearest
MOST_NAMED = 24  # of what a library has, in a sentence
MAX_DUPLICATES = 50  # named of one result
DIGITS = 3  # of a distance
SAME = 0.0025  # less is 0: latents are kept as halves, and files hold ticks


@dataclass(frozen=True)
class Result:
    """Two bars, or a loop, that are like what was looked for.

    Args:
        folder, path: the indexed folder, and the file below it. content: its number in the store.
        bars: first and last, from 1. distance: 0 is the same.
        duplicates: paths of files that play the same.
        turned, rate: it begins so many 16ths later in what was looked for; it plays so many times as fast.
    """

    folder: Path
    path: str
    content: int
    bars: tuple[int, int]
    distance: float
    duplicates: tuple[str, ...]
    turned: int
    rate: float
    tempo: float
    meter: str
    style: str
    feel: tuple[str, ...]
    n_bars: int

    @property
    def place(self) -> Path:
        """Where the file, or the zip that it is in, lies."""
        return self.folder if self.folder.is_file() else self.folder / self.path


@dataclass(eq=False)
class Library:
    """A library that is open to be searched; for one thread at a time.

    Raises:
        LibraryError: as `Store`.
    """

    folder: Path
    store: Store = field(init=False)
    columns: Columns = field(init=False)
    _passes: dict[Filters, BoolArray | None] = field(default_factory=dict, init=False, repr=False)  # of few filters

    def __post_init__(self) -> None:
        self.store = Store(self.folder)
        self.columns = columns.made(self.store)

    def close(self) -> None:
        self.store.close()

    @cached_property
    def roots(self) -> dict[int, Path]:
        return self.store.roots()

    # -- filters --------------------------------------------------------------------

    def allowed(self, filters: Filters) -> BoolArray | None:
        """(C,) which contents pass, or None where all do. Read-only: a question asks for the same one several times."""
        if filters not in self._passes:
            if len(self._passes) == MOST_PASSES:
                self._passes.clear()
            self._passes[filters] = passes = self._allowed(filters)
            if passes is not None:
                passes.setflags(write=False)
        return self._passes[filters]

    def _allowed(self, filters: Filters) -> BoolArray | None:
        if filters.is_none:
            return None
        own = self.columns
        passes = np.ones(len(own.number), bool)
        for values, span in ((own.tempo, filters.tempo), (own.density, filters.density)):
            if span is not None:
                passes &= (values >= span[0] - 1e-3) & (values <= span[1] + 1e-3)
        for name in ("meter", "style", "plays"):
            wanted = getattr(filters, f"{name}s" if name != "plays" else name)
            if wanted:
                known = own.names[name]
                passes &= np.isin(getattr(own, name), [known.index(each) for each in wanted if each in known])
        for feel in filters.feels:
            known = own.names["feel"]
            passes &= (own.feel & (1 << known.index(feel)) > 0) if feel in known else False
        if filters.folder is not None:
            passes &= np.isin(own.number, self._in_folder(filters.folder))
        if filters.words:
            passes &= np.isin(own.number, self._named(filters.words))
        return passes

    @cached_property
    def _named(self) -> Callable[[tuple[str, ...]], list[int]]:
        """Contents by words in their paths: counts of other filters ask for the same ones."""
        return lru_cache(2)(self.store.contents_named)

    @cached_property
    def _in_folder(self) -> Callable[[str], list[int]]:
        return lru_cache(2)(self._contents_in)

    def _contents_in(self, folder: str) -> list[int]:
        """Contents of the files in a folder: an indexed one, one below, or one that indexed ones lie in."""
        return [content for root, below in self._below(folder) for content in self._contents_below(root, below)]

    def _below(self, folder: str) -> list[tuple[int, str]]:
        """What a folder's name means: (number of an indexed folder, path below it, "" for all of it). It is a path
        below an indexed folder; where there is none, it is one as the shell completes it."""
        text = os.path.normpath(folder) if folder else "."
        if not os.path.isabs(text):
            wanted = "" if text == "." else Path(text).as_posix()
            found = [(root, wanted) for root in self.roots if not wanted or self._contents_below(root, wanted)]
            if found:
                return found
        whole = os.path.abspath(text)
        places = dict.fromkeys((Path(whole), Path(os.path.realpath(whole))))  # an indexed folder's links are resolved
        return [
            (root, "" if there.is_relative_to(place) else place.relative_to(there).as_posix())
            for root, there in self.roots.items()
            for place in places
            if place.is_relative_to(there) or there.is_relative_to(place)
        ]

    def _contents_below(self, root: int, below: str) -> list[int]:
        sql, values = "SELECT content FROM files WHERE root = ? AND content IS NOT NULL", [root]
        if not below:
            return [content for (content,) in self.store.rows(sql, values)]
        low = to_bytes(f"{below}/")
        span = (low, low[:-1] + b"0")  # "0" comes after "/"
        return [content for (content,) in self.store.rows(f"{sql} AND path >= ? AND path < ?", (root, *span))]

    def without(self, filters: Filters) -> list[str]:
        """A sentence for each name in filters that nothing in the library has: it may be misspelt."""
        found = []
        for what in ("meter", "style", "feel"):
            known = [name for name in self.columns.names[what] if name]
            for name in getattr(filters, f"{what}s"):
                if name not in known:
                    near = did_you_mean(name, known)
                    if near == "." and known:
                        near = f"; it has {', '.join(map(clean_text, sorted(known)[:MOST_NAMED]))}."
                    found.append(f"Nothing in the library has the {what} {clean_text(name, 40)!r}{near}")
        if filters.folder is not None and not self._in_folder(filters.folder):
            found.append(f"Nothing in the library lies in the folder {clean_text(filters.folder, 200)!r}.")
        return found

    def reading_of(self, path: Path) -> ReadOptions:
        """How a file is read: as its folder was, where that is an indexed one."""
        place = Path(os.path.realpath(path))
        for number, root in self.roots.items():
            if place.is_relative_to(root):
                return self.store.reading(number)
        return ReadOptions()

    # -- search ---------------------------------------------------------------------

    def search(
        self, asked: Asked, model: RhythmVAE | None, filters: Filters | None = None, n: int = 10
    ) -> list[Result]:
        """The n nearest, each pattern once, the nearest first.

        Args:
            model: that the library was made with; None compares patterns alone.
        """
        passes = self.allowed(Filters() if filters is None else filters)
        if not self.columns.n_windows or (passes is not None and not passes.any()):
            return []
        most = SHORTLIST
        while True:
            near = [self._near(variants, asked, model, passes, most) for variants in asked.windows]
            found = self.results(self._by_content(near), asked, filters or Filters(), n)
            # Where a loop is there a thousand times, it is all that a list has room for.
            if len(found) == n or all(len(one.rows) < most for one in near):
                return found
            most *= MORE

    def _near(
        self, variants: tuple[Variant, ...], asked: Asked, model: RhythmVAE | None, passes: BoolArray | None, most: int
    ) -> Near:
        mask = None if asked.voices == ALL_VOICES else asked.mask
        patterns = packed(variants) if mask is None else packed(variants) & mask
        wanted = Wanted(patterns, tuple(variant.cost for variant in variants), asked.voices, mask)
        near = scan.nearest(self.columns, wanted, most, passes)
        if model is None or mask is not None or self.columns.latents.shape[1] != model.config.latent_size:
            return near
        return replace(near, distance=near.distance + FEEL_SHARE * self._feel(near, variants, model))

    def _feel(self, near: Near, variants: tuple[Variant, ...], model: RhythmVAE) -> FloatArray:
        """(K,) how far apart the latents are; 1 for the variants that are not encoded."""
        from rhythmvae.model import latent  # torch, which the page does without: a worker searches for it

        used = list(dict.fromkeys([0, *near.variant.tolist()]))[:MAX_ENCODED]
        z = latent.posterior_of(model, (variants[i].grid for i in used)).mean.numpy()
        there = self.columns.latents[near.rows].astype(np.float32)
        found = np.ones(len(near.rows), np.float32)
        for row, i in enumerate(used):
            own = near.variant == i
            found[own] = np.sqrt(((there[own] - z[row]) ** 2).sum(1) / (2 * z.shape[1]))
        return found

    def _by_content(self, near: list[Near]) -> list[tuple[float, int, int, int]]:
        """(distance, row of contents, row of windows, variant), the nearest first: of a groove of several windows the
        mean over them of each one's nearest in that content."""
        best = [self._nearest(one) for one in near]
        if len(best) == 1:
            return [(distance, content, window, variant) for content, (distance, window, variant) in best[0].items()]
        worst = [max((row[0] for row in found.values()), default=1.0) for found in best]
        merged: list[tuple[float, int, int, int]] = []
        for number in {each for found in best for each in found}:
            rows = [found.get(number, (far, -1, 0)) for found, far in zip(best, worst, strict=True)]
            nearest = min((row for row in rows if row[1] >= 0), key=lambda row: row[0])
            merged.append((sum(row[0] for row in rows) / len(rows), number, nearest[1], nearest[2]))
        return sorted(merged)

    def _nearest(self, near: Near) -> dict[int, tuple[float, int, int]]:
        """Of each content its nearest window: distance, row of windows, variant; the nearest content first."""
        order = np.argsort(near.distance, kind="stable")
        content, first = np.unique(self.columns.content[near.rows[order]], return_index=True)
        by_rank = np.argsort(first)
        chosen = order[first[by_rank]]
        columns_of = (near.distance[chosen], near.rows[chosen], near.variant[chosen])
        rows = zip(*(each.tolist() for each in columns_of), strict=True)
        return dict(zip(content[by_rank].tolist(), rows, strict=True))

    def results(
        self, ranked: list[tuple[float, int, int, int]], asked: Asked, filters: Filters, n: int
    ) -> list[Result]:
        """Results that are spread out: a loop, and two bars, stand there once; the others are its duplicates."""
        own = self.columns
        shown: dict[Any, int] = {}
        results: list[tuple[Result, list[str]]] = []
        for distance, content, window, variant in ranked:
            keys = (int(own.loop[content]), own.words[:, window].tobytes())
            known = next((shown[key] for key in keys if key in shown), None)
            if known is None and len(results) == n:
                break
            files = self._files(content, filters)
            if not files:
                continue
            if known is not None:
                results[known][1].extend(path for _, path in files)
                continue
            shown.update(dict.fromkeys(keys, len(results)))
            root, path = files[0]
            others = [other for _, other in files[1:]]
            results.append((self._result(root, path, (distance, content, window, variant), asked), others))
        return [_with_duplicates(result, others) for result, others in results]

    def _files(self, content: int, filters: Filters) -> list[tuple[int, str]]:
        found = self.store.files_of(int(self.columns.number[content]))
        if filters.folder is None:
            return found
        below = self._below(filters.folder)
        inside = [
            (root, path)
            for root, path in found
            if any(root == own and (not name or path.startswith(f"{name}/")) for own, name in below)
        ]
        return inside or found

    def _result(self, root: int, path: str, ranked: tuple[float, int, int, int], asked: Asked) -> Result:
        own = self.columns
        distance, content, window, variant = ranked
        what = asked.windows[0][min(variant, len(asked.windows[0]) - 1)]
        first, last = own.bars[window].tolist()
        n_bars = int(own.n_bars[content])
        feel = int(own.feel[content])
        return Result(
            folder=self.roots[root],
            path=path,
            content=int(own.number[content]),
            bars=(1, n_bars) if n_bars <= max(last - first + 1, asked.n_bars) else (first, last),
            distance=0.0 if distance < SAME else round(distance, DIGITS),
            duplicates=(),
            turned=what.turned,
            rate=what.rate,
            tempo=round(float(own.tempo[content]), 3),
            meter=own.names["meter"][int(own.meter[content])],
            style=own.names["style"][int(own.style[content])],
            feel=tuple(name for i, name in enumerate(own.names["feel"]) if feel >> i & 1),
            n_bars=n_bars,
        )

    # -- counts -----------------------------------------------------------------------

    def counts(self, name: str, filters: Filters | None = None) -> dict[str, int]:
        """How many contents there are of each `meter`, `style`, `plays` or `feel`, the most frequent first."""
        own = self.columns
        passes = self.allowed(Filters() if filters is None else filters)
        values = np.asarray(getattr(own, name))
        values = values if passes is None else values[passes]
        if name == "feel":
            found = {each: int((values >> i & 1).sum()) for i, each in enumerate(own.names[name])}
        else:
            numbers = np.bincount(values, minlength=len(own.names[name])).tolist()
            found = dict(zip(own.names[name], numbers, strict=True))
        return {each: found[each] for each in sorted(found, key=lambda each: (-found[each], each)) if found[each]}


@contextmanager
def opened(folder: Path) -> Iterator[Library]:
    """A library for the block, in which whatever a damaged file has is an error of ours.

    Raises:
        LibraryError: as `Library` and `undamaged`.
    """
    with undamaged(folder), closing(Library(folder)) as library:
        yield library


def _with_duplicates(result: Result, others: list[str]) -> Result:
    return replace(result, duplicates=tuple(dict.fromkeys(others))[:MAX_DUPLICATES])
