"""Sound to frames: a log-mel spectrogram of about a hundred frames a second.

Frame f is centred on sample f * HOP. A band's value is log10 of its energy over FLOOR, halved, so that 20 dB are 1.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from rhythmvae.audio.hits import RATE

HOP = 220  # samples, 9.98 ms
FRAMES_PER_SECOND = RATE / HOP
WINDOW = 1024  # samples, 46 ms
N_BANDS = 72
LOWEST_HZ, HIGHEST_HZ = 30.0, 10_800.0
FLOOR = 1e-6  # of energy: about 60 dB below a loud band
KNEE_HZ = 700.0  # of the mel scale (O'Shaughnessy 1987): below it bands are about equally wide


def n_frames(n_samples: int) -> int:
    """How many frames a sound of so many samples has."""
    return 1 + n_samples // HOP


@cache
def _filters() -> Tensor:
    """(WINDOW // 2 + 1, N_BANDS), triangles of unit sum; one narrower than a bin takes the bin at its centre."""
    mel = torch.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), N_BANDS + 2, dtype=torch.float64)
    corner = KNEE_HZ * (10 ** (mel / 2595.0) - 1)
    hz = torch.linspace(0, RATE / 2, WINDOW // 2 + 1, dtype=torch.float64)[:, None]
    rising = (hz - corner[:-2]) / (corner[1:-1] - corner[:-2])
    falling = (corner[2:] - hz) / (corner[2:] - corner[1:-1])
    weights = torch.minimum(rising, falling).clamp(min=0)
    near = torch.nn.functional.one_hot((hz - corner[1:-1]).abs().argmin(0), len(hz)).T
    weights = torch.where(weights.sum(0) > 0, weights, near)
    return (weights / weights.sum(0)).float()


def _mel(hz: float) -> float:
    return float(2595.0 * torch.log10(torch.tensor(1 + hz / KNEE_HZ, dtype=torch.float64)))


def log_mel(sound: Tensor) -> Tensor:
    """Frames of sounds, (B, S) in [-1, 1] to (B, n_frames(S), N_BANDS); what lies outside of a sound is silence."""
    window = torch.hann_window(WINDOW, device=sound.device)
    spectrum = torch.stft(sound, WINDOW, HOP, window=window, center=True, pad_mode="constant", return_complex=True)
    energy = (spectrum.real**2 + spectrum.imag**2).transpose(1, 2) / WINDOW
    return torch.log10((energy @ _filters()) / FLOOR + 1) / 2
