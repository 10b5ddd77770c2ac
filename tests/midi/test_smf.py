"""Bytes to events: every kind of damage and wrapping seen in the wild, built here."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from helpers import body, chunk, header, meta, meter, name, note, raw, rock, smf, sysex, tempo, vlq
from hypothesis import given, settings
from hypothesis import strategies as st
from work import PROPORTION, growth, lines_of

from rhythmvae.errors import MidiError
from rhythmvae.midi import smf as smf_module
from rhythmvae.midi.smf import MAX_FILE_BYTES, MAX_TRACKS, MidiFile, decode_text, looks_like_midi, parse
from rhythmvae.text import clean_text

ROCK = smf(rock())  # 24 notes
FUZZ = settings(max_examples=300, deadline=None, derandomize=True)


def n_notes(file: MidiFile) -> int:
    return sum(len(t.tick) for t in file.tracks)


def onsets(file: MidiFile) -> list[tuple[int, int, int, int]]:
    return [o for t in file.tracks for o in zip(t.tick, t.channel, t.pitch, t.velocity, strict=True)]


def test_a_clean_file():
    file = parse(smf([tempo(0, 150), meter(0, 7, 8), name("Beat")], [note(0, 36, 1), note(300, 38, 127, channel=3)]))
    assert (file.format, file.ppq, file.ticks_per_second, len(file.tracks)) == (1, 480, None, 2)
    assert file.tracks[0].tempos == [(0, 400_000)]
    assert file.tracks[0].meters == [(0, 7, 3)]
    assert file.tracks[0].name == "Beat"
    assert onsets(file) == [(0, 10, 36, 1), (300, 3, 38, 127)]
    assert file.remarks == ()


def test_note_on_with_velocity_0_is_no_onset():
    assert onsets(parse(smf([note(0, 36), note(10, 36, 0), note(20, 36, 0)]))) == [(0, 10, 36, 100)]


def test_running_status():
    events = b"\x00\x99\x24\x64" + b"\x30\x24\x00" + b"\x00\x26\x50"
    assert onsets(parse(header() + chunk(events))) == [(0, 10, 36, 100), (48, 10, 38, 80)]


@pytest.mark.parametrize("between", [sysex(0, b"\x7e\xf7"), meta(0, 0x01, b"text"), raw(0, b"\xf8"), raw(0, b"\xf6")])
def test_running_status_survives_what_should_end_it(between):
    events = b"\x00\x99\x24\x64" + b"\x00" + between[1] + b"\x30\x26\x50"
    assert onsets(parse(header() + chunk(events))) == [(0, 10, 36, 100), (48, 10, 38, 80)]


@pytest.mark.parametrize(
    "event", [b"\xf8", b"\xfa", b"\xfe", b"\xf1\x10", b"\xf2\x10\x20", b"\xf3\x01", b"\xf4", b"\xf6"]
)
def test_system_messages_inside_keep_the_rest_in_step(event):
    assert n_notes(parse(smf([raw(0, event), *rock()]))) == 24


def test_every_channel_event_has_its_length():
    others = [b"\x82\x10\x20", b"\xa2\x10\x20", b"\xb2\x10\x20", b"\xc2\x10", b"\xd2\x10", b"\xe2\x10\x20"]
    assert n_notes(parse(smf([*(raw(0, e) for e in others), *rock()]))) == 24


# -- wrappers and headers


def rmid(data: bytes) -> bytes:
    size = len(data).to_bytes(4, "little")
    return b"RIFF" + (len(data) + 12).to_bytes(4, "little") + b"RMID" + b"data" + size + data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(rmid(ROCK), id="RMID"),
        pytest.param(rmid(b"")[:12] + b"LIST" + b"\x00" * 2000 + ROCK, id="RMID with a list before"),
        pytest.param(b"\x00" * 128 + ROCK + b"\x00" * 90, id="MacBinary"),
        pytest.param(b"\xef\xbb\xbf" + ROCK, id="byte order mark"),
        pytest.param(b"junk" * 10 + ROCK, id="garbage before"),
        pytest.param(ROCK + b"\xa5garbage" * 20, id="garbage behind"),
    ],
)
def test_wrappers(data):
    assert looks_like_midi(data)
    assert n_notes(parse(data)) == 24


@pytest.mark.parametrize(
    "data", [b"", b"RIFF\x24\x00\x00\x00WAVE", b"\x1f\x8b\x08", b"PK\x03\x04" + ROCK, b"About MThd"]
)
def test_what_is_not_midi(data):
    assert not looks_like_midi(data)
    with pytest.raises(MidiError, match=r"expected a MIDI file .*, got"):
        parse(data)


@pytest.mark.parametrize(
    "head",
    [
        b"MThd\x00\x00\x00\x08\x00\x01\x00\x01\x01\xe0\xaa\xbb",  # longer than usual
        b"MThd\xff\xff\xff\xff\x00\x01\x00\x01\x01\xe0",  # longer than the file
        b"MThd\x00\x00\x00\x00\x00\x01\x00\x01\x01\xe0",
        header(5),
        header(0),
        header(1, format=0xFFFF),
    ],
)
def test_odd_headers(head):
    assert n_notes(parse(head + ROCK[14:])) == 24


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"MThd", "header of 14 bytes"),
        (header(), "at least one track"),
        (header(ppq=0) + ROCK[14:], "1 to 32767 ticks"),
        (header(ppq=0xE700) + ROCK[14:], "1 tick a frame"),  # 25 frames of 0 ticks
        (header(ppq=0xFF04) + ROCK[14:], "24, 25, 29 or 30"),  # 1 frame a second
        (b"MThd" + bytes(MAX_FILE_BYTES), "at most 8 MB"),
    ],
)
def test_what_cannot_be_read_is_said(data, why):
    with pytest.raises(MidiError, match=why):
        parse(data)


@pytest.mark.parametrize(("frames", "rate"), [(24, 24 * 40), (25, 25 * 40), (29, 30000 / 1001 * 40), (30, 30 * 40)])
def test_smpte_division(frames, rate):
    file = parse(header(ppq=(256 - frames) << 8 | 40) + ROCK[14:])
    assert file.ppq is None
    assert file.ticks_per_second == pytest.approx(rate)


# -- chunks


def test_more_tracks_than_announced_are_read():
    assert n_notes(parse(header(1) + chunk(body([])) + chunk(body(rock())) + chunk(body(rock())))) == 48


def test_chunks_of_others_are_passed_over():
    assert n_notes(parse(header() + chunk(b"data", b"XFIH") + ROCK[14:] + chunk(b"", b"XFKM"))) == 24


@pytest.mark.parametrize("length", [0, 7, 100, 2_000, 0xFFFFFFFF])
def test_a_wrong_track_length_loses_nothing(length):
    events = body(rock())
    assert len(events) not in (length, 0)
    file = parse(header(2) + chunk(events, length=length) + chunk(body([note(0, 49)])))
    assert n_notes(file) == 25


def test_a_missing_end_of_track():
    file = parse(header() + chunk(body(rock())[:-4]))
    assert n_notes(file) == 24
    assert file.remarks == ()


def test_a_truncated_file_is_read_up_to_there_and_said():
    file = parse(ROCK[: len(ROCK) // 2])
    assert 10 <= n_notes(file) <= 13
    assert "Track 1 is damaged" in file.remarks[0]


def test_a_transfer_as_text_is_undone():
    data = smf([note(i * 100, 36, 10) for i in range(12)])  # velocity 10 is a line feed
    damaged = data.replace(b"\n", b"\r\n")
    assert damaged != data
    assert onsets(parse(damaged)) == onsets(parse(data))
    assert "as text" in parse(damaged).remarks[0]


# -- damaged events


def test_a_pitch_over_127_is_left_out_and_a_velocity_over_127_clipped():
    file = parse(smf([raw(0, b"\x99\xa4\x64"), raw(0, b"\x99\x24\xff"), *rock()]))
    assert onsets(file)[0] == (0, 10, 36, 127)
    assert n_notes(file) == 25
    assert "1 note with a pitch over 127" in file.remarks[0]


@pytest.mark.parametrize(
    "events",
    [
        b"\x00\x24\x64",  # running status first
        b"\xff" * 40,  # a number that never ends
        b"\x00\xff\x03\xff\xff\xff\x7fA",  # a text longer than the file
        b"\x00\xf0\x8f\x7f\x01",  # a sysex longer than the file
        b"\x00\x99\x24",  # half a note
        b"\x00",
    ],
)
def test_a_damaged_event_ends_its_own_track_only(events):
    file = parse(header(2) + chunk(events) + chunk(body(rock())))
    assert n_notes(file) == 24
    assert "Track 1 is damaged" in " ".join(file.remarks)


@pytest.mark.parametrize(
    "event", [meta(0, 0x51, b"\x00\x00\x00"), meta(0, 0x51, b"\x07\xa1"), meta(0, 0x51, b""), meta(0, 0x58, b"\x04")]
)
def test_tempo_and_meter_without_sense_are_ignored_and_said(event):
    file = parse(smf([event, *rock()]))
    assert n_notes(file) == 24
    assert not file.tracks[0].tempos
    assert not file.tracks[0].meters
    assert "ignored" in file.remarks[0]


def test_a_bad_key_signature_does_not_matter():
    assert n_notes(parse(smf([meta(0, 0x59, b"\x63\x09"), meta(0, 0x59, b""), *rock()]))) == 24


def test_a_large_sysex():
    assert n_notes(parse(smf([sysex(0, bytes(1_000_000)), *rock()]))) == 24


def test_many_empty_tracks():
    assert n_notes(parse(smf(*[[]] * 4_000, rock()))) == 24


@pytest.mark.parametrize(
    ("message", "channels"),
    [
        (b"\x41\x10\x42\x12\x40\x1a\x15\x02\x0f\xf7", {11}),  # GS, block A
        (b"\x41\x10\x42\x12\x40\x11\x15\x01\x19\xf7", {1}),
        (b"\x41\x10\x42\x12\x40\x10\x15\x01\x1a\xf7", {10}),
        (b"\x43\x10\x4c\x08\x08\x07\x02\xf7", {9}),  # XG
        (b"\x43\x10\x4c\x08\x09\x07\x00\xf7", set()),
        (b"\x7e\x7f\x09\x01\xf7", set()),
    ],
)
def test_drum_parts_declared_by_sysex(message, channels):
    assert parse(smf([sysex(0, message)])).drum_channels == channels


def test_drum_parts_declared_by_bank_select():
    file = parse(smf([raw(0, b"\xb1\x00\x7f"), raw(0, b"\xb2\x00\x05"), raw(0, b"\xb3\x07\x7f")]))
    assert file.tracks[0].drum_channels == {2}


# -- text


@pytest.mark.parametrize(
    ("raw_text", "text"),
    [
        (b"Funk 1", "Funk 1"),
        ("ドラム 🥁".encode(), "ドラム 🥁"),
        (b"\xff\xfe" + "ドラム 🥁".encode("utf-16-le"), "ドラム 🥁"),
        (b"\xef\xbb\xbfBeat", "Beat"),
        ("Schlagzeug für Übung".encode("latin-1"), "Schlagzeug für Übung"),
        *((text.encode("latin-1"), text) for text in ("Percusión", "Café", "Größe", "Über")),
        *((text.encode("cp932"), text) for text in ("ドラム", "太鼓", "スネア 1", "テスト曲", "打楽器")),
        *((text.encode("cp1251"), text) for text in ("Барабаны", "УДАРНЫЕ", "Малый барабан", "Хэт 2")),
        *((text.encode("gbk"), text) for text in ("架子鼓", "鼓", "打击乐", "军鼓", "歌曲 2")),
        (b"a\x00b\x1b[31m\r\nc\x7f", "a b [31m c"),
        ("left\u202eright\u2028".encode(), "left right"),
        (b"", ""),
    ],
)
def test_text_in_any_encoding(raw_text, text):
    assert decode_text(raw_text) == text


@pytest.mark.parametrize(
    "raw_text", [b"A\x00" * 32_000, b"A" * 90_000, "é".encode() * 40_000, b"\xff\xfe" + b"A\x00" * 40_000]
)
def test_text_is_bounded(raw_text):
    text = decode_text(raw_text)
    assert len(text) <= 80
    assert text[0] in "Aé"
    assert text.isprintable()


@given(st.text())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_clean_text_is_printable_and_stable(text):
    cleaned = clean_text(text)
    assert cleaned.isprintable()
    assert len(cleaned) <= 80
    assert clean_text(cleaned) == cleaned


# -- against another reader, and against the worst


@given(
    st.lists(
        st.tuples(st.integers(0, 9_000), st.integers(0, 127), st.integers(1, 127), st.integers(1, 16)), max_size=40
    ),
    st.integers(1, 32_767),
    st.integers(0, 1),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_same_onsets_as_mido(notes, ppq, format):
    import io

    import mido

    data = smf([tempo(0, 120), *(note(*n) for n in sorted(notes))], ppq=ppq, format=format)
    twin, now = [], 0
    for message in mido.MidiFile(file=io.BytesIO(data)).tracks[0]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            twin.append((now, message.channel + 1, message.note, message.velocity))
    assert onsets(parse(data)) == twin


VALID = smf(
    [tempo(0, 120), meter(0, 3, 4), name("Fuzz me"), sysex(5, b"\x41\x10\x42\x12\x40\x1a\x15\x02\x0f\xf7")],
    [*rock(3), raw(7, b"\xb9\x00\x7f"), raw(8, b"\xe9\x00\x40")],
)


@given(
    st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.binary(max_size=6)), min_size=1, max_size=12), st.booleans()
)
@FUZZ
def test_mutated_files_raise_nothing_else(changes, cut):
    data = bytearray(VALID)
    for at, replacement in changes:
        data[at : at + len(replacement) + cut] = replacement
    try_to_parse(bytes(data))


@given(st.binary(max_size=300), st.sampled_from([b"", header(), header() + b"MTrk\x00\x00\xff\xff"]))
@FUZZ
def test_random_bytes_raise_nothing_else(data, before):
    try_to_parse(before + data)


def try_to_parse(data: bytes) -> None:
    try:
        file = parse(data)
    except MidiError:
        pass
    else:
        assert all(1 <= c <= 16 and p < 128 and 1 <= v < 128 for _, c, p, v in onsets(file))


EVENTS = [
    pytest.param(b"\x00\x99\x24\x40", b"\x01\x24\x40", id="notes"),
    pytest.param(b"\x00\xc0\x00", b"\x00\x01", id="programs"),
    pytest.param(b"", b"\x00\xff\x03\x00", id="texts"),
]


@pytest.mark.parametrize(("first", "event"), EVENTS)
def test_events_beyond_the_limit_are_refused(first, event):
    with pytest.raises(MidiError, match="600,000 events"):
        parse(header() + chunk(first + event * 600_001))


@pytest.mark.parametrize(("first", "event"), EVENTS)
def test_the_largest_files_are_read_as_far_as_the_limit(monkeypatch, first, event):
    monkeypatch.setattr(smf_module, "MAX_EVENTS", 500)
    data = Watched((header() + chunk(first + event * 9_000_000))[:MAX_FILE_BYTES])

    def refuse() -> None:
        with pytest.raises(MidiError, match="500 events"):
            parse(data)

    assert lines_of(refuse) < 500 * 100
    assert data.n_read < len(data) + 500 * 100  # searched once for the next track


class Watched(bytes):
    """Bytes that count how many of them are searched or copied."""

    n_read = 0

    def find(self, part: bytes, start: int = 0, stop: int | None = None) -> int:
        found = super().find(part, start, stop)
        self.n_read += (len(self) if found < 0 else found) - start
        return found

    def __getitem__(self, key):
        part = super().__getitem__(key)
        self.n_read += len(part) if isinstance(key, slice) else 1
        return part


@pytest.mark.parametrize(
    "piece",
    [
        b"MTrk\x00\x00\x00\x00",
        b"MTrk\x00\x7f\x00\x00\x00\xff\x2f\x00",
        b"MTrk\xff\xff\xff\xff\x00",
        b"ABCD\x00\x00\x00\x00",
    ],
)
def test_chunks_cannot_make_reading_quadratic(piece):
    def reading(n: int) -> Callable[[], object]:
        return lambda: try_to_parse(header() + piece * n)

    assert growth(reading, 500) < PROPORTION
    once, twice = (Watched(header() + piece * n) for n in (500, 1_000))
    for data in (once, twice):
        try_to_parse(data)
    assert twice.n_read < PROPORTION * once.n_read
    try_to_parse(huge := Watched((header() + piece * 2_000_000)[:MAX_FILE_BYTES]))
    assert huge.n_read < 3 * len(huge)


def test_more_chunks_that_are_no_tracks_than_any_file_has_are_a_sentence():
    foreign = b"ABCD\x00\x00\x00\x00"
    assert n_notes(parse(header() + foreign * MAX_TRACKS + chunk(body(rock())))) == 24
    with pytest.raises(MidiError, match=f"at most {MAX_TRACKS:,} chunks that are no tracks"):
        parse(header() + foreign * (MAX_TRACKS + 1) + chunk(body(rock())))


def test_five_thousand_empty_tracks_before_the_drums_are_read():
    """As a file has them that somebody tries readers with."""
    assert n_notes(parse(header() + chunk(b"\x00\xff\x2f\x00") * 5_000 + chunk(body(rock())))) == 24


def test_sixty_thousand_notes_are_read():
    rng = random.Random(0)
    events = b"".join(vlq(rng.randrange(200)) + bytes([0x99, rng.randrange(35, 60), 90]) for _ in range(60_000))
    assert n_notes(parse(header() + chunk(events))) == 60_000


def test_a_note_costs_a_few_lines():
    """Every line that runs for each event is paid sixty thousand times in a long file."""
    data = header() + chunk(b"\x00\x99\x24\x40" + b"\x01\x24\x40" * 1_000)
    assert lines_of(lambda: parse(data)) < 30 * 1_000
