"""The second look's training: whole recordings on one kit, heard by the first network, and what was played in them.

The first network knows the kits that it learned from, and is surer of them than of others. So half of the recordings
are on kits made by rule that it never heard, whose toms are of one make, and the others on its own kits, bent in pitch.
Half are played as takes are, half are scenes as the first network learned from, but longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from rhythmvae.audio.moments import LOW_HZ, N_GAPS, N_PATCH, SPANS, Moments, n_features
from rhythmvae.audio.second_look import LookConfig, SecondLook
from rhythmvae.audio.transcriber import Transcriber
from rhythmvae.data.corpus import Take
from rhythmvae.groove import MAX_VELOCITY, BoolArray, FloatArray
from rhythmvae.kit import N_VOICES
from rhythmvae.model.lean import AdamW
from rhythmvae.training.hearing import made, samples, scenes, stock
from rhythmvae.training.hearing.fit import INAUDIBLE
from rhythmvae.training.hearing.scenes import (
    CLOSED,
    CRASH,
    HIGH,
    KICK,
    LOW,
    MID,
    OPEN,
    RIDE,
    SNARE,
    TOMS,
    Instrument,
    Rng,
    Strokes,
    Studio,
)

SECONDS = 14.0
N_MADE, FIRST_MADE = 120, 5000  # kits made for this, and the seed of the first
NEAR_SECONDS = 0.035  # between a stroke and its moment, at most
BATCH = 12
RATE_PEAK, WARM_STEPS, WEIGHT_DECAY = 1.5e-3, 60, 2e-2
LONGEST = 112  # moments of a recording in one step
VELOCITY_WEIGHT = 6.0
FLOOR_SPREAD = 0.05  # of a feature that hardly varies
CONFUSED = (  # voices that a kit may have alike
    *((SNARE, HIGH), (SNARE, MID), (SNARE, CLOSED), (KICK, LOW)),
    *((LOW, MID), (MID, HIGH), (LOW, HIGH), (HIGH, CLOSED)),
    *((CLOSED, OPEN), (CLOSED, RIDE), (OPEN, RIDE), (OPEN, CRASH), (CRASH, RIDE)),
)


@dataclass(frozen=True, eq=False)
class Example:
    """A recording's moments: features (M, F) float16; struck, velocity (0 to 1) and counts, (M, V) each."""

    features: FloatArray
    struck: BoolArray
    velocity: FloatArray
    counts: BoolArray


def example(found: Moments, strokes: Strokes) -> Example:
    """What was played at each moment. Strokes that nobody hears are neither asked for nor held against it."""
    shape = (len(found), N_VOICES)
    struck, velocity, counts = np.zeros(shape, dtype=bool), np.zeros(shape, np.float16), np.ones(shape, dtype=bool)
    for i in np.argsort(strokes.velocity, kind="stable").tolist():
        at, voice = float(strokes.seconds[i]), int(strokes.voice[i])
        if not len(found):
            break
        off = np.abs(found.seconds[:, voice] - at)
        near = int(off.argmin())
        if off[near] > NEAR_SECONDS:
            continue
        if strokes.velocity[i] < INAUDIBLE:
            counts[near, voice] = False
        else:
            struck[near, voice] = counts[near, voice] = True
            velocity[near, voice] = strokes.velocity[i] / MAX_VELOCITY
    return Example(found.features().astype(np.float16), struck, velocity, counts)


# -- recordings ----------------------------------------------------------------


def kits(folder: Path) -> tuple[list[samples.Kit], list[float]]:
    """Kits to train on and how often each is taken: half of them made anew."""
    place = folder / "look-kits"
    place.mkdir(parents=True, exist_ok=True)
    anew = []
    for i in range(N_MADE):
        path = place / f"anew-{i:03}.npz"
        if not path.exists():
            samples.save(path, list(made.kit(np.random.default_rng(FIRST_MADE + i), of_a_kind=True)))
        anew.append(samples.load(path))
    own = [kit for kit in stock.kits(folder, held_out=False) if not kit.name.startswith("made")]
    shares = np.sqrt(stock.weights(own))  # real kits in layers most, but less so
    return [*own, *anew], [*(0.5 * shares / shares.sum()), *[0.5 / len(anew)] * len(anew)]


def studio(folder: Path, data: Path) -> Studio:
    """What the recordings are made with."""
    own, weights = kits(folder)
    lines = [scenes.line(take) for take in stock.takes(data, held_out=False)]
    return Studio(own, weights, lines, stock.others(folder, held_out=False), SECONDS)


def validation_takes(takes: Sequence[Take]) -> list[Take]:
    """Takes of the data set's validation rows by drummers that are not held out."""
    return [
        take
        for take in takes
        if take.split == "validation"
        and take.labels.get("drummer") not in stock.HELD_OUT_DRUMMERS
        and len(take.groove) > 3
    ]


def recording(own: Studio, rng: Rng) -> tuple[FloatArray, Strokes]:
    """A recording (S,) and what is played in it."""
    if rng.random() < 0.5:
        strokes = own.draw(rng)
        sound, _ = own.beneath(rng, own.mix(rng, strokes))
    else:
        line = own.line(rng)
        start = rng.uniform(-0.5, max(line.duration_seconds - own.seconds, 0.0))
        strokes = scenes.excerpt(line, start, float(rng.uniform(0.9, 1.1)), own.seconds)
        sound, strokes = _on_one_kit(own, rng, strokes)
    if rng.random() < 0.6:
        sound = scenes.coloured(rng, sound)
    heard = strokes[(strokes.voice < N_VOICES) & (strokes.seconds >= 0) & (strokes.seconds < own.seconds - 0.05)]
    return scenes.loud(rng, sound), heard


def _on_one_kit(own: Studio, rng: Rng, strokes: Strokes) -> tuple[FloatArray, Strokes]:
    """Strokes on one kit bent in pitch, its toms and cymbals by themselves; those that it has not are left out."""
    kit, sound = own.kit(rng), np.zeros(own.n_samples, dtype=np.float32)
    bends = 2 ** (rng.normal(0, 2.5, N_VOICES) / 12)
    bends[list(TOMS)] = 2 ** (rng.normal(0, 4.0) / 12)  # together: a low one stays lower than a high one
    strokes = strokes[np.isin(strokes.voice, [voice for voice in range(N_VOICES) if kit.has(voice)])]
    for voice in np.unique(strokes.voice).tolist():
        instrument = Instrument(rng, kit, voice, plain=True)
        instrument.speed = float(bends[voice])
        instrument.play(sound, strokes[strokes.voice == voice], scenes.stops_of(strokes, voice))
    return np.clip(np.float32(0.8) * sound, -1, 1), strokes


def examples(transcriber: Transcriber, own: Studio, seed: int, n: int) -> Iterator[Example]:
    """So many recordings, heard; those of a seed and number are always the same."""
    for i in range(n):
        sound, strokes = recording(own, np.random.default_rng([seed, i]))
        yield example(transcriber.moments([sound]), strokes)


# -- the descent ---------------------------------------------------------------


Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def cut(own: Example, rng: Rng) -> Example:
    """LONGEST moments of it at most, one after another."""
    start = int(rng.integers(max(len(own.features) - LONGEST, 0) + 1))
    return Example(*(getattr(own, name)[start : start + LONGEST] for name in _PARTS))


def batch(own: Sequence[Example]) -> Batch:
    """Features (B, M, F), which moments are there (B, M), and struck, velocity, counts (B, M, V)."""
    longest = max(len(each.features) for each in own)
    there = torch.zeros(len(own), longest, dtype=torch.bool)
    parts = [torch.zeros(len(own), longest, getattr(own[0], name).shape[1]) for name in _PARTS]
    for i, each in enumerate(own):
        n = len(each.features)
        there[i, :n] = True
        for part, name in zip(parts, _PARTS, strict=True):
            part[i, :n] = torch.from_numpy(getattr(each, name).astype(np.float32))
    features, struck, velocity, counts = parts
    return features, there, struck, velocity, counts * there[..., None]


_PARTS = ("features", "struck", "velocity", "counts")


def tinted(features: Tensor, rng: Rng) -> Tensor:
    """Features as of another room, another kit and another first network, for each recording one.

    It has a tone and a level; voices of which the network is too sure or too shy; now and then two voices that it takes
    for each other throughout, as it does on kits that it never heard; and then, or by chance, no hidden layer.
    """
    out, n = features.clone(), len(features)
    n_bands = N_PATCH // len(SPANS)
    knots = torch.from_numpy(rng.normal(0, 0.12, (n, 1, 6))).float()
    tone = F.interpolate(knots, n_bands, mode="linear", align_corners=True)
    tone = tone + torch.from_numpy(rng.normal(0, 0.05, (n, 1, 1))).float()
    first, after = 2 * N_VOICES, 2 * N_VOICES + N_PATCH
    patch = out[..., first:after]
    out[..., first:after] = (patch + tone.repeat(1, 1, len(SPANS))).clamp(min=0) * (patch > 0.02)
    shy = rng.normal(0, 0.8, (n, 1, N_VOICES)) * (rng.random((n, 1, N_VOICES)) < 0.5)
    out[..., :N_VOICES] += torch.from_numpy(shy).float()
    hidden = slice(after + len(LOW_HZ), -N_GAPS)
    is_without = rng.random(n) < 0.15
    for i in np.flatnonzero(rng.random(n) < 0.35).tolist():
        one, other = CONFUSED[int(rng.integers(len(CONFUSED)))]
        for start in (0, N_VOICES):
            both = [start + one, start + other]
            out[i][:, both] = features[i][:, both[::-1]]
        blur = rng.normal(0, 0.2, (1, after - first)) * (features[i, :, first:after].numpy() > 0.02)
        out[i, :, first:after] = (out[i, :, first:after] + torch.from_numpy(blur).float()).clamp(min=0)
        is_without[i] = True
    out[..., hidden] *= torch.from_numpy(~is_without[:, None, None]).float()
    return out


def loss(logits: Tensor, own: Batch) -> dict[str, Tensor]:
    """What is to fall, by name."""
    _, _, struck, velocity, counts = own
    told = F.binary_cross_entropy_with_logits(logits[..., :N_VOICES], struck, reduction="none")
    off = (torch.sigmoid(logits[..., N_VOICES:]) - velocity) ** 2 * struck
    n = counts.sum().clamp(min=1)
    return {
        "onset": (told * counts).sum() * N_VOICES / n,
        "velocity": VELOCITY_WEIGHT * off.sum() / struck.sum().clamp(min=1),
    }


def again(look: SecondLook, share: float) -> SecondLook:
    """One that can learn on, of a checkpoint's that was `believed` by a share."""
    learning = SecondLook(look.config)
    learning.load_state_dict(look.state_dict())
    return believed(learning, 1 / share)


def fresh(config: LookConfig, own: Sequence[Example], seed: int) -> SecondLook:
    """A second look before its training, with the mean and spread of what it will be given."""
    torch.manual_seed(seed)
    look = SecondLook(config)
    every = np.concatenate([each.features for each in own[:400]]).astype(np.float32)
    assert every.shape[1] == n_features(config.n_hidden)
    look.mean.copy_(torch.from_numpy(every.mean(0)))
    look.spread.copy_(torch.from_numpy(every.std(0)).clamp(min=FLOOR_SPREAD))
    return look


def descend(
    look: SecondLook, own: Sequence[Example], steps: int, seed: int, peak: float = RATE_PEAK
) -> Iterator[dict[str, float]]:
    """Train it in place, so many steps; yields the terms of each."""
    rng = np.random.default_rng(seed)
    optimizer = AdamW(look.parameters(), lr=peak, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98))
    own = [each for each in own if len(each.features)]
    look.train()
    for step in range(steps):
        falling = 0.5 * (1 + float(np.cos(np.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = peak * min((step + 1) / WARM_STEPS, 1.0) * (0.01 + 0.99 * falling)
        drawn = batch([cut(own[int(i)], rng) for i in rng.integers(len(own), size=BATCH)])
        terms = loss(look(tinted(drawn[0], rng), drawn[1]), drawn)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(look.parameters(), 1.0)
        optimizer.step()
        yield {name: float(value.detach()) for name, value in terms.items()}
    look.eval()


def believed(look: SecondLook, share: float) -> SecondLook:
    """It, changing by a share of what it would what the first network says."""
    with torch.no_grad():
        for part in look.heads.parameters():
            part.mul_(share)
    return look
