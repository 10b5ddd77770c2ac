"""Tempo and downbeat from hits: python -m benchmarks.beats GROOVE.zip LOOPS.zip [--fit] [--json]

GROOVE is the Groove MIDI Dataset, LOOPS a folder or zip of loops whose files say their tempo. Takes are cut at bar
lines into loops of one to eight bars, as an editor cuts sound: what is played before the cut is gone. Onsets are moved
by JITTER_SECONDS, LOST of the hits are lost and as many are added anywhere. A third has no exact length: silence before
it, or a tail, or both. Whole bars are judged in their own tempo, which is mostly whole BPM, and in any, as of players
without a click. Right is a tempo within 2 % of the take's, its octave included, and a downbeat within 50 ms of a bar
line. Floor of the octave: the one that is nearest to the usual tempo, where somebody tells the tempo but for its
octave. --fit fits rhythmvae/audio/tempo.json to the training rows and to the half of LOOPS that is not judged, half of
them in any tempo.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from benchmarks.figures import UNDEFINED, Rows, told
from rhythmvae.analysis.lines import GROUP_OF_VOICE, N_GROUPS, N_TICKS
from rhythmvae.analysis.octaves import USUAL_BPM
from rhythmvae.audio import tempo
from rhythmvae.audio.beats import to_groove
from rhythmvae.audio.hits import Heard
from rhythmvae.data import corpus
from rhythmvae.data.corpus import Corpus, Take
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.kit import N_VOICES

Rng = np.random.Generator
JITTER_SECONDS = 0.004
LOST = 0.05
TEMPO_RIGHT, DOWNBEAT_RIGHT = 0.02, 0.05
BARS = (1, 2, 3, 4, 5, 6, 7, 8)
SHARES = (0.2, 0.22, 0.06, 0.22, 0.03, 0.05, 0.02, 0.2)  # of those numbers of bars
N_CUTS = 6  # of a take that is longer than a fill
LEAST_HITS = 4
LEAST_PLACED, MOST_HITS = 2.0, 200
DRIFT, LEAST_DRIFTING_SECONDS = 0.02, 25.0
ANY_TEMPO, SHARE_OF_ANY = 0.1, 0.5  # of one; of the loops that are learned from
DRUM_MACHINE = "drum_machine"  # in the names of those LOOPS that say their tempo
COLUMNS = ("what is heard", "loops", "octave nearest to 105 BPM", "tempo", "tempo or its octave", "downbeat", "asked")
DRIFTING = "validation takes, drifting: bar lines"


@dataclass(frozen=True, eq=False)
class Loop:
    """What is heard of a loop, and the truth: the felt beat and the bar in seconds, and where a bar begins."""

    name: str
    n_bars: int
    is_exact: bool
    heard: Heard
    beat: float
    bar: float
    downbeat: float
    bars: FloatArray = field(default_factory=lambda: np.zeros(0))  # where bars begin, in a take whose tempo drifts


# -- loops ---------------------------------------------------------------------


def cut(groove: Groove, first: int, last: int, rng: Rng, *, is_exact: bool, name: str = "") -> Loop | None:
    """Bars `first` to `last` as they are heard; None for what is as good as silence."""
    start, stop = groove.seconds(groove.bar_lines[[first - 1, last]])
    seconds = groove.onset_seconds - start
    kept = (seconds >= 0) & (seconds < stop - start) & (rng.random(len(seconds)) >= LOST)
    if kept.sum() < LEAST_HITS:
        return None
    lead, tail = (0.0, 0.0) if is_exact else _margins(rng)
    duration = float(stop - start) + lead + tail
    n_added = rng.binomial(int(kept.sum()), LOST)
    seconds = np.concatenate((seconds[kept] + lead, rng.uniform(lead, duration - tail, n_added)))
    seconds = np.clip(seconds + rng.normal(0, JITTER_SECONDS, len(seconds)), 0, duration)
    voice = np.concatenate((groove.voice[kept], rng.integers(0, N_VOICES, n_added)))
    velocity = np.concatenate((groove.velocity[kept], rng.integers(20, 100, n_added)))
    velocity = np.clip(np.rint(velocity + rng.normal(0, 10, len(velocity))), 1, 127).astype(np.int64)
    order = np.argsort(seconds, kind="stable")
    heard = Heard(seconds[order], voice[order], velocity[order], np.full(len(order), 0.9), 1.0, duration)
    meter = groove.meter_at(groove.bar_lines[first - 1])
    step = groove.tempo_at(groove.bar_lines[first - 1]).seconds_per_step
    return Loop(name, last - first + 1, is_exact, heard, meter.pulse_steps * step, meter.steps_per_bar * step, lead)


def _margins(rng: Rng) -> tuple[float, float]:
    """Seconds before a loop and behind it."""
    kind = rng.integers(3)
    lead = rng.uniform(0.0, 1.5) if kind != 1 else 0.0
    return lead, rng.uniform(0.05, 1.5) if kind != 0 else 0.0


def cuts(take: Take, rng: Rng, n: int = N_CUTS) -> Iterator[Loop]:
    """Loops of a take, their number of bars drawn by SHARES."""
    groove, n_bars = take.groove, take.groove.n_bars
    for _ in range(n if n_bars > 2 else 1):
        length = min(int(rng.choice(BARS, p=SHARES)), n_bars)
        first = int(rng.integers(n_bars - length + 1)) + 1
        loop = cut(groove, first, first + length - 1, rng, is_exact=rng.random() > 1 / 3, name=take.name)
        if loop is not None:
            yield loop


def repeated(take: Take, rng: Rng) -> Iterator[Loop]:
    """A pattern once, twice and four times over."""
    for times in (1, 2, 4):
        groove = take.groove.looped(times)
        if groove.n_bars <= BARS[-1] and len(groove.tempos) == 1:
            loop = cut(groove, 1, groove.n_bars, rng, is_exact=rng.random() > 1 / 3, name=take.name)
            if loop is not None:
                yield loop


def is_judged(name: str) -> bool:
    """Half of the loops, siblings together: the parts of a name before its measure."""
    stem = PurePosixPath(name).stem.lower()
    words = [word for word in stem.replace("_", " ").split() if not (word.isdigit() and len(word) > 1)]
    return zlib.crc32(" ".join(words[:2]).encode()) % 2 == 0


def drifting(take: Take, rng: Rng) -> Loop | None:
    """A whole take whose player leaves its tempo by DRIFT, to and fro."""
    loop = cut(take.groove, 1, take.groove.n_bars, rng, is_exact=True, name=take.name)
    if loop is None or loop.heard.duration_seconds < LEAST_DRIFTING_SECONDS:
        return None
    end = loop.heard.duration_seconds
    turns = rng.uniform(0.5, 2.0) * 2 * np.pi
    lag = DRIFT * end / turns * rng.choice([-1.0, 1.0])
    bars = np.arange(0.0, end, loop.bar)

    def moved(seconds: FloatArray) -> FloatArray:
        return np.asarray(np.clip(seconds + lag * np.sin(seconds / end * turns), 0.0, end + abs(lag)))

    heard = replace(loop.heard, seconds=np.sort(moved(loop.heard.seconds)), duration_seconds=end + abs(lag))
    return replace(loop, heard=heard, bars=moved(bars))


def patterns_in(loops: Path) -> list[Take]:
    """Those that say their tempo."""
    return [take for take in corpus.load([loops]).takes if DRUM_MACHINE in take.name]


def learned_from(played: Corpus, patterns: Sequence[Take], seed: int = 0) -> list[Loop]:
    """Loops of the training rows, and of the patterns that are not judged."""
    rng = np.random.default_rng(seed)
    loops = [loop for take in played.only("train") if _in_four(take) for loop in cuts(take, rng)]
    return loops + [loop for take in patterns if not is_judged(take.name) for loop in repeated(take, rng)]


def stretched(loop: Loop, rate: float) -> Loop:
    """The loop so many times as slow."""
    heard = replace(loop.heard, seconds=loop.heard.seconds * rate, duration_seconds=loop.heard.duration_seconds * rate)
    return replace(loop, heard=heard, beat=loop.beat * rate, bar=loop.bar * rate, downbeat=loop.downbeat * rate)


def in_any_tempo(loops: Sequence[Loop], rng: Rng, share: float = 1.0) -> list[Loop]:
    """The loops, a share of them faster or slower by up to ANY_TEMPO: their tempos are whole BPM by chance alone."""
    return [
        stretched(loop, float(np.exp(rng.uniform(-ANY_TEMPO, ANY_TEMPO)))) if rng.random() < share else loop
        for loop in loops
    ]


# -- judging -------------------------------------------------------------------


def is_tempo_right(loop: Loop, beat: float) -> bool:
    return abs(beat / loop.beat - 1) < TEMPO_RIGHT


def is_downbeat_right(loop: Loop, downbeat: float) -> bool:
    away = (downbeat - loop.downbeat) / loop.bar
    return abs(away - round(away)) * loop.bar < DOWNBEAT_RIGHT


def judged(loops: Sequence[Loop]) -> list[str]:
    """Shares of loops whose tempo is right, right but for its octave, whose downbeat is right, and asked."""
    rows = []
    for loop in loops:
        found = to_groove(loop.heard, "loop")
        groove = found.groove
        meter = groove.meters[-1]
        beat = meter.pulse_steps * groove.tempo_at(groove.n_steps).seconds_per_step
        octaves = [is_tempo_right(loop, beat * ratio) for ratio in (0.5, 1.0, 2.0)]
        rows.append((octaves[1], any(octaves), is_downbeat_right(loop, found.downbeat_seconds), bool(found.other_bpm)))
    return [f"{share:.3f}" for share in np.mean(rows, axis=0)]


def nearest_usual(loops: Sequence[Loop]) -> float:
    """Share of loops whose tempo is the one of its octaves that is nearest to the usual tempo."""
    return float(np.mean([abs(np.log2(60.0 / loop.beat / USUAL_BPM)) < 0.5 for loop in loops]))


def bars_found(loops: Sequence[Loop]) -> float:
    """Of drifting takes the share of true bar lines that have one of ours within DOWNBEAT_RIGHT."""
    shares = []
    for loop in loops:
        groove = to_groove(loop.heard, "take").groove
        lines = groove.seconds(groove.bar_lines)
        away = np.abs(loop.bars[:, None] - lines[None, :]).min(1)
        shares.append(float((away < DOWNBEAT_RIGHT).mean()))
    return float(np.mean(shares))


# -- fitting -------------------------------------------------------------------


def fit(loops: Sequence[Loop], penalty: float = 3e-4, n_steps: int = 120) -> dict[str, Any]:
    """Weights by which the right readings of loops are the likeliest: softmax, all at once."""
    rows = [row for row in map(_rows, loops) if row[-1].any()]
    print(f"{len(rows)} of {len(loops)} loops have a right reading", flush=True)
    return fitted(rows, penalty, n_steps)


def placed(takes: Sequence[Take]) -> list[list[float]]:
    """(G, K) how many hits of each group fall on each line of a bar of four; no take counts for more than MOST_HITS."""
    counts = np.full((N_GROUPS, N_TICKS), LEAST_PLACED)
    for take in takes:
        meter = take.groove.meters[0]
        if (meter.numerator, meter.denominator) == (4, 4):
            line = np.rint(take.groove.position / meter.steps_per_bar * N_TICKS).astype(int) % N_TICKS
            share = min(1.0, MOST_HITS / len(take.groove))
            np.add.at(counts, (GROUP_OF_VOICE[take.groove.voice], line), share)
    return [[float(each) for each in row] for row in counts.round(1)]


def _rows(loop: Loop) -> tuple[Any, ...]:
    """What tells of the C beats of a loop, of their K lines, and (C, K) which are right."""
    hits = tempo.telling(loop.heard)
    beats = tempo.candidates(hits)
    lines = tempo.of_lines(hits, beats)
    right = [
        [is_tempo_right(loop, b) and is_downbeat_right(loop, one) for one in lines.downbeat[i]]
        for i, b in enumerate(beats)
    ]
    place = (lines.first[:, None] - np.arange(N_TICKS)) % N_TICKS
    whole = lines.is_whole[:, None]
    start = np.stack([lines.at_start * whole, lines.at_start * (1 - whole)], -1)
    played = lines.played.reshape(len(beats), -1)
    return tempo.of_tempos(hits, beats), played, place, start, np.array(right)


def fitted(rows: Sequence[tuple[Any, ...]], penalty: float, n_steps: int) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    owner = torch.from_numpy(np.repeat(np.arange(len(rows)), [len(row[0]) for row in rows]))
    features, played, place, start, right = (
        torch.from_numpy(np.concatenate([row[i] for row in rows])) for i in range(5)
    )
    features, played, start, wrong = features.float(), played.float(), start.float(), ~right
    index = (torch.arange(N_TICKS)[None, :] - torch.arange(N_TICKS)[:, None]) % N_TICKS
    spread = features.std(0) + 1e-6
    features = features / spread
    w_tempo = torch.zeros(features.shape[1], requires_grad=True)
    w_played = torch.zeros(N_GROUPS, N_TICKS, requires_grad=True)
    w_first = torch.zeros(N_TICKS, requires_grad=True)
    w_start = torch.zeros(2, requires_grad=True)
    weights = [w_tempo, w_played, w_first, w_start]

    def log_sum(score: torch.Tensor) -> torch.Tensor:
        """(n,) log of the sum of exp over all readings of each loop."""
        of_row = torch.logsumexp(score, 1)
        most = torch.full((len(rows),), -torch.inf).scatter_reduce(0, owner, of_row.detach(), "amax")
        return most + torch.zeros(len(rows)).index_add(0, owner, (of_row - most[owner]).exp()).log()

    optimizer = torch.optim.LBFGS(weights, max_iter=n_steps, history_size=20, line_search_fn="strong_wolfe")

    def loss_of() -> torch.Tensor:
        optimizer.zero_grad()
        turned = w_played[:, index].permute(0, 2, 1).reshape(-1, N_TICKS)  # (G J, K)
        score = (features @ w_tempo)[:, None] + start @ w_start + w_first[place] + played @ turned
        loss = (log_sum(score) - log_sum(score.masked_fill(wrong, -1e9))).mean()
        total = loss + penalty * torch.stack([(weight**2).sum() for weight in weights]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        losses.append(float(loss.detach()))
        return total

    losses: list[float] = []
    optimizer.step(loss_of)  # type: ignore[no-untyped-call]
    print(len(losses), losses[-1], flush=True)
    found = {"tempo": w_tempo / spread, "played": w_played, "first": w_first, "start": w_start}
    return {name: np.round(weight.detach().numpy().astype(float), 3).tolist() for name, weight in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groove", type=Path)
    parser.add_argument("loops", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    played = corpus.load([options.groove])
    patterns = patterns_in(options.loops)
    if options.fit:
        loops = in_any_tempo(learned_from(played, patterns), np.random.default_rng(2), SHARE_OF_ANY)
        tempo.TABLE.write_text(json.dumps(fit(loops) | {"placed": placed(played.only("train"))}), "utf-8")
        return
    rng = np.random.default_rng(1)
    held_out = played.only("validation")
    sets = {
        "validation takes": [loop for take in held_out for loop in cuts(take, rng)],
        "drum machine": [loop for take in patterns if is_judged(take.name) for loop in repeated(take, rng)],
    }
    rows: Rows = []
    for name, loops in sets.items():
        whole, others = ([loop for loop in loops if loop.is_exact == is_exact] for is_exact in (True, False))
        any_tempo = in_any_tempo(whole, np.random.default_rng(2))
        kinds = {"whole bars": whole, "whole bars in any tempo": any_tempo, "silence before or a tail": others}
        for kind, some in kinds.items():
            rows.append([f"{name}, {kind}", str(len(some)), f"{nearest_usual(some):.3f}", *judged(some)])
    drifted = [own for take in held_out if (own := drifting(take, rng)) is not None]
    rows.append([DRIFTING, str(len(drifted)), *[UNDEFINED] * 3, f"{bars_found(drifted):.3f}", UNDEFINED])
    told(COLUMNS, rows, as_json=options.json)


def _in_four(take: Take) -> bool:
    """Whether bars are of four beats, or of two: what weights are fitted to."""
    return take.groove.meters[0].numerator in (4, 6, 12)


if __name__ == "__main__":
    main()
