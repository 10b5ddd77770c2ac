"""Figures of hearing: counts against mir_eval, and cases small enough to count by hand."""

import mir_eval
import numpy as np
import pytest

from rhythmvae.audio.hits import Heard
from rhythmvae.evaluation import hearing
from rhythmvae.evaluation.hearing import FIVE, NINE, Count, Truth
from rhythmvae.kit import N_VOICES, VOICE_INDEX

Rows = list[tuple[float, int, int]]  # seconds, voice, velocity
CLOSED, OPEN, SNARE = (VOICE_INDEX[key] for key in ("closed_hat", "open_hat", "snare"))


def truth(rows: Rows) -> Truth:
    seconds, voice, velocity = zip(*rows, strict=True) if rows else ((), (), ())
    return Truth(np.array(seconds, dtype=float), np.array(voice, dtype=int), np.array(velocity, dtype=int))


def heard(rows: Rows) -> Heard:
    own = truth(rows)
    return Heard(own.seconds, own.voice, own.velocity, np.full(len(rows), 0.7), 1.0, 100.0)


def by_chance(rng: np.random.Generator, n: int) -> Rows:
    return sorted((float(s), int(v), 64) for s, v in zip(rng.uniform(0, 9, n), rng.integers(0, 3, n), strict=True))


def test_counts_are_those_of_mir_eval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "TOGETHER_SECONDS", -1.0)  # mir_eval counts strokes together one by one
    rng = np.random.default_rng(0)
    for tolerance in hearing.TOLERANCES_SECONDS:
        pairs = [(truth(by_chance(rng, 60)), heard(by_chance(rng, 70))) for _ in range(4)]
        got = hearing.counts(pairs, NINE, tolerance)
        for voice, key in enumerate(NINE):
            expected = sum(
                len(mir_eval.util.match_events(a.seconds[a.voice == voice], b.seconds[b.voice == voice], tolerance))
                for a, b in pairs
            )
            assert got[key].matched == expected
        assert hearing.micro(got).played == 240
        assert 0 < hearing.micro(got).matched < 240


def test_shares_of_counts() -> None:
    count = Count(matched=3, played=4, heard=6)
    assert (count.f1, count.precision, count.recall) == (0.6, 0.5, 0.75)
    assert (Count(0, 0, 0).f1, Count(0, 0, 2).recall, Count(0, 2, 0).precision) == (None, None, None)


def test_two_hats_at_once_are_one_stroke_of_the_hats() -> None:
    pairs = [(truth([(1.0, CLOSED, 90), (1.01, OPEN, 90)]), heard([(1.02, OPEN, 90)]))]
    assert hearing.counts(pairs, FIVE, 0.05)["hats"] == Count(1, 1, 1)
    assert hearing.micro(hearing.counts(pairs, NINE, 0.05)) == Count(1, 2, 1)


def test_classes_hold_every_voice_once() -> None:
    assert sorted(voice for voices in FIVE.values() for voice in voices) == list(range(N_VOICES))


def test_ghosts_that_are_found_and_heard_as_such() -> None:
    played = truth([(1.0, SNARE, 20), (2.0, SNARE, 30), (3.0, SNARE, 100), (4.0, SNARE, 39)])
    found = heard([(1.01, SNARE, 25), (2.01, SNARE, 60), (3.0, SNARE, 35), (5.0, SNARE, 10)])
    assert hearing.ghosts([(played, found)], SNARE) == hearing.Ghosts(played=3, found=2, heard=3, right=2)


def test_velocities_go_together() -> None:
    played = truth([(float(t), SNARE, 20 + 10 * t) for t in range(8)])
    louder = heard([(float(t), SNARE, 40 + 9 * t) for t in range(8)])
    assert hearing.velocities([(played, louder)], [SNARE]) == pytest.approx(1.0)
    turned = heard([(float(t), SNARE, 100 - 9 * t) for t in range(8)])
    assert hearing.velocities([(played, turned)], [SNARE]) == pytest.approx(-1.0)
    assert hearing.velocities([(played, heard([]))], [SNARE]) is None


def test_all_figures_of_what_is_heard_to_the_hit() -> None:
    rows = [(float(t), t % N_VOICES, 10 + 5 * t) for t in range(20)]
    found = hearing.figures([(truth(rows), heard(rows))])
    assert (found["nine_50_ms"], found["five_20_ms"]) == (1.0, 1.0)
    assert found["velocity"] == {"kick": 1.0, "snare": 1.0, "hats": 1.0}
    assert found["ghosts"] == {"played": 1, "recall": 1.0, "precision": 1.0}
    unknown = [(truth([(1.0, 0, 0)]), heard([(1.0, 0, 50)]))]
    assert "velocity" not in hearing.figures(unknown)


def test_a_threshold_parts_what_was_played_from_what_was_not() -> None:
    rng = np.random.default_rng(0)
    played = np.arange(50) * 1.0
    wrong = played + 0.5
    seconds = np.concatenate([played, wrong])
    confidence = np.concatenate([rng.uniform(0.5, 0.9, 50), rng.uniform(0.1, 0.4, 50)])
    order = np.argsort(seconds)
    outputs = [(truth([(s, 0, 64) for s in played.tolist()]), seconds[order], np.zeros(100, int), confidence[order])]
    found = hearing.thresholds(outputs, [0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.7, 0.8])
    assert found[0] in (0.4, 0.45)
    assert found.tolist() == [found[0]] * N_VOICES  # no other voice has a reason for another


def test_a_voice_goes_a_part_of_the_way_to_its_own_threshold() -> None:
    seconds, voices = np.arange(100.0), np.repeat([0, 1], [90, 10])
    confidence = np.where(voices == 0, 0.8, 0.3)  # the second voice is rare, and heard less surely
    outputs = [(truth([(s, int(v), 64) for s, v in zip(seconds, voices, strict=True)]), seconds, voices, confidence)]
    found = hearing.thresholds(outputs, [0.2, 0.7])
    assert found[0] == pytest.approx(0.2 + hearing.OWN_SHARE * 0.5)
    assert found[1] == pytest.approx(0.2)


def test_what_is_heard_as_another_is_no_miss_and_nothing_made_up() -> None:
    pairs = [
        (
            truth([(1.0, SNARE, 90), (1.01, CLOSED, 90), (2.0, OPEN, 50), (3.0, SNARE, 9)]),
            heard([(1.01, SNARE, 90), (1.02, OPEN, 60), (2.0, OPEN, 50), (5.0, CLOSED, 20)]),
        )
    ]
    table = hearing.confusion(pairs)
    nothing = N_VOICES
    found = {(int(i), int(j)): int(table[i, j]) for i, j in np.argwhere(table)}
    assert found == {(SNARE, SNARE): 1, (CLOSED, OPEN): 1, (OPEN, OPEN): 1, (SNARE, nothing): 1, (nothing, CLOSED): 1}
