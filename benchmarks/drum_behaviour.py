"""Fits the table by which drums are known from what they do: python -m benchmarks.drum_behaviour GROOVE_MIDI_DATASET

Takes the training rows of info.csv, each whole and in windows of 1, 2, 4 and 8 bars, with its own notes or with one
note a voice, at times with even velocities or timing, and fits a log-linear model of a note's voice to the bins of
what the note does (see rhythmvae.midi.behaviour). Writes rhythmvae/midi/behaviour.json, in hundredths.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from rhythmvae.data import corpus
from rhythmvae.data.files import find_sources
from rhythmvae.groove import Meter
from rhythmvae.kit import N_VOICES, KitMap
from rhythmvae.midi import smf
from rhythmvae.midi.behaviour import N_BINS, TABLE, Behaviour, behaviour_of
from rhythmvae.midi.parts import choose
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.score import score_of_file

WINDOW_BARS = (None, 1, 2, 4, 8, 4, 2, 1)
MIN_NOTES = 8
RAW_SHARE, EVEN_VELOCITY_SHARE, EVEN_TIMING_SHARE = 0.4, 0.2, 0.25
L2 = 3e-5
_VOICES = np.array([-1 if (v := KitMap().voice_of(note)) is None else v for note in range(128)])

Notes = tuple[np.ndarray, np.ndarray, np.ndarray, float]


def notes_of(data: bytes) -> Notes:
    """Pitch, position in steps and velocity of the drums that have a voice, and the steps of a bar."""
    options = ReadOptions()
    score = score_of_file(smf.parse(data), options)
    mask = choose(score, options, score.log)[0] & (_VOICES[score.pitch] >= 0)
    meter = score.meters[0] if score.meters else Meter(0.0, 4, 4)
    return score.pitch[mask], score.position[mask], score.velocity[mask], float(meter.steps_per_bar)


def samples(notes: Notes, rng: np.random.Generator) -> Iterator[tuple[Behaviour, np.ndarray]]:
    """What the notes do in windows of a take, and their voices."""
    pitch, position, velocity, steps_per_bar = notes
    n_bars = int(position.max(initial=0.0) // steps_per_bar) + 1
    for n in WINDOW_BARS:
        first = 0 if n is None else int(rng.integers(0, max(1, n_bars - n + 1)))
        start, stop = (
            first * steps_per_bar - 0.5,
            (first + (n or n_bars)) * steps_per_bar + (0.5 if n is None else -0.5),
        )
        inside = (position >= start) & (position < stop)
        is_raw, is_even, is_quantized = rng.random(3) < (RAW_SHARE, EVEN_VELOCITY_SHARE, EVEN_TIMING_SHARE)
        if inside.sum() < MIN_NOTES:
            continue
        voice = _VOICES[pitch[inside]]
        found = behaviour_of(
            pitch[inside] if is_raw else voice,
            np.rint(position[inside]) if is_quantized else position[inside],
            np.full(len(voice), 100) if is_even else velocity[inside],
            steps_per_bar,
        )
        yield found, _VOICES[found.notes] if is_raw else found.notes


def fitted(bins: np.ndarray, voices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Evidence (N_BINS, V) that a softmax of its sums gives the voices, against their shares."""
    x, y, w = (torch.from_numpy(a) for a in (bins, voices, weights / weights.sum()))
    table = torch.zeros(N_BINS, N_VOICES, dtype=torch.float64, requires_grad=True)
    share = torch.zeros(N_VOICES, dtype=torch.float64).index_add(0, y, w).log()
    optimizer = torch.optim.LBFGS([table], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logits = torch.nn.functional.embedding_bag(x, table, mode="sum") + share
        value = (torch.nn.functional.cross_entropy(logits, y, reduction="none") * w).sum() + L2 * table.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return table.detach().numpy()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    train = {take.name for take in corpus.load([options.data]).only("train")}
    found: list[tuple[Behaviour, np.ndarray]] = []
    for source in find_sources([options.data]):
        if source.name in train:
            found += samples(notes_of(source.read()), rng)
    bins = np.concatenate([b.bins for b, _ in found])
    voices = np.concatenate([v for _, v in found])
    weights = np.concatenate([np.sqrt(b.counts / b.counts.sum()) for b, _ in found])
    share = np.bincount(voices, weights, N_VOICES) / weights.sum()
    rows = np.rint(np.vstack([np.log(share), fitted(bins, voices, weights)]) * 100).astype(int).tolist()
    TABLE.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", "utf-8")
    print(f"{len(train)} takes, {len(found)} windows, {len(bins)} notes: {TABLE}")


if __name__ == "__main__":
    main()
