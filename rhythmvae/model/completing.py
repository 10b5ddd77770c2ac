"""Grooves of any length completed: a part is given, the model answers with the rest, window after window.

What was given comes back note for note. A window is read beside the one before, completed by then, and beside what is
given of the one after (completion.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rhythmvae.analysis.descriptors import TRAITS, traits
from rhythmvae.analysis.quantiles import MAX_SCORE, Quantiles
from rhythmvae.groove import (
    HIT,
    MAX_VELOCITY,
    N_FEATURES,
    OFFSET,
    VELOCITY,
    WINDOW_STEPS,
    BoolArray,
    FloatArray,
    Groove,
    IntArray,
    Layers,
    Span,
    cells_of,
    from_grid,
    nearest_step,
    to_grid,
    window_spans,
)
from rhythmvae.kit import GROUPS, N_VOICES, VOICE_KEYS
from rhythmvae.model.completion import BEFORE, N_MASKS, N_PLACES, THIS, Completion, Part, octaves
from rhythmvae.model.limits import check_sliders, check_style, check_wanted
from rhythmvae.model.prior import Conditioning
from rhythmvae.model.vae import Outputs, RhythmVAE

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint

# A cell has a hit where its probability is at least this. Of the one answer F1 is the same within 0.003 from 0.4 to 0.6
# on validation takes, whatever the job, and of cells of tapped drums more are right the higher it is.
LIKELY = 0.5
# What the decoder says of the one answer is surer than it is right: on validation takes the next bar costs half as many
# bits where log odds are divided by this, and nearly as few by 2.5 or 4.
SHARPNESS = 3.0
# Draws that are asked beside the one answer whether a cell has a hit and how it is played. On validation takes: F1 of
# tapped drums 0.55 for 0.51, timing off by 0.818 of the grid for 0.824, velocity by 20.4 for 20.9.
OPINIONS = 16
OPINION_TEMPERATURE = 0.85
# Draws of a window of which the one that is most like what is wanted stays.
CANDIDATES = 8
BATCH = 64
IN_CELL = 0.49  # steps: what is new stays in its 16th on the ticks of any file
APART = 1 / 30  # steps between two strokes of a drum in one 16th
# With two lanes of taps, the drums that each plays.
HANDS = tuple(
    np.isin(VOICE_KEYS, keys) for keys in (("kick", *GROUPS["toms"]), ("snare", *GROUPS["hats"], *GROUPS["cymbals"]))
)


class Completer(NamedTuple):
    """A model, what completes for it, and the scales of what may be wanted of that."""

    model: RhythmVAE
    completion: Completion
    quantiles: Quantiles = Quantiles({})

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Completer:
        """Raises CheckpointError for a model that completes no grooves."""
        return cls(checkpoint.model, checkpoint.completion, checkpoint.quantiles)

    def wanted(self, style: str | None = None, asked: Mapping[str, float] | None = None) -> Conditioning:
        """What every window should be like, (1, ...); nothing is wanted where nothing is named.

        Args:
            asked: descriptors (limits.WANTED) as quantiles among the training windows, 0 to 1.

        Raises:
            UsageError: a style or a descriptor that the training data does not have, or a quantile that cannot be.
        """
        config, asked = self.completion.config, asked or {}
        if style is not None:
            check_style(style, config.styles)
        check_wanted(asked)
        check_sliders(asked, self.quantiles.knots)
        index = len(config.styles) if style is None else config.styles.index(style)
        scores, mask = torch.zeros(1, config.n_traits), torch.zeros(1, config.n_traits)
        for column, name in enumerate(self._traits):
            if name in asked:
                scores[0, column], mask[0, column] = _score(asked[name]), 1.0
        return Conditioning(scores, mask, torch.tensor([index]))

    def distance(self, window: Groove, wanted: Conditioning) -> float:
        """How far a window is from what is wanted: the sum of squared scores; what it does not define is far."""
        found, [scores], [mask] = traits(window), wanted.traits.tolist(), wanted.mask.tolist()
        away = 0.0
        for name, score, is_wanted in zip(self._traits, scores, mask, strict=True):
            if is_wanted:
                value = found[name]
                away += (MAX_SCORE if value is None else self.quantiles.score(name, value) - score) ** 2
        return away

    @property
    def _traits(self) -> list[str]:
        return [name for name in TRAITS if name in self.quantiles.knots]


def _score(quantile: float) -> float:
    """A quantile as a standard normal score, within MAX_SCORE."""
    return min(max(NormalDist().inv_cdf(min(max(quantile, 1e-6), 1 - 1e-6)), -MAX_SCORE), MAX_SCORE)


@dataclass(frozen=True, eq=False)
class Given:
    """What is given of a groove.

    groove: its hits, those of cells that are given; its length, tempos and meters are those of what is made.
    hits, velocities, offsets: (T, V), True for cells whose strokes, velocities or offsets are given.
    taps: a groove as long, whose hits are a rhythm that no drum plays yet. Their drums are not looked at, but that of
        two lanes the taps of the first voice are played by HANDS[0], the others by HANDS[1].
    like: a groove as long, whose feel is wanted: before and after each window its own window is heard.
    lanes: of taps, 1 or 2.
    """

    groove: Groove
    hits: BoolArray
    velocities: BoolArray
    offsets: BoolArray
    taps: Groove | None = None
    like: Groove | None = None
    lanes: int = 1

    @classmethod
    def nothing(cls, frame: Groove, taps: Groove | None = None, like: Groove | None = None, lanes: int = 1) -> Given:
        """Of a groove: its length, tempos and meters alone."""
        none = np.zeros((frame.n_steps, N_VOICES), dtype=bool)
        return replace(cls.of(frame, none), taps=taps, like=like, lanes=lanes)

    @classmethod
    def of(cls, groove: Groove, hits: BoolArray) -> Given:
        """Cells (T, V) with all that is in them; hits in other cells are left out."""
        return cls(groove.some(hits[groove.step, groove.voice]), hits, hits, hits)

    @classmethod
    def strokes(cls, groove: Groove, velocities: bool = False, offsets: bool = False) -> Given:
        """All cells of a groove, without velocities or offsets unless these are given too."""
        every = np.ones((groove.n_steps, N_VOICES), dtype=bool)
        return cls(groove, every, every & velocities, every & offsets)


def complete(
    completer: Completer, given: Given, wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> Groove:
    """A groove of which a part is given.

    Args:
        wanted: what each window should be like, (1, ...). Where traits are wanted, of CANDIDATES draws of each window
            the nearest stays: the network itself follows them half-heartedly.
        temperature: 0 is the one answer of least error, 1 a draw.
    """
    return complete_each(completer, [given], wanted, temperature, seed)[0]


def complete_each(
    completer: Completer, given: Sequence[Given], wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> list[Groove]:
    """Grooves of which a part of each is given, all of them drawn by one seed: many cost little more than one."""
    return [state.groove() for state in _completed(completer, given, wanted, temperature, seed)]


def feel(
    completer: Completer, given: Given, wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> tuple[FloatArray, IntArray]:
    """Positions (N,) and velocities (N,) of a groove's hits, all of them given, where their feel is not.

    Each stays in its cell, and hits of a cell in their order. Arguments are those of `complete`.
    """
    return feel_each(completer, [given], wanted, temperature, seed)[0]


def strokes(
    completer: Completer, given: Given, wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> FloatArray:
    """How likely a stroke is in each cell that is not given, and how it would sound: (T, V, 3), as HIT the logit.

    Arguments are those of `complete`.
    """
    return _completed(completer, [given], wanted, temperature, seed)[0].strokes


def feel_each(
    completer: Completer, given: Sequence[Given], wanted: Conditioning, temperature: float = 1.0, seed: int = 0
) -> list[tuple[FloatArray, IntArray]]:
    """As `feel`, of grooves, as `complete_each` completes them."""
    return [state.felt() for state in _completed(completer, given, wanted, temperature, seed)]


def _completed(
    completer: Completer, given: Sequence[Given], wanted: Conditioning, temperature: float, seed: int
) -> list[_State]:
    """All first windows together, then all second ones."""
    model, completion, _ = completer
    states = [_State.of(one, model.config.layers, temperature) for one in given]
    generator = torch.Generator().manual_seed(seed)
    for number in range(max((len(state.spans) for state in states), default=0)):
        open_ones = [state for state in states if number < len(state.spans) and state.is_open(number)]
        for first in range(0, len(open_ones), BATCH):
            some = open_ones[first : first + BATCH]
            part = _joined([state.part([number]) for state in some])
            with torch.inference_mode():
                known = completion.read(part, wanted.repeat(len(some)))
                n_each = CANDIDATES if temperature and wanted.mask.any() else 1
                known, n_steps = (each.repeat_interleave(n_each, 0) for each in (known, part.n_steps))
                z = completion.estimate(known) if temperature == 0 else completion.sample(known, temperature, generator)
                outputs = model.decode(z, n_steps)
                if temperature:
                    outputs = outputs._replace(velocity=completion.touched(outputs.velocity))
                else:
                    outputs = _in_the_mean(completer, outputs, known, n_steps)
            for row, state in enumerate(some):
                rows = range(row * n_each, (row + 1) * n_each)
                drawn = [Outputs(*(part[own : own + 1] for part in outputs)) for own in rows]
                state.fill(state.spans[number], _nearest(completer, state, number, drawn, wanted))
    return states


def _nearest(
    completer: Completer, state: _State, number: int, drawn: Sequence[Outputs], wanted: Conditioning
) -> Outputs:
    """Of draws of a window the one that is most like what is wanted, all that is given with it."""
    if len(drawn) == 1:
        return drawn[0]
    span = state.spans[number]
    frame = state.given.groove.slice(span.start, span.stop)
    made = [from_grid(state.window(span, outputs), frame) for outputs in drawn]
    return drawn[int(np.argmin([completer.distance(window, wanted) for window in made]))]


def _in_the_mean(completer: Completer, answer: Outputs, known: Tensor, n_steps: Tensor) -> Outputs:
    """Half of the one answer and half of the mean of OPINIONS draws: how likely hits are, and how they are played."""
    model, completion, _ = completer
    z = completion.several(known, OPINIONS, OPINION_TEMPERATURE, torch.Generator().manual_seed(0))
    drawn = model.decode(z.flatten(0, 1), n_steps.repeat(OPINIONS))

    def half(own: Tensor, others: Tensor) -> Tensor:
        return (own + others.view(OPINIONS, *own.shape).mean(0)) / 2

    return answer._replace(
        hit_logit=torch.logit(half(answer.hit_logit.sigmoid(), drawn.hit_logit.sigmoid()), eps=1e-6),
        velocity=half(answer.velocity.clamp(max=1.0), drawn.velocity.clamp(max=1.0)),
        offset=half(answer.offset, drawn.offset),
    )


def _joined(parts: Sequence[Part]) -> Part:
    return Part(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


class Outlook(NamedTuple):
    """What is expected of cells: hit (T, V), the probability of at least one; velocity (T, V) of it, 1 to 127."""

    hit: FloatArray
    velocity: FloatArray


def expected(completer: Completer, given: Sequence[Given], wanted: Conditioning) -> list[Outlook]:
    """What is expected of grooves of which a part of each is given; of windows given as a whole, what is there."""
    model, completion, _ = completer
    states = [_State.of(one, model.config.layers, 0.0) for one in given]
    found = [
        Outlook(state.masks[0] * (state.made[..., HIT].max(-1) > 0), np.ones_like(state.masks[0])) for state in states
    ]
    rows = [(i, n) for i, state in enumerate(states) for n, _ in enumerate(state.spans) if state.is_open(n)]
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        part = _joined([states[i].part([n]) for i, n in some])
        with torch.inference_mode():
            known = completion.read(part, wanted.repeat(len(some)))
            outputs = model.decode(completion.estimate(known), part.n_steps)
        hit = tempered(1 - (1 - outputs.hit_logit.sigmoid()).prod(-1))
        velocity = (MAX_VELOCITY * outputs.velocity[..., 0]).clamp(1.0, MAX_VELOCITY)
        for row, (i, n) in enumerate(some):
            span = states[i].spans[n]
            found[i].hit[span.start : span.stop] = hit[row, : span.n_steps].numpy()
            found[i].velocity[span.start : span.stop] = velocity[row, : span.n_steps].numpy()
    return found


def tempered(probability: Tensor) -> Tensor:
    """Probabilities as far from one half as they come true (Guo et al. 2017): log odds divided by SHARPNESS.

    >>> tempered(torch.tensor([0.5, 1 / 9])).tolist()[0]
    0.5
    """
    return torch.logit(probability, eps=1e-6).div(SHARPNESS).sigmoid()


@dataclass(frozen=True, eq=False)
class _State:
    """A groove on its way: made (T, V, L, F), and what is given of it, (3, T, V)."""

    given: Given
    layers: Layers
    made: FloatArray
    masks: FloatArray
    known: FloatArray  # (3, T, V), of what is made so far what later windows may take for true
    spans: list[Span]
    taps: FloatArray | None
    like: FloatArray | None
    strokes: FloatArray  # (T, V, F), of cells that are not given the first stroke and its logit, wherever it is
    is_estimate: bool  # no draw

    @classmethod
    def of(cls, given: Given, layers: Layers, temperature: float) -> _State:
        masks = np.stack([given.hits, given.velocities, given.offsets]).astype(np.float32)
        known = np.ones_like(masks)
        if temperature == 0:  # the mean feel of a stroke is nobody's feel: to hear it as played would flatten the next
            known[1:] = np.maximum(masks[1:], 1.0 - masks[:1])
        taps = None if given.taps is None else _as_one_drum(given.taps, layers)
        like = None if given.like is None else to_grid(given.like, layers).tensor
        made = to_grid(given.groove, layers).tensor
        nothing = np.zeros((*masks.shape[1:], N_FEATURES), dtype=np.float32)
        return cls(given, layers, made, masks, known, window_spans(given.groove), taps, like, nothing, temperature == 0)

    def is_open(self, number: int) -> bool:
        """Whether anything of a window is not given."""
        span = self.spans[number]
        return not self.masks[:, span.start : span.stop].all()

    def part(self, numbers: Sequence[int]) -> Part:
        """What is read for windows, by their numbers."""
        rows = [self._part(number) for number in numbers]
        return Part(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))

    def _part(self, number: int) -> tuple[FloatArray, ...]:
        shape = (N_PLACES, WINDOW_STEPS, N_VOICES)
        x = np.zeros((*shape, *self.made.shape[2:]), dtype=np.float32)
        known = np.zeros((N_MASKS, *shape), dtype=np.float32)
        inside = np.zeros(shape[:2], dtype=np.float32)
        taps = np.zeros((WINDOW_STEPS, *self.made.shape[2:]), dtype=np.float32)
        tapped = np.zeros(WINDOW_STEPS, dtype=np.float32)
        around = range(number - 1, number + 2) if self.like is None else [number] * N_PLACES
        for place, index in enumerate(around):
            if not 0 <= index < len(self.spans):
                continue
            steps = slice(self.spans[index].start, self.spans[index].stop)
            n = self.spans[index].n_steps
            mask = self.known[:, steps] if place == BEFORE else self.masks[:, steps]
            grid = self.made
            if self.like is not None and place != THIS:
                mask, grid = np.ones_like(mask), self.like
            known[:, place, :n], inside[place, :n] = mask, 1.0
            x[place, :n] = grid[steps] * mask[0][..., None, None]
            if place == THIS and self.taps is not None:
                taps[:n], tapped[:n] = self.taps[steps], 1.0
        tempo = np.float32(octaves(self.given.groove.tempo_at(self.spans[number].start).bpm))
        return (x, *known, taps, tapped, inside, np.asarray(tempo))

    def fill(self, span: Span, outputs: Outputs) -> None:
        """Put a decoded window where nothing is given, and its feel where strokes are given without."""
        n = span.n_steps
        feel = torch.stack([outputs.velocity.clamp(max=1.0), outputs.offset], -1).numpy()[0, :n]
        logit = outputs.hit_logit.numpy()[0, :n, ..., None]
        self.strokes[span.start : span.stop] = np.concatenate([logit, feel], -1)[:, :, 0]
        self.made[span.start : span.stop] = self.window(span, outputs)

    def window(self, span: Span, outputs: Outputs) -> FloatArray:
        """What is made of a window (T, V, L, F) where it is filled."""
        n = span.n_steps
        feel = torch.stack([outputs.velocity.clamp(max=1.0), outputs.offset], -1).numpy()[0, :n]
        hit = outputs.hit_logit.sigmoid().numpy()[0, :n] >= LIKELY
        logit = outputs.hit_logit.numpy()[0, :n]
        if self.is_estimate and self.given.taps is not None:
            # People leave out a fifth of the rhythm that they mean (TapTamDrum): a 16th in which some drum is likely,
            # and no drum by itself, has its likeliest. F1 of the rhythm against what they heard was 0.876 for 0.870.
            some = 1 - (1 - outputs.hit_logit.sigmoid().numpy()[0, :n]).prod((1, 2)) >= LIKELY
            hit = _with_every_tap(hit, logit, some, np.ones(N_VOICES, dtype=bool))
        for tapped, drums in self.lanes():
            hit = _with_every_tap(hit, logit, tapped[span.start : span.stop], drums)
        window = np.concatenate([hit[..., None], feel], -1) * hit[..., None]
        made, masks = self.made[span.start : span.stop].copy(), self.masks[:, span.start : span.stop]
        is_open = masks[0] == 0
        made[is_open] = window[is_open]
        for feature, values, mask in ((VELOCITY, feel[..., 0], masks[1]), (OFFSET, feel[..., 1], masks[2])):
            without = (~is_open & (mask == 0))[..., None] & (made[..., HIT] > 0)
            made[..., feature][without] = values[without]
        return made

    def lanes(self) -> Iterator[tuple[BoolArray, BoolArray]]:
        """Of each lane of taps, which steps (T,) are tapped and which drums (V,) play it."""
        if self.given.taps is not None:
            yield from ((tapped_steps(taps), drums) for taps, drums in lanes_of(self.given.taps, self.given.lanes))

    def felt(self) -> tuple[FloatArray, IntArray]:
        """Positions and velocities (N,) of the given hits with the feel that they got, in a cell in their order."""
        given, own = self.given, self.given.groove
        position, velocity = own.position.copy(), own.velocity.copy()
        kept, index = cells_of(own, self.layers)
        felt = self.made[index]
        loud = np.clip(np.rint(felt[:, VELOCITY] * MAX_VELOCITY), 1, MAX_VELOCITY).astype(np.int64)
        velocity[kept] = np.where(given.velocities[index[:2]], velocity[kept], loud)
        position[kept] += np.where(given.offsets[index[:2]], 0.0, felt[:, OFFSET] - own.offset[kept])
        cell = own.step * N_VOICES + own.voice
        loudness = dict(zip(cell[kept].tolist(), velocity[kept].tolist(), strict=True))
        for crowded in np.setdiff1d(np.arange(len(own)), kept).tolist():  # a stroke that the model's grid cannot hold
            if not given.velocities[own.step[crowded], own.voice[crowded]]:
                velocity[crowded] = loudness[int(cell[crowded])]
        stays = given.offsets[own.step, own.voice]
        return np.where(stays, own.position, in_their_cells(position, own.position, own.voice, own.n_steps)), velocity

    def groove(self) -> Groove:
        """The given hits, with the feel that they got, and the new ones."""
        new = self.made.copy()
        new[self.given.hits] = 0.0
        new[..., OFFSET] = np.clip(new[..., OFFSET], -IN_CELL, IN_CELL)
        own, fresh = self.given.groove, from_grid(new, self.given.groove)
        position, velocity = self.felt()
        return own.with_hits(position, own.voice, velocity).with_more(fresh.position, fresh.voice, fresh.velocity)


def _as_one_drum(taps: Groove, layers: Layers) -> FloatArray:
    """(T, L, F), the strokes of all drums as if one played them."""
    one = taps.with_hits(taps.position, np.zeros_like(taps.voice), taps.velocity)
    return np.asarray(to_grid(one, layers).tensor[:, 0])


def _with_every_tap(hit: BoolArray, logit: FloatArray, tapped: BoolArray, drums: BoolArray) -> BoolArray:
    """Hits (T, V, L), with the likeliest of some drums (V,) in each step (T,) that is `tapped` and has none of them."""
    hit = hit.copy()
    lacks = np.flatnonzero(tapped & ~hit[:, drums].any((1, 2)))
    hit[lacks, np.flatnonzero(drums)[logit[lacks][:, drums, 0].argmax(1)], 0] = True
    return hit


def lanes_of(taps: Groove, n: int) -> list[tuple[Groove, BoolArray]]:
    """Taps lane by lane, and the drums (V,) that play each. Taps of one voice alone are one lane."""
    if n == 1 or len(np.unique(taps.voice)) < 2:
        return [(taps, np.ones(N_VOICES, dtype=bool))]
    first = taps.voice == taps.voice.min()
    return [(taps.some(mine), drums) for mine, drums in zip((first, ~first), HANDS, strict=True)]


def tapped_steps(taps: Groove) -> BoolArray:
    """(T,), True where there are taps."""
    tapped = np.zeros(taps.n_steps, dtype=bool)
    tapped[taps.step] = True
    return tapped


def in_their_cells(position: FloatArray, was: FloatArray, voice: IntArray, n_steps: int) -> FloatArray:
    """Positions (N,) moved as little as keeps each hit in the 16th where it was and in the groove, and hits of a drum
    in a 16th in the order that they had and apart."""
    line = nearest_step(was)
    low = np.where(line == 0, 0.0, -IN_CELL)
    high = np.where(line == n_steps, -APART, IN_CELL)
    _, cell, count = np.unique(line * N_VOICES + voice, return_inverse=True, return_counts=True)
    before, now = np.lexsort((was, cell)), np.lexsort((position, cell))
    rank = np.arange(len(cell)) - (np.cumsum(count) - count)[cell[before]]
    low, high, n = low[before], high[before], count[cell[before]]
    gap = np.minimum(APART, (high - low) / n)
    offset = np.clip(position[now] - line[now], low, high)
    apart = 4.0 * cell[before]  # more than what offsets of two cells can overlap
    offset = np.maximum.accumulate(apart + offset - gap * rank) - apart + gap * rank
    moved = np.empty_like(position)
    moved[before] = line[before] + np.minimum(offset, high - gap * (n - 1 - rank))
    return moved
