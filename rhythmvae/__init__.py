"""rhythmvae: drum MIDI through a variational autoencoder, and back.

One call does the main job:

    from rhythmvae import load_checkpoint, read_file, reconstruct, write_midi

    groove, report = read_file("loop.mid")
    rebuilt = reconstruct(load_checkpoint().model, groove)
    open("rebuilt.mid", "wb").write(write_midi(rebuilt))

The rooms, in the order imports run (a test holds it):

    errors      the errors a page may show
    text        text from files made safe to show
    resources   where the app's script, its pages and the shipped checkpoints lie
    outputs     files written whole or not at all, under safe and unique names
    kit         the voice table: nine drums, their notes and colours
    groove      the Groove value, its grid and tensor
    midi        bytes of a MIDI file <-> Groove, with an import report
    analysis    what is in a groove by rule: descriptors, matching of hits, duplicates
    sound       Groove -> waveform
    share       groove and settings <-> the text of a link
    data        files -> takes -> windows; splits, augmentation, built-in patterns
    model       the VAE, its prior and what they make; checkpoints
    evaluation  figures, each beside its floor and a baseline
    training    from data to a checkpoint file
    cli         python -m rhythmvae
    ui          the only importer of Streamlit: what the pages share

The public names below are imported when first used: reading MIDI needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rhythmvae.analysis.metrics import score
    from rhythmvae.data.examples import example
    from rhythmvae.groove import Groove
    from rhythmvae.midi.read import read_file, read_midi
    from rhythmvae.midi.write import write_midi
    from rhythmvae.model.checkpoint import load as load_checkpoint
    from rhythmvae.model.generate import interpolate, sample, vary
    from rhythmvae.model.latent import decode, encode, reconstruct

__version__ = "0.2.0"

_HOMES = {
    "Groove": ("groove", "Groove"),
    "decode": ("model.latent", "decode"),
    "encode": ("model.latent", "encode"),
    "example": ("data.examples", "example"),
    "interpolate": ("model.generate", "interpolate"),
    "load_checkpoint": ("model.checkpoint", "load"),
    "read_file": ("midi.read", "read_file"),
    "read_midi": ("midi.read", "read_midi"),
    "reconstruct": ("model.latent", "reconstruct"),
    "sample": ("model.generate", "sample"),
    "score": ("analysis.metrics", "score"),
    "vary": ("model.generate", "vary"),
    "write_midi": ("midi.write", "write_midi"),
}

__all__ = [
    "Groove",
    "decode",
    "encode",
    "example",
    "interpolate",
    "load_checkpoint",
    "read_file",
    "read_midi",
    "reconstruct",
    "sample",
    "score",
    "vary",
    "write_midi",
]


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'rhythmvae' has no attribute {name!r}") from None
    return getattr(import_module(f"rhythmvae.{module}"), attribute)
