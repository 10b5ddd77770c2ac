"""What workers do with a model: functions of a checkpoint, found by their names in any process.

Each imports what it needs when it is called: torch, in a worker, and not in the pages' process, which only names it.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

from rhythmvae.audio.beats import Wish
from rhythmvae.audio.formats import Loop
from rhythmvae.data.corpus import OnProgress, Take
from rhythmvae.data.recording import Recording, Transcription
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.model.latent_map import LatentMap
from rhythmvae.model.lent import ModelFile
from rhythmvae.model.outline import Outline
from rhythmvae.model.variation import Variation
from rhythmvae.text import clean_text

TAPPED_METER = (4, 4)  # eight taps tell of none

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint
    from rhythmvae.model.completing import Completer
    from rhythmvae.model.verbs import Prediction


def outline(_: Checkpoint | None, file: ModelFile, name: str) -> tuple[Outline, bool]:
    """What the file of another model says, once all of it has been looked at; and whether its weights stand behind it.

    Raises as `checkpoint.loads` does.
    """
    from rhythmvae.model import checkpoint, lean, mapped

    found = checkpoint.loads(file.read(), name)
    said, has_weights = found.outline, mapped.put(found, file)
    del found
    lean.give_back()  # six times the file, from reading it to judging it
    return said, has_weights


def describe(_: Checkpoint | None, groove: Groove, *, has_meter: bool = True) -> dict[str, Any]:
    """What is in a groove, by rule and as it was learned; no model is asked."""
    from rhythmvae.model import labels

    return labels.describe(groove, has_meter=has_meter)


def reconstruct(checkpoint: Checkpoint, groove: Groove) -> Groove:
    from rhythmvae.model import latent

    return latent.reconstruct(checkpoint.model, groove)


def encode(checkpoint: Checkpoint, windows: Sequence[Groove]) -> FloatArray:
    from rhythmvae.model import latent_map

    return latent_map.encode(checkpoint.model, windows)


def decode(checkpoint: Checkpoint, z: FloatArray, frame: Groove) -> Groove:
    """The groove of one window's latent (Z,)."""
    import torch

    from rhythmvae.model import latent

    return latent.decode(checkpoint.model, torch.from_numpy(z.copy())[None], frame)


def decode_each(checkpoint: Checkpoint, z: FloatArray, frames: Sequence[Groove]) -> list[Groove]:
    """`latent.decode_each`."""
    import torch

    from rhythmvae.model import latent

    return latent.decode_each(checkpoint.model, torch.from_numpy(z.copy()), frames)


def sample(checkpoint: Checkpoint, /, **asked: Any) -> Groove:
    """`generate.sample`."""
    from rhythmvae.model import generate

    return generate.sample(checkpoint, **asked)


def perturb(checkpoint: Checkpoint, /, groove: Groove, **asked: Any) -> bytes:
    """`generate.perturb`, as `steered` takes it."""
    from rhythmvae.model import generate

    return pickle.dumps(generate.perturb(checkpoint, groove, **asked))


def steered(
    checkpoint: Checkpoint, /, groove: Groove, perturbed: bytes, **asked: Any
) -> tuple[list[Variation], FloatArray]:
    """`generate.steered`, of what `perturb` gave."""
    from rhythmvae.model import generate

    made, z = generate.steered(checkpoint, groove, pickle.loads(perturbed), **asked)
    return made, z.numpy()


def lane(
    checkpoint: Checkpoint,
    /,
    groove: Groove,
    name: str,
    perturbed: bytes,
    *,
    is_coarse: bool = False,
    steered: FloatArray | None = None,
    **asked: Any,
) -> bytes:
    """`lanes.slider_lane`, of what `perturb` gave, as a browser is sent it.

    Args:
        steered: latents (W, Z) that have what was asked of the other sliders, where they are known.
    """
    import torch

    from rhythmvae.model import lanes
    from rhythmvae.ui import played

    made = lanes.slider_lane(
        checkpoint,
        groove,
        name,
        perturbed=pickle.loads(perturbed),
        effort=lanes.COARSE if is_coarse else None,
        steered=None if steered is None else torch.from_numpy(steered.copy()),
        **asked,
    )
    return played.packed({**played.lane(made, checkpoint.quantiles), "is_coarse": is_coarse})


def lattice(checkpoint: Checkpoint, corners: Sequence[Groove]) -> list[Groove]:
    """`lattice.lattice`."""
    from rhythmvae.model import lattice as lattices

    return lattices.lattice(checkpoint, corners)


def interpolate(checkpoint: Checkpoint, first: Groove, last: Groove, n: int) -> list[Groove]:
    """`generate.interpolate`."""
    from rhythmvae.model import generate

    return generate.interpolate(checkpoint, first, last, n)


def complete(checkpoint: Checkpoint, /, verb: str, groove: Groove, **asked: Any) -> Groove:
    """What `model.verbs` answers: `verb` is the name of its function, `asked` what that takes.

    For "infilled" the cells are asked for by `voices`, from 0, and `bars`, from 1; None for all.
    """
    from rhythmvae.model import verbs

    completer = _completer(checkpoint)
    if verb == "infilled":
        asked["wanted"] = verbs.cells(groove, asked.pop("voices"), asked.pop("bars"))
    made: Groove = getattr(verbs, verb)(completer, groove, **asked)
    return made


def predict(checkpoint: Checkpoint, groove: Groove, style: str | None) -> Prediction:
    """`verbs.predicted`."""
    from rhythmvae.model import verbs

    return verbs.predicted(_completer(checkpoint), groove, style)


def _completer(checkpoint: Checkpoint) -> Completer:
    from rhythmvae.model.completing import Completer

    return Completer.of(checkpoint)


def map_of(
    checkpoint: Checkpoint, takes: Sequence[Take], seed: int, perplexity: float, on_progress: OnProgress | None = None
) -> LatentMap:
    from rhythmvae.model import latent_map

    return latent_map.compute(checkpoint.model, takes, seed, perplexity, on_progress)


def map_anew(
    _: Checkpoint, drawn: LatentMap, seed: int, perplexity: float, on_progress: OnProgress | None = None
) -> LatentMap:
    from rhythmvae.model import latent_map

    return latent_map.recompute(drawn, seed, perplexity, on_progress)


# -- sounds --------------------------------------------------------------------


def hear(_: Checkpoint | None, data: bytes, name: str, loop: Loop | None = None) -> Recording:
    """What is heard in a sound as `audio.pcm` has it."""
    from rhythmvae.audio import pcm
    from rhythmvae.data import recording

    _one_thread()
    return replace(recording.of_blocks(pcm.blocks(data), clean_text(name) or "sound", name), loop=loop)


def decode_sound(_: Checkpoint | None, data: bytes, name: str) -> tuple[bytes, Loop | None, tuple[str, ...]]:
    """A file of sound as `audio.pcm` has it, what it says of itself, and remarks.

    Raises:
        AudioError: as `audio.read.Sound`.
    """
    from rhythmvae.audio import pcm
    from rhythmvae.audio.read import Sound

    sound = Sound(data, name)
    decoded = pcm.packed(sound.blocks())
    return decoded, sound.loop, tuple(sound.remarks)


def transcribe(
    _: Checkpoint | None, found: Recording, wish: Wish, thresholds: Mapping[int, float], anyway: bool, way_out: str
) -> Transcription:
    """`recording.read`."""
    from rhythmvae.data import recording

    return recording.read(found, wish, thresholds, anyway=anyway, way_out=way_out)


def taps(_: Checkpoint | None, data: bytes, name: str, bpm: float | None) -> Groove:
    """The rhythm of the taps in a sound: it begins with the first of them, and has whole bars.

    Raises:
        AudioError: there are none.
    """
    from rhythmvae.audio import pcm
    from rhythmvae.audio.beats import to_groove
    from rhythmvae.audio.taps import taps_in, trimmed

    found = to_groove(trimmed(taps_in(pcm.blocks(data))), name, Wish(bpm, TAPPED_METER, 0.0)).groove
    bar = round(found.meters[-1].steps_per_bar)
    return replace(found, n_steps=ceil(found.n_steps / bar) * bar)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
