"""rhythmvae: drum MIDI through a variational autoencoder, and back.

One call does the main job:

    from rhythmvae import load_checkpoint, read_file, reconstruct, write_midi

    groove, report = read_file("loop.mid")
    rebuilt = reconstruct(load_checkpoint().model, groove)
    open("rebuilt.mid", "wb").write(write_midi(rebuilt))

The rooms, in the order imports run (a test holds it):

    errors        the errors a page may show
    kit           the voice table: nine drums, their notes and colours
    groove        the Groove value, its grid and tensor, windows
    smf           bytes of a MIDI file -> events
    midi          events <-> Groove, with an import report
    inputs        files, folders, zips -> MIDI bytes, bounded
    describe      descriptors: density, syncopation, swing, dynamics, ...
    scales        between a descriptor's unit and its place among training grooves
    evaluate      matching of hits; F1, timing, velocity
    examples      built-in patterns in a readable notation
    share         groove and settings <-> the text of a link
    kit_sounds    one-shots of the nine drums, and the script that makes them
    synth         Groove -> waveform
    likeness      which grooves are the same, and which nearly
    corpus        data -> takes -> windows; splits; augmentation
    survey        is a set of files enough to train on? what is in it, what was skipped
    baselines     what a VAE must beat
    two_sample    can generated windows be told from played ones
    model         RhythmVAE: encoders, decoders and their config
    losses        the terms of its objective
    prior         what to draw latents from
    steer         latents moved until sliders stand where they were asked
    latent        encode, decode, reconstruct
    atlas         the map of the training grooves: where each lies, and what is near
    checkpoint    one .safetensors file with everything in it
    generate      sample, vary, interpolate
    prior_training  fits prior and scales to a trained model
    tuning        a model taught new grooves without forgetting the old ones
    documents     the JSON of the command line
    processes     this process alone, or those that torchrun started
    jobs          training runs beside the app: a queue, one at a time, each its own process
    train         the training loop
    measure       the figures of a model beside the baselines
    measure_control  how well sliders, variations and ways between obey
    compare       architectures and baselines side by side
    training_run  from data to a checkpoint file
    cli           python -m rhythmvae
    ui            the only importer of Streamlit: what the pages share

The public names below are imported when first used: reading MIDI needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rhythmvae.checkpoint import load as load_checkpoint
    from rhythmvae.evaluate import score
    from rhythmvae.examples import example
    from rhythmvae.generate import interpolate, sample, vary
    from rhythmvae.groove import Groove
    from rhythmvae.latent import decode, encode, reconstruct
    from rhythmvae.midi import read_file, read_midi, write_midi

_HOMES = {
    "Groove": ("groove", "Groove"),
    "decode": ("latent", "decode"),
    "encode": ("latent", "encode"),
    "example": ("examples", "example"),
    "interpolate": ("generate", "interpolate"),
    "load_checkpoint": ("checkpoint", "load"),
    "read_file": ("midi", "read_file"),
    "read_midi": ("midi", "read_midi"),
    "reconstruct": ("latent", "reconstruct"),
    "sample": ("generate", "sample"),
    "score": ("evaluate", "score"),
    "vary": ("generate", "vary"),
    "write_midi": ("midi", "write_midi"),
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
