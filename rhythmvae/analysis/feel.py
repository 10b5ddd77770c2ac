"""Feels by name, each by a rule that stands in its function. All are of bars of four beats: 4/4, 2/2 and 12/8.

A rule tells of many grooves at once whether it holds, (G,). A bar counts where something is played in it. USUALLY is
the share of the bars that have to have what a rule asks for, so that a fill every four bars changes nothing. Ghost
notes and grace notes are not looked at, but for the train beat. Swung hits stand where they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from rhythmvae.analysis.descriptors import IS_TIMEKEEPER
from rhythmvae.analysis.elements import GHOST, Elements
from rhythmvae.analysis.many import Many, joined
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
    """Where the drums of G grooves are in their bars of four beats. Beats are counted from 0.

    hit (B, 16, V): strokes that are no ghosts, by their nearest written quarter of a beat. Silent bars are left out.
    used (H,): the hits of the grooves that are in such bars and are no grace notes. Of those hits, ghosts included:
    groove, bar (among all B), place (in quarters of a beat), voice, velocity, is_loud (no ghost), seconds, and of
    their line phase, pulse and pulse_steps. Of the bars (B,) their groove; of the grooves (G,) n_bars, and n_played,
    bars of any meter that something is played in; share and swing_steps as `Timing` has them, nan and 0 where it has
    none.
    """

    def __init__(self, many: Many, timings: Sequence[Timing], found: Sequence[Elements]) -> None:
        bar, pulse_steps, nominal = (joined([getattr(t, name) for t in timings]) for name in _OF_LINES[:3])
        own_bar = many.first_line[many.groove] + bar  # a bar's number among all is that of its first line
        length = many.lines[own_bar + 1] - many.lines[own_bar]
        is_grace = joined([one.is_grace for one in found])
        self.used = used = (np.abs(length - 4 * pulse_steps) < 1e-6) & ~is_grace
        self.n, self.groove = many.n, many.groove[used]
        is_played = np.bincount(own_bar[used]) > 0
        self.bar = (np.cumsum(is_played) - 1)[own_bar[used]]
        groove_of = np.repeat(np.arange(many.n), np.diff(np.append(many.first_line, len(many.lines))))
        self.groove_of_bar = groove_of[np.flatnonzero(is_played)]
        self.n_bars = np.bincount(self.groove_of_bar, minlength=many.n)
        self.n_played = np.bincount(groove_of[np.flatnonzero(np.bincount(own_bar))], minlength=many.n)
        self.place = np.rint(nominal[used] / pulse_steps[used] * 4).astype(int) % 16
        self.voice, self.velocity, self.seconds = many.voice[used], many.velocity[used], many.seconds[used]
        self.pulse_steps = pulse_steps[used]
        self.phase, self.pulse = (joined([getattr(t, name) for t in timings])[used] for name in _OF_LINES[3:])
        self.is_loud = loud = joined([one.level for one in found])[used] != GHOST
        self.hit = np.zeros((len(self.groove_of_bar), 16, N_VOICES), bool)
        self.hit[self.bar[loud], self.place[loud], self.voice[loud]] = True
        self.share = np.array([np.nan if t.share is None else t.share for t in timings])
        self.swing_steps = np.array([t.swing_steps or 0 for t in timings])

    def count(self, holds: BoolArray) -> IntArray:
        """(G,) in how many bars of each groove something holds, of bars (B,)."""
        return np.bincount(self.groove_of_bar[holds], minlength=self.n)

    def usually(self, holds: BoolArray, among: BoolArray | None = None) -> BoolArray:
        """(G,) whether something holds in USUALLY of a groove's bars, or of those among which it is asked for."""
        n_asked = self.n_bars if among is None else self.count(among)
        n_held = self.count(holds if among is None else holds & among)
        return np.asarray((n_asked > 0) & (n_held >= USUALLY * n_asked))

    @cached_property
    def in_five(self) -> list[tuple[int, int, BoolArray]]:
        """Drums, lengths of a cycle in bars, and which grooves (G,) have five strokes in USUALLY of such cycles.

        Those may be a clave; drums without any are left out.
        """
        found = []
        for n_bars in (1, 2):
            cycle = self.cycles(n_bars)
            strokes = np.zeros((len(cycle.groove), N_VOICES), np.int64)
            np.add.at(strokes, cycle.of_bar[cycle.is_in], self.hit[cycle.is_in].sum(1))
            for drum in CLAVE_VOICES:
                is_five = cycle.usually(strokes[:, drum] == len(SON))
                found += [(drum, n_bars, is_five)] if is_five.any() else []
        return found

    def cycles(self, n_bars: int) -> _Cycles:
        return _Cycles(self.groove_of_bar, self.n_bars, n_bars)

    @property
    def is_much(self) -> BoolArray:
        """(G,) whether most bars that are played have four beats."""
        return np.asarray((self.n_bars > 0) & (self.n_bars >= USUALLY * self.n_played))


_BEFORE = 1 << 20  # a pulse before the first has a negative number
_OF_LINES = ("bar", "pulse_steps", "nominal", "phase", "pulse")  # of a Timing


class _Cycles:
    """Whole cycles of so many bars: the cycle of each bar (B,), is_in (B,) whether it is in one, place (B,) in it; the
    groove of each cycle (C,)."""

    def __init__(self, groove_of_bar: IntArray, n_bars: IntArray, length: int) -> None:
        self.n_cycles = n_bars // length
        within = np.arange(len(groove_of_bar)) - (np.cumsum(n_bars) - n_bars)[groove_of_bar]
        self.of_bar = (np.cumsum(self.n_cycles) - self.n_cycles)[groove_of_bar] + within // length
        self.is_in = within // length < self.n_cycles[groove_of_bar]
        self.place = within % length
        self.groove = np.repeat(np.arange(len(n_bars)), self.n_cycles)

    def usually(self, holds: BoolArray) -> BoolArray:
        """(G,) whether something holds in USUALLY of a groove's cycles (C,)."""
        n_held = np.bincount(self.groove[holds], minlength=len(self.n_cycles))
        return np.asarray((self.n_cycles > 0) & (n_held >= USUALLY * self.n_cycles))


def feels(timing: Timing, found: Elements) -> list[str]:
    """Names of the feels whose rules hold, in the order of RULES."""
    return feels_of(Many([timing.groove]), [timing], [found])[0]


def feels_of(many: Many, timings: Sequence[Timing], found: Sequence[Elements]) -> list[list[str]]:
    """`feels` of each groove."""
    played = Played(many, timings, found)
    if not len(played.hit):
        return [[] for _ in timings]
    holds = np.array([rule(played) for rule in RULES.values()]) & played.is_much
    return [[name for name, own in zip(RULES, column, strict=True) if own] for column in holds.T.tolist()]


def is_half_time(played: Played) -> BoolArray:
    """The snare is on 3 and neither on 2 nor on 4, in USUALLY of the bars that have it on any of them."""
    snare = played.hit[:, ::4, SNARE]
    has = snare[:, 1] | snare[:, 2] | snare[:, 3]
    is_on_3 = played.usually(snare[:, 2] & ~snare[:, 1] & ~snare[:, 3], has)
    return np.asarray(is_on_3 & (played.count(has) >= 0.5 * played.n_bars))


def is_double_time(played: Played) -> BoolArray:
    """The snare is on three or four of the second eighths and on one beat at most; the kick is on two beats or more."""
    snare, kick = played.hit[..., SNARE], played.hit[..., KICK]
    off, on = snare[:, 2::4].sum(1), snare[:, ::4].sum(1)
    found = played.usually((off >= 3) & (on <= 1) & (kick[:, ::4].sum(1) >= 2))
    return found & ~is_blast(played) if found.any() else found


def is_shuffle(played: Played) -> BoolArray:
    """Hats or ride play long and short on USUALLY of their beats: the second at SHUFFLED, and no middle triplet.

    Of eighths, of 16ths, and of the first and third of three eighths in 12/8.
    """
    is_quarters = np.bincount(played.groove[played.pulse_steps != 4], minlength=played.n) == 0
    is_so = ~is_quarters | (played.share >= SHUFFLED[0]) & (played.share <= SHUFFLED[1])
    turns_of = np.where(is_quarters & (played.swing_steps != 2), 2, 1)
    asked = IS_TIMEKEEPER[played.voice] & is_so[played.groove]
    groove, phase = played.groove[asked], played.phase[asked]
    turns = turns_of[groove]
    within = np.mod(phase * turns, 1.0)
    pair = played.pulse[asked] * turns + np.floor(phase * turns + 1e-6).astype(np.int64)
    pairs, own = np.unique((groove << 40) + pair + _BEFORE, return_inverse=True)
    has_first, has_last = _any(own, (within < 0.02) | (within > 0.98)), _any(own, (within > 0.58) & (within < 0.75))
    has_middle = _any(own, np.abs(within - 1 / 3) < 0.05)
    n_pairs = np.bincount(pairs >> 40, minlength=played.n)
    n_long_short = np.bincount(pairs[has_first & has_last & ~has_middle] >> 40, minlength=played.n)
    return np.asarray((n_pairs > 0) & (n_long_short >= USUALLY * n_pairs))


def is_four_on_the_floor(played: Played) -> BoolArray:
    """The kick is on all four beats of USUALLY of the bars, and at most MOST_BETWEEN of the kicks are between beats."""
    kick = played.hit[..., KICK]
    n_kicks, n_on = (np.bincount(played.groove_of_bar, each.sum(1), played.n) for each in (kick, kick[:, ::4]))
    return played.usually(np.asarray(kick[:, ::4].all(1))) & (n_kicks - n_on <= MOST_BETWEEN * n_kicks)


def is_blast(played: Played) -> BoolArray:
    """Snare and kick both go on at five strokes a second or more, evenly, BLAST_STROKES or more of each."""
    return _streams(played, KICK) & _streams(played, SNARE)


def _streams(played: Played, drum: int) -> BoolArray:
    own = played.is_loud & (played.voice == drum)
    groove, seconds = played.groove[own], played.seconds[own]
    found = np.zeros(played.n, bool)
    for each in np.flatnonzero(np.bincount(groove, minlength=played.n) >= BLAST_STROKES).tolist():
        gaps = np.diff(seconds[groove == each])
        usual = float(np.median(gaps))
        found[each] = usual <= BLAST_SECONDS and (np.abs(gaps - usual) < 0.25 * usual).mean() >= USUALLY
    return found


def is_train_beat(played: Played) -> BoolArray:
    """The snare plays TRAIN_STROKES or more of the 16ths, ghosts included, and stresses the second eighths or 2 and 4.

    The stressed ones are TRAIN_ACCENT times as loud as the rest; the kick is on 1 and 3.
    """
    own = played.voice == SNARE
    if not (np.bincount(played.groove[own], minlength=played.n) >= USUALLY * TRAIN_STROKES * played.n_bars).any():
        return np.zeros(played.n, bool)
    snare = np.zeros((len(played.hit), 16))
    np.maximum.at(snare, (played.bar[own], played.place[own]), played.velocity[own].astype(float))
    kick = played.hit[..., KICK]
    full = ((snare > 0).sum(1) >= TRAIN_STROKES) & kick[:, 0] & kick[:, 8]
    is_stressed = _stress(played, snare, full, (2, 6, 10, 14)) | _stress(played, snare, full, (4, 12))
    return played.usually(full) & is_stressed


def _stress(played: Played, snare: FloatArray, full: BoolArray, steps: tuple[int, ...]) -> BoolArray:
    """(G,) whether steps of the bars that are full are TRAIN_ACCENT times as loud as the rest of them."""
    is_stressed = np.isin(np.arange(16), steps)
    means = []
    for own in (snare[:, is_stressed], snare[:, ~is_stressed]):
        loudness, n_strokes = (
            np.bincount(played.groove_of_bar[full], each[full].sum(1), played.n) for each in (own, own > 0)
        )
        means.append(loudness / np.maximum(n_strokes, 1))
    return np.asarray((means[0] > 0) & (means[0] >= TRAIN_ACCENT * means[1]))


def _clave(cycle: tuple[int, ...]) -> Callable[[Played], BoolArray]:
    """The rule of a clave: one drum plays it alone, in USUALLY of its cycles of one bar or two, 3-2 or 2-3."""

    def rule(played: Played) -> BoolArray:
        found = np.zeros(played.n, bool)
        for drum, n_bars, is_five in played.in_five:
            for turn in (0, 8):
                found |= is_five & _plays(played, drum, tuple(sorted((step + turn) % 16 for step in cycle)), n_bars)
        return found

    rule.__doc__ = _clave.__doc__
    return rule


def _plays(played: Played, drum: int, steps: tuple[int, ...], n_bars: int) -> BoolArray:
    """(G,) whether a drum's strokes are those of a cycle of so many bars, and of nothing else."""
    cycle = played.cycles(n_bars)
    wanted = np.zeros(16 * n_bars, bool)
    wanted[np.array(steps) * n_bars] = True
    is_as_wanted = (played.hit[..., drum] == wanted.reshape(n_bars, 16)[cycle.place]).all(1)
    n_right = np.bincount(cycle.of_bar[cycle.is_in & is_as_wanted], minlength=len(cycle.groove))
    return cycle.usually(n_right == n_bars)


def _any(own: IntArray, holds: BoolArray) -> BoolArray:
    """(P,) whether any hit of each group has something."""
    return np.asarray(np.bincount(own, holds) > 0)


RULES: dict[str, Callable[[Played], BoolArray]] = {
    "half-time": is_half_time,
    "double-time": is_double_time,
    "shuffle": is_shuffle,
    "four on the floor": is_four_on_the_floor,
    "blast": is_blast,
    "train beat": is_train_beat,
    "son clave": _clave(SON),
    "rumba clave": _clave(RUMBA),
}
