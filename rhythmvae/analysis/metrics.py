"""How close a groove is to another, in the units people hear.

A reference hit matches an estimated hit of the same voice whose onset lies within a
tolerance (50 ms, and 25 ms for the strict figure). Each hit matches at most once;
among the matchings with the most pairs the one with the least total timing error
counts. Everything is measured against every hit of the reference, those included
that the model's grid cannot hold.

Conventions: onsets in seconds through the reference's tempo map; timing error in ms,
velocity error in MIDI units (0 to 127), both over matched hits. Two empty grooves
agree perfectly (F1 = 1). After the onset measures of mir_eval (Raffel et al. 2014),
per voice and pooled ("micro").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rhythmvae.analysis.descriptors import GHOST_BELOW
from rhythmvae.analysis.figures import Figures
from rhythmvae.errors import check_type
from rhythmvae.groove import FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES, VOICE_KEYS

TOLERANCE_SECONDS = 0.050
STRICT_TOLERANCE_SECONDS = 0.025
MAX_ALIGNED_CELLS = 16_000_000  # 128 MB; no drummer plays such a cluster


def match_onsets(reference: FloatArray, estimate: FloatArray, tolerance: float) -> list[tuple[int, int]]:
    """Pair sorted onsets (seconds) of one voice: most pairs first, then least timing error.

    On a line the best matching never crosses, so it is an alignment, solved by dynamic
    programming inside each cluster of onsets that could reach one another. In a cluster of
    more than MAX_ALIGNED_CELLS pairs, of thousands of hits, the first that fit are paired:
    still the most pairs, not always the least error.

    >>> match_onsets(np.array([0.0, 0.04]), np.array([0.035]), 0.05)
    [(1, 0)]
    """
    n_reference, n_estimate = len(reference), len(estimate)
    slack = tolerance + 1e-9  # a distance equal to the tolerance counts as within
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < n_reference and j < n_estimate:
        if reference[i] < estimate[j] - slack:
            i += 1
            continue
        if estimate[j] < reference[i] - slack:
            j += 1
            continue
        i_end, j_end = i + 1, j + 1  # grow the cluster until nothing outside can reach into it
        while True:
            if i_end < n_reference and reference[i_end] <= estimate[j_end - 1] + slack:
                i_end += 1
            elif j_end < n_estimate and estimate[j_end] <= reference[i_end - 1] + slack:
                j_end += 1
            else:
                break
        if i_end - i == 1 and j_end - j == 1:
            pairs.append((i, j))
        else:
            aligned = _align(reference[i:i_end], estimate[j:j_end], slack)
            pairs.extend((i + a, j + b) for a, b in aligned)
        i, j = i_end, j_end
    return pairs


def _align(reference: FloatArray, estimate: FloatArray, slack: float) -> list[tuple[int, int]]:
    n, m = len(reference), len(estimate)
    if n * m > MAX_ALIGNED_CELLS:
        return _first_fit(reference, estimate, slack)
    best = np.zeros((n + 1, m + 1))  # of the first i and j onsets
    for i in range(1, n + 1):
        distance = np.abs(estimate - reference[i - 1])
        # A pair is worth 1 less a cost so small that no sum of costs outweighs a pair.
        pair = np.where(distance <= slack, best[i - 1, :-1] + 1.0 - distance / (slack * (n + m + 1)), 0.0)
        best[i, 1:] = np.maximum.accumulate(np.maximum(pair, best[i - 1, 1:]))
    pairs = []
    i, j = n, m
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def _first_fit(reference: FloatArray, estimate: FloatArray, slack: float) -> list[tuple[int, int]]:
    """Each estimate to the earliest free reference within reach: as many pairs as `_align`, not the closest."""
    pairs = []
    i = j = 0
    while i < len(reference) and j < len(estimate):
        if abs(reference[i] - estimate[j]) <= slack:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif reference[i] < estimate[j]:
            i += 1
        else:
            j += 1
    return pairs


@dataclass(frozen=True, eq=False)
class Matching:
    """Which hits of two grooves answer each other; indices into the grooves' hits.

    pairs: (K, 2) reference and estimate; missed: reference hits without an answer;
    added: estimated hits without a question.
    """

    pairs: IntArray
    missed: IntArray
    added: IntArray


def _clipped_onsets(groove: Groove, clock: Groove) -> FloatArray:
    # A file cannot hold a hit before its start, so neither side is judged by one. A hit that is pushed
    # at the loop's end is one of step 0, and a groove may have it on either side of the loop's seam.
    return clock.seconds(np.where(groove.is_pushed, groove.position - groove.n_steps, np.maximum(groove.position, 0.0)))


def match(reference: Groove, estimate: Groove, tolerance: float = TOLERANCE_SECONDS) -> Matching:
    """Match the hits of two grooves voice by voice, on the reference's clock."""
    onsets = _clipped_onsets(reference, reference), _clipped_onsets(estimate, reference)
    pairs: list[tuple[int, int]] = []
    for voice in range(N_VOICES):
        r, e = (
            own[np.argsort(seconds[own], kind="stable")]
            for seconds, own in (
                (onsets[0], np.flatnonzero(reference.voice == voice)),
                (onsets[1], np.flatnonzero(estimate.voice == voice)),
            )
        )
        pairs.extend((int(r[a]), int(e[b])) for a, b in match_onsets(onsets[0][r], onsets[1][e], tolerance))
    table = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return Matching(
        table,
        np.setdiff1d(np.arange(len(reference)), table[:, 0]),
        np.setdiff1d(np.arange(len(estimate)), table[:, 1]),
    )


def late_ms(reference: Groove, estimate: Groove, matching: Matching) -> FloatArray:
    """(K,) how much later the estimate's hit of each pair comes, in ms."""
    r, e = matching.pairs.T
    onsets = _clipped_onsets(reference, reference)[r], _clipped_onsets(estimate, reference)[e]
    return np.asarray(1000.0 * (onsets[1] - onsets[0]))


@dataclass(frozen=True)
class Score:
    """Sums over hits, so that scores of many grooves add up: `Score.total`.

    Arrays are per voice, (V,). `matched_strict` is at 25 ms, the rest at 50 ms.

    >>> from rhythmvae import example, score
    >>> same = score(example("funk"), example("funk"))
    >>> Score.total([same, same]).exact
    2
    """

    n_reference: IntArray
    n_estimate: IntArray
    matched: IntArray
    matched_strict: IntArray
    timing_ms_sum: float
    velocity_sum: float
    ghosts: int  # reference hits of velocity below GHOST_BELOW
    ghosts_matched: int
    ghosts_estimated: int
    exact: int  # grooves whose every hit is matched and none added
    n_grooves: int = field(default=1)

    @classmethod
    def total(cls, scores: Iterable[Score]) -> Score:
        """Pooled over grooves: every hit weighs the same."""
        scores = list(scores)
        if not scores:
            raise ValueError("no scores to add up")
        return cls(*(sum(getattr(s, name) for s in scores) for name in cls.__dataclass_fields__))

    @property
    def precision(self) -> float:
        return _ratio(self.matched.sum(), self.n_estimate.sum(), self.n_reference.sum())

    @property
    def recall(self) -> float:
        return _ratio(self.matched.sum(), self.n_reference.sum(), self.n_estimate.sum())

    @property
    def f1(self) -> float:
        """2 matched / (reference + estimate), all voices pooled."""
        return _f1(self.matched.sum(), self.n_reference.sum(), self.n_estimate.sum())

    @property
    def f1_strict(self) -> float:
        return _f1(self.matched_strict.sum(), self.n_reference.sum(), self.n_estimate.sum())

    @property
    def f1_by_voice(self) -> dict[str, float | None]:
        """None for a voice that neither side plays."""
        return {
            key: _f1(self.matched[v], self.n_reference[v], self.n_estimate[v])
            if self.n_reference[v] + self.n_estimate[v]
            else None
            for v, key in enumerate(VOICE_KEYS)
        }

    @property
    def timing_mae_ms(self) -> float | None:
        """Mean |onset error| of matched hits; None where nothing matched."""
        matched = int(self.matched.sum())
        return self.timing_ms_sum / matched if matched else None

    @property
    def velocity_mae(self) -> float | None:
        """Mean |velocity error| of matched hits, of 127; None where nothing matched."""
        matched = int(self.matched.sum())
        return self.velocity_sum / matched if matched else None

    @property
    def ghost_recall(self) -> float | None:
        """Share of the reference's ghost notes that were matched; None where it has none."""
        return self.ghosts_matched / self.ghosts if self.ghosts else None

    @property
    def exact_rate(self) -> float:
        return self.exact / self.n_grooves

    @property
    def figures(self) -> Figures:
        """As `reconstruct --json` and `evaluate --json` print it, and as a checkpoint's card keeps it."""
        n_reference, n_estimate = int(self.n_reference.sum()), int(self.n_estimate.sum())
        return Figures(
            n_hits=n_reference,
            n_hits_out=n_estimate,
            precision=self.precision,
            recall=self.recall,
            f1=self.f1,
            f1_25ms=self.f1_strict,
            timing_mae_ms=self.timing_mae_ms,
            velocity_mae=self.velocity_mae,
            ghost_recall=self.ghost_recall,
            ghost_share=self.ghosts / n_reference if n_reference else None,
            ghost_share_out=self.ghosts_estimated / n_estimate if n_estimate else None,
            exact_rate=self.exact_rate,
            f1_by_voice=self.f1_by_voice,
        )

    def to_dict(self) -> dict[str, Any]:
        """The figures, by name, JSON-able."""
        return asdict(self.figures)


def score(reference: Groove, estimate: Groove) -> Score:
    """Measure an estimate (a reconstruction, say) against its reference.

    A hit matches one of the same voice within 50 ms (25 ms for the strict figures), each at most once.

    Raises:
        WrongTypeError: something that is no groove.

    >>> from rhythmvae import example, score
    >>> score(example("funk"), example("funk")).f1
    1.0
    """
    check_type(reference, Groove, "a groove as the reference")
    check_type(estimate, Groove, "a groove as the estimate")
    matching = match(reference, estimate)
    strict = match(reference, estimate, STRICT_TOLERANCE_SECONDS)
    r, e = matching.pairs.T
    ghost = reference.velocity < GHOST_BELOW

    def per_voice(voices: IntArray) -> IntArray:
        return np.bincount(voices, minlength=N_VOICES)

    return Score(
        n_reference=per_voice(reference.voice),
        n_estimate=per_voice(estimate.voice),
        matched=per_voice(reference.voice[r]),
        matched_strict=per_voice(reference.voice[strict.pairs[:, 0]]),
        timing_ms_sum=float(np.abs(late_ms(reference, estimate, matching)).sum()),
        velocity_sum=float(np.abs(reference.velocity[r] - estimate.velocity[e]).sum()),
        ghosts=int(ghost.sum()),
        ghosts_matched=int(ghost[r].sum()),
        ghosts_estimated=int((estimate.velocity < GHOST_BELOW).sum()),
        exact=int(len(matching.missed) == 0 and len(matching.added) == 0),
    )


def _f1(matched: float, n_reference: float, n_estimate: float) -> float:
    return float(2 * matched / (n_reference + n_estimate)) if n_reference + n_estimate else 1.0


def _ratio(matched: float, n: float, n_other: float) -> float:
    # With nothing to judge, silence is right only where the other side is silent too.
    return float(matched / n) if n else float(n_other == 0)
