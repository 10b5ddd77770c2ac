"""Latents as the JSON of `encode` and `decode` holds them, checked to the last number when they come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rhythmvae.errors import LatentsError
from rhythmvae.groove import WINDOW_STEPS, Groove, changes_to_lists, frame_from_numbers, window_spans
from rhythmvae.model.latent import Encoded
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.text import clean_text

MAX_LATENT = 1e4


def encoded_to_dict(encoded: Encoded) -> dict[str, Any]:
    """Length, tempos, meters and each window's latents: all that `decode` needs and all it gets."""
    frame = encoded.frame
    windows = []
    for span, mean, used in zip(window_spans(frame), encoded.posterior.mean, encoded.posterior.used, strict=True):
        numbers = mean[used > 0].numpy()
        # str of a float32 is the shortest decimal that reads back as the same float32
        latent = [float(str(value)) for value in numbers]
        windows.append({"start": span.start, "n_steps": span.n_steps, "latent": latent})
    return {
        "n_steps": frame.n_steps,
        **changes_to_lists(frame),
        "windows": windows,
    }


def encoded_from_dict(entry: dict[str, Any], model: RhythmVAE) -> tuple[Groove, Tensor]:
    """A frame and its latents (W, Z), from one entry of a latents document.

    Raises:
        LatentsError: an entry that does not hold together.
    """
    try:
        n_steps = entry["n_steps"]
        frame = frame_from_numbers(n_steps, entry["tempos"], entry["meters"])
        windows = [(int(w["start"]), int(w["n_steps"]), w["latent"]) for w in entry["windows"]]
        spans = window_spans(frame)
        if [(s.start, s.n_steps) for s in spans] != [(start, n) for start, n, _ in windows]:
            raise ValueError(f"{len(windows)} windows where length and meters give {len(spans)}")
        z = np.zeros((len(windows), model.config.latent_size), dtype=np.float32)
        used = model.latent_mask(torch.tensor([n for _, n, _ in windows])).sum(1).int().tolist()
        for row, ((_, _, latent), n_used) in enumerate(zip(windows, used, strict=True)):
            if len(latent) != n_used:
                raise ValueError(f"{len(latent)} latents in window {row + 1}, which has {n_used}")
            numbers = np.asarray(latent, dtype=np.float64)
            if numbers.ndim != 1 or not (np.abs(numbers) <= MAX_LATENT).all():
                raise ValueError(f"a latent out of range in window {row + 1}")
            z[row, :n_used] = numbers
    except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        what = f"an entry without {error}" if isinstance(error, KeyError) else str(error)
        raise LatentsError(
            f"Expected latents as `encode --json` writes them for windows of up to {WINDOW_STEPS} steps, "
            f"got {clean_text(what, 200)}."
        ) from error
    return frame, torch.from_numpy(z)
