"""The transcriber that is shipped: small, says what it was made of, and hears drums it has never heard."""

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from rhythmvae.audio.hits import RATE
from rhythmvae.audio.transcriber import Transcriber
from rhythmvae.data.examples import example
from rhythmvae.evaluation import hearing
from rhythmvae.evaluation.hearing import FIVE, Truth
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.resources import TRANSCRIBER
from rhythmvae.sound import synth
from rhythmvae.sound.kits import SAMPLE_RATE


@pytest.fixture(scope="module")
def shipped() -> Transcriber:
    torch.set_num_threads(1)
    return Transcriber.load()


def sound_of(groove: Groove) -> FloatArray:
    return np.asarray(resample_poly(synth.render(groove), RATE, SAMPLE_RATE), dtype=np.float32)


def test_it_is_small(shipped: Transcriber) -> None:
    assert TRANSCRIBER.stat().st_size <= 4 << 20
    assert sum(tensor.numel() for tensor in shipped.network.parameters()) < 1_000_000


def test_its_card_says_what_it_was_made_of(shipped: Transcriber) -> None:
    said = str(shipped.card["data"])
    for word in ("CC BY 4.0", "GPL", "CC BY-SA", "MIT", "CC0", "held_out_kits", "drummer3"):
        assert word in said
    assert shipped.card["metrics"]["five_50_ms"] > 0.75
    assert {"seed", "steps", "parameters"} <= set(shipped.card)


@pytest.mark.parametrize("name", ["rock", "funk"])
def test_it_hears_the_kit_of_the_app(shipped: Transcriber, name: str) -> None:
    groove = example(name)
    heard = shipped.hear([sound_of(groove)])
    truth = Truth(np.maximum(groove.onset_seconds, 0.0), groove.voice, groove.velocity)
    count = hearing.counts([(truth, heard)], FIVE, 0.05)
    assert (count["kick"].f1 or 0) > 0.8
    assert (count["snare"].f1 or 0) > 0.8
    assert (hearing.micro(count).f1 or 0) > 0.6
    assert heard.drums_alone > 0.5


def test_a_hum_is_no_drum(shipped: Transcriber) -> None:
    t = np.arange(3 * RATE) / RATE
    hum = sum(np.sin(2 * np.pi * 110 * k * t) / k for k in range(1, 6)).astype(np.float32) / 3
    assert shipped.hear([hum]).drums_alone < 0.5
