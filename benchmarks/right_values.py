"""Are files read as they should be: python -m benchmarks.right_values CASES.zip [LOOPS.zip] [--json]

CASES has small files and a MANIFEST.csv with the right value of each, in words: "2 bars, 100 BPM, or a remark". The
words are read by rule, see `holds`; what they say about a page or a model is not looked at. Of LOOPS every file
whose name ("x4", "seven-eight") or events say its length, its meter or its first beat is compared with that, as
mido reads it. Prints a line for each that is wrong, and how many are right.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import mido
import numpy as np

from rhythmvae.data.files import find_sources, sources_from_bytes
from rhythmvae.errors import MidiError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX, VOICE_KEYS
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport

Case = tuple[Groove, ImportReport]

# -- cases ---------------------------------------------------------------------

_ALTERNATIVES = re.compile(r",? or (?=\d|a remark|snare|the|left)|; (?=\d+ bars also)|; else |, or | or the ")
_ELSEWHERE = re.compile(r"rebuilt|page:|WAV|even in time|can be typed")  # of the model or a page
_VOICES = {
    "kick": ("kick",),
    "snare": ("snare",),
    "hats": ("closed_hat", "open_hat"),
    "closed_hat": ("closed_hat",),
    "closed": ("closed_hat",),
    "open_hat": ("open_hat",),
    "open": ("open_hat",),
}
_COUNT = re.compile(rf"\b({'|'.join(sorted(_VOICES, key=len, reverse=True))}) (\d+)")
_MOJIBAKE = re.compile("[\x80-\u024f\u2500-\u25ff\ufffd]")  # letters that Cyrillic and Japanese names do not have


def holds(text: str, read: Case, name: str) -> bool | None:
    """Whether one of the alternatives in a right value is what was read; None where they say nothing of reading."""
    verdicts = [_all_hold(alternative, read, name) for alternative in _ALTERNATIVES.split(text)]
    return None if set(verdicts) == {None} else True in verdicts


def _all_hold(text: str, read: Case, name: str) -> bool | None:
    groove, report = read
    checks: list[bool] = []
    for part in (part for part in re.split(r"; ", text) if not _ELSEWHERE.search(part)):
        hits = np.bincount(groove.voice, minlength=len(VOICE_KEYS))
        bare = re.fullmatch(r"(\d+)( BPM throughout)?|(\d+) before it", part.split(",")[0].split(" (")[0].strip())
        if bare:
            checks.append(round(groove.tempos[0].bpm) == int(bare[1] or bare[3]))
            checks.append(len(groove.tempos) == 1 or "throughout" not in part)
        checks += [groove.n_bars == int(n) for n in re.findall(r"(\d+) bars?\b", part)]
        checks += [groove.n_steps == int(n) for n in re.findall(r"(\d+) steps", part)]
        checks += [len(groove) == int(n) for n in re.findall(r"(\d+) (?:notes|hits)\b", part)]
        checks += [
            round(groove.tempos[0].bpm) == int(n)
            for n in re.findall(r"(\d+) BPM|2 bars at (\d+)", part)
            for n in n
            if n
        ]
        checks += [report.channel == int(n) for n in re.findall(r"of (?:ch|channel) (\d+)", part)]
        checks += [str(groove.meters[0]) == meter for meter in re.findall(r"of (\d+/\d+)", part)]
        checks += [
            sum(int(hits[VOICE_INDEX[key]]) for key in _VOICES[voice]) == int(n) for voice, n in _COUNT.findall(part)
        ]
        if re.search(r"\bremark|\btold\b", part):
            checks.append(bool(report.remarks or report.changes or report.questions))
        if "readable" in part:
            checks.append(not _MOJIBAKE.search(groove.title + name))
    return all(checks) if checks else None


def wrong_cases(data: zipfile.ZipFile) -> tuple[int, list[dict[str, Any]]]:
    """How many cases are about reading, and what is wrong: its name, its right value, what was read."""
    [manifest] = [name for name in data.namelist() if name.endswith("MANIFEST.csv")]
    folder = manifest.removesuffix("MANIFEST.csv")
    wrong: list[dict[str, Any]] = []
    n = 0
    rows = list(csv.DictReader(io.StringIO(data.read(manifest).decode())))
    for row in rows:
        right, file = row["right value"], row["file"]
        try:
            found = sources_from_bytes(data.read(folder + file), file)
            readings = [(source.name, read_midi(source.read(), source.name)) for source in found]
        except MidiError as error:
            n += 1
            wrong.append({"file": file, "right": right, "read": str(error)})
            continue
        verdicts = [holds(right, read, name) for name, read in readings]
        n += None not in verdicts
        if False in verdicts:
            wrong.append({"file": file, "right": right, "read": "; ".join(_shown(read) for _, read in readings)})
    return n, wrong


def _shown(read: Case) -> str:
    groove, report = read
    hits = np.bincount(groove.voice, minlength=len(VOICE_KEYS))
    drums = ", ".join(f"{key} {n}" for key, n in zip(VOICE_KEYS, hits.tolist(), strict=True) if n)
    said = " ".join([*report.remarks, *(question.sentence for question in report.questions)])
    return (
        f"{groove.n_steps} steps, {groove.n_bars} bars of {groove.meters[0]}, {groove.tempos[0].bpm:.4g} BPM, {drums}, "
        f"{groove.title!r}: {said}"
    )


# -- loops ---------------------------------------------------------------------

_NAMED_METERS = {"seven-eight": "7/8"}


def said_of_loop(name: str, data: bytes) -> dict[str, Any]:
    """What a loop's name or events say: `meter`, `n_steps`, `first` (the first onset, in steps)."""
    file = mido.MidiFile(file=io.BytesIO(data))
    onsets: dict[bool, list[int]] = {True: [], False: []}  # by whether they are on channel 10
    ends, meters = [], []
    for track in file.tracks:
        now, has_notes = 0, False
        for message in track:
            now += message.time
            if message.type == "time_signature":
                meters.append((now, f"{message.numerator}/{message.denominator}"))
            elif message.type == "note_on" and message.velocity:
                has_notes = True
                onsets[message.channel == 9].append(now)
        if has_notes:
            ends.append(now)
    said: dict[str, Any] = {"first": min(onsets[True] or onsets[False]) * 4 / file.ticks_per_beat}
    named = next((meter for word, meter in _NAMED_METERS.items() if word in name), None)
    meter = named or (min(meters)[1] if meters else None)
    if meter:
        said["meter"] = meter
    if len({text for _, text in meters}) > 1:
        return said
    numerator, denominator = map(int, (meter or "1/8").split("/"))
    bar = 16 * numerator / denominator
    end = max(ends) * 4 / file.ticks_per_beat
    times = re.search(r" x(\d+)\.mid$", name)
    if times or re.search(r"measure|break", name, re.IGNORECASE):
        said["n_steps"] = round(bar * int(times[1] if times else 1))
    elif end % bar == 0:
        said["n_steps"] = round(end)
    return said


def wrong_loops(path: Path) -> tuple[int, list[dict[str, Any]]]:
    """How many loops say something, and what is wrong."""
    wrong: list[dict[str, Any]] = []
    n = 0
    for source in find_sources([path]):
        said = said_of_loop(source.name, source.read())
        groove, _ = read_midi(source.read(), source.name)
        read = {"first": float(groove.position[0]), "meter": str(groove.meters[0]), "n_steps": groove.n_steps}
        n += 1
        if said != {key: read[key] for key in said}:
            wrong.append({"file": source.name, "right": said, "read": read})
    return n, wrong


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", type=Path)
    parser.add_argument("loops", type=Path, nargs="?")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with zipfile.ZipFile(options.cases) as data:
        found = {"cases": wrong_cases(data)}
    if options.loops:
        found["loops"] = wrong_loops(options.loops)
    if options.json:
        print(json.dumps({key: {"n": n, "wrong": wrong} for key, (n, wrong) in found.items()}, indent=1))
        return
    for key, (n, wrong) in found.items():
        for row in wrong:
            print(f"{row['file']}: expected {row['right']}; read {row['read']}")
        print(f"{n - len(wrong)} of {n} {key} right ({(n - len(wrong)) / n:.1%})")


if __name__ == "__main__":
    main()
