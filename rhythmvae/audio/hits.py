"""What was heard in a sound: hits in seconds, each with its voice, its velocity and how sure it is.

Sound is mono float32 in [-1, 1] at RATE. Times are seconds from its first sample, and nothing is quantized.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rhythmvae.errors import WrongTypeError
from rhythmvae.groove import MAX_VELOCITY, FloatArray, IntArray
from rhythmvae.kit import N_VOICES

RATE = 22_050  # samples a second; ten minutes in 16 bit are 26.5 MB


@dataclass(frozen=True, eq=False)
class Heard:
    """The hits of a sound, in the order of their onsets.

    Args:
        seconds: (N,) float64, sorted, 0 to `duration_seconds`.
        voice: (N,) int, indices into kit.VOICES.
        velocity: (N,) int, 1 to 127.
        confidence: (N,) float, 0 to 1: how sure it is of the hit.
        drums_alone: 0 to 1: how sure it is that drums are all that sounds.
        duration_seconds: of the sound.

    Raises:
        WrongTypeError: arrays of other shapes, kinds or ranges.

    >>> heard = Heard(*(np.array(each) for each in ([0.5], [0], [90], [0.9])), drums_alone=0.8, duration_seconds=2.0)
    >>> len(heard)
    1
    """

    seconds: FloatArray
    voice: IntArray
    velocity: IntArray
    confidence: FloatArray
    drums_alone: float
    duration_seconds: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.duration_seconds < float("inf"):
            raise WrongTypeError(f"Expected a duration of 0 seconds or more, got {self.duration_seconds}.")
        _within("seconds", self.seconds, "f", 0.0, self.duration_seconds)
        _within("voice", self.voice, "iu", 0, N_VOICES - 1)
        _within("velocity", self.velocity, "iu", 1, MAX_VELOCITY)
        _within("confidence", self.confidence, "f", 0.0, 1.0)
        _within("drums_alone", np.array([self.drums_alone], dtype=np.float64), "f", 0.0, 1.0)
        if len({len(each) for each in (self.seconds, self.voice, self.velocity, self.confidence)}) > 1:
            raise WrongTypeError("Expected a time, a voice, a velocity and a confidence for each hit, got others.")
        if (np.diff(self.seconds) < 0).any():
            raise WrongTypeError("Expected hits in the order of their onsets, got others.")

    def __len__(self) -> int:
        return len(self.seconds)

    def above(self, thresholds: FloatArray) -> Heard:
        """The hits that are surer than the threshold (V,) of their voice."""
        kept = self.confidence > thresholds[self.voice]
        arrays = {name: getattr(self, name)[kept] for name in ("seconds", "voice", "velocity", "confidence")}
        return replace(self, **arrays)


def _within(name: str, values: FloatArray | IntArray, kinds: str, least: float, most: float) -> None:
    """Raise WrongTypeError unless an array is (N,), of a kind of number, and within both bounds (NaN never is)."""
    if not isinstance(values, np.ndarray) or values.ndim != 1 or (values.size and values.dtype.kind not in kinds):
        raise WrongTypeError(f"Expected {name} as one number for each hit, got another array.")
    if not ((values >= least) & (values <= most)).all():
        raise WrongTypeError(f"Expected {name} from {least:g} to {most:g}, got others.")
