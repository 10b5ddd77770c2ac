"""Measures of rhythm by the formulas of their authors, so that figures can be compared with theirs.

All are of bars of 4/4 on the nearest 16ths, and the mean over a groove's bars; None where it has none. A bar is taken
as a loop. Streams: low, mid and high, as rhythmtoolbox puts the notes that our kit writes (`STREAMS`).

Sources. Witek et al. 2014, "Syncopation, body-movement and pleasure in groove music". Gomez-Marin, Jorda and Herrera
2020, "Drum rhythm spaces", whose rhythmtoolbox has `sync`, `syness`, `evenness`, `balance` and the same of several
streams. Bruford, Lartillot, McDonald and Sandler 2020, whose GrooveToolbox has `laidbackness` and `complexity` (after
Sioros and Guedes 2011). Longuet-Higgins and Lee's syncopation is `descriptors.syncopation`.
"""

from __future__ import annotations

import numpy as np

from rhythmvae.analysis.descriptors import TIMEKEEPERS
from rhythmvae.analysis.many import Many
from rhythmvae.groove import MAX_VELOCITY, BoolArray, FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX, VOICES

BAR = 16
LOW_NOTES = frozenset([35, 36, 41, 45, 47, 64])  # of rhythmtoolbox's map
MID_NOTES = frozenset([37, 38, 39, 40, 43, 48, 50, 58, 61, 62, 65, 77])
# Which voices are low (row 0), mid (1) and high (2).
STREAMS: BoolArray = np.array(
    [
        [voice.pitch in LOW_NOTES for voice in VOICES],
        [voice.pitch in MID_NOTES for voice in VOICES],
        [voice.pitch not in LOW_NOTES | MID_NOTES for voice in VOICES],
    ]
)
SALIENCE = np.array([5, 1, 2, 1, 3, 1, 2, 1, 4, 1, 2, 1, 3, 1, 2, 1])  # Longuet-Higgins and Lee
WITEK = np.array([0, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3])
AFTER = [(np.arange(BAR) + k) % BAR for k in range(3)]  # the step so many later, in a bar that goes round
RISE = [SALIENCE[after] - SALIENCE for after in AFTER]
WITEK_RISE = WITEK[AFTER[1]] - WITEK
KICK, SNARE, HAT = VOICE_INDEX["kick"], VOICE_INDEX["snare"], VOICE_INDEX["closed_hat"]
FELT_MS = 12.0  # from which GrooveToolbox counts a stroke as early or late
N_PARTS, MOST_SYNCOPATED = 10, 15.0  # GrooveToolbox's kit; its largest syncopation of a bar
CIRCLE = np.exp(2j * np.pi * np.arange(BAR) / BAR)

NAMES = (
    *("witek", "sync", "low_sync", "mid_sync", "hi_sync", "syness", "low_syness", "mid_syness", "hi_syness"),
    *("evenness", "balance", "poly_sync", "poly_evenness", "poly_balance", "poly_density", "step_density"),
    *("complexity", "laidbackness"),
)


def measures(groove: Groove) -> dict[str, float | None]:
    """Every measure by name."""
    return measures_of(Many([groove]))[0]


def measures_of(many: Many) -> list[dict[str, float | None]]:
    """`measures` of each groove."""
    bars, n_bars = bars_of_four(many)
    if not len(bars):
        return [dict.fromkeys(NAMES) for _ in many.grooves]
    values = np.array(_in_bars(bars))
    ends = np.cumsum(n_bars).tolist()
    means = [
        values[:, end - n : end].mean(1).tolist() if n else None for n, end in zip(n_bars.tolist(), ends, strict=True)
    ]
    return [
        dict.fromkeys(NAMES) if own is None else dict(zip(NAMES, [*own, late], strict=True))
        for own, late in zip(means, laidbackness(many), strict=True)
    ]


def _in_bars(bars: FloatArray) -> list[FloatArray]:
    """(B,) each measure of bars (B, 16, V), in the order of NAMES but for the last."""
    hit = bars > 0
    streams = np.stack([hit[..., own].any(-1) for own in STREAMS], 1)
    every: BoolArray = np.asarray(hit.any(-1))
    lines = np.concatenate([every[:, None], streams], 1)
    syncs, counts = sync(lines), lines.sum(-1)
    even = evenness(lines.reshape(-1, BAR)).reshape(len(bars), 4)
    syness = np.where(counts, syncs / np.maximum(counts, 1), 0.0)
    return [
        witek(hit[..., KICK], hit[..., SNARE], np.asarray(hit[..., TIMEKEEPERS].any(-1))),
        *syncs.T,
        *syness.T,
        even[:, 0],
        balance(every[:, None], np.array([1.0]), np.array([1.0])),
        poly_sync(streams),
        even[:, 1:] @ np.array([3.0, 2.0, 1.0]),
        balance(streams, np.array([3.0, 2.0, 2.0]), np.array([3.0, 2.0, 1.0])),
        np.asarray(streams.sum((1, 2)), np.float64),
        every.mean(1),
        complexity(bars),
    ]


def bars_of_four(many: Many) -> tuple[FloatArray, IntArray]:
    """(B, 16, V) velocity, 0 to 1, of each cell of the bars of 4/4 that are whole, and how many each groove has (G,);
    silent bars are left out."""
    first_step = many.first_step
    cells = np.zeros((int(first_step[-1]), N_VOICES))
    np.maximum.at(cells, (first_step[many.groove] + many.step, many.voice), many.velocity / MAX_VELOCITY)
    starts = [first + _whole_bars(groove) for first, groove in zip(first_step.tolist(), many.grooves, strict=False)]
    own = np.repeat(np.arange(many.n), [len(each) for each in starts])
    bars = cells[np.concatenate(starts)[:, None] + np.arange(BAR)]
    is_played = bars.any((1, 2))
    return bars[is_played], np.bincount(own[is_played], minlength=many.n)


def _whole_bars(groove: Groove) -> IntArray:
    """The steps at which whole bars of 4/4 begin."""
    lines = groove.bar_lines
    starts: IntArray = lines[:-1][(lines[1:] - lines[:-1] == BAR) & (lines[:-1] % 1 == 0)].astype(np.int64)
    if len(groove.meters) > 1 or groove.meters[0].is_compound:
        starts = np.array([s for s in starts if not groove.meter_at(s).is_compound], np.int64)
    return starts


# -- rhythmtoolbox -------------------------------------------------------------


def sync(lines: BoolArray) -> FloatArray:
    """Of lines (..., 16): the salience of the step after a hit less the hit's, where that step is silent; summed."""
    return np.asarray((lines & ~lines[..., AFTER[1]]) @ RISE[1].astype(float))


def evenness(lines: BoolArray) -> FloatArray:
    """(B,) of lines (B, 16): mean absolute cosine between D hits and a regular polygon that begins with the first."""
    order = np.cumsum(lines, 1) - 1
    n = lines.sum(1)
    first = lines.argmax(1)
    turn = order / np.maximum(n, 1)[:, None] - (np.arange(BAR) - first[:, None]) / BAR
    total = np.where(lines, np.abs(np.cos(2 * np.pi * turn)), 0.0).sum(1)
    return np.asarray(total / np.maximum(n, 1))


def balance(streams: BoolArray, weights: FloatArray, counted: FloatArray) -> FloatArray:
    """(B,) of streams (B, S, 16): 1 less the length of the mean of the hits on a circle, weighed by stream.

    rhythmtoolbox weighs the sum by `weights` and the number by `counted`, which differ for the high stream.
    """
    total = ((streams @ CIRCLE) * weights).sum(1)
    number = streams.sum(-1) @ counted
    return np.asarray(1 - np.abs(total) / np.maximum(number, 1) * (number > 0))


def poly_sync(streams: BoolArray) -> FloatArray:
    """(B,) polyphonic syncopation of low, mid and high streams (B, 3, 16), as rhythmtoolbox has it after Witek.

    A step that differs from the next, which is at least as strong, counts the difference of their weights and a weight
    for the instruments: the last that applies of the rules below.
    """
    low, mid, high = streams.transpose(1, 0, 2)
    next_low, next_mid, next_high = streams[..., AFTER[1]].transpose(1, 0, 2)
    weight = np.zeros(low.shape)
    only_low, only_mid = low & ~mid & ~high, mid & ~low & ~high
    for holds, value in (
        (low & next_mid & next_high, 2),
        (mid & next_low & next_high, 1),
        ((low | mid) & next_high & ~next_low & ~next_mid, 5),
        (only_low & next_mid & ~next_low & ~next_high, 2),
        (only_mid & next_low & ~next_mid & ~next_high, 2),
    ):
        weight[holds] = value
    differs = (low != next_low) | (mid != next_mid) | (high != next_high)
    counts = differs & (WITEK_RISE >= 0) & (weight > 0)
    return np.asarray(np.where(counts, WITEK_RISE + weight, 0.0).sum(1))


# -- Witek ---------------------------------------------------------------------


def witek(kick: BoolArray, snare: BoolArray, hat: BoolArray) -> FloatArray:
    """(B,) index of syncopation of Witek et al. 2014, of lines (B, 16).

    A kick or snare between the beats is syncopated where it is silent on the next stronger step, and until then. (One
    on a beat, as every backbeat, is left out, as in GrooveToolbox.) Each counts the difference of the two weights
    and I: 6 where nothing sounds on the stronger step, 5 for the hat alone, 2 for a kick against the snare (and hat),
    1 for a snare against the kick (and hat).
    """
    total = np.zeros(len(kick))
    for steps, to_stronger in ((np.arange(1, BAR, 2), 1), (np.arange(2, BAR, 4), 2)):
        stronger = (steps + to_stronger) % BAR
        alone = np.where(hat[:, stronger], 5.0, 6.0) + (WITEK[stronger] - WITEK[steps])
        for own, other, against in ((kick, snare, 2.0), (snare, kick, 1.0)):
            holds = own[:, steps] & ~own[:, steps + 1 if to_stronger == 2 else stronger] & ~own[:, stronger]
            opposed = against + (WITEK[stronger] - WITEK[steps])
            total += np.where(holds, np.where(other[:, stronger], opposed, alone), 0.0).sum(1)
    return total


# -- GrooveToolbox -------------------------------------------------------------


def complexity(bars: FloatArray) -> FloatArray:
    """(B,) of bars (B, 16, V): the length of the vector of density and syncopation.

    Density is the mean velocity of the hits times their share of the cells of ten parts; syncopation the sum over the
    drums of the rise in salience from a hit to a silent step one or two later, in the largest of a bar.
    """
    hit = bars > 0
    density = bars.sum((1, 2)) / (BAR * N_PARTS)
    one, two = (hit & ~hit[:, AFTER[k]] & (RISE[k] > 0)[:, None] for k in (1, 2))
    syncopated = np.where(one, RISE[1][:, None], np.where(two, RISE[2][:, None], 0)).sum((1, 2)) / MOST_SYNCOPATED
    return np.asarray(np.hypot(density, syncopated))


def laidbackness(many: Many) -> list[float | None]:
    """Of each groove the share of late events less that of early ones, -1 to 1: kick on 1 and 3, snare on 2 and 4.

    An event is late (early) when it is FELT_MS behind (ahead of) the grid or of a closed hat on the same step. None
    where no bar of 4/4 has such a kick or snare.
    """
    first_step = many.first_step
    late = np.full((int(first_step[-1]), N_VOICES), np.nan)
    rate = many.each(lambda groove: groove.tempos[0].seconds_per_step)
    in_seconds = many.loop_position * rate - many.step * rate
    for i, groove in enumerate(many.grooves):
        if len(groove.tempos) > 1:
            own = slice(many.edges[i], many.edges[i + 1])
            at, line = many.loop_position[own], many.step[own].astype(float)
            in_seconds[own] = groove.seconds(at) - groove.seconds(line)
    late[first_step[many.groove] + many.step, many.voice] = in_seconds * 1e3
    starts = [
        np.arange(0, groove.n_steps - BAR + 1, BAR) if _is_all_in_four(groove) else np.zeros(0, np.int64)
        for groove in many.grooves
    ]
    n_bars = np.array([len(each) for each in starts])
    bar = np.concatenate([first + each for first, each in zip(first_step.tolist(), starts, strict=False)])
    steps = bar[:, None] + np.array([0, 4, 8, 12])
    own = late[steps, np.array([KICK, SNARE, KICK, SNARE])]
    hat = late[steps, HAT]
    with np.errstate(invalid="ignore"):
        is_late = (own > FELT_MS) | (own > hat + FELT_MS)
        is_early = (own < -FELT_MS) | (own < hat - FELT_MS)
    of_bar = np.repeat(np.arange(many.n), n_bars)
    n_late, n_early, n_events = (
        np.bincount(of_bar, each.sum(1), many.n) for each in (is_late, is_early, ~np.isnan(own))
    )
    n_places = np.maximum(4 * n_bars, 1)
    shares = n_late / n_places - n_early / n_places
    return [share if n else None for share, n in zip(shares.tolist(), n_events.tolist(), strict=True)]


def _is_all_in_four(groove: Groove) -> bool:
    return len(groove.meters) == 1 and groove.meters[0].steps_per_bar == BAR
