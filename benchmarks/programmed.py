"""What people program, rebuilt: python -m benchmarks.programmed [--checkpoint FILE] [--json] [LOOPS ...]

Patterns made by rule go the whole way of a file: written as MIDI, read, rebuilt, written and read again, and measured
against what was written: blast beats of 32nds at five tempos, 64th rolls, very soft and even velocities, trap loops
with ratchets. Beside the model stands the grid alone, which says how much of them the representation holds. LOOPS are
files, folders or zips that are rebuilt in the same way, a row each; F1 is then the mean of their files.

The patterns share nothing with rhythmvae/data/programmed.py, which models learn from: they are written out below, in
other tempos, lengths and drums. Each is lines of text, one a drum: beats apart by spaces, each in equal columns.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmvae.analysis.metrics import Score, score
from rhythmvae.data import corpus
from rhythmvae.groove import FOUR_IN_TIME, STEPS_PER_QUARTER, Groove, Layers, Meter, Tempo, from_grid, to_grid
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, latent
from rhythmvae.model.card import SHIPPED

Hit = tuple[float, str, int]  # beats from the start, voice, velocity
Velocity = Callable[[float], int]  # of a beat
Model = Callable[[Groove], Groove]

COLUMNS = ("Patterns", "Files", "F1 50 ms", "F1 25 ms", "Worst at 25 ms", "Timing ms", "Velocity", "Grid at 25 ms")
TEMPOS = (60, 90, 120, 180, 240)

# -- the patterns --------------------------------------------------------------

THIRTY_SECONDS, SIXTY_FOURTHS = "x" * 8, "x" * 16
BLASTS = (
    {"snare": THIRTY_SECONDS},
    {"closed_hat": THIRTY_SECONDS, "kick": "x"},
    {"kick": "x.x.x.x.", "snare": ".x.x.x.x", "closed_hat": "x.x.x.x."},
    {"kick": THIRTY_SECONDS, "snare": THIRTY_SECONDS, "ride": THIRTY_SECONDS},
    {"kick": THIRTY_SECONDS, "snare": "..x...x.", "crash": "x..."},
    {"low_tom": THIRTY_SECONDS, "high_tom": "x...x...", "open_hat": "."},
)
ROLLS = (
    {"closed_hat": SIXTY_FOURTHS, "kick": "x . x .", "snare": ". x . x"},
    {"closed_hat": f"xxxx xxxx xxxx {SIXTY_FOURTHS}", "kick": "x . . x..x", "snare": ". . x ."},
    {"closed_hat": f"x.x. x.x. {'x' * 8}x...x... x.x.", "kick": "x . .x .", "snare": ". x . x"},
    {"snare": f"x . {SIXTY_FOURTHS} .", "ride": "xx xx xx xx", "kick": "x . . x"},
    {"open_hat": f". .... ........{'x' * 8} x", "kick": "x xx x x", "snare": ". x . x"},
)
BEATS = (
    {"closed_hat": "xx xx xx xx", "kick": "x . xx .", "snare": ". x . x"},
    {"closed_hat": "xxxx xxxx xxxx xxxx", "kick": "x .. x..x ..x.", "snare": ". x . x"},
    {"open_hat": ".x .x .x .x", "closed_hat": "x. x. x. x.", "kick": "x x x x", "snare": ". x . x"},
    {"ride": "x x.x x x.x", "closed_hat": ". x . x", "kick": "x . x ."},
    {"closed_hat": "xx xx xx xx", "kick": "x ..x. .x .", "snare": "x..x ..x. .x.. x..."},
    {"low_tom": "x.xx x.xx x.xx x.xx", "mid_tom": ".x.. ...x .x.. ...x", "kick": "x x x x", "crash": "x . . ."},
)
RATCHETS = (3, 4, 6, 8)  # strokes


def lane(voice: str, text: str, n_beats: int, velocity: Velocity) -> Iterator[Hit]:
    """A line of text, said again until the beats are full.

    >>> list(lane("kick", "x .x", 2, lambda beat: 110))
    [(0.0, 'kick', 110), (1.5, 'kick', 110)]
    """
    beats = text.split()
    for beat in range(n_beats):
        columns = beats[beat % len(beats)]
        places = (beat + column / len(columns) for column, sign in enumerate(columns) if sign == "x")
        yield from ((place, voice, velocity(place)) for place in places)


def pattern(lanes: dict[str, str], n_beats: int, bpm: float, velocity: Velocity, meter: int = 4) -> Groove:
    """Lanes together as a groove of so many quarter notes."""
    hits = [hit for voice, text in lanes.items() for hit in lane(voice, text, n_beats, velocity)]
    beat, voice, level = zip(*hits, strict=True)
    return Groove(
        STEPS_PER_QUARTER * np.array(beat),
        np.array([VOICE_INDEX[key] for key in voice]),
        np.array(level),
        STEPS_PER_QUARTER * n_beats,
        (Tempo(0.0, bpm),),
        (Meter(0.0, meter, 4),),
    )


def flat(level: int) -> Velocity:
    return lambda _: level


def swelling(beat: float) -> int:
    """From soft to loud within each beat."""
    return round(30 + 90 * (beat % 1))


EVEN = flat(110)


def ratcheted(n: int, is_half: bool) -> dict[str, str]:
    """Two bars of trap: hats in eighths with two ratchets of n in a beat, or in its second half."""
    roll = "x" + "." * (n - 1) + "x" * n if is_half else "x" * n
    hats = f"xx xx xx {roll} xx {roll} xxxx xx"
    return {"closed_hat": hats, "snare": ". . x . . . x .", "kick": "x . ..x. . ...x x . .x"}


def families() -> dict[str, list[Groove]]:
    """The patterns, by what makes them hard."""
    found = {f"blast beats at {bpm} BPM": [pattern(lanes, 12, bpm, EVEN) for lanes in BLASTS] for bpm in TEMPOS}
    found["64th rolls"] = [
        pattern(lanes, 12, bpm, velocity) for lanes in ROLLS for bpm in (66, 104) for velocity in (EVEN, swelling)
    ]
    for level in (1, 2):
        found[f"all velocities {level}"] = [pattern(lanes, 20, 97, flat(level)) for lanes in BEATS]
    found["all even, exact"] = [
        pattern(lanes, n_beats, bpm, EVEN, meter)
        for lanes in BEATS
        for n_beats, bpm, meter in ((20, 97, 4), (21, 133, 7))
    ]
    for name, is_half in (("a beat", False), ("half a beat", True)):
        found[f"trap, ratchets in {name}"] = [
            pattern(ratcheted(n, is_half), 24, bpm, velocity)
            for n in RATCHETS
            for bpm in (74, 142)
            for velocity in (EVEN, swelling)
        ]
    return found


# -- measuring -----------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A family: scores of the model, and of the grid alone, a pattern each."""

    name: str
    scores: list[Score]
    floor: list[Score]

    @property
    def cells(self) -> list[str]:
        """As in COLUMNS. F1 is the mean over files, timing and velocity over hits."""
        total = Score.total(self.scores)
        strict = [one.f1_strict for one in self.scores]
        timing, velocity = (f"{value or 0.0:.1f}" for value in (total.timing_mae_ms, total.velocity_mae))
        f1, f1_strict, grid = (
            f"{np.mean(values):.3f}"
            for values in ([s.f1 for s in self.scores], strict, [s.f1_strict for s in self.floor])
        )
        return [self.name, f"{len(self.scores)}", f1, f1_strict, f"{min(strict):.3f}", timing, velocity, grid]


def through_a_file(groove: Groove) -> Groove:
    return read_midi(write_midi(groove), "pattern.mid")[0]


def through_the_grid(groove: Groove, layers: Layers) -> Groove:
    return from_grid(to_grid(groove, layers).tensor, groove)


def measured(name: str, grooves: Sequence[Groove], rebuild: Model, layers: Layers = FOUR_IN_TIME) -> Row:
    """Every groove out of a file, rebuilt, and through a file again, against the first; `layers` are the model's."""
    written = [through_a_file(groove) for groove in grooves]
    return Row(
        name,
        [score(groove, through_a_file(rebuild(groove))) for groove in written],
        [score(groove, through_the_grid(groove, layers)) for groove in written],
    )


def mean_of(rows: Iterable[Row]) -> Row:
    rows = list(rows)
    return Row("all patterns", [s for row in rows for s in row.scores], [s for row in rows for s in row.floor])


def main() -> None:
    parser = argparse.ArgumentParser(description="What people program, rebuilt.")
    parser.add_argument("loops", nargs="*", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    model = checkpoint.load(options.checkpoint).model

    def rebuild(groove: Groove) -> Groove:
        return latent.reconstruct(model, groove)

    layers = model.config.layers
    rows = [measured(name, grooves, rebuild, layers) for name, grooves in families().items()]
    rows.append(mean_of(rows))
    for path in options.loops:
        takes = corpus.load([path]).takes
        rows.append(measured(path.name, [take.groove for take in takes if len(take.groove)], rebuild, layers))
    if options.json:
        print(json.dumps({"rows": [row.cells for row in rows]}, indent=1))
        return
    print(f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row.cells)} |")


if __name__ == "__main__":
    main()
