"""A count-in, silence before the music and stray notes after it: offered, and cut only when asked."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import body, chunk, header, meter, name, note, rock, tempo

from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import NOTE_KINDS, ImportReport, ReadOptions

BAR = 1920  # ticks
HEAD = [tempo(0, 100), meter(0, 4, 4)]
SECOND = 800  # ticks at 100 BPM


def read(events: list, end: int | None = None, cut: str | None = None) -> tuple[Groove, ImportReport]:
    return read_midi(header() + chunk(body([*HEAD, *events], end)), "test.mid", ReadOptions(cut=cut))


def late(events: list, ticks: int) -> list:
    return [(tick + ticks, data) for tick, data in events]


def clicks(pitches: list[int], beat: int = 480) -> list:
    return [note(beat * i, pitch) for i, pitch in enumerate(pitches)]


def asked(report: ImportReport) -> list[tuple[str, str]]:
    return [(question.about, question.others[0]) for question in report.questions]


def accounts_for(report: ImportReport) -> int:
    return report.n_hits + sum(change.count for change in report.changes if change.kind in NOTE_KINDS)


LOOP = read(rock(2), 2 * BAR)[0]
JUNK = {
    "sticks": (
        clicks([31] * 4) + late(rock(2), BAR),
        3 * BAR,
        "start",
        "begin at bar 2, without the count-in of 4 notes",
    ),
    "rim": (clicks([37] * 4) + late(rock(2), BAR), 3 * BAR, "start", "begin at bar 2, without the count-in of 4 notes"),
    "hats": (
        clicks([42] * 4) + late(rock(2), BAR),
        3 * BAR,
        "start",
        "begin at bar 2, without the count-in of 4 notes",
    ),
    "woodblocks": (
        clicks([76, 77, 77, 77]) + late(rock(2), BAR),
        3 * BAR,
        "start",
        "begin at bar 2, without the count-in of 4 notes",
    ),
    "two bars": (
        clicks([75] * 2, 960) + late(clicks([75] * 4), BAR) + late(rock(2), 2 * BAR),
        4 * BAR,
        "start",
        "begin at bar 3, without the count-in of 6 notes",
    ),
    "a second of nothing": (
        late(rock(2), SECOND),
        2 * BAR + SECOND,
        "start",
        "begin at the first hit, without the 1.0 seconds of nothing",
    ),
    "half a bar of nothing": (
        late(rock(2), BAR // 2),
        2 * BAR + BAR // 2,
        "start",
        "begin at the first hit, without the 1.2 seconds of nothing",
    ),
    "silent bars": (late(rock(2), 56 * BAR), 58 * BAR, "start", "begin at bar 57, without the 56 silent bars"),
    "a late note": (
        [*rock(2), note(2 * BAR + SECOND, 38)],
        None,
        "end",
        "end with bar 2, without the 1 hit after 1.3 seconds of nothing",
    ),
    "two late notes": (
        [*rock(2), note(3 * BAR + 90, 38), note(3 * BAR + 200, 49)],
        4 * BAR,
        "end",
        "end with bar 2, without the 2 hits after 2.8 seconds of nothing",
    ),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_is_offered_as_a_cut_and_cut_when_asked(junk):
    events, end, place, offer = junk
    groove, report = read(events, end)
    assert asked(report) == [(place, offer)]
    assert report.questions[0].option == f"--cut {place}"
    assert groove.n_steps > LOOP.n_steps  # until then the file is as it is
    n_notes = sum(1 for _, data in events if data[0] >> 4 == 9)
    assert accounts_for(report) == n_notes
    cut, cut_report = read(events, end, cut=place)
    assert cut == LOOP
    assert asked(cut_report) == []
    assert accounts_for(cut_report) == n_notes
    assert f"Cut, as asked: the {offer.partition(', without the ')[2]}." in cut_report.remarks
    other = {"start": "end", "end": "start"}[place]
    assert read(events, end, cut=other)[0] == groove


def test_both_ends_are_cut_at_once():
    events = [*clicks([37] * 4), *late(rock(2), BAR), note(3 * BAR + SECOND, 38)]
    assert asked(read(events)[1]) == [
        ("start", "begin at bar 2, without the count-in of 4 notes"),
        ("end", "end with bar 3, without the 1 hit after 1.3 seconds of nothing"),
    ]
    assert read(events, cut="both")[0] == LOOP


def test_tempos_and_meters_come_along():
    head = [meter(0, 3, 4), tempo(0, 90), meter(1440, 4, 4), tempo(1440, 100), tempo(1440 + BAR, 80)]
    events = [*head, *clicks([37] * 3), *late(rock(2), 1440)]
    groove, report = read_midi(header() + chunk(body(events)), "x", ReadOptions(cut="start"))
    assert groove.tempos == (Tempo(0, pytest.approx(100)), Tempo(16, pytest.approx(80)))
    assert groove.meters == (Meter(0, 4, 4),)
    assert np.array_equal(groove.position, LOOP.position)
    assert (report.tempos, report.meters) == (groove.tempos, groove.meters)


def test_a_hit_pushed_before_the_bar_line_of_the_cut_stays():
    events = [*clicks([37] * 4), note(BAR - 30, 36), *late(rock(2), BAR)]
    groove, _ = read(events, 3 * BAR, cut="start")
    assert groove.position[0] == -0.25
    assert len(groove) == 25


PLAYED = [(tick + (31 * i) % 47, data) for i, (tick, data) in enumerate(rock(2))]  # up to 0.4 steps late


@pytest.mark.parametrize(
    ("n_bars", "late_ticks", "first"),
    [(2, 0, 0), (2, 40, 1 / 3), (2, -40, -1 / 3), (1, 0, 0), (1, 2, 1 / 60), (1, 9, None)],
)
def test_silent_bars_end_at_the_bar_line_next_to_the_first_hit(n_bars, late_ticks, first):
    kick = note(n_bars * BAR + late_ticks, 36)
    events = [kick, *late(rock(2)[2:], n_bars * BAR)]
    if first is None:  # a played hit after one silent bar is no sign of one too many
        assert asked(read(events)[1]) == []
    else:
        assert read(events, cut="start")[0].position[0] == pytest.approx(first)


def test_a_late_hit_after_one_played_bar_may_be_a_foot_and_after_two_is_junk():
    assert asked(read([*PLAYED[:12], note(BAR + SECOND, 44)])[1]) == []
    assert [place for place, _ in asked(read([*PLAYED, note(2 * BAR + SECOND, 44)])[1])] == ["end"]
    assert [place for place, _ in asked(read([*rock(1), note(BAR + SECOND, 44)])[1])] == ["end"]


MUSIC = {
    "a loop": (rock(2), None),
    "hats before the kit": (clicks([42] * 8, 240) + late(rock(2), BAR), None),
    "four kicks": (clicks([36] * 4) + late(rock(2), BAR), None),
    "a ride that goes on alone": (clicks([51] * 12) + late(rock(1), 3 * BAR), None),
    "a pickup": ([note(1680, 38), note(1800, 38), *late(rock(2), BAR)], 3 * BAR),
    "drums from beat two": (late(rock(2)[3:], 0), 2 * BAR),
    "a last hit on the one": ([*rock(2), note(2 * BAR, 49)], 3 * BAR),
    "a hat after the last one": ([*rock(2), note(2 * BAR - 20, 49), note(2 * BAR + 2 * SECOND, 44)], None),
    "a bar of one hit, declared": ([*rock(2), note(3 * BAR, 36)], 4 * BAR),
    "a late hit that adds no bar": ([*rock(2)[:14], note(2 * BAR - 40, 42)], None),
    "a break before the last hit": ([*rock(1), *late(rock(1), 2 * BAR), note(4 * BAR, 49)], None),
    "few hits": ([note(0, 36), note(3 * BAR, 38)], None),
}


@pytest.mark.parametrize("music", MUSIC.values(), ids=MUSIC)
def test_music_is_not_asked_about(music):
    events, end = music
    assert asked(read(events, end)[1]) == []
    assert read(events, end, cut="both")[0] == read(events, end)[0]


def test_drums_that_wait_for_others_are_no_junk():
    bass = [note(240 * i, 40, channel=2) for i in range(48)]
    for drums in (
        late(rock(2), 2 * BAR),
        [*rock(2), note(2 * BAR + SECOND, 38)],
        clicks([37] * 4) + late(rock(2), BAR),
    ):
        data = header(2) + chunk(body([*HEAD, *drums])) + chunk(body([name("Bass"), *bass]))
        assert asked(read_midi(data, "song.mid")[1]) == []


def test_a_cut_that_is_none():
    with pytest.raises(UsageError, match=r"Expected a cut of start, end, both, got 'middle'\."):
        ReadOptions(cut="middle")
