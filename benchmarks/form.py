"""How right the sections of a song are: python -m benchmarks.form GROOVE.zip LOOPS.zip SONGS.zip [--json]

Songs whose form is known are joined from parts. Two sets: parts of SONGS, whole songs that nothing is chosen on; and
training takes of GROOVE (the Groove MIDI Dataset) and LOOPS, with small changes, fills at the seams and parts that
differ by one limb alone. Prints the F1 of boundaries within a bar, every fourth bar as its floor, and what is wrong, by
kind. With --learn and without SONGS, the trees of rhythmvae/analysis/seams.npz are learned anew from every second take
and loop; those between are the ones that the second set is made of.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.labels import Row, print_rows, readable, songs_of
from rhythmvae.analysis import seams
from rhythmvae.analysis.forest import planted
from rhythmvae.analysis.form import form, hits_in_bars, likeness, seam_numbers
from rhythmvae.data import corpus
from rhythmvae.groove import BoolArray, FloatArray, Groove, IntArray
from rhythmvae.kit import VOICE_INDEX

Rng = np.random.Generator
Joined = tuple[Groove, list[int]]  # a song and the bars after which another part begins

DEVELOPED = "takes and loops not learned from, joined"
PHRASES, AS_THEY_ARE = "phrases of songs, joined", "bars of songs as they are, joined"
N_SONGS = 100
N_DRAWS = 3
BAR = 16  # steps
SIBLING = re.compile(r"\d+_(\w+?)_(?:measure|break)")  # in a loop's name: the pattern that it is a bar of

N_LEARNED = 2400  # songs
BOOSTED = {
    "n_estimators": 80,
    "learning_rate": 0.15,
    "max_leaf_nodes": 16,
    "max_depth": None,
    "min_samples_leaf": 30,
    "subsample": 0.7,
    "max_features": 0.3,
}

# -- the set that is learned from
ORDERS = ("A", "AB", "ABA", "AABA", "ABAB", "ABC", "ABAC", "ABCA", "AABC", "ABABCB")
ROUND, ODD, ODD_SHARE = (4, 8, 8, 8, 12, 16, 16), (3, 5, 6, 7, 9, 10), 0.12  # bars of a part
SHARE_LOOP, SHARE_PHRASE = 0.3, 0.35  # of parts: a loop, a phrase of a take again and again; the others are as played
SHARE_ALIKE = 0.15  # of parts that are an earlier one with another limb
SHARE_FILL, SHARE_CRASH, SHARE_CHANGED, SHARE_FLAT = 0.5, 0.3, 0.5, 0.4
SHARE_CUT = 0.1  # of songs that begin or end within a phrase
CHANGED_HITS = 0.06  # of a bar that is changed
ALIKE = 0.75  # of their own likeness, which bars on both sides of a boundary have at least where nothing changes
NEAR = 4  # bars on both sides of a boundary


@dataclass(frozen=True)
class Sources:
    """What parts are made of: takes of beats, bars of fills, and loops of a bar, siblings (A, B, break) together."""

    beats: Sequence[Groove]
    fills: Sequence[Groove]
    loops: Sequence[Sequence[Groove]]

    def half(self, first: int) -> Sources:
        """Every second of each, from the first (0), which is learned from, or from the second (1), which is judged."""
        return Sources(self.beats[first::2], self.fills[first::2], self.loops[first::2])


def sources_of(groove_zip: Path, loops_zip: Path) -> Sources:
    takes = [take for take in corpus.load([groove_zip]).only("train") if _is_plain(take.groove)]
    beats = [t.groove for t in takes if t.labels["beat_type"] == "beat" and t.groove.n_bars >= max(ROUND)]
    fills = [t.groove.bars(1, 1) for t in takes if t.labels["beat_type"] == "fill"]
    siblings: dict[str, list[Groove]] = {}
    for name, _, groove, _ in readable(loops_zip):
        named = SIBLING.search(name)
        if named and _is_plain(groove) and groove.n_steps == BAR:
            siblings.setdefault(named[1], []).append(groove)
    return Sources(beats, [fill for fill in fills if len(fill) > 3], list(siblings.values()))


def _is_plain(groove: Groove) -> bool:
    return [str(meter) for meter in groove.meters] == ["4/4"] and len(groove) > 4


def developed(sources: Sources, rng: Rng) -> Joined:
    """A song joined from parts of takes and loops, each played again as it was or with small changes."""
    order = str(rng.choice(ORDERS))
    parts: dict[str, Groove] = {}
    for name in sorted(set(order)):
        if parts and rng.random() < SHARE_ALIKE:
            parts[name] = _with_other_limb(parts[min(parts)], sources, rng)
        else:
            parts[name] = _part(sources, rng)
    played: list[Groove] = []
    seen: set[str] = set()
    is_flat = rng.random() < SHARE_FLAT
    for i, name in enumerate(order):
        part = parts[name]
        if name in seen and rng.random() < SHARE_CHANGED:
            part = _changed(part, rng)
        if rng.random() < SHARE_FILL:
            part = _with_fill(part, sources, rng)
        if (i == 0 or order[i - 1] != name) and rng.random() < SHARE_CRASH:
            part = part.with_more(np.array([0.0]), np.array([VOICE_INDEX["crash"]]), np.array([110]))
        played.append(part)
        seen.add(name)
    song = in_a_row(played)
    if is_flat:
        position = np.minimum(np.rint(song.position), song.n_steps - 1)
        song = song.with_hits(position, song.voice, song.velocity // 64 * 48 + 50)
    ends = np.cumsum([part.n_bars for part in played])
    first = int(rng.integers(1, 3)) if rng.random() < SHARE_CUT else 0
    last = song.n_bars - int(rng.random() < SHARE_CUT)
    seams = [int(end) - first for end, a, b in zip(ends[:-1], order[:-1], order[1:], strict=True) if a != b]
    return song.bars(first + 1, last), [seam for seam in seams if seam < last - first]


def _part(sources: Sources, rng: Rng) -> Groove:
    n = int(rng.choice(ODD if rng.random() < ODD_SHARE else ROUND))
    kind = rng.random()
    if kind < SHARE_LOOP:
        own = sources.loops[int(rng.integers(len(sources.loops)))]
        bars = [own[int(rng.integers(len(own)))] for _ in range(int(rng.choice([1, 2, 4])))]
        return _repeated(in_a_row(bars), n, rng)
    take = sources.beats[int(rng.integers(len(sources.beats)))]
    own_bars = min(int(rng.choice([1, 2, 4])), n) if kind < SHARE_LOOP + SHARE_PHRASE else n
    first = int(rng.integers(1, max(take.n_bars - own_bars, 1) + 1))  # not the last bar, often cut short
    return _repeated(take.bars(first, first + own_bars - 1), n, rng)


def _repeated(phrase: Groove, n_bars: int, rng: Rng) -> Groove:
    """A phrase until there are so many bars, some rounds of it with small changes."""
    if phrase.n_bars == n_bars:
        return phrase
    times = -(-n_bars // phrase.n_bars)
    rounds = [_changed(phrase, rng) if rng.random() < SHARE_CHANGED else phrase for _ in range(times)]
    return in_a_row(rounds).bars(1, n_bars)


def _changed(part: Groove, rng: Rng) -> Groove:
    """Some hits left out, some a 16th aside."""
    kept = part.some(rng.random(len(part)) >= CHANGED_HITS / 2)
    aside = (rng.random(len(kept)) < CHANGED_HITS / 2) * rng.choice([-1, 1], len(kept))
    return kept.with_hits(np.clip(kept.position + aside, 0, kept.n_steps - 0.01), kept.voice, kept.velocity)


def _with_fill(part: Groove, sources: Sources, rng: Rng) -> Groove:
    """The last bar, or its second half, in place of a fill's."""
    fill = sources.fills[int(rng.integers(len(sources.fills)))]
    start = part.n_steps - int(rng.choice([BAR, BAR // 2]))
    kept, new = part.some(part.position < start), fill.position >= start % BAR
    position = np.clip(fill.position[new] + part.n_steps - BAR, 0, part.n_steps - 0.01)
    return kept.with_more(position, fill.voice[new], fill.velocity[new])


def _with_other_limb(part: Groove, sources: Sources, rng: Rng) -> Groove:
    """The part with hats on the ride (or the other way), or with the kick of another."""
    if rng.random() < 0.5:
        to = np.arange(len(VOICE_INDEX))
        hat, open_hat, ride = (VOICE_INDEX[key] for key in ("closed_hat", "open_hat", "ride"))
        to[[hat, open_hat, ride]] = ride, ride, hat
        return part.with_hits(part.position, to[part.voice], part.velocity)
    kick = VOICE_INDEX["kick"]
    other = _part(sources, rng)
    other = other.looped(-(-part.n_bars // other.n_bars)).bars(1, part.n_bars)
    other = other.some(other.voice == kick)
    return part.some(part.voice != kick).with_more(other.position, other.voice, other.velocity)


# -- joined as they are --------------------------------------------------------


def joined(songs: Sequence[Groove], rng: Rng, is_phrase: bool) -> Joined:
    """A song of two or three known parts (A B, A B A, A A B A...), and the bars after which another part begins.

    A part is a phrase of 1, 2 or 4 bars again and again, or bars of a song as they are; 4 to 16 bars long.
    """
    parts: list[Groove] = []
    n_parts = int(rng.integers(2, 4))
    while len(parts) < n_parts:
        song, n = songs[int(rng.integers(len(songs)))], int(rng.choice([4, 8, 8, 16]))
        own = min(int(rng.choice([1, 2, 4])), n) if is_phrase else n
        if song.n_bars < own:
            continue
        first = int(rng.integers(1, song.n_bars - own + 2))
        part = song.bars(first, first + own - 1)
        if len(part) >= 4 * own and part.n_steps == 16 * own and str(part.meters[0]) == "4/4":
            parts.append(part.looped(n // own))
    order = [[0, 1], [0, 1, 0], [0, 0, 1, 0], [0, 1, 0, 1]] if n_parts == 2 else [[0, 1, 2], [0, 1, 0, 2], [0, 1, 2, 0]]
    chosen = order[int(rng.integers(len(order)))]
    ends = np.cumsum([parts[i].n_bars for i in chosen])
    seams = [int(end) for end, a, b in zip(ends[:-1], chosen[:-1], chosen[1:], strict=True) if a != b]
    return in_a_row([parts[i] for i in chosen]), seams


def in_a_row(parts: Sequence[Groove]) -> Groove:
    """Parts one after the other, in the first one's tempo and meter."""
    starts = np.cumsum([0, *(part.n_steps for part in parts)])
    position = np.concatenate([part.position + start for part, start in zip(parts, starts[:-1], strict=True)])
    voice, velocity = (np.concatenate([getattr(part, key) for part in parts]) for key in ("voice", "velocity"))
    return Groove(np.maximum(position, 0), voice, velocity, int(starts[-1]), parts[0].tempos[:1], parts[0].meters[:1])


# -- learning ------------------------------------------------------------------


def learned(sources: Sources, n_songs: int = N_LEARNED, seed: int = 0) -> dict[str, Any]:
    """The trees of `seams` as arrays of a file, from songs that are joined from `sources`."""
    from sklearn.ensemble import GradientBoostingClassifier

    rng = np.random.default_rng(seed)
    rows, is_seam = map(np.concatenate, zip(*(examples(*developed(sources, rng)) for _ in range(n_songs)), strict=True))
    grown = GradientBoostingClassifier(**BOOSTED, random_state=seed).fit(rows, is_seam)
    trees = [each.tree_ for each in grown.estimators_[:, 0]]
    rate = BOOSTED["learning_rate"]
    parts = [
        (tree.children_left, tree.children_right, tree.feature, tree.threshold, rate * tree.value[:, 0, 0])
        for tree in trees
    ]
    forest = planted(parts)
    base = float(np.median(grown.decision_function(rows[:50]) - forest.sums(rows[:50])))
    return {**forest.kept(), "base": np.float64(base)}


def examples(song: Groove, true: Sequence[int]) -> tuple[FloatArray, BoolArray]:
    """What the trees are shown of each line of a song, the last true boundary known, and which are boundaries."""
    line = np.arange(1, song.n_bars)
    begun = np.concatenate(([0], true)).astype(np.int64)
    last = begun[np.searchsorted(begun, line, side="left") - 1]
    return seams.with_age(seam_numbers(*heard(song)), line - last), np.isin(line, true)


# -- figures -------------------------------------------------------------------


def matched(found: Sequence[int], true: Sequence[int], within: int = 1) -> list[tuple[int, int]]:
    """Pairs of boundaries (found, true), each found one within so many bars of a true one that no other has."""
    left, pairs = list(found), []
    for seam in true:
        near = [each for each in left if abs(each - seam) <= within]
        if near:
            own = min(near, key=lambda each: abs(each - seam))
            left.remove(own)
            pairs.append((own, seam))
    return pairs


def boundary_f1(pairs: Sequence[tuple[list[int], list[int]]]) -> float:
    """F1 of boundaries (found, true) of many songs together."""
    n_hit = sum(len(matched(found, true)) for found, true in pairs)
    return 2 * n_hit / sum(len(found) + len(true) for found, true in pairs)


def heard(song: Groove) -> tuple[FloatArray, IntArray, IntArray]:
    """The likeness of a song's bars, and for each hit its cell and its bar."""
    cells, bar = hits_in_bars(song, song.bar_lines)
    return likeness(song, song.bar_lines, cells, bar), cells, bar


def of_set(name: str, make: Callable[[Rng], Joined], rngs: Sequence[Rng]) -> list[tuple[Row, Counter[str]]]:
    """A row for each generator, of N_SONGS songs that it draws, and what is wrong in them."""
    found = []
    for rng in rngs:
        made = [make(rng) for _ in range(N_SONGS)]
        ours = [[first - 1 for first, _, _ in form(song).sections[1:]] for song, _ in made]
        floor = [list(range(4, song.n_bars, 4)) for song, _ in made]
        seams = [own for _, own in made]
        f1 = [f"{boundary_f1(list(zip(said, seams, strict=True))):.3f}" for said in (floor, ours)]
        wrong = sum((mistakes(song, said, own) for said, (song, own) in zip(ours, made, strict=True)), Counter[str]())
        found.append((["form, boundary F1", name, str(N_SONGS), "0.85", *f1], wrong))
    return found


def form_rows(songs: Sequence[Groove], rng: Rng) -> list[Row]:
    """Songs joined from phrases and from bars as they are."""
    return [
        of_set(name, partial(joined, songs, is_phrase=is_phrase), [rng])[0][0]
        for is_phrase, name in ((True, PHRASES), (False, AS_THEY_ARE))
    ]


def mistakes(song: Groove, found: Sequence[int], true: Sequence[int]) -> Counter[str]:
    """How many boundaries of each kind are wrong, beside those that are right."""
    pairs = matched(found, true)
    like, _, _ = heard(song)
    kinds = Counter({"right": len(pairs)})
    for name, wrong, others in (
        ("missed", set(true) - {seam for _, seam in pairs}, found),
        ("invented", set(found) - {own for own, _ in pairs}, true),
    ):
        for bar in wrong:
            if any(abs(bar - other) < NEAR for other in others):
                kinds[f"{name}, another within {NEAR - 1} bars"] += 1
            else:
                kinds[f"{name}, bars {'change' if changes(like, bar) else 'are alike'} there"] += 1
    return kinds


def changes(like: FloatArray, bar: int) -> bool:
    """Whether the bars before and after a boundary are less like each other than ALIKE of their own likeness."""
    before, after = slice(max(0, bar - NEAR), bar), slice(bar, bar + NEAR)
    own = (like[before, before].mean() * like[after, after].mean()) ** 0.5
    return bool(like[before, after].mean() < ALIKE * own)


# -- the command ---------------------------------------------------------------


def measured(groove_zip: Path, loops_zip: Path, songs_zip: Path) -> list[Row]:
    sources, songs = sources_of(groove_zip, loops_zip).half(1), songs_of(songs_zip)
    rows: list[Row] = []
    for name, make in (
        (DEVELOPED, partial(developed, sources)),
        (PHRASES, partial(joined, songs, is_phrase=True)),
        (AS_THEY_ARE, partial(joined, songs, is_phrase=False)),
    ):
        drawn = of_set(name, make, [np.random.default_rng(seed) for seed in range(N_DRAWS)])
        rows += [row for row, _ in drawn]
        wrong = sum((each for _, each in drawn), Counter[str]())
        rows += [[kind, name, str(N_DRAWS * N_SONGS), "", "", str(n)] for kind, n in sorted(wrong.items())]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("groove", "loops"):
        parser.add_argument(name, type=Path)
    parser.add_argument("songs", type=Path, nargs="?")
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.learn == (options.songs is not None):
        parser.error("give SONGS to measure, or --learn without them")
    if options.learn:
        np.savez_compressed(seams.TABLE, **learned(sources_of(options.groove, options.loops).half(0)))
        return
    print_rows(measured(options.groove, options.loops, options.songs), as_json=options.json)


if __name__ == "__main__":
    main()
