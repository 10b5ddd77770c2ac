"""What is given of a groove, and the groove on its way from there to be whole (completing.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

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
from rhythmvae.model.completion import BEFORE, N_MASKS, N_PLACES, THIS, Part, octaves
from rhythmvae.model.vae import Outputs

# A cell has a hit where its probability is at least this. Of the one answer F1 is the same within 0.003 from 0.4 to 0.6
# on validation takes, whatever the job, and of cells of tapped drums more are right the higher it is.
LIKELY = 0.5
FEW_CELLS = 0.05  # of a window
LEAST_LIKELY = 1e-4  # a stroke that is given and not heard by the decoder, lest a single one decides
IN_CELL = 0.49  # steps: what is new stays in its 16th on the ticks of any file
APART = 1 / 30  # steps between two strokes of a drum in one 16th
# With two lanes of taps, the drums that each plays.
HANDS = tuple(
    np.isin(VOICE_KEYS, keys) for keys in (("kick", *GROUPS["toms"]), ("snare", *GROUPS["hats"], *GROUPS["cymbals"]))
)


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


@dataclass(frozen=True, eq=False)
class Unfinished:
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
    def of(cls, given: Given, layers: Layers, temperature: float) -> Unfinished:
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

    def is_begun(self, number: int) -> bool:
        """Whether a window has taps, or cells that are given and others that are not; a pushed hit is too few."""
        return self.taps is not None or FEW_CELLS < self._share(number) < 1.0

    def is_continued(self, number: int) -> bool:
        """Whether a window has hits before it and no cells, or hardly any, that are given."""
        if number == 0 or self.taps is not None or self._share(number) > FEW_CELLS:
            return False
        before = self.spans[number - 1]
        return bool(self.made[before.start : before.stop, ..., HIT].any())

    def _share(self, number: int) -> float:
        """Of a window's cells that are given."""
        span = self.spans[number]
        return float(self.masks[0, span.start : span.stop].mean())

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

    def likelihood(self, span: Span, outputs: Outputs) -> float:
        """How likely the strokes and taps that are given of a window are by what was decoded, the log of it."""
        said = outputs.hit_logit.sigmoid().numpy()[0, : span.n_steps].astype(np.float64)
        said = np.clip(said, LEAST_LIKELY, 1 - LEAST_LIKELY)
        steps = slice(span.start, span.stop)
        right = np.where(self.made[steps][..., HIT] > 0, said, 1 - said)
        total = np.log(right[self.masks[0, steps] > 0]).sum()
        for tapped, drums in self.lanes():
            silent = (1 - said[:, drums]).prod((1, 2))
            total += np.log(np.clip(np.where(tapped[steps], 1 - silent, silent), LEAST_LIKELY, None)).sum()
        return float(total)

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
