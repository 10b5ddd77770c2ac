"""Where the drums of a file are, by all that speaks for a part."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers import meta, meter, name, note, rock, smf, sysex, tempo
from work import PROPORTION, growth

from rhythmvae.groove import Groove
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport

HEAD = [tempo(0, 100), meter(0, 4, 4)]
BASS = [note(240 * i, 33 + i % 5) for i in range(16)]
CONGAS = [note(240 * i, 60 + i % 5, 90, 11) for i in range(16)]


def read(*tracks: list) -> tuple[Groove, ImportReport]:
    return read_midi(smf(HEAD, *tracks), "test.mid")


def said(report: ImportReport) -> str:
    return " ".join(report.remarks)


def test_a_stray_note_on_channel_10_hides_no_kit():
    groove, report = read([name("Drum Kit"), *rock(channel=1)], [name("Extra"), note(3, 60, 1)])
    assert (len(groove), report.channel) == (24, 1)
    assert "Read channel 1, whose name says drums." in report.remarks
    assert "1 note left that may be drums too, on track 3 channel 10 ('Extra', 1 note)" in said(report)
    assert [(c.kind, c.count) for c in report.changes] == [("other_part", 1)]
    assert report.questions == ()


def test_a_bass_on_channel_10_is_no_drum():
    groove, report = read([name("Bass"), *BASS], [name("Drums"), *rock(channel=2)])
    assert (len(groove), report.channel) == (24, 2)
    assert "16 notes left" in said(report)


def test_percussion_beside_the_kit_is_read_with_it():
    groove, report = read([name("Drums"), *rock()], [name("Percussion"), *CONGAS])
    assert len(groove) == 24 + 16
    assert "Read channels 10, 11, whose name says drums (2 tracks)." in report.remarks


def test_a_shaker_on_channel_10_is_read_with_the_kit_elsewhere():
    _, report = read(
        [name("Drum Kit"), *rock(channel=1)], [name("Shaker"), *(note(30 + 240 * i, 82) for i in range(16))]
    )
    assert report.n_notes == report.n_hits == 40


@pytest.mark.parametrize("melodic", ["Taiko Drum", "Steel Drums", "Beat Piano", "Melodic Tom"])
def test_an_instrument_with_a_drum_in_its_name_is_none(melodic):
    _, report = read([name("Kit"), *rock()], [name(melodic), *(note(240 * i, 60 + i % 3, 90, 4) for i in range(16))])
    assert report.n_notes == 24


def test_a_name_without_drum_notes_is_not_enough():
    tune = [note(120 * i, 50 + 3 * (i % 14), 90, 4) for i in range(60)]
    assert read([name("Kit"), *rock()], [name("Beat it"), *tune])[1].channel == 10


def test_a_metronome_is_no_drum():
    click = [note(480 * i, 42) for i in range(8)]
    groove, report = read([name("Metronome"), *click], [name("Congas"), *(note(t, p, v) for t, p, v in _plain(CONGAS))])
    assert len(groove) == 16
    assert groove.title == "test"  # the name of one instrument of several is no title
    assert "8 notes left that may be drums too, on track 2 channel 10 ('Metronome', 8 notes)" in said(report)
    assert read([name("Metronome"), *click])[1].n_notes == 8  # with nothing else, it is what there is


def _plain(events: list) -> list[tuple[int, int, int]]:
    return [(tick, data[1], data[2]) for tick, data in events]


@pytest.mark.parametrize(
    "off",
    [
        b"\x43\x10\x4c\x08\x09\x07\x00\xf7",  # XG: channel 10 is a melodic part
        b"\x41\x10\x42\x12\x40\x10\x15\x00\x1b\xf7",  # GS: the same
    ],
)
def test_channel_10_declared_melodic(off):
    on = b"\x43\x10\x4c\x08\x0a\x07\x02\xf7"
    _, report = read([sysex(0, off), sysex(0, on), *BASS], rock(channel=11))
    assert (report.channel, report.n_notes) == (11, 24)
    assert "which the file declares a drum part" in said(report)


def test_a_channel_for_each_drum_without_names():
    kit = rock()
    tracks = [[(t, bytes([0x90 | c]) + e[1:]) for t, e in kit if e[1] == pitch] for c, pitch in enumerate((36, 38, 42))]
    groove, report = read(*tracks, [note(240 * i, 60 + i % 7, 90, 9) for i in range(16)])
    assert len(groove) == 24
    assert "channels 1, 2, 3, each of one or two notes of a drum kit (3 tracks)" in said(report)


def port(number: int) -> tuple[int, bytes]:
    return meta(0, 0x21, bytes([number]))


def test_channel_10_of_another_port_is_not_merged_in():
    other = [port(1), *(note(7 + 480 * i, 50) for i in range(6))]
    groove, report = read([port(0), *rock()], other)
    assert len(groove) == 24
    [question] = report.questions
    assert question.about == "part"
    assert question.others == ("track 3 channel 10 (6 notes)",)
    assert question.option == "--channel 10 --track 3"


def test_drums_twice_on_two_ports_are_read_once():
    groove, report = read([port(0), *rock()], [port(1), *rock()])
    assert len(groove) == report.n_notes == 24


def test_many_tracks_take_work_in_proportion():
    track = smf([note(0, 36)])[14:]

    def reading(n: int) -> Callable[[], object]:
        data = b"MThd\x00\x00\x00\x06\x00\x01" + n.to_bytes(2, "big") + b"\x01\xe0" + n * track
        return lambda: read_all(data, n)

    def read_all(data: bytes, n: int) -> None:
        _, report = read_midi(data, "tracks.mid")
        assert (report.n_notes, report.n_hits) == (n, 1)

    assert growth(reading, 200) < PROPORTION
