"""What is computed once and kept, for all visitors.

Every cache is bounded. What depends on the model carries the checkpoint's digest in its
key, so another checkpoint never answers for this one. Cached values are shared: read-only.
torch is imported by `checkpoint` and `latent`, which are imported here at first use, so
that a page shows its heading before.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st

from rhythmvae import evaluate
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.midi import ImportReport, ReadOptions, read_midi

if TYPE_CHECKING:
    from rhythmvae.checkpoint import Checkpoint
    from rhythmvae.generate import Turned, Variation


@dataclass(frozen=True)
class Settings:
    """What `generate.vary` is asked for, as a key of a cache."""

    n: int = 1
    amount: float = 0.4
    seed: int = 0
    asked: tuple[tuple[str, float], ...] = ()
    keep: tuple[str, ...] = ()
    keep_bars: tuple[int, ...] = ()
    style: str | None = None


def fingerprint(groove: Groove) -> str:
    """Digest of all that a groove holds."""
    digest = hashlib.sha256()
    for array in (groove.position, groove.voice, groove.velocity):
        digest.update(array.tobytes())
    digest.update(repr((groove.n_steps, groove.tempos, groove.meters, groove.title, groove.source)).encode())
    return digest.hexdigest()


@st.cache_resource(show_spinner=False)
def shipped() -> Checkpoint:
    """The checkpoint that comes with the app.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    import torch

    from rhythmvae import checkpoint

    # A groove is little work, and the threads of a busy machine mostly wait for each
    # other: a pattern takes 5 ms on one thread, up to 500 ms on two.
    torch.set_num_threads(1)
    return checkpoint.load()


@st.cache_data(max_entries=128, show_spinner=False)
def read(data: bytes, name: str, options: ReadOptions) -> tuple[Groove, ImportReport]:
    """`midi.read_midi`."""
    return read_midi(data, name, options)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Groove: fingerprint})
def _reconstruct(groove: Groove, digest: str) -> Groove:
    from rhythmvae import latent

    return latent.reconstruct(shipped().model, groove)


def reconstruct(groove: Groove) -> Groove:
    """The whole groove through the shipped model."""
    return _reconstruct(groove, shipped().digest)


@st.cache_data(max_entries=128, show_spinner=False, hash_funcs={Groove: fingerprint})
def score(original: Groove, estimate: Groove) -> evaluate.Score:
    """`evaluate.score`."""
    return evaluate.score(original, estimate)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs={Groove: fingerprint})
def _turned(groove: Groove, digest: str, n: int, amount: float, seed: int, style: str | None) -> Turned:
    from rhythmvae import generate

    return generate.turn(shipped(), groove, n=n, amount=amount, seed=seed, style=style)


@st.cache_data(max_entries=128, show_spinner=False, hash_funcs={Groove: fingerprint})
def _variations(groove: Groove, digest: str, settings: Settings) -> list[Variation]:
    from rhythmvae import generate

    return generate.vary(
        shipped(),
        groove,
        n=settings.n,
        amount=settings.amount,
        seed=settings.seed,
        asked=dict(settings.asked),
        keep=settings.keep,
        keep_bars=settings.keep_bars,
        # A slider moves more often than what it starts from.
        turned=_turned(groove, digest, settings.n, settings.amount, settings.seed, settings.style),
    )


def variations(groove: Groove, settings: Settings) -> list[Variation]:
    """`generate.vary` with the shipped checkpoint.

    Raises:
        UsageError: settings that make no sense for the groove.
    """
    return _variations(groove, shipped().digest, settings)


@st.cache_data(max_entries=16, show_spinner=False, hash_funcs={Groove: fingerprint})
def _between(first: Groove, last: Groove, n: int, digest: str) -> list[Groove]:
    from rhythmvae import generate

    return generate.interpolate(shipped(), first, last, n)


def between(first: Groove, last: Groove, n: int) -> list[Groove]:
    """`generate.interpolate` with the shipped checkpoint.

    Raises:
        UsageError: grooves between which there is no way.
    """
    return _between(first, last, n, shipped().digest)


# -- the map -------------------------------------------------------------------


@st.cache_data(max_entries=2, show_spinner=False)
def _points_file(digest: str) -> bytes:
    from rhythmvae.ui import landscape

    atlas = shipped().atlas
    return landscape.points_file(atlas) if atlas is not None else b""


def points_file() -> bytes:
    """What a browser draws the shipped model's map by."""
    return _points_file(shipped().digest)


@st.cache_resource(show_spinner=False)
def drawing() -> Lock:
    """Held while a map is drawn: half a minute of a core, and one visitor at a time."""
    return Lock()


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Groove: fingerprint})
def _windows_with_latents(groove: Groove, digest: str) -> list[tuple[Groove, FloatArray]]:
    from rhythmvae import atlas

    windows = atlas.windows(groove)
    return list(zip(windows, atlas.encode(shipped().model, windows), strict=True)) if windows else []


def windows_with_latents(groove: Groove) -> list[tuple[Groove, FloatArray]]:
    """The windows of a groove that a map shows, each with its latent (Z,)."""
    return _windows_with_latents(groove, shipped().digest)


def decoded(latent: FloatArray, frame: Groove) -> Groove:
    """The groove of one window's latent (Z,)."""
    import torch

    from rhythmvae import latent as latents

    return latents.decode(shipped().model, torch.from_numpy(latent[None]).float(), frame)
