"""Feels by name, each by a rule that stands in its function. All are of bars of four beats: 4/4, 2/2 and 12/8.

A bar counts where something is played in it. USUALLY is the share of the bars that have to have what a rule asks
for, so that a fill every four bars changes nothing. Ghost notes and grace notes are not looked at, but for the
train beat. Swung hits stand where they are written.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from rhythmvae.analysis.descriptors import IS_TIMEKEEPER
from rhythmvae.analysis.elements import GHOST, Elements
from rhythmvae.analysis.timing import Timing
from rhythmvae.groove import BoolArray, FloatArray, IntArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX

USUALLY = 0.75
KICK, SNARE = VOICE_INDEX["kick"], VOICE_INDEX["snare"]
CLAVE_VOICES = [VOICE_INDEX[key] for key in ("snare", "low_tom", "mid_tom", "high_tom", "ride", "open_hat")]
MOST_BETWEEN = 1 / 3  # of the kicks of four on the floor
SHUFFLED = (0.6, 0.72)  # share of the pair at which the second note comes
BLAST_SECONDS = 0.2  # between the strokes of snare, and of kick
BLAST_STROKES = 8
TRAIN_STROKES = 13  # of a bar's 16ths
TRAIN_ACCENT = 1.25
SON, RUMBA = (0, 3, 6, 10, 12), (0, 3, 7, 10, 12)  # 3-2, in sixteenths of the cycle


class Played:
    """Where a groove's drums are in its bars of four beats. Beats are counted from 0.

    hit (B, 16, V): strokes that are no ghosts, by their nearest written quarter of a beat. Silent bars are left out.
    used (N,): the hits of the groove that are in such bars and are no grace notes. Of those hits, ghosts included:
    bar, place (in quarters of a beat), voice, velocity, is_loud (no ghost), seconds.
    in_all: bars of any meter that something is played in.
    """

    def __init__(self, timing: Timing, found: Elements) -> None:
        groove = timing.groove
        length = np.diff(groove.bar_lines)[timing.bar]
        used = (np.abs(length - 4 * timing.pulse_steps) < 1e-6) & ~found.is_grace
        is_played = np.bincount(timing.bar[used]) > 0
        self.bar = (np.cumsum(is_played) - 1)[timing.bar[used]]
        self.timing, self.used = timing, used
        self.n_bars = np.count_nonzero(is_played)
        self.place = np.rint(timing.nominal[used] / timing.pulse_steps[used] * 4).astype(int) % 16
        self.voice, self.velocity = groove.voice[used], groove.velocity[used]
        self.is_loud = found.level[used] != GHOST
        self.hit = np.zeros((self.n_bars, 16, N_VOICES), bool)
        loud = self.is_loud
        self.hit[self.bar[loud], self.place[loud], self.voice[loud]] = True
        self.seconds = groove.onset_seconds[used]
        self.in_all = np.count_nonzero(np.bincount(timing.bar))

    @cached_property
    def in_five(self) -> list[tuple[int, int]]:
        """Drums, and lengths of a cycle in bars, with five strokes in USUALLY of the cycles: what may be a clave."""
        found = []
        for n_bars in (1, 2):
            n_cycles = self.n_bars // n_bars
            if n_cycles:
                strokes = self.hit[: n_cycles * n_bars].reshape(n_cycles, -1, N_VOICES).sum(1)
                is_five = (strokes == len(SON)).sum(0) >= USUALLY * n_cycles
                found += [(drum, n_bars) for drum in CLAVE_VOICES if is_five[drum]]
        return found

    @property
    def is_much(self) -> bool:
        """Whether most bars that are played have four beats."""
        return bool(self.n_bars > 0 and self.n_bars >= USUALLY * self.in_all)


def feels(timing: Timing, found: Elements) -> list[str]:
    """Names of the feels whose rules hold, in the order of RULES."""
    played = Played(timing, found)
    return [name for name, rule in RULES.items() if rule(played)] if played.is_much else []


def is_half_time(played: Played) -> bool:
    """The snare is on 3 and neither on 2 nor on 4, in USUALLY of the bars that have it on any of them."""
    snare = played.hit[:, ::4, SNARE]
    has = snare[:, 1] | snare[:, 2] | snare[:, 3]
    return _usually((snare[:, 2] & ~snare[:, 1] & ~snare[:, 3])[has]) and bool(has.mean() >= 0.5)


def is_double_time(played: Played) -> bool:
    """The snare is on three or four of the second eighths and on one beat at most; the kick is on two beats or more."""
    snare, kick = played.hit[..., SNARE], played.hit[..., KICK]
    off, on = snare[:, 2::4].sum(1), snare[:, ::4].sum(1)
    return _usually((off >= 3) & (on <= 1) & (kick[:, ::4].sum(1) >= 2)) and not is_blast(played)


def is_shuffle(played: Played) -> bool:
    """Hats or ride play long and short on USUALLY of their beats: the second at SHUFFLED, and no middle triplet.

    Of eighths, of 16ths, and of the first and third of three eighths in 12/8.
    """
    timing = played.timing
    is_keeper = IS_TIMEKEEPER[played.voice]
    phase = timing.phase[played.used][is_keeper]
    if not is_keeper.any():
        return False
    turns = 1
    if (timing.pulse_steps[played.used] == 4).all():
        if timing.share is None or not SHUFFLED[0] <= timing.share <= SHUFFLED[1]:
            return False
        turns = 1 if timing.swing_steps == 2 else 2
    within = np.mod(phase * turns, 1.0)
    pair = timing.pulse[played.used][is_keeper] * turns + np.floor(phase * turns + 1e-6).astype(np.int64)
    pairs, own = np.unique(pair, return_inverse=True)
    has_first, has_last = _any(own, (within < 0.02) | (within > 0.98)), _any(own, (within > 0.58) & (within < 0.75))
    has_middle = _any(own, np.abs(within - 1 / 3) < 0.05)
    return bool((has_first & has_last & ~has_middle).sum() >= USUALLY * len(pairs))


def is_four_on_the_floor(played: Played) -> bool:
    """The kick is on all four beats of USUALLY of the bars, and at most MOST_BETWEEN of the kicks are between beats."""
    kick = played.hit[..., KICK]
    between = kick.sum() - kick[:, ::4].sum()
    return _usually(np.asarray(kick[:, ::4].all(1))) and bool(between <= MOST_BETWEEN * kick.sum())


def is_blast(played: Played) -> bool:
    """Snare and kick both go on at five strokes a second or more, evenly, BLAST_STROKES or more of each."""
    return all(_streams(played.seconds[played.is_loud & (played.voice == drum)]) for drum in (KICK, SNARE))


def _streams(seconds: FloatArray) -> bool:
    gaps = np.diff(seconds)
    if len(seconds) < BLAST_STROKES:
        return False
    usual = float(np.median(gaps))
    return usual <= BLAST_SECONDS and bool((np.abs(gaps - usual) < 0.25 * usual).mean() >= USUALLY)


def is_train_beat(played: Played) -> bool:
    """The snare plays TRAIN_STROKES or more of the 16ths, ghosts included, and stresses the second eighths or 2 and 4.

    The stressed ones are TRAIN_ACCENT times as loud as the rest; the kick is on 1 and 3.
    """
    snare = np.zeros((played.n_bars, 16))
    own = played.voice == SNARE
    if own.sum() < USUALLY * TRAIN_STROKES * played.n_bars:
        return False
    np.maximum.at(snare, (played.bar[own], played.place[own]), played.velocity[own].astype(float))
    kick = played.hit[..., KICK]
    full = ((snare > 0).sum(1) >= TRAIN_STROKES) & kick[:, 0] & kick[:, 8]
    return _usually(full) and any(_stress(snare[full], steps) for steps in ((2, 6, 10, 14), (4, 12)))


def _stress(snare: FloatArray, steps: tuple[int, ...]) -> bool:
    stressed, rest = snare[:, steps], np.delete(snare, steps, 1)
    return bool(stressed[stressed > 0].mean() >= TRAIN_ACCENT * rest[rest > 0].mean()) if stressed.any() else False


def _clave(cycle: tuple[int, ...]) -> Callable[[Played], bool]:
    """The rule of a clave: one drum plays it alone, in USUALLY of its cycles of one bar or two, 3-2 or 2-3."""

    def rule(played: Played) -> bool:
        return any(
            _plays(played.hit[..., drum], tuple(sorted((step + turn) % 16 for step in cycle)), n_bars)
            for drum, n_bars in played.in_five
            for turn in (0, 8)
        )

    rule.__doc__ = _clave.__doc__
    return rule


def _plays(hit: BoolArray, steps: tuple[int, ...], n_bars: int) -> bool:
    """Whether hits (B, 16) are those of a cycle of so many bars, and of nothing else."""
    n_cycles = len(hit) // n_bars
    if not n_cycles:
        return False
    wanted = np.zeros(16 * n_bars, bool)
    wanted[np.array(steps) * n_bars] = True
    return _usually(np.asarray((hit[: n_cycles * n_bars].reshape(n_cycles, -1) == wanted).all(1)))


def _usually(holds: BoolArray) -> bool:
    return bool(len(holds) > 0 and np.count_nonzero(holds) >= USUALLY * len(holds))


def _any(own: IntArray, holds: BoolArray) -> BoolArray:
    """(P,) whether any hit of each group has something."""
    return np.asarray(np.bincount(own, holds) > 0)


RULES: dict[str, Callable[[Played], bool]] = {
    "half-time": is_half_time,
    "double-time": is_double_time,
    "shuffle": is_shuffle,
    "four on the floor": is_four_on_the_floor,
    "blast": is_blast,
    "train beat": is_train_beat,
    "son clave": _clave(SON),
    "rumba clave": _clave(RUMBA),
}
