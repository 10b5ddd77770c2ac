"""How long a groove is: by its hits, its bars and the end that its file declares."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import body, chunk, header, meter, note, note_off, rock, tempo

from rhythmvae.groove import Groove, Meter
from rhythmvae.midi.length import bar_end, n_bars_until
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport, ReadOptions
from rhythmvae.midi.write import write_midi

BAR = 1920  # ticks


def read(*tracks: tuple[list, int | None], format: int = 1) -> tuple[Groove, ImportReport]:
    """Tracks as events and the tick of their end."""
    chunks = (chunk(body(events, end)) for events, end in tracks)
    return read_midi(header(len(tracks), 480, format) + b"".join(chunks), "test.mid")


def kinds(report: ImportReport) -> dict[str, int]:
    """Changes but for the tempo and the meter that a file of notes alone has not."""
    return {c.kind: c.count for c in report.changes if c.kind not in ("tempo_assumed", "meter_assumed")}


FOUR, THREE = Meter(0, 4, 4), Meter(24, 3, 4)


@pytest.mark.parametrize(
    ("meters", "position", "end"),
    [
        ([FOUR], 0, 16),
        ([FOUR], 15.99, 16),
        ([FOUR], 16, 32),  # what stands on a bar line begins a bar
        ([FOUR], 16 - 1e-9, 32),  # and so does what misses it by a rounding alone
        ([FOUR], 40, 48),
        ([Meter(0, 7, 8)], 13.5, 14),
        ([Meter(0, 7, 8)], 14, 28),
        ([FOUR, THREE], 15, 16),
        ([FOUR, THREE], 20, 24),  # a meter in mid-bar begins one
        ([FOUR, THREE], 24, 36),
        ([FOUR, THREE], 36, 48),
        ([FOUR, THREE, Meter(30, 2, 4)], 25, 30),
        ([FOUR, THREE, Meter(30, 2, 4)], 38, 46),
        ([Meter(0, 5, 32)], 0, 3),  # bars of two and a half steps
        ([Meter(0, 5, 32)], 2.6, 5),
        ([FOUR, Meter(16 + 4e-10, 3, 4)], 16 + 2e-10, 17),  # never before the position
        ([FOUR, Meter(8.025, 3, 4)], 8, 9),
        ([FOUR, Meter(8.025, 3, 4)], 8.5, 21),
    ],
)
def test_the_end_of_the_bar_that_holds_a_position(meters, position, end):
    assert bar_end(meters, position) == end


@pytest.mark.parametrize(
    ("meters", "step", "n_bars"),
    [([FOUR], 16, 1), ([FOUR], 64, 4), ([FOUR, THREE], 24, 2), ([FOUR, THREE], 48, 4), ([Meter(0, 5, 32)], 5, 2)],
)
def test_bars_up_to_a_line(meters, step, n_bars):
    assert n_bars_until(meters, step) == n_bars


ROLL = [note(BAR - 30 * i, 42) for i in range(1, 9)]  # 64ths, the last two 0.5 and 0.25 steps before the bar line


def test_a_roll_into_the_bar_line_adds_no_bar():
    groove, report = read(([*rock(1), *ROLL], BAR))
    assert groove.n_steps == 16
    assert groove.position[-1] == 15.75
    assert kinds(report) == {"pushed": 2, "merged": 1}
    assert "2 hits in the last half step of the last bar: kept there, and no bar was added." in report.remarks


@pytest.mark.parametrize("late", [59, 60])
def test_half_a_step_is_pushed_and_no_more(late):
    groove, report = read((([*rock(1), note(BAR - late, 36)]), None))
    assert groove.n_steps == 16
    assert kinds(report) == {"pushed": 1}
    assert kinds(read((([*rock(1), note(BAR - 61, 36)]), None))[1]) == {}


def test_a_pushed_hit_keeps_its_time_in_every_file():
    groove, _ = read(([*rock(1), *ROLL], BAR))
    again, report = read_midi(write_midi(groove), "again.mid")
    assert again == groove
    assert kinds(report)["pushed"] == 2
    assert write_midi(again) == write_midi(groove)


def test_a_pushed_crash_may_mean_the_next_bar():
    crash = note(2 * BAR - 3, 49)
    groove, report = read(([*rock(2), crash, note_off(2 * BAR + 200, 49)], None))
    assert groove.n_steps == 48
    assert kinds(report) == {"pushed": 1}
    assert "1 hit just before bar 3: with a crash" in " ".join(report.remarks)
    groove, _ = read(([*rock(2), crash], 2 * BAR))
    assert groove.n_steps == 32
    assert read_midi(write_midi(groove), "again.mid")[0] == groove


def test_a_hit_a_hair_before_the_end_is_written_before_it():
    groove, _ = read(([*rock(1), note(BAR - 60, 36)], BAR))
    late = groove.with_hits(
        np.append(groove.position, 15.9999), np.append(groove.voice, 1), np.append(groove.velocity, 9)
    )
    again, _ = read_midi(write_midi(late), "again.mid")
    assert (again.n_steps, len(again)) == (16, len(late))


@pytest.mark.parametrize(
    ("n_bars", "n_declared", "n_read"),
    [(3, 4, 4), (1, 2, 2), (5, 8, 8), (3, 8, 8), (12, 16, 16), (4, 8, 4), (1, 5, 1), (8, 12, 8), (4, 104, 4)],
)
def test_silence_that_a_file_declares(n_bars, n_declared, n_read):
    groove, report = read(([tempo(0, 100), meter(0, 4, 4), *rock(n_bars)], n_declared * BAR))
    assert groove.n_bars == n_read
    kind = "silence_kept" if n_read > n_bars else "silence_cut"
    assert kinds(report) == {kind: n_declared - n_bars}
    assert len(report.remarks) == 1


def test_the_end_of_an_instrument_that_is_not_read_is_no_end():
    bass = [note(960 * i, 40, channel=2) for i in range(8)]
    assert read((rock(3), None), (bass, 4 * BAR))[0].n_bars == 3
    assert read(([], 4 * BAR), (rock(3), None))[0].n_bars == 4  # a conductor's is


@pytest.mark.parametrize(
    ("head", "quarters", "read_in"),
    [
        ([], 6, "3/4"),
        ([], 5, "5/4"),
        ([], 7, "7/4"),
        ([], 2, "2/4"),
        ([], 3.5, "7/8"),
        ([], 11, "4/4"),
        ([meter(0, 4, 4)], 6, "3/4"),
        ([meter(0, 4, 4)], 3, "3/4"),
    ],
)
def test_a_loop_that_is_not_whole_bars(head, quarters, read_in):
    hits = [note(240 * i, 42) for i in range(int(2 * quarters))]
    groove, report = read(([*head, *hits], int(480 * quarters)))
    assert groove.n_steps == 4 * quarters
    assert [str(m) for m in groove.meters] == [read_in]
    assert groove.bar_lines[-1] == groove.n_steps
    assert kinds(report) == {"not_whole_bars": 1}
    assert f"The file ends after {quarters:g} quarter notes, which is no whole bar" in " ".join(report.remarks)


@pytest.mark.parametrize(
    ("n_eighths", "n_steps"), [(11, 22), (7, 16), (9, 32), (10, 20), (13, 32), (14, 28), (15, 32), (19, 38)]
)
def test_machine_notes_without_a_meter_that_fill_the_file_end_with_it_unless_little_is_missing(n_eighths, n_steps):
    hats = [event for i in range(n_eighths) for event in (note(240 * i, 42), note_off(240 * (i + 1), 42))]
    assert read(([tempo(0, 100), *hats], None))[0].n_steps == n_steps
    with_meter = read(([tempo(0, 100), meter(0, 4, 4), *hats], None))[0].n_steps
    assert with_meter == -(-n_eighths // 8) * 16


@pytest.mark.parametrize(
    ("events", "end"),
    [
        (rock(1)[:6], 1400),  # no beat
        (rock(4)[:42], 15 * 480),  # a song's track that ends on a beat of its last bar
        ([note(31 + 470 * i, 42) for i in range(3)] + [note_off(1440, 42)], None),  # a human's last note-off
    ],
)
def test_an_end_that_says_nothing(events, end):
    groove, report = read(([meter(0, 4, 4), *events], end))
    assert groove.n_steps % 16 == 0
    assert kinds(report) == {}


def test_a_chosen_meter_stays_whatever_the_length():
    data = header(1) + chunk(body([note(480 * i, 42) for i in range(6)], 6 * 480))
    groove, _ = read_midi(data, "x", ReadOptions(meter=(4, 4)))
    assert groove.n_steps == 24
    assert groove.meters == (Meter(0, 4, 4),)
    assert groove.bar_lines.tolist() == [0, 16, 24]


def test_a_hit_at_the_very_end_is_said():
    groove, report = read(([*rock(2), note(2 * BAR, 36)], 2 * BAR))
    assert groove.n_bars == 3
    assert kinds(report) == {"note_at_end": 1}


def test_silence_in_a_pattern_of_format_2_shifts_nothing():
    patterns = (rock(1), 2 * BAR), ([note(0, 38)], 3 * 480), ([note(0, 36)], None)
    groove, _ = read(*patterns, format=2)
    assert groove.position[-2:].tolist() == [32, 44]
