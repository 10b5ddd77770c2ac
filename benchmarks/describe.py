"""How right is what is said of a groove: python -m benchmarks.describe GROOVE.zip LOOPS.zip SONGS.zip [--json]

GROOVE is the Groove MIDI Dataset (its validation rows are judged), LOOPS a folder or zip of loops whose files say
their tempo and meter, SONGS one of whole songs. Everything that is judged is seen as its onsets alone have it: tempos
are written at half or double, meters are taken out of the files. Patterns with known values, and patterns that have a
property or narrowly lack it, are made here from a seed. Prints a row for each item: what is asked, the floor, ours.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np

from benchmarks import beats
from benchmarks.built import RULES, known_levels, known_timing
from benchmarks.form import form_rows
from benchmarks.labels import Row, judged, learned_rows, print_rows, readable, songs_of
from rhythmvae.analysis import description
from rhythmvae.analysis.elements import CLASSES, levels
from rhythmvae.analysis.pulse import felt_bpm, heard_meter
from rhythmvae.analysis.rhythm import drum_timing, swing_ratio
from rhythmvae.analysis.timing import timing
from rhythmvae.data.examples import EXAMPLES
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import labels

Rng = np.random.Generator
MADE_METERS = {"3/4": 12, "5/4": 20, "7/8": 14}
LONG_BARS = 500
N_PASSES = 5  # over the loops; the quickest counts, as other work slows the others


# -- data ----------------------------------------------------------------------


def without_meter(data: bytes) -> Groove:
    """A file as it is read when nothing in it says its meter."""
    file = mido.MidiFile(file=io.BytesIO(data))
    for track in file.tracks:
        kept, waited = [], 0
        for message in track:
            if message.type == "time_signature":
                waited += message.time
            else:
                kept.append(message.copy(time=message.time + waited))
                waited = 0
        track[:] = kept
    out = io.BytesIO()
    file.save(file=out)
    return read_midi(out.getvalue(), "no meter")[0]


def written_at(groove: Groove, rate: float) -> Groove:
    """The same sound in a file of `rate` times the tempo."""
    position = groove.position * rate
    n_steps = max(round(groove.n_steps * rate), int(position.max(initial=0.0)) + 1)
    return replace(groove, position=position, n_steps=n_steps, tempos=(Tempo(0.0, groove.tempos[0].bpm * rate),))


# -- tempo and meter -----------------------------------------------------------


def tempo_rows(sets: dict[str, list[Groove]], rng: Rng) -> list[Row]:
    """The octave of the tempo: of each set and of all, written at half, once or double its tempo."""
    rows: list[Row] = []
    every: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    for name, grooves in sets.items():
        played = [g for g in grooves if len(g) > 1 and len(g.tempos) == 1]
        true = [g.tempos[0].bpm * 4 / g.meters[0].pulse_steps for g in played]
        felt = [felt_bpm(written_at(g, float(rng.choice([0.5, 1.0, 2.0])))) or 1.0 for g in played]
        pairs = list(zip(true, felt, strict=True))
        every += pairs
        without = [felt_bpm(written_at(g, 120 / g.tempos[0].bpm)) or 1.0 for g in played]
        bare += list(zip(true, without, strict=True))
        rows.append(["tempo octave", name, str(len(pairs)), "", *_octaves(pairs)])
    return [
        *rows,
        ["tempo octave", "all", str(len(every)), "0.90", *_octaves(every)],
        ["tempo octave, no grid", "all, in files of 120 BPM", str(len(bare)), "", *_octaves(bare)],
    ]


def _octaves(pairs: Sequence[tuple[float, float]]) -> list[str]:
    true, felt = np.array(pairs).T
    return [f"{(np.abs(np.log2(said / true)) < 0.5).mean():.3f}" for said in (np.full(len(true), 120.0), felt)]


def in_meter(bar: Groove, meter: str, n_bars: int) -> Groove:
    """A bar of 4/4 cut, or with its first beat again, to a bar of another meter, and so many of them."""
    length = MADE_METERS[meter]
    parts = [bar.slice(0, min(length, 16))] + ([bar.slice(0, 4)] if length == 20 else [])
    starts = (0, 16)
    numerator, denominator = map(int, meter.split("/"))
    made = Groove(
        np.concatenate([np.maximum(p.position, 0) + at for p, at in zip(parts, starts, strict=False)]),
        np.concatenate([p.voice for p in parts]),
        np.concatenate([p.velocity for p in parts]),
        length,
        bar.tempos,
        (Meter(0.0, numerator, denominator),),
    )
    return made.looped(n_bars)


def meter_rows(files: Sequence[tuple[str, bytes]], bars: Sequence[Groove], rng: Rng) -> list[Row]:
    """Meter from onsets alone: files with their meter taken out, and rare meters made of bars of loops."""
    judged: list[tuple[str, Groove]] = []
    for meter, data in files:
        judged.append((meter, without_meter(data)))
    for i, bar in enumerate(bars):
        meter = list(MADE_METERS)[i % 3]
        judged.append((meter, without_meter(write_midi(in_meter(bar, meter, int(rng.choice([2, 4, 8])))))))
    rows: list[Row] = []
    shares: list[float] = []
    for meter in ("4/4", "3/4", "6/8", "5/4", "7/8"):
        heard = [str(heard_meter(groove)) for true, groove in judged if true == meter]
        shares.append(heard.count(meter) / max(len(heard), 1))
        asked = "0.97" if meter == "4/4" else ""
        rows.append(["meter", meter.replace("6/8", "6/8, 12/8"), str(len(heard)), asked, "", f"{shares[-1]:.3f}"])
    return [*rows, ["meter, balanced", "all", str(len(judged)), "0.80", "0.200", f"{np.mean(shares):.3f}"]]


def _is_new(name: str) -> bool:
    """Whether nothing was learned from a loop: half of the drum machine's patterns were."""
    return beats.DRUM_MACHINE not in name or beats.is_judged(name)


def meter_class(groove: Groove) -> str:
    return "6/8" if str(groove.meters[0]) in ("6/8", "12/8") else str(groove.meters[0])


# -- known values and rules ----------------------------------------------------


def timing_rows(rng: Rng) -> list[Row]:
    """Swing and each drum's timing of rendered patterns, through a MIDI file and back."""
    ratios, late = [], []
    for _ in range(60):
        groove, share, ms = known_timing(rng)
        found = timing(read_midi(write_midi(groove), "rendered")[0])
        true = share / (1 - share)
        ratios.append(abs((swing_ratio(found) or 0.0) / true - 1))
        said = drum_timing(found)
        late += [abs(said[voice]["offset_ms"] - value) for voice, value in ms.items()]
    hits = [known_levels(rng) for _ in range(40)]
    right = np.concatenate([levels(groove) == level for groove, level in hits])
    return [
        ["swing ratio, largest error", "rendered", "60", "0.010", "", f"{max(ratios):.4f}"],
        ["timing of a drum, largest error, ms", "rendered", str(len(late)), "1.0", "", f"{max(late):.2f}"],
        [f"velocity class ({', '.join(CLASSES)})", "rendered", str(len(right)), "", "", f"{right.mean():.3f}"],
    ]


def rule_rows(rng: Rng, n: int = 40) -> list[Row]:
    """Each rule on patterns that have it and on patterns that narrowly lack it, balanced."""
    rows = []
    for name, (having, lacking, holds) in RULES.items():
        right = np.mean([holds(having(rng)) for _ in range(n)]), np.mean([not holds(lacking(rng)) for _ in range(n)])
        rows.append([name, f"built, {n} each", str(2 * n), "0.95", "0.500", f"{np.mean(right):.3f}"])
    return rows


# -- speed ---------------------------------------------------------------------


def speed_rows(loops: Sequence[tuple[str, bytes]], song: Groove) -> list[Row]:
    """Loops a second of one core, reading included, and the seconds that a long file takes, in processor time."""

    def seconds(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    def each() -> None:
        grooves = [(read_midi(data, name)[0], True) for name, data in loops]
        labels.shipped().of([seen for seen, _ in description.each(grooves, with_lists=False)])

    labels.shipped()
    rate = len(loops) / min(seconds(each) for _ in range(N_PASSES))
    long = song.looped(-(-LONG_BARS // song.n_bars))
    return [
        [
            "loops a second, one core",
            "loops",
            str(len(loops)),
            "400",
            "",
            f"{rate:.0f}",
        ],
        ["seconds for 500 bars", f"{len(long)} hits", "1", "3", "", f"{seconds(lambda: labels.describe(long)):.2f}"],
    ]


def measured(groove_zip: Path, loops_zip: Path, songs_zip: Path) -> list[Row]:
    rng = np.random.default_rng(0)
    takes = judged(groove_zip)
    loops = readable(loops_zip)
    built = [pattern.groove() for pattern in EXAMPLES.values()]
    tempos = {
        "Groove MIDI Dataset, validation": [take.groove for take in takes],
        "loops that say their tempo, not learned from": [g for name, _, g, says in loops if says and _is_new(name)],
        "built-in patterns": built,
    }
    files = [(meter_class(g), write_midi(g)) for g in (*(take.groove for take in takes), *built)]
    files += [(meter_class(groove), data) for _, data, groove, says in loops]
    songs = songs_of(songs_zip)
    bars = [groove for _, _, groove, _ in loops if groove.n_steps == 16 and len(groove) > 4][::2]
    return [
        *tempo_rows(tempos, rng),
        *meter_rows(files, bars, rng),
        *timing_rows(rng),
        *rule_rows(rng),
        *form_rows(songs, rng),
        *learned_rows(takes, songs, rng),
        *speed_rows([(name, data) for name, data, _, _ in loops], EXAMPLES["funk"].groove()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("groove", "loops", "songs"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measured(options.groove, options.loops, options.songs)
    print_rows(rows, as_json=options.json)


if __name__ == "__main__":
    main()
