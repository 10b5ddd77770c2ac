"""The descent: scenes mixed by a process of its own, ahead of the network; averaged weights at any moment.

A run has a budget of seconds; its learning rate rises at once, stays, and falls along a cosine in the second half. What
there is lies in one state file, written every few minutes, from which the run goes on.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Full
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from rhythmvae.audio.frames import FRAMES_PER_SECOND, N_BANDS, log_mel
from rhythmvae.audio.network import HearingConfig, HearingNetwork
from rhythmvae.groove import MAX_VELOCITY, FloatArray
from rhythmvae.kit import N_VOICES
from rhythmvae.model.lean import AdamW
from rhythmvae.training.hearing.scenes import Scene, Studio

BATCH = 8
SHORTEST_AVERAGE, LONGEST_AVERAGE = 0.9, 0.997  # decay of the averaged weights, which begins short
PEAK_RATE = 1.2e-3
WIDTH = 1.5  # frames on either side over which an onset's target falls to nothing
SHARES = (1.0, 1.0, 1.2, 2.0, 2.0, 2.0, 2.0, 2.5, 1.5)  # of each voice in the loss: rare ones count for more
INAUDIBLE = 8  # softer strokes are neither asked for nor held against the network
FLAT = 0.5  # of the budget, in which the learning rate stays where it is
KEEP_SECONDS = 60.0
REPLAYED = 64  # batches that are kept to be given once more


def targets(scene: Scene, n_frames: int) -> FloatArray:
    """(T, 3, V) float32: the onset (0 to 1, highest where it lies), the velocity (0 to 1) and whether it counts."""
    out = np.zeros((n_frames, 3, N_VOICES), dtype=np.float32)
    out[:, 2] = 1.0
    place = scene.strokes.seconds * FRAMES_PER_SECOND
    order = np.argsort(scene.strokes.velocity, kind="stable")
    for at, voice, velocity in zip(
        place[order].tolist(), scene.strokes.voice[order].tolist(), scene.strokes.velocity[order].tolist(), strict=True
    ):
        for frame in range(max(int(at) - 1, 0), min(int(at) + 3, n_frames)):
            height = 1 - abs(frame - at) / WIDTH
            if height > 0:
                if velocity < INAUDIBLE:
                    out[frame, 2, voice] = 0.0
                else:
                    out[frame, 0, voice] = max(out[frame, 0, voice], height)
                    out[frame, 1, voice] = velocity / MAX_VELOCITY
                    out[frame, 2, voice] = 1.0
    return out


def loss(logits: Tensor, target: Tensor, alone: Tensor, frames: Tensor) -> dict[str, Tensor]:
    """What is to fall, by name.

    Args:
        logits: (B, T, 2 V + 1), as the network gives them.
        target: (B, T, 3, V), as `targets` makes them.
        alone: (B,) 0 or 1, NaN where it is unclear.
        frames: (B, T, N_BANDS), which the network was given.
    """
    onset, velocity, counts = target.unbind(2)
    own = F.binary_cross_entropy_with_logits(logits[..., :N_VOICES], onset, reduction="none")
    struck = (onset > 0.3).float()
    off = (torch.sigmoid(logits[..., N_VOICES : 2 * N_VOICES]) - velocity) ** 2
    clear = ~alone.isnan()
    told = F.binary_cross_entropy_with_logits(pooled(logits[..., -1], frames)[clear], alone[clear])
    return {
        "onset": 40 * (own * counts * (1 + onset) * torch.tensor(SHARES)).mean(),
        "velocity": 8 * (off * struck).sum() / struck.sum().clamp(min=1),
        "alone": 0.1 * told,
    }


def pooled(logit: Tensor, frames: Tensor) -> Tensor:
    """One logit (B,) out of one for each frame (B, T), by how loud the frames are."""
    weight = frames.mean(2) + 1e-3
    return (logit * weight).sum(1) / weight.sum(1)


Batch = tuple[Tensor, Tensor, Tensor]


def batch(studio: Studio, rng: np.random.Generator) -> Batch:
    """Frames (B, T, N_BANDS), targets and alone of new scenes."""
    scenes = [studio.scene(rng) for _ in range(BATCH)]
    frames = log_mel(torch.from_numpy(np.stack([scene.sound for scene in scenes])))
    target = torch.from_numpy(np.stack([targets(scene, frames.shape[1]) for scene in scenes]))
    alone = torch.tensor([float("nan") if scene.alone is None else scene.alone for scene in scenes])
    return frames, target, alone


def _mix(queue: Any, make: Callable[[], Studio], seed: int) -> None:
    torch.set_num_threads(1)
    parent, studio, rng = os.getppid(), make(), np.random.default_rng(seed)
    kept: list[Batch] = []
    while os.getppid() == parent:
        fresh = batch(studio, rng)
        _put(queue, fresh, parent)
        kept = [*kept[-REPLAYED:], fresh]
        frames, target, alone = kept.pop(int(rng.integers(len(kept))))
        _put(queue, (tinted(frames, rng), target, alone), parent)
    queue.cancel_join_thread()  # nobody takes what is left: a mixer would wait for that for ever


def _put(queue: Any, own: Batch, parent: int) -> None:
    """Wait for room in the queue as long as there is a trainer who takes of it."""
    frames, target, alone = own
    arrays = (frames.half().numpy(), target.half().numpy(), alone.numpy())
    while os.getppid() == parent:
        try:
            queue.put(arrays, timeout=5)
            return
        except Full:
            continue


def tinted(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Frames of the same scenes, each with another tone and level: mixing costs as much as learning from it."""
    knots = torch.from_numpy(rng.normal(0, 0.12, (len(frames), 1, 6))).float()
    tone = F.interpolate(knots, N_BANDS, mode="linear", align_corners=True)
    return (frames + tone).clamp(min=0) * (frames > 0.02)


@dataclass(eq=False)
class Run:
    """A run as far as it is."""

    network: HearingNetwork
    averaged: HearingNetwork
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0  # of work, over all its parts

    @classmethod
    def new(cls, config: HearingConfig, seed: int, init: HearingNetwork | None = None) -> Run:
        """A run that begins with the weights of `init`, or with drawn ones."""
        torch.manual_seed(seed)
        network = HearingNetwork(config)
        if init is not None:
            network.load_state_dict(init.state_dict())
        optimizer = AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=1e-2, betas=(0.9, 0.98))
        return cls(network, copy.deepcopy(network), optimizer)

    def save(self, path: Path) -> None:
        """Keep it, whole or not at all."""
        parts = {name: getattr(self, name).state_dict() for name in ("network", "averaged", "optimizer")}
        torch.save(parts | {"step": self.step, "seconds": self.seconds}, f"{path}.new")
        os.replace(f"{path}.new", path)

    def restore(self, path: Path) -> None:
        """Go on from where it was kept."""
        kept = torch.load(path, weights_only=True)
        for name in ("network", "averaged", "optimizer"):
            getattr(self, name).load_state_dict(kept[name])
        self.step, self.seconds = kept["step"], kept["seconds"]

    def take(self, own: Batch) -> dict[str, float]:
        """One step down."""
        frames, target, alone = own
        self.network.train()
        terms = loss(self.network(frames), target, alone, frames)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        decay = min(LONGEST_AVERAGE, max(SHORTEST_AVERAGE, 1 - 10 / (10 + self.step)))
        with torch.no_grad():
            for kept, new in zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True):
                if kept.is_floating_point():
                    kept.lerp_(new, 1 - decay)
        return {name: float(value.detach()) for name, value in terms.items()}


def rate(part: float, peak: float = PEAK_RATE) -> float:
    """Learning rate after this part of the budget, 0 to 1."""
    falling = min(max((part - FLAT) / (1 - FLAT), 0.0), 1.0)
    return peak * min(part / 0.03 + 0.02, 1.0) * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * falling))))


def descend(
    run: Run, make: Callable[[], Studio], budget_seconds: float, state: Path, seed: int, peak: float = PEAK_RATE
) -> Iterator[dict[str, float]]:
    """Train until the budget is spent; yields the terms of each step. The state is kept on the way and at the end."""
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue(maxsize=6)
    mixer = spawn.Process(target=_mix, args=(queue, make, seed + run.step * 100), daemon=True)
    mixer.start()
    before, kept = run.seconds, 0.0
    frames, target, alone = queue.get()
    began = time.monotonic()
    while run.seconds < budget_seconds:
        for group in run.optimizer.param_groups:
            group["lr"] = rate(run.seconds / budget_seconds, peak)
        own = tuple(torch.from_numpy(each).float() for each in (frames, target, alone))
        terms = run.take(own)  # type: ignore[arg-type]
        run.seconds = before + time.monotonic() - began
        yield terms
        if run.seconds - kept > KEEP_SECONDS:
            run.save(state)
            kept = run.seconds
        frames, target, alone = queue.get()
    run.save(state)
    mixer.terminate()
