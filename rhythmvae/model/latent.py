"""Between grooves and latents: encode, decode, reconstruct.

A groove of any length is cut into windows (groove.window_spans), each with its own latent.
W windows give z (W, Z); a window shorter than WINDOW_STEPS uses its share of Z and the rest
is zero. The windows of a groove go through the network in batches cut the same way every
time, so the same latents decode to the same hits bit for bit, wherever they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from rhythmvae.data.windows import grids_of, grids_round
from rhythmvae.errors import CheckpointError, check_each, check_type
from rhythmvae.groove import WINDOW_STEPS, FloatArray, Groove, from_grid, join, window_spans
from rhythmvae.model.refinement import refined
from rhythmvae.model.vae import Outputs, Posterior, RhythmVAE, to_tensor

BATCH = 512  # windows at a time: a quarter of an hour of drumming in little memory


@dataclass(frozen=True, eq=False)
class Encoded:
    """A groove as the model holds it: a frame and latents, and nothing else of its hits.

    frame: a groove without hits, giving length, tempos and meters. posterior: (W, Z).

    >>> from rhythmvae import example, load
    >>> encoded = load().encode(example("funk"))
    >>> len(encoded.frame), tuple(encoded.posterior.mean.shape)
    (0, (2, 128))
    """

    frame: Groove
    posterior: Posterior


def frame_of(groove: Groove) -> Groove:
    """Length, tempos and meters of a groove, without its hits, title and source."""
    return Groove.silent(groove.n_steps, groove.tempos, groove.meters)


@torch.inference_mode()
def posteriors(model: RhythmVAE, windows: Iterable[FloatArray], *, is_refined: bool = False) -> Iterator[Posterior]:
    """The posteriors of windows in order, each (B, Z) for the next B = BATCH of them, the last for what is left.

    Args:
        windows: grids (T, V, L, F) of at most WINDOW_STEPS steps.
        is_refined: what the encoder says is brought nearer to the windows, as `encode` has it (refinement.py);
            for what is decoded again, not for what is compared by the thousands.

    Raises:
        CheckpointError: weights that give no numbers.
    """
    remaining = iter(windows)
    while batch := list(islice(remaining, BATCH)):
        x = np.zeros((len(batch), WINDOW_STEPS, *batch[0].shape[1:]), dtype=np.float32)
        for row, window in enumerate(batch):
            x[row, : len(window)] = window
        seen, n_steps = torch.from_numpy(x), torch.tensor([len(window) for window in batch])
        posterior = model.encode(seen, n_steps)
        _check(posterior.mean)
        yield refined(model, posterior, seen, n_steps) if is_refined else posterior


def posterior_of(model: RhythmVAE, windows: Iterable[FloatArray], *, is_refined: bool = False) -> Posterior:
    """The posterior (N, Z) of N windows, at least one; `posteriors` says more."""
    return Posterior(*map(torch.cat, zip(*posteriors(model, windows, is_refined=is_refined), strict=True)))


@torch.inference_mode()
def decode_windows(model: RhythmVAE, z: Tensor, n_steps: Sequence[int]) -> Tensor:
    """The most likely windows (N, T, V, L, F) of latents z (N, Z) and the windows' lengths, N of them.

    Raises:
        CheckpointError: weights that give no numbers.
    """
    batches = zip(torch.split(z, BATCH), torch.split(torch.tensor(n_steps), BATCH), strict=True)
    windows = torch.cat([to_tensor(model.decode(*batch), model.config) for batch in batches])
    _check(windows)
    return windows


def encode(model: RhythmVAE, groove: Groove) -> Encoded:
    """The posterior of every window of a groove, as near to it as the model's checkpoint says (refinement.py).

    Raises:
        CheckpointError: weights that give no numbers.

    >>> from rhythmvae import encode, example, load_checkpoint
    >>> tuple(encode(load_checkpoint().model, example("funk")).posterior.mean.shape)
    (2, 128)
    """
    check_type(model, RhythmVAE, "a model (the .model of a checkpoint)")
    check_type(groove, Groove, "a groove")
    windows = grids_of(groove, model.config.layers)
    return Encoded(frame_of(groove), posterior_of(model, windows, is_refined=True))


def decode(model: RhythmVAE, z: Tensor, frame: Groove) -> Groove:
    """The most likely hits of latents z (W, Z) in a frame that has W windows.

    Raises:
        CheckpointError: weights that give no numbers.
        WrongTypeError: an argument of another kind.

    >>> from rhythmvae import decode, encode, example, load_checkpoint
    >>> model, played = load_checkpoint().model, example("funk")
    >>> encoded = encode(model, played)
    >>> decode(model, encoded.posterior.mean, encoded.frame).n_bars == played.n_bars
    True
    """
    check_type(model, RhythmVAE, "a model (the .model of a checkpoint)")
    check_type(z, Tensor, "latents as a torch tensor (W, Z)")
    check_type(frame, Groove, "a frame, which is a groove without hits")
    spans = window_spans(frame)
    if len(spans) != len(z):
        raise ValueError(f"{len(z)} latents do not fit a frame of {len(spans)} windows")
    windows = decode_windows(model, z, [span.n_steps for span in spans]).numpy()
    parts = [window[: span.n_steps] for window, span in zip(windows, spans, strict=True)]
    return from_grid(join(parts), frame)


def decode_many(model: RhythmVAE, z: Tensor, frame: Groove) -> list[Groove]:
    """`decode` for latents (N, W, Z) in one frame, in fewer and larger batches: the same hits, up to rounding.

    Raises:
        CheckpointError: weights that give no numbers.
    """
    n_steps = [span.n_steps for span in window_spans(frame)] * len(z)
    return _grooves(decode_windows(model, z.flatten(0, 1), n_steps), frame)


@torch.inference_mode()
def written(model: RhythmVAE, outputs: Outputs, frame: Groove) -> list[Groove]:
    """The N grooves that a decoder has said already, N * W windows of one frame: no decoder is asked again.

    Raises:
        CheckpointError: weights that give no numbers.
    """
    windows = to_tensor(outputs, model.config)
    _check(windows)
    return _grooves(windows, frame)


def _grooves(windows: Tensor, frame: Groove) -> list[Groove]:
    """Of windows (N * W, T, V, L, F)."""
    spans = window_spans(frame)
    found = []
    for own in windows.numpy().reshape(-1, len(spans), *windows.shape[1:]):
        parts = [window[: span.n_steps] for window, span in zip(own, spans, strict=True)]
        found.append(from_grid(join(parts), frame))
    return found


def decode_each(model: RhythmVAE, z: Tensor, frames: Sequence[Groove]) -> list[Groove]:
    """The grooves of N latents (N, Z), each in a frame of its own that has one window: as `decode`, up to rounding.

    Raises:
        CheckpointError: weights that give no numbers.
    """
    windows = decode_windows(model, z, [frame.n_steps for frame in frames]).numpy()
    return [from_grid(window[: frame.n_steps], frame) for window, frame in zip(windows, frames, strict=True)]


def vectors(model: RhythmVAE, grooves: Iterable[Groove]) -> FloatArray:
    """One vector (Z) for each of N loops, whatever their lengths: (N, Z) float32, to compare, sort and search.

    A loop is played round and round, and the encoder's means for the full windows that begin at its bar lines are
    averaged. So one bar, the same bar twice and the same bar four times have one vector, and it does not matter with
    which bar a loop begins.

    Raises:
        WrongTypeError: no list, or something in it that is no groove.
        CheckpointError: weights that give no numbers.

    >>> from rhythmvae import example, load_checkpoint, vectors
    >>> bar = example("rock").bars(1, 1)
    >>> once, twice = vectors(load_checkpoint().model, [bar, bar.looped(2)])
    >>> bool(abs(once - twice).max() < 1e-4)
    True
    """
    check_type(model, RhythmVAE, "a model (the .model of a checkpoint)")
    grooves = check_each(grooves, Groove, "a groove")
    found = np.zeros((len(grooves), model.config.latent_size), dtype=np.float32)
    owner: list[int] = []
    share: list[float] = []

    def windows() -> Iterator[FloatArray]:
        for row, groove in enumerate(grooves):
            own = grids_round(groove, model.config.layers)
            for window in own:
                owner.append(row)
                share.append(1.0 / len(own))
                yield window

    for posterior in posteriors(model, windows()):
        np.add.at(found, owner, posterior.mean.numpy() * np.array(share, dtype=np.float32)[:, None])
        owner.clear()
        share.clear()
    return found


def _check(numbers: Tensor) -> None:
    if not np.isfinite(numbers.numpy()).all():
        raise CheckpointError("The model's weights give no numbers for this groove: its checkpoint is damaged.")


def reconstruct(model: RhythmVAE, groove: Groove) -> Groove:
    """A groove through the model and back, by the posterior mean. Raises as `encode` does.

    >>> from rhythmvae import example, load_checkpoint, reconstruct, score
    >>> played = example("funk")
    >>> score(played, reconstruct(load_checkpoint().model, played)).f1 > 0.99
    True
    """
    encoded = encode(model, groove)
    return decode(model, encoded.posterior.mean, encoded.frame)


def reconstruct_each(model: RhythmVAE, grooves: Sequence[Groove]) -> list[Groove]:
    """`reconstruct` of several grooves in fewer and larger batches: the same hits, up to rounding."""
    if not grooves:
        return []
    windows = (window for groove in grooves for window in grids_of(groove, model.config.layers))
    spans = [window_spans(groove) for groove in grooves]
    n_steps = [span.n_steps for own in spans for span in own]
    made = iter(decode_windows(model, posterior_of(model, windows, is_refined=True).mean, n_steps).numpy())
    parts = [[next(made)[: span.n_steps] for span in own] for own in spans]
    return [from_grid(join(own), frame_of(groove)) for own, groove in zip(parts, grooves, strict=True)]


def reconstruct_sampled(model: RhythmVAE, groove: Groove, seed: int) -> Groove:
    """The same by a draw from the posterior: what the model was trained to survive."""
    encoded = encode(model, groove)
    z = encoded.posterior.sample(torch.Generator().manual_seed(seed))
    return decode(model, z, encoded.frame)
