"""rhythmvae: drum MIDI through a variational autoencoder, and back.

One call does the main job:

    import rhythmvae

    groove, report = rhythmvae.read_file("loop.mid")
    rebuilt = rhythmvae.load().reconstruct(groove)
    open("rebuilt.mid", "wb").write(rhythmvae.write_midi(rebuilt))

The rooms, in the order imports run (a test holds it):

    errors      the errors a page may show
    text        text from files made safe to show
    resources   where the app's script, its pages and the shipped checkpoints lie
    compiled    one compiled function of scipy's, without the rest
    outputs     files written whole or not at all, under safe and unique names
    kit         the voice table: nine drums, their notes and colours
    svg         a drum grid as a picture for notebooks
    groove      the Groove value, its grid and tensor
    midi        bytes of a MIDI file <-> Groove, with an import report
    analysis    what is in a groove by rule: descriptors, rhythm, feel, form, matching of hits, duplicates
    sound       Groove -> waveform
    audio       sound -> hits -> Groove
    share       groove and settings <-> the text of a link
    data        files -> takes -> windows; splits, augmentation, built-in patterns
    model       the VAE, its prior and what they make; checkpoints
    evaluation  figures, each beside its floor and a baseline
    plots       pictures to look at, drawn by plotly
    training    from data to a checkpoint file
    store       what outlives a process, in one small database
    library     an index of a collection of files, and search in it
    review      listening tests: trials, answers kept, statistics
    jobs        training runs beside the app: a queue on one machine, or over several
    cli         python -m rhythmvae
    ui          the only importer of Streamlit: what the pages share

The public names below are imported when first used: reading MIDI needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rhythmvae.analysis.descriptors import table as descriptors
    from rhythmvae.analysis.metrics import score
    from rhythmvae.data.examples import example
    from rhythmvae.data.files import find_sources
    from rhythmvae.data.reading import read_file
    from rhythmvae.errors import RhythmVAEError
    from rhythmvae.groove import Groove
    from rhythmvae.midi.pretty import from_pretty_midi, to_pretty_midi
    from rhythmvae.midi.read import read_midi
    from rhythmvae.midi.report import ReadOptions
    from rhythmvae.midi.tracks import write_tracks
    from rhythmvae.midi.write import write_midi
    from rhythmvae.model.checkpoint import load as load_checkpoint
    from rhythmvae.model.generate import interpolate, sample, vary
    from rhythmvae.model.handle import Model, load
    from rhythmvae.model.labels import describe
    from rhythmvae.model.latent import decode, encode, reconstruct, vectors
    from rhythmvae.sound.synth import wav_bytes

__version__ = "0.2.0"

_HOMES = {
    "Groove": ("groove", "Groove"),
    "Model": ("model.handle", "Model"),
    "RhythmVAEError": ("errors", "RhythmVAEError"),
    "ReadOptions": ("midi.report", "ReadOptions"),
    "decode": ("model.latent", "decode"),
    "describe": ("model.labels", "describe"),
    "descriptors": ("analysis.descriptors", "table"),
    "encode": ("model.latent", "encode"),
    "example": ("data.examples", "example"),
    "find_sources": ("data.files", "find_sources"),
    "from_pretty_midi": ("midi.pretty", "from_pretty_midi"),
    "interpolate": ("model.generate", "interpolate"),
    "load": ("model.handle", "load"),
    "load_checkpoint": ("model.checkpoint", "load"),
    "read_file": ("data.reading", "read_file"),
    "read_midi": ("midi.read", "read_midi"),
    "reconstruct": ("model.latent", "reconstruct"),
    "sample": ("model.generate", "sample"),
    "score": ("analysis.metrics", "score"),
    "to_pretty_midi": ("midi.pretty", "to_pretty_midi"),
    "vary": ("model.generate", "vary"),
    "vectors": ("model.latent", "vectors"),
    "wav_bytes": ("sound.synth", "wav_bytes"),
    "write_midi": ("midi.write", "write_midi"),
    "write_tracks": ("midi.tracks", "write_tracks"),
}

__all__ = [
    "Groove",
    "Model",
    "ReadOptions",
    "RhythmVAEError",
    "decode",
    "describe",
    "descriptors",
    "encode",
    "example",
    "find_sources",
    "from_pretty_midi",
    "interpolate",
    "load",
    "load_checkpoint",
    "read_file",
    "read_midi",
    "reconstruct",
    "sample",
    "score",
    "to_pretty_midi",
    "vary",
    "vectors",
    "wav_bytes",
    "write_midi",
    "write_tracks",
]


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'rhythmvae' has no attribute {name!r}") from None
    return getattr(import_module(f"rhythmvae.{module}"), attribute)
