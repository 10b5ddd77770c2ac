"""The transcriber: networks, dynamics, a threshold for each voice, and a card, in one .safetensors file.

Tensors are the first network's own in half precision, those of the second look (`look.` before their names; the first
version has none) and of the dynamics (`dynamics.`; from the third version on), and `thresholds` (V,). The header's
text holds one JSON object, the *card*: version, networks, what they were trained on and what they score. Nothing in
the file is ever executed; it is checked against the networks that it describes before any of it is used.

A sound is heard chunk by chunk, each with a margin of its neighbours that is wider than the network sees, so that
memory does not grow with the sound. A chunk is brought to the level of training by the loudest sample until then. What
is kept of each are its moments, at which the second look is taken when all of the sound has passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from scipy.special import expit

from rhythmvae.audio.dynamics import N_NUMBERS, Dynamics, numbers_of
from rhythmvae.audio.frames import HOP, WINDOW, log_mel, n_frames
from rhythmvae.audio.hits import RATE, Heard
from rhythmvae.audio.moments import Frames, Moments, joined, moments
from rhythmvae.audio.network import HearingConfig, HearingNetwork
from rhythmvae.audio.peaks import are_alone, one_of_its_kind, pick, seconds_of
from rhythmvae.audio.second_look import LookConfig, SecondLook
from rhythmvae.errors import CheckpointError, UsageError
from rhythmvae.groove import MAX_VELOCITY, FloatArray, IntArray
from rhythmvae.kit import GROUPS, N_VOICES
from rhythmvae.outputs import write_whole
from rhythmvae.resources import TRANSCRIBER
from rhythmvae.text import clean_text

FORMAT = "rhythmvae-transcriber"
VERSION = 3
LOOK, DYNAMICS = "look.", "dynamics."  # before the names of their tensors
MAX_FILE_BYTES = 16 << 20  # ours is one
CHUNK, MARGIN = 600, 80  # frames: about the length of a training scene, and more than the network sees on either side
LEVEL = 0.6  # the peak of what the network is given
QUIETEST_PEAK = 1e-3  # what is softer, 60 dB below full, is not brought to LEVEL
LEAD = 40 * HOP  # samples of silence that are heard before a sound: a loop begins with a stroke and no quiet before it
# Of logits, each weighed by how loud its frame is: what says less for drums is none. A hum says 13 with the clicks at
# its ends, one stroke of a drum 20, a bar of drums some hundreds.
DOUBT, DOUBT_WEIGHT = 15.0, 3.0
LOUD = 0.3  # mean of a frame's bands from which it says whether drums are alone

Hits = tuple[FloatArray, IntArray, FloatArray, FloatArray]  # seconds, voice, velocity and confidence, (N,) each
Chunk = tuple[FloatArray, int, int, int]  # samples; of their frames the first to keep and the end; its place


@dataclass(frozen=True, eq=False)
class Transcriber:
    """Networks ready to hear. thresholds: (V,), 0 to 1. card: for people and pages. look: None in a first version;
    dynamics, which need a look: None before the third, when the look's velocities are taken."""

    network: HearingNetwork
    thresholds: FloatArray
    card: Mapping[str, Any] = field(default_factory=dict)
    look: SecondLook | None = None
    dynamics: Dynamics | None = None

    @classmethod
    def load(cls, path: Path | None = None) -> Transcriber:
        """Read a file; without a path the one that comes with rhythmvae.

        Raises:
            CheckpointError: a file that is missing, foreign, damaged, too large or of another version.
        """
        path = path or TRANSCRIBER
        if not path.is_file():
            raise CheckpointError(f"Expected the transcriber {path.name}, found no such file; give one that exists.")
        try:
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise CheckpointError(f"Expected a readable transcriber at {path.name}, got {error.strerror}.") from error
        if len(data) > MAX_FILE_BYTES:
            raise CheckpointError(
                f"Expected a transcriber of at most {MAX_FILE_BYTES >> 20} MB, {path.name} is larger."
            )
        return cls.loads(data, path.name)

    @classmethod
    def loads(cls, data: bytes, name: str) -> Transcriber:
        """Read one from memory; `name` is for messages. Raises as `load` does."""
        card = _card(data, name)
        try:
            network = HearingNetwork(HearingConfig.of_card(card.get("network")))
            look = SecondLook(LookConfig.of_card(card["second_look"])) if "second_look" in card else None
            tensors = safetensors.torch.load(data)
        except (UsageError, safetensors.SafetensorError, ValueError, TypeError) as error:
            raise CheckpointError(f"The transcriber {name} is damaged ({clean_text(str(error), 200)}).") from error
        dynamics = _no_dynamics() if look is not None and "dynamics" in card else None
        kept = _kept(network, look, dynamics)
        expected = {key: tensor.shape for key, tensor in kept.items()} | {"thresholds": (N_VOICES,)}
        if {key: tensor.shape for key, tensor in tensors.items()} != expected or not all(
            tensor.is_floating_point() and bool(tensor.isfinite().all()) for tensor in tensors.values()
        ):
            raise CheckpointError(f"The tensors in {name} are not those of the network it describes: it is damaged.")
        thresholds = tensors.pop("thresholds").numpy().astype(np.float64)
        if not ((thresholds > 0) & (thresholds < 1)).all():
            raise CheckpointError(f"Expected thresholds between 0 and 1 in {name}, got others: it is damaged.")
        if look is not None:
            if look.config.n_hidden != network.config.channels:
                raise CheckpointError(f"The second look in {name} is not of the network beside it: it is damaged.")
            own = {key.removeprefix(LOOK): tensor.float() for key, tensor in tensors.items() if key.startswith(LOOK)}
            look.load_state_dict(own)
            look.eval().requires_grad_(False)
        if dynamics is not None:
            parts = {key: tensors[DYNAMICS + key].double().numpy() for key in vars(dynamics)}
            if not (parts["spread"] > 0).all():
                raise CheckpointError(f"Expected spreads above 0 in {name}, got others: it is damaged.")
            dynamics = Dynamics(**parts)
        network.load_state_dict(
            {key: tensor.float() for key, tensor in tensors.items() if not key.startswith((LOOK, DYNAMICS))},
            strict=False,
        )
        return cls(network.eval().requires_grad_(False), thresholds, card, look, dynamics)

    def save(self, path: Path) -> None:
        """Write it to a file, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        kept = _kept(self.network, self.look, self.dynamics)
        tensors = {key: tensor.half().contiguous() for key, tensor in kept.items()}
        tensors["thresholds"] = torch.tensor(self.thresholds, dtype=torch.float32)
        card = dict(self.card) | {"version": VERSION, "network": self.network.config.to_dict()}
        card |= {"second_look": self.look.config.to_dict()} if self.look else {}
        card = {"dynamics": {}} | card if self.dynamics else {key: card[key] for key in card if key != "dynamics"}
        write_whole(path, safetensors.torch.save(tensors, {FORMAT: json.dumps(card, sort_keys=True)}))

    def hear(self, blocks: Iterable[FloatArray], least: float | None = None) -> Heard:
        """What is heard in a sound that comes in blocks (S,) of float32 at RATE, of any lengths.

        Args:
            least: from which on a stroke counts, whatever its voice; None for each voice's own threshold.

        >>> len(Transcriber.load().hear([np.zeros(RATE, dtype=np.float32)]))
        0
        """
        found: list[Hits] = []
        seen: list[Moments] = []
        peaks: list[float] = []
        thresholds = self.thresholds if least is None else np.full(N_VOICES, least)
        n_samples, said, weight = 0, -DOUBT, DOUBT_WEIGHT
        for heard, first, end, place, peak in self._pieces(blocks):
            n_samples = (place - first) * HOP + len(heard.sound)
            loud = np.maximum(heard.frames.mean(1)[first:end] - LOUD, 0.0)
            said, weight = said + float((heard.logits[first:end, -1] * loud).sum()), weight + float(loud.sum())
            if self.look is None:
                found.append(_hits(heard.logits, thresholds, first, end, place))
            else:
                seen.append(moments(heard, first, end, place))
                peaks.append(peak)
        if self.look is not None:
            found.append(self._looked_at(joined(seen, peaks), thresholds))
        n_hits = sum(len(hits[0]) for hits in found)
        alone = float(expit(said / weight)) if n_hits else 0.0  # no hit is no drum
        return _heard(found, alone, max(n_samples - LEAD, 0) / RATE)

    def moments(self, blocks: Iterable[FloatArray]) -> Moments:
        """What a second look is given of a sound; seconds are from its first sample on."""
        pieces = [(moments(heard, *where), peak) for heard, *where, peak in self._pieces(blocks)]
        found = joined(*zip(*pieces, strict=True))
        return replace(found, seconds=found.seconds - LEAD / RATE)

    def frames(self, sound: FloatArray) -> Frames:
        """A sound (S,) as the network hears it."""
        with torch.inference_mode():
            frames = log_mel(torch.from_numpy(sound)[None])
            logits, hidden = self.network.heard(frames)
        return Frames(sound, frames[0].numpy(), logits[0].numpy(), hidden[0].T.numpy(), self.network.config.joined)

    def _pieces(self, blocks: Iterable[FloatArray]) -> Iterator[tuple[Frames, int, int, int, float]]:
        """Chunks as the network hears them, and the loudest sample until then, which brought each to LEVEL."""
        peak = QUIETEST_PEAK
        for sound, first, end, place in chunks(chain([np.zeros(LEAD, dtype=np.float32)], blocks)):
            peak = max(peak, float(np.abs(sound).max(initial=0.0)))
            yield self.frames(sound * np.float32(LEVEL / peak)), first, end, place, peak

    def _looked_at(self, seen: Moments, thresholds: FloatArray) -> Hits:
        """The hits of a whole recording. What makes the take, and so velocities, is each voice's own threshold's."""
        assert self.look is not None
        features = seen.features()
        logits = self.look.judged(features)
        onset, velocity = expit(logits[:, :N_VOICES]), expit(logits[:, N_VOICES:])
        at = _above(onset, thresholds, seen.frame)
        moment, voice = at.T
        struck = velocity[moment, voice]
        if self.dynamics is not None:
            played = np.zeros(onset.shape, dtype=bool)
            played[tuple(_above(onset, self.thresholds, seen.frame).T)] = True
            struck = self.dynamics.velocities(numbers_of(features, logits, played, at), voice)
        return seen.seconds[moment, voice] - LEAD / RATE, voice, struck, onset[moment, voice]


def _above(onset: FloatArray, thresholds: FloatArray, frame: IntArray) -> IntArray:
    """Moments and voices (N, 2) above the thresholds, of a kind the likeliest alone."""
    at = np.argwhere(onset > thresholds)
    return np.asarray(at[are_alone(onset[at[:, 0], at[:, 1]], frame[at[:, 0]], at[:, 1])])


def _hits(logits: FloatArray, thresholds: FloatArray, first: int, end: int, place: int) -> Hits:
    """The hits of a chunk's own frames."""
    onset, velocity = expit(logits[:, :N_VOICES]), expit(logits[:, N_VOICES : 2 * N_VOICES])
    frame, voice = one_of_its_kind(onset, *pick(onset, thresholds))
    own = (frame >= first) & (frame < end)
    frame, voice = frame[own], voice[own]
    seconds = seconds_of(onset, frame, voice) + ((place - first) * HOP - LEAD) / RATE
    return seconds, voice, velocity[frame, voice], onset[frame, voice]


def chunks(blocks: Iterable[FloatArray]) -> Iterator[Chunk]:
    """A sound in pieces of CHUNK frames, each with MARGIN frames on either side where there are any."""
    kept = np.zeros(0, dtype=np.float32)
    begins = place = 0  # frames before `kept`, and before the chunk to come
    for block in blocks:
        kept = np.concatenate([kept, np.asarray(block, dtype=np.float32)])
        while len(kept) >= (place - begins + CHUNK + MARGIN) * HOP + WINDOW:
            piece = kept[: (place - begins + CHUNK + MARGIN) * HOP + WINDOW // 2]
            yield piece, place - begins, place - begins + CHUNK, place
            place += CHUNK
            drop = max(place - MARGIN, 0) - begins
            kept, begins = kept[drop * HOP :], begins + drop
    yield kept, place - begins, n_frames(len(kept)), place


def _heard(found: list[Hits], alone: float, duration_seconds: float) -> Heard:
    seconds, voice, velocity, confidence = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(seconds, kind="stable")
    return Heard(
        seconds=np.clip(seconds[order], 0.0, duration_seconds),
        voice=voice[order].astype(np.int64),
        velocity=np.clip(np.rint(velocity[order] * MAX_VELOCITY), 1, MAX_VELOCITY).astype(np.int64),
        confidence=confidence[order].astype(np.float64),
        drums_alone=float(np.clip(alone, 0.0, 1.0)),
        duration_seconds=duration_seconds,
    )


def _kept(network: HearingNetwork, look: SecondLook | None, dynamics: Dynamics | None) -> dict[str, torch.Tensor]:
    """The tensors that a file holds: all but the counters of batches, which only a training needs."""
    own = {key: tensor for key, tensor in network.state_dict().items() if tensor.is_floating_point()}
    own |= {LOOK + key: tensor for key, tensor in (look.state_dict() if look else {}).items()}
    return own | {DYNAMICS + key: torch.from_numpy(part) for key, part in (vars(dynamics) if dynamics else {}).items()}


def _no_dynamics() -> Dynamics:
    """Of the shapes that a file has."""
    shape = (len(GROUPS), N_NUMBERS)
    return Dynamics(np.zeros((shape[0], shape[1] + 1)), np.zeros(shape), np.ones(shape))


def _card(data: bytes, name: str) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    try:
        card = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][FORMAT]) if length < len(data) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise CheckpointError(f"Expected a transcriber (.safetensors), {name} is another kind of file.")
    if card.get("version") not in (1, 2, VERSION):
        raise CheckpointError(f"Expected a transcriber of version {VERSION}, {name} is of another.")
    return card
