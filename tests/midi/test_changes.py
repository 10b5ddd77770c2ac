"""Tempo and meter events: a tick off, repeated by other tracks, or too many."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import chunk, header, meter, note, rock, smf, tempo
from hypothesis import given, settings
from hypothesis import strategies as st
from work import lines_of

from rhythmvae.errors import MidiError
from rhythmvae.groove import MAX_CHANGES, Groove, Meter, Tempo
from rhythmvae.midi import changes
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport, Log


def read(*tracks: list, ppq: int = 480) -> tuple[Groove, ImportReport]:
    return read_midi(smf(*tracks, ppq=ppq), "test.mid")


@pytest.mark.parametrize("late", [1, 2])
def test_a_first_tempo_a_tick_late_is_the_first(late):
    groove, report = read([tempo(late, 84), meter(0, 4, 4), *rock()])
    assert groove.tempos == (Tempo(0, pytest.approx(84, abs=1e-3)),)
    assert [c.kind for c in report.changes] == ["tempo_moved"]
    assert report.remarks == ("The first tempo comes a tick late: it was moved to the start.",)


@pytest.mark.parametrize("off", [-2, -1, 1, 2])
def test_a_meter_a_tick_off_the_bar_line_makes_no_phantom_bar(off):
    waltz = [meter(3840 + off, 3, 4), note(3840 + 1440, 36), note(5400, 42)]
    groove, report = read([tempo(0, 90), meter(0, 4, 4), *rock(2), *waltz])
    assert groove.bar_lines.tolist() == [0, 16, 32, 44, 56]
    assert groove.meters == (Meter(0, 4, 4), Meter(32, 3, 4))
    assert [(c.kind, c.count) for c in report.changes] == [("meter_moved", 1)]


def test_a_meter_at_tick_1_replaces_the_one_before():
    groove, _ = read([meter(0, 4, 4), meter(1, 3, 4), *rock(1)[:8]])
    assert groove.meters == (Meter(0, 3, 4),)


def test_a_meter_in_mid_bar_stays_where_it_is():
    groove, report = read([meter(0, 4, 4), meter(963, 3, 4), *rock(2)])
    assert groove.meters[1].step == 963 / 120
    assert "meter_moved" not in {c.kind for c in report.changes}


def test_the_first_track_overrules_the_defaults_of_later_ones():
    conductor = [tempo(0, 95), meter(0, 3, 4)]
    groove, report = read(conductor, [tempo(0, 120), meter(0, 4, 4), *rock()], [tempo(0, 100)])
    assert [str(m) for m in groove.meters] == ["3/4"]
    assert groove.tempos[0].bpm == pytest.approx(95, abs=1e-3)
    counts = {c.kind: c.count for c in report.changes}
    assert (counts["tempo_overruled"], counts["meter_overruled"]) == (2, 1)


@pytest.mark.parametrize("ppq", [24, 96, 480, 960])
@pytest.mark.parametrize("ticks", [(0, 1), (1, 0), (1, 1)])
def test_the_first_track_overrules_defaults_a_tick_before_or_behind_it(ppq, ticks):
    first, second = ticks
    conductor = [tempo(first, 95), meter(first, 3, 4)]
    groove, report = read(conductor, [tempo(second, 120), meter(second, 4, 4), *rock(3, ppq)], ppq=ppq)
    assert groove.tempos == (Tempo(0, pytest.approx(95, abs=1e-3)),)
    assert groove.meters == (Meter(0, 3, 4),)
    counts = {c.kind: c.count for c in report.changes}
    assert (counts["tempo_overruled"], counts["meter_overruled"]) == (1, 1)


@pytest.mark.parametrize("off", [-1, 1])
def test_a_tick_of_a_coarse_file_is_no_phantom_bar(off):
    events = [tempo(max(0, off), 84), meter(0, 4, 4), meter(192 + off, 3, 4), *rock(2, 24)]
    groove, _ = read([*events, *(note(192 + 24 * i, 36) for i in range(6))], ppq=24)
    assert groove.tempos == (Tempo(0, pytest.approx(84, abs=1e-3)),)
    assert groove.bar_lines.tolist() == [0, 16, 32, 44, 56]


def test_a_dense_map_of_one_track_overrules_nothing_of_its_own():
    groove, report = read([*(tempo(i, 100 + i) for i in range(20)), meter(0, 4, 4), *rock()])
    assert len(groove.tempos) == 20
    assert report.changes == ()


def test_later_tracks_may_change_the_tempo_where_the_first_does_not():
    groove, _ = read([tempo(0, 100), meter(0, 4, 4)], [tempo(0, 100), tempo(1920, 90), *rock()])
    assert groove.tempos == (Tempo(0, 100), Tempo(16, pytest.approx(90, abs=1e-3)))


@pytest.mark.parametrize("numerators", [(4, 4), (3, 4)])
def test_meters_that_repeat_or_come_behind_the_music_are_no_changes(numerators):
    many = [meter(3840 + 480 * i, numerators[i % 2], 4) for i in range(MAX_CHANGES + 2)]
    assert read([tempo(0, 100), meter(0, 4, 4), *many, *rock()])[0].meters == (Meter(0, 4, 4),)


def test_events_behind_the_end_are_no_changes():
    groove, report = read([tempo(0, 100), *(tempo(4000 + i, 60 + i % 60) for i in range(12_000)), *rock()])
    assert groove.tempos == (Tempo(0, 100),)
    assert "tempo_thinned" not in {c.kind for c in report.changes}


@given(st.integers(0, 2**32 - 1), st.sampled_from(["ramp", "wave", "noise"]))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_a_dense_tempo_map_is_thinned_within_a_millisecond(seed, shape):
    rng = np.random.default_rng(seed)
    n = MAX_CHANGES + 2_000
    x = np.linspace(0, 1, n)
    bpm = {"ramp": 60 + 90 * x, "wave": 110 + 40 * np.sin(20 * x), "noise": 100 + rng.normal(0, 2, n)}[shape]
    step = np.arange(n) / 30
    dense = [Tempo(float(s), 60_000_000 / round(60_000_000 / b)) for s, b in zip(step, bpm, strict=True)]
    log = Log()
    kept = changes.thinned(dense, log)
    assert len(kept) < MAX_CHANGES
    empty = np.zeros(0, dtype=np.int64)
    true, thin = (Groove(np.zeros(0), empty, empty, 50_000, tuple(tempos)) for tempos in (dense, kept))
    where = np.append(step, step[-1] + 100)
    assert np.abs(true.seconds(where) - thin.seconds(where)).max() <= changes.THINNED_SECONDS + 1e-9
    assert all(abs(60_000_000 / t.bpm - round(60_000_000 / t.bpm)) < 1e-6 for t in kept)
    assert log.changes[0].count == n - len(kept)


def test_few_tempos_are_left_as_they_are():
    tempos = [Tempo(float(i), 100 + i) for i in range(50)]
    assert changes.thinned(tempos, Log()) is tempos


def test_a_flood_of_tempos_is_stopped_early(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(n: int, most: str) -> None:
        with pytest.raises(MidiError, match=f"at most {most} tempo changes and meters"):
            read_midi(header() + chunk(b"\x00\xff\x51\x03\x07\xa1\x20" * n), "flood.mid")

    stopped(25_001, "25,000")
    monkeypatch.setattr("rhythmvae.midi.smf.MAX_TEMPOS", 100)
    assert lines_of(lambda: stopped(10_000, "100")) < 100 * 100
