"""What is computed once and kept, for all visitors.

Every cache is bounded. What depends on the model carries the checkpoint's digest in its
key, so another checkpoint never answers for this one. Cached values are shared: read-only.
torch is imported by `checkpoint` and `latent`, which are imported here at first use, so
that a page shows its heading before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from rhythmvae import evaluate, synth
from rhythmvae.groove import Groove
from rhythmvae.midi import ImportReport, ReadOptions, read_midi

if TYPE_CHECKING:
    from rhythmvae.checkpoint import Checkpoint


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


@st.cache_data(max_entries=24, show_spinner=False, hash_funcs={Groove: fingerprint})
def wav(groove: Groove) -> bytes:
    """The groove as a WAV file that loops.

    Raises:
        UsageError: too long to render.
    """
    return synth.wav_bytes(groove, loop=True)
