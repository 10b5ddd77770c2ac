"""How right is what is learned of a groove: python -m benchmarks.labels GROOVE.zip SONGS.zip [--json]

GROOVE is the Groove MIDI Dataset, whose validation rows are judged; SONGS whole songs, which nobody of it plays.
benchmarks.describe prints these rows among its own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rhythmvae.analysis import description, features
from rhythmvae.data import corpus
from rhythmvae.data.corpus import Take
from rhythmvae.data.files import find_sources
from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove, window_spans
from rhythmvae.midi.read import read_midi
from rhythmvae.model import labels
from rhythmvae.training.labels import backwards, numbers, right, short, shuffled, style_of

Row = list[str]
COLUMNS = ["item", "data", "n", "asked", "floor", "ours"]
FOUR = ("funk", "jazz", "latin", "rock")
N_FREQUENT = 12
FEWEST_BARS = 8  # of a song
VALIDATION, HELD_OUT = "validation takes", "training takes, held out in turn"


def row(item: str, data: str, n: int, ours: float, *, floor: float | None = None, asked: str = "") -> Row:
    return [item, data, str(n), asked, "" if floor is None else f"{floor:.3f}", f"{ours:.3f}"]


def learned_rows(takes: Sequence[Take], songs: Sequence[Groove], rng: np.random.Generator) -> list[Row]:
    """Style, drummer, beat or fill and "does not know" of the shipped labels, on takes that they have not seen."""
    rows = features.of_grooves(numbers([take.groove for take in takes]))
    return [
        *style_rows(takes, rows),
        *drummer_rows(takes, rows),
        nearest_row(takes, rows),
        *fill_rows(takes),
        *unlike_rows(rows, takes, songs, rng),
    ]


def style_rows(takes: Sequence[Take], rows: Any) -> list[Row]:
    known = labels.shipped()
    names = np.array(known.facts.styles)
    true, shares = np.array([style_of(take) for take in takes]), known.shares("style", rows)
    is_four, is_frequent = np.isin(true, FOUR), np.isin(true, names[:N_FREQUENT])
    of_four = true[is_four]
    among = shares[:, [known.facts.styles.index(name) for name in FOUR]][is_four]
    said = np.array(FOUR)[among.argmax(1)]
    share = among.max(1) / among.sum(1)
    off, by_chance = calibration_error(share, said == of_four), chance_error(share)
    first = names[shares.argmax(1)] == true
    frequent = right(shares[is_frequent], true[is_frequent], known.facts.styles)
    floor, n = macro_f1(np.full(len(of_four), names[0]), of_four), len(of_four)
    return [
        row("style of four, macro F1", VALIDATION, n, macro_f1(said, of_four), floor=floor, asked="0.75"),
        row("the same, calibration error", VALIDATION, n, off, floor=by_chance, asked="0.08"),
        row(
            "style, 12 most frequent, first or second",
            VALIDATION,
            int(frequent["n"]),
            frequent["first_or_second"],
            floor=frequent["most_frequent"],
            asked="0.70",
        ),
        row("style, calibration error", VALIDATION, len(true), calibration_error(shares.max(1), first)),
        *held_out_rows("style"),
    ]


def held_out_rows(kind: str) -> list[Row]:
    """The first answer on takes, sessions and drummers that were held out while the labels were learned."""
    figures = {name: own[kind] for name, own in labels.shipped().facts.figures.items() if kind in own}
    words = {"takes": "new take", "bars": "four bars of a new take", "sessions": "new session"}
    words["drummers"] = "new drummer"
    return [
        row(f"{kind}, {words[name]}", HELD_OUT, int(own["n"]), own["first"], floor=own["most_frequent"])
        for name, own in figures.items()
    ]


def drummer_rows(takes: Sequence[Take], rows: Any) -> list[Row]:
    known = labels.shipped()
    true = np.array([take.labels["drummer"] for take in takes])
    found = right(known.shares("drummer", rows), true, known.facts.drummers)
    ours = row("drummer", VALIDATION, len(true), found["first"], floor=found["most_frequent"])
    return [ours, *held_out_rows("drummer")]


def nearest_row(takes: Sequence[Take], rows: Any) -> Row:
    """How often the nearest training take has a take's style; what a training take by chance has is the floor."""
    known = labels.shipped()
    styles = np.array([style for _, style, _ in known.facts.takes])
    true = np.array([style_of(take) for take in takes])
    nearest, _ = known.space.nearest(rows, 1)
    by_chance = float((styles[:, None] == true).mean())
    return row(
        "style of the nearest take",
        VALIDATION,
        len(true),
        float((styles[nearest[:, 0]] == true).mean()),
        floor=by_chance,
    )


def fill_rows(takes: Sequence[Take]) -> list[Row]:
    """Beat or fill of windows of two bars, balanced; how full a window is is the floor."""
    windows = [(take, take.groove.slice(span.start, span.stop)) for take in takes for span in window_spans(take.groove)]
    windows = [(take, window) for take, window in windows if len(window)]
    true = np.array([take.labels["beat_type"] == "fill" for take, _ in windows])
    found = labels.shipped().of([description.seen(window) for _, window in windows])
    said = np.array([one["beat_or_fill"]["label"] == "fill" for one in found])
    density = np.array([len(window) / window.n_steps for _, window in windows])
    ours, full = balanced(said, true), balanced(density > np.median(density), true)
    name = "windows of two bars, validation"
    return [row("beat or fill, balanced accuracy", name, len(true), ours, floor=max(full, 1 - full), asked="0.92")]


def unlike_rows(rows: Any, takes: Sequence[Take], songs: Sequence[Groove], rng: np.random.Generator) -> list[Row]:
    """How well takes are known from songs, and from takes backwards and with their steps in another order."""
    known = labels.shipped()
    held = [short(take.groove, rng) for take in takes]
    ways = {"backwards": backwards, "shuffled": shuffled}
    made = {name: [make(groove, rng) for groove in held] for name, make in ways.items()}
    like = known.log_odds("like", rows)
    scores = {
        name: known.log_odds("like", features.of_grooves(numbers(each)))
        for name, each in {"songs": songs, **made}.items()
    }
    scores["all of these"] = np.concatenate(list(scores.values()))
    return [
        *(
            row("unlike training, AUROC", f"takes against {name}", len(own), auroc(like, own), floor=0.5, asked="0.90")
            for name, own in scores.items()
        ),
        row("takes that are called unlike", VALIDATION, len(like), float((like < known.facts.like_from).mean())),
    ]


# -- figures -------------------------------------------------------------------


def macro_f1(said: Any, true: Any) -> float:
    """The mean of the classes' F1."""
    pairs = [(said == name, true == name) for name in np.unique(true)]
    return float(np.mean([2 * (a & b).sum() / max(a.sum() + b.sum(), 1) for a, b in pairs]))


def calibration_error(share: Any, is_right: Any, n_bins: int = 10) -> float:
    """Expected calibration error: by how much probabilities and shares of right answers differ, in bins."""
    own = np.minimum((share * n_bins).astype(int), n_bins - 1)
    bins = [own == i for i in range(n_bins) if (own == i).any()]
    return float(sum(abs(share[each].mean() - is_right[each].mean()) * each.mean() for each in bins))


def chance_error(share: Any, n_draws: int = 2_000) -> float:
    """The calibration error that probabilities have in the mean where they are exactly right, by the few of them."""
    rng = np.random.default_rng(0)
    return float(np.mean([calibration_error(share, rng.random(len(share)) < share) for _ in range(n_draws)]))


def balanced(said: Any, true: Any) -> float:
    return float((said[true].mean() + (~said[~true]).mean()) / 2)


def auroc(high: Any, low: Any) -> float:
    """How often one of the first has more than one of the others; half where they are equal."""
    return float(((high[:, None] > low).mean() + (high[:, None] >= low).mean()) / 2)


# -- the command ---------------------------------------------------------------


def judged(path: Path) -> list[Take]:
    """The validation rows of the Groove MIDI Dataset that play something."""
    return [take for take in corpus.load([path]).only("validation") if len(take.groove) > 1]


def readable(path: Path) -> list[tuple[str, bytes, Groove, bool]]:
    """Name, bytes and groove of every file that can be read, and whether it says its tempo."""
    found = []
    for source in find_sources([path]).sources:
        data = source.read()
        try:
            groove, report = read_midi(data, source.name)
        except RhythmVAEError:
            continue
        found.append((source.name, data, groove, all(c.kind != "tempo_assumed" for c in report.changes)))
    return found


def songs_of(path: Path) -> list[Groove]:
    return [groove for _, _, groove, _ in readable(path) if groove.n_bars >= FEWEST_BARS]


def print_rows(rows: Sequence[Row], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"rows": rows}, indent=1))
        return
    widths = [max(len(each[i]) for each in [COLUMNS, *rows]) for i in range(len(COLUMNS))]
    for each in [COLUMNS, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip())


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("groove", "songs"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = learned_rows(judged(options.groove), songs_of(options.songs), np.random.default_rng(0))
    print_rows(rows, as_json=options.json)


if __name__ == "__main__":
    main()
