"""What a program learns from the files of a trial: which side is the original, by its distance from the reference.

    python -m benchmarks.unblinding [--json]

Built-in patterns are the originals. For each of several ways to compare two files, and each of three bases, how often
the side that is nearer to the reference is the original:

- *as they are*: original and reference are the same samples, as in a test with a hidden reference; the other side is
  the model's rebuild;
- *played anew*: as reviews have it (`rhythmvae.review.sound`), the other side is the rebuild;
- *real against real*: both sides are the original, each played anew: half is chance.

The last way reads time and loudness of every hit out of the grooves themselves: no program hears more exactly.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from benchmarks import figures
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.review import material, sound
from rhythmvae.sound import synth
from rhythmvae.sound.kits import SAMPLE_RATE

COLUMNS = ("basis", "by", "the original named", "trials")
N_TURNS = 3  # trials of each pattern, with hands of their own
_FRAME = 256  # samples of an envelope's value: 6 ms


def residual(one: FloatArray, other: FloatArray) -> float:
    """What is left of one, as a share of its energy, when the best multiple of the other is taken away."""
    gain = float(one @ other) / max(float(other @ other), 1e-12)
    left = one - gain * other
    return float(left @ left) / max(float(one @ one), 1e-12)


def shifted(one: FloatArray, other: FloatArray) -> float:
    """1 less the highest correlation of two loops, whichever begins later."""
    n = len(one)
    across = np.fft.irfft(np.fft.rfft(one) * np.conj(np.fft.rfft(other)), n)
    return 1 - float(across.max()) / max(float(np.sqrt((one @ one) * (other @ other))), 1e-12)


def spectra(one: FloatArray, other: FloatArray) -> float:
    """Mean difference of two loops' magnitudes in decibels, over 64 bands from 40 Hz to 20 kHz."""
    return float(np.abs(_bands(one) - _bands(other)).mean())


def envelopes(one: FloatArray, other: FloatArray) -> float:
    """Mean difference of two loops' energy in decibels, frame by frame."""
    return float(np.abs(_frames(one) - _frames(other)).mean())


def equal_samples(one: FloatArray, other: FloatArray) -> float:
    """Share of samples that differ by more than three of the last bit."""
    return float((np.abs(one - other) > 3.5 / 32_768).mean())


WAYS: dict[str, Callable[[FloatArray, FloatArray], float]] = {
    "equal samples": equal_samples,
    "residual energy": residual,
    "correlation, at any shift": shifted,
    "spectrum": spectra,
    "energy every 6 ms": envelopes,
}
EXACT = "every hit's time and loudness, exactly"


def hits_apart(one: Groove, other: Groove) -> float:
    """Mean square of what hits are apart, in units of what an ear notices of one; both have the same number of hits."""
    ms = 1000 * (_ordered(one)[0] - _ordered(other)[0])
    velocity = _ordered(one)[1] - _ordered(other)[1]
    return float(((ms / 6.0) ** 2 + (velocity / 5.0) ** 2).mean())


def _ordered(groove: Groove) -> tuple[FloatArray, FloatArray]:
    """Seconds and velocity of each hit, drum by drum, in the order of time."""
    order = np.lexsort((groove.position, groove.voice))
    return groove.onset_seconds[order], groove.velocity[order].astype(np.float64)


def nearer(sounds: Mapping[str, FloatArray], way: Callable[[FloatArray, FloatArray], float]) -> str:
    """The side that is nearer to the reference."""
    return min(("left", "right"), key=lambda side: way(sounds[side], sounds["reference"]))


def heard(grooves: Mapping[str, Groove], key: str) -> dict[str, FloatArray]:
    """The waveforms of a trial's files, as whoever fetches them has them."""
    return {name: samples(data) for name, data in sound.wavs(grooves, key).items()}


def samples(wav: bytes) -> FloatArray:
    """Waveform of a mono file of 16 bits with the shortest head."""
    return np.asarray(np.frombuffer(wav[44:], "<i2") / 32_768)


def as_they_are(grooves: Mapping[str, Groove]) -> dict[str, FloatArray]:
    """Without a hand: equal grooves are equal samples."""
    return sound.matched({name: synth.render(groove, loop=True) for name, groove in grooves.items()})


def _bands(one: FloatArray) -> FloatArray:
    power = np.abs(np.fft.rfft(one)) ** 2
    edges = np.geomspace(40, 20_000, 65) * len(one) / SAMPLE_RATE
    summed = np.concatenate([[0.0], np.cumsum(power)])
    at = np.minimum(edges.astype(np.int64), len(power))
    return np.asarray(10 * np.log10(np.maximum(np.diff(summed[at]), 1e-9)))


def _frames(one: FloatArray) -> FloatArray:
    whole = one[: len(one) // _FRAME * _FRAME].reshape(-1, _FRAME)
    return np.asarray(10 * np.log10(np.maximum((whole**2).mean(axis=1), 1e-7)))


def _patterns() -> Iterator[tuple[str, Groove, Groove]]:
    """Each with the shipped model's rebuild of it."""
    from rhythmvae.model import checkpoint, latent

    model = checkpoint.load().model
    for key in EXAMPLES:
        frame = material.first_bars(example(key))
        groove = material.alike(frame, frame)
        yield key, groove, material.alike(latent.reconstruct(model, groove), groove)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    right: dict[tuple[str, str], list[bool]] = {}
    for key, original, rebuilt in _patterns():
        for turn in range(N_TURNS):
            real = ("left", "right")[turn % 2]
            other = "right" if real == "left" else "left"
            trial = {real: original, other: rebuilt, "reference": original}
            same = dict.fromkeys(("left", "right", "reference"), original)
            for basis, sounds in (
                ("as they are", as_they_are(trial)),
                ("played anew", heard(trial, f"{key} {turn}")),
                ("real against real", heard(same, f"{key} {turn} same")),
            ):
                for by, way in WAYS.items():
                    right.setdefault((basis, by), []).append(nearer(sounds, way) == real)
            for basis, grooves in (("played anew", trial), ("real against real", same)):
                hands = {side: sound.played_anew(of, f"{key} {turn} {basis} {side}") for side, of in grooves.items()}
                if len({len(of) for of in hands.values()}) == 1:  # a hit that was lost is heard
                    apart = {side: hits_apart(hands[side], hands["reference"]) for side in ("left", "right")}
                    right.setdefault((basis, EXACT), []).append(min(apart, key=lambda side: apart[side]) == real)
    rows = [[basis, by, str(sum(found)), str(len(found))] for (basis, by), found in right.items()]
    figures.told(COLUMNS, rows, as_json=options.json)


if __name__ == "__main__":
    main()
