"""What a figure is to be compared with: what an ear can tell, what a grid would do, what a plain baseline gets."""

from __future__ import annotations

import json
from functools import cache

import numpy as np

from rhythmvae.groove import Groove, nearest_step
from rhythmvae.kit import N_VOICES
from rhythmvae.resources import FIGURES

EAR_MS = 6.0  # Friberg and Sundberg 1995: the just noticeable shift of one of several even tones, up to 240 ms apart
EAR_DB = 1.0  # of a tone 0.5 to 1.2 dB are noticed, by its level (Jesteadt, Wier and Green 1977); drums are no tones
EAR_VELOCITY = 5  # that decibel, in the deck's own kit, for a stroke of medium loudness (velocity 75)
SOURCES = (
    "A. Friberg and J. Sundberg, *Time discrimination in a monotonic, isochronous sequence*, Journal of the Acoustical "
    "Society of America 98, 1995: about 6 ms for tones up to 240 ms apart (sixteenths from 63 BPM on), 2.5 % of their "
    "distance beyond, with or without musical training.",
    "W. Jesteadt, C. C. Wier and D. M. Green, *Intensity discrimination as a function of frequency and sensation "
    "level*, Journal of the Acoustical Society of America 61, 1977: of a pure tone 1.2 dB when it is soft (20 dB above "
    "what can just be heard), 0.7 dB at 60 dB, 0.5 dB when it is loud (80 dB). We count one decibel; in the deck's kit "
    "that is 5 of 127 for a stroke of medium loudness.",
)
BASELINE = "PCA"
N_TAKES = 124  # of the validation split, on which figures are measured


def quantized(groove: Groove) -> Groove:
    """Every hit on its 16th, and every drum at one loudness, the mean of its own."""
    step = np.where(groove.is_pushed, 0.0, nearest_step(groove.position))
    velocity = groove.velocity.copy()
    for voice in range(N_VOICES):
        own = groove.voice == voice
        if own.any():
            velocity[own] = round(float(groove.velocity[own].mean()))
    return groove.with_hits(step, groove.voice, velocity)


@cache
def baseline() -> dict[str, float]:
    """Figures of a linear baseline with as many numbers as the shipped model, by column of docs/figures."""
    return _row(BASELINE)


@cache
def ours() -> dict[str, float]:
    """The same of the shipped model."""
    return _row("rhythmvae, posterior mean")


def _row(name: str) -> dict[str, float]:
    figure = json.loads((FIGURES / "1-reconstruction.json").read_text("utf-8"))
    [row] = [row for row in figure["rows"] if row[0] == name]
    named = dict(zip(figure["columns"], row, strict=True))
    return {column: float(value) for column, value in named.items() if column != "Model"}
