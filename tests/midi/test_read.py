"""MIDI to groove and back: what must survive, what is assumed, and what is said about it."""

from __future__ import annotations

import io
import json
from fractions import Fraction

import mido
import numpy as np
import pretty_midi
import pytest
from helpers import chunk, header, meta, meter, name, note, note_off, raw, rock, smf, sysex, tempo
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.errors import MidiError, UsageError
from rhythmvae.groove import MAX_STEPS, Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES, VOICE_KEYS, KitMap
from rhythmvae.midi.pretty import from_pretty_midi, to_pretty_midi
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport, Part, ReadOptions
from rhythmvae.midi.write import write_midi


def read(*tracks: list, ppq: int = 480, format: int = 1, **options: object) -> tuple[Groove, ImportReport]:
    return read_midi(smf(*tracks, ppq=ppq, format=format), "test.mid", ReadOptions(**options))  # type: ignore[arg-type]


def said(report: ImportReport) -> str:
    return " ".join(report.remarks)


# -- what is read


def test_two_bars_of_rock():
    groove, report = read([tempo(0, 100), meter(0, 4, 4), *rock()])
    assert groove.n_steps == 32
    assert groove.n_bars == 2
    assert groove.tempos == (Tempo(0, 100),)
    assert groove.meters == (Meter(0, 4, 4),)
    assert groove.position[groove.voice == VOICE_KEYS.index("kick")].tolist() == [0, 8, 16, 24]
    assert groove.velocity[groove.voice == VOICE_KEYS.index("closed_hat")].tolist() == [80] * 16
    assert (report.n_notes, report.n_hits, report.n_mapped) == (24, 24, 24)
    assert (report.channel, report.track) == (10, 1)
    assert report.remarks == ()


@pytest.mark.parametrize("ppq", [1, 2, 7, 24, 97, 480, 15_360, 32_767])
def test_any_resolution_is_exact(ppq):
    groove, _ = read([note(0, 36), note(3, 38), note(5 * ppq, 42)], ppq=ppq)
    assert groove.position.tolist() == [0, float(Fraction(12, ppq)), 20]


def test_microtiming_is_kept():
    groove, _ = read([note(30 + 480 * quarter, 36) for quarter in range(4)])  # a sixteenth is 120 ticks
    assert groove.offset.tolist() == [0.25] * 4


@pytest.mark.parametrize("off", [[], [note_off(0, 36)], [note_off(1, 36)], [note(0, 36, 0)]])
def test_note_ends_do_not_matter(off):
    groove, _ = read([note(0, 36), *off, note(480, 36)])
    assert len(groove) == 2


# -- length and bars


@pytest.mark.parametrize(
    ("ticks", "n_steps"),
    [
        ([0], 16),  # a partial bar counts
        ([0, 1919], 16),  # pushed ahead of the next round, and so at the end of this bar
        ([0, 1859], 16),
        ([1680, 1920], 32),  # a pickup keeps its place
        ([1920 * 5], 96),
    ],
)
def test_length_is_whole_bars_up_to_the_last_hit(ticks, n_steps):
    groove, _ = read([note(t, 36) for t in ticks])
    assert groove.n_steps == n_steps


@pytest.mark.parametrize(
    ("numerator", "denominator", "n_steps"),
    [(5, 4, 20), (7, 8, 14), (17, 16, 17), (12, 8, 24), (7, 32, 4), (1, 16, 1), (255, 1, 4080)],
)
def test_any_meter(numerator, denominator, n_steps):
    groove, _ = read([meter(0, numerator, denominator), note(0, 36)])
    assert groove.meters == (Meter(0, numerator, denominator),)
    assert groove.n_steps == n_steps
    assert groove.n_bars == 1


def test_a_meter_change_in_mid_bar_starts_a_bar():
    groove, _ = read([meter(0, 4, 4), meter(960, 3, 4), note(0, 36), note(960, 36), note(960 + 1440, 36)])
    assert groove.bar_lines.tolist() == [0, 8, 20, 32]


def test_a_meter_change_cuts_the_last_bar_too():
    groove, _ = read([meter(0, 4, 4), meter(960, 3, 4), note(0, 36)])
    assert groove.n_steps == 8
    assert groove.meters == (Meter(0, 4, 4),)


def test_a_meter_for_the_whole_file_can_be_asked_for():
    groove, report = read([meter(0, 4, 4), meter(1920, 3, 4), *rock()], meter=(7, 8))
    assert groove.meters == (Meter(0, 7, 8),)
    assert groove.n_steps == 42
    assert "Read in 7/8 as asked; the file says 4/4, 3/4." in report.remarks


def test_events_of_all_tracks_count_and_repetitions_do_not():
    groove, report = read(
        [note(0, 36), note(1920, 36)],
        [tempo(0, 90), meter(0, 3, 4), tempo(0, 150), tempo(480, 150), meter(1440, 3, 4), tempo(960, 75)],
        [tempo(99_999, 200)],  # behind the end
    )
    assert groove.tempos == report.tempos == (Tempo(0, 150), Tempo(8, 75))
    assert groove.meters == report.meters == (Meter(0, 3, 4),)


def test_what_is_assumed_is_said():
    groove, report = read(rock())
    assert groove.tempos == (Tempo(0, 120),)
    assert groove.meters == (Meter(0, 4, 4),)
    assert "No tempo in the file: 120 BPM assumed." in report.remarks
    assert "No meter in the file: 4/4 assumed." in report.remarks


def test_what_is_assumed_before_the_first_event_is_said():
    groove, report = read([tempo(960, 90), meter(1920, 3, 4), *rock()])
    assert groove.tempos == (Tempo(0, 120), Tempo(8, pytest.approx(90)))
    assert groove.meters == (Meter(0, 4, 4), Meter(16, 3, 4))
    assert "first tempo comes at quarter note 3" in said(report)
    assert "first meter comes at quarter note 5" in said(report)


@pytest.mark.parametrize("body_", [bytes([0, 2]), bytes([4, 255]), bytes([1, 6]), bytes([4, 7])])
def test_a_meter_without_sense_is_ignored_and_said(body_):
    groove, report = read([meta(0, 0x58, body_), *rock()])
    assert groove.meters == (Meter(0, 4, 4),)
    assert "cannot be a meter" in said(report)


@pytest.mark.parametrize("us", [3_000, 0xFFFFFF, 1])
def test_a_tempo_nobody_plays_is_kept_and_said(us):
    groove, report = read([meta(0, 0x51, us.to_bytes(3, "big")), *rock()])
    assert groove.tempos[0].bpm == 60_000_000 / us
    assert "is unlikely" in said(report)


def test_tempo_0_is_ignored_and_said():
    groove, report = read([meta(0, 0x51, bytes(3)), *rock()])
    assert groove.tempos == (Tempo(0, 120),)
    assert "tempo event of 0" in said(report)


# -- time in seconds, patterns


@pytest.mark.parametrize(("bpm", "steps_a_second"), [(None, 8), (60, 4), (180, 12)])
def test_smpte_sounds_at_the_seconds_of_the_file(bpm, steps_a_second):
    tracks = [*([tempo(0, bpm)] if bpm else []), note(0, 36), note(1000, 38), note(2500, 36)]
    groove, report = read(tracks, ppq=(256 - 25) << 8 | 40)  # 25 frames of 40 ticks: milliseconds
    assert groove.position == pytest.approx([0, steps_a_second, 2.5 * steps_a_second])
    assert groove.onset_seconds == pytest.approx([0, 1, 2.5])
    assert report.ppq is None
    assert "SMPTE" in said(report)


def test_smpte_with_a_tempo_change():
    groove, _ = read([tempo(0, 120), tempo(1000, 60), note(0, 36), note(2000, 38)], ppq=(256 - 25) << 8 | 40)
    assert groove.tempos == (Tempo(0, 120), Tempo(8, 60))
    assert groove.onset_seconds == pytest.approx([0, 2])


def test_patterns_of_format_2_follow_each_other_in_whole_bars():
    patterns = [[note(0, 36), note(480, 36)], [tempo(0, 90), meter(0, 3, 4), note(0, 38)], [note(0, 42)]]
    groove, report = read(*patterns, format=2)
    assert groove.position.tolist() == [0, 4, 16, 28]
    assert groove.meters == (Meter(0, 4, 4), Meter(16, 3, 4))
    assert "separate patterns" in said(report)
    groove, _ = read(*patterns, format=2, track=2)
    assert groove.position.tolist() == [0]
    assert groove.tempos == (Tempo(0, pytest.approx(90)),)


# -- which notes are the drums


def test_channel_10_alone_where_it_has_notes():
    groove, report = read([*rock(), note(0, 60, channel=1), note(0, 40, channel=2)], [note(5, 36)])
    assert len(groove) == 25
    assert (report.channel, report.track) == (10, None)
    assert "channel" not in said(report)
    assert report.parts == (Part(1, 1, "", 1), Part(1, 2, "", 1), Part(1, 10, "", 24), Part(2, 10, "", 1))


def test_the_only_other_channel_with_all_its_tracks():
    groove, report = read([name("Kick"), note(0, 36, channel=1)], [name("Snare"), note(480, 38, channel=1)])
    assert len(groove) == 2
    assert "No notes on channel 10; read channel 1, the only one with notes (2 tracks)." in report.remarks


BASS = [note(240 * i, 33 + i % 5, channel=2) for i in range(90)]
PIANO = [note(120 * i, 60 + i % 12, channel=3) for i in range(99)]


@pytest.mark.parametrize(
    ("sign", "why"),
    [
        (sysex(0, b"\x41\x10\x42\x12\x40\x1a\x15\x02\x0f\xf7"), "declares a drum part"),
        (raw(0, b"\xba\x00\x7f"), "declares a drum part"),
        (name("Schlagzeug / DRUMS"), "name says drums"),
        (name("?"), "most notes in the drum range"),
    ],
)
def test_the_best_other_channel(sign, why):
    _, report = read(BASS, PIANO, [sign, *rock(channel=11)])
    assert report.channel == 11
    assert why in said(report)


def test_a_channel_for_each_drum():
    tracks = [[name(n), note(0, p, channel=c)] for c, (n, p) in enumerate([("Kick", 36), ("Snare", 38), ("HH", 42)], 1)]
    groove, report = read(*tracks, [name("Piano"), note(0, 60, channel=4)])
    assert len(groove) == 3
    assert report.channel is None
    assert "channels 1, 2, 3" in said(report)


def test_the_name_of_a_track_of_many_channels_says_nothing():
    _, report = read([name("Beat"), *BASS, *rock(channel=11)])
    assert report.channel == 11


def test_a_melody_is_read_with_a_doubt():
    _, report = read(PIANO)
    assert "few of its notes are typical of drums" in said(report)


def test_channel_and_track_can_be_chosen():
    tracks = (rock(), [note(0, 36, channel=5)], [note(0, 38, channel=5), note(9, 38, channel=6)])
    assert read(*tracks, channel=5)[1].n_notes == 2
    assert read(*tracks, track=3, channel=5)[1].n_notes == 1
    assert read(*tracks, track=2)[1].channel == 5


@pytest.mark.parametrize("options", [{"channel": 4}, {"track": 9}, {"channel": 10, "track": 2}])
def test_a_choice_without_notes_lists_what_there_is(options):
    with pytest.raises(MidiError, match=r"got none; there are notes on track 1 channel 10 \(24 notes\)"):
        read(rock(), [note(0, 36, channel=5)], **options)


@pytest.mark.parametrize(
    "options",
    [
        {"channel": 0},
        {"channel": 17},
        {"track": 0},
        *({"meter": m} for m in [(0, 4), (4, 0), (4, 3), (256, 4), (1, 32)]),
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(UsageError, match=r"Expected .*, got "):
        ReadOptions(**options)


# -- notes to hits


def test_what_became_of_each_pitch():
    _, report = read([note(0, 36), note(480, 36), note(0, 39), note(0, 12), note(0, 44)], kit=KitMap.parse(["44=kick"]))
    rows = [(r.pitch, r.name, r.count, r.voice, r.status) for r in report.notes]
    assert rows == [
        (12, "Note 12", 1, None, "unmapped"),
        (36, "Bass drum", 2, "kick", "mapped"),
        (39, "Hand clap", 1, "snare", "folded"),
        (44, "Pedal hi-hat", 1, "kick", "remapped"),
    ]
    assert (report.n_mapped, report.n_folded, report.n_unmapped) == (3, 1, 1)
    assert (report.n_notes, report.n_hits, report.n_duplicates) == (5, 3, 1)
    assert "1 note left out, of pitches that no voice has (12)" in said(report)


def test_of_the_same_voice_at_the_same_tick_the_loudest_stays():
    groove, report = read([note(0, 36, 50), note(0, 36, 90), note(0, 35, 70), note(1, 36, 10), note(0, 38, 60)])
    assert groove.velocity.tolist() == [90, 60, 10]
    assert report.n_duplicates == 2


def test_pitches_that_no_voice_has():
    with pytest.raises(
        MidiError, match=r"2 notes of pitches that no voice has \(5, 100\); map them, for instance 5=kick"
    ):
        read([note(0, 5), note(0, 100)])
    assert read([note(0, 5), note(0, 100)], kit=KitMap.parse(["5=kick"]))[1].n_hits == 1


def test_what_the_model_cannot_see_is_counted_and_kept():
    groove, report = read([note(i, 38, 40 + i) for i in range(7)])
    assert len(groove) == 7
    assert report.n_crowded == 3
    assert "3 hits with four louder ones" in said(report)
    assert "the model sees those four alone" in said(report)


def test_hits_behind_the_limit_are_left_out_and_said():
    groove, report = read([note(0, 36), note(2**27, 36)], ppq=24)
    assert groove.n_steps == 16
    assert report.n_outside == 1
    assert "1 hit left out, beyond the first 50,000 sixteenths" in said(report)
    with pytest.raises(MidiError, match="cut the silence"):
        read([note(2**27, 36)], ppq=24)
    assert read([note(0, 36), note(MAX_STEPS - 1, 36)], ppq=4)[0].n_steps == MAX_STEPS


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (smf([]), "without any notes"),
        (smf([note_off(0, 36), note(0, 36, 0)]), "without any notes"),
        (header() + chunk(b"\x00\x24\x64"), "damaged"),
        (header() + chunk(b"\x00\x99\x24\x40" + b"\x00\x24\x40" * 200_000), "at most 200,000 drum notes"),
        (header() + chunk(b"\x00\xff\x51\x03\x07\xa1\x20" * 100_001), "at most 25,000 tempo changes"),
        (b"\x00\x01", "begins with MThd"),
    ],
)
def test_errors_name_the_file_and_end_in_a_way_out(data, why):
    with pytest.raises(MidiError, match=rf"^loops/a\.mid: expected .*{why}.*; .*\.$"):
        read_midi(data, "loops/a.mid")


def test_names_are_data():
    nasty = "a\x1b[31m\n\u202e" + "x" * 500 + ".mid"
    with pytest.raises(MidiError) as caught:
        read_midi(b"", nasty)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    groove, report = read_midi(smf(rock()), nasty)
    assert (report.name + groove.title + groove.source).isprintable()


@pytest.mark.parametrize(
    ("tracks", "title"),
    [
        ([[name("Cissy Strut")], [name("Kit"), *rock()]], "Cissy Strut"),
        ([[], [name("Linn drum"), *rock()]], "Linn drum"),
        ([[name("MIDI Region"), *rock()]], "01 take.one"),
        ([[name("Midi Drums"), *rock()]], "01 take.one"),
        ([[name("Track 1")], [name("\x00\x01"), *rock()]], "01 take.one"),
        ([[name("Cissy Strut")], [name("drm"), *rock()], [name("bass"), note(0, 40, channel=2)]], "Cissy Strut"),
        ([[], [name("drm"), *rock()], [name("bass"), note(0, 40, channel=2)]], "01 take.one"),
        ([[name("drm"), *rock()], [name("bass"), note(0, 40, channel=2)]], "01 take.one"),
    ],
)
def test_title(tracks, title):
    assert read_midi(smf(*tracks), "folder/01 take.one.mid")[0].title == title


def test_the_report_as_json():
    _, report = read([name("Song"), tempo(0, 100), *rock()])
    plain = json.loads(json.dumps(report.to_dict()))
    assert set(plain) == {
        *("name", "format", "ppq", "n_notes", "n_hits", "n_mapped", "n_folded", "n_unmapped", "n_duplicates"),
        *("n_outside", "n_crowded", "notes", "tempos", "meters", "channel", "track", "parts", "remarks"),
        *("changes", "questions"),
    }
    assert plain["notes"][0] == {"pitch": 36, "name": "Bass drum", "count": 4, "voice": "kick", "status": "mapped"}
    assert plain["tempos"] == [{"step": 0.0, "bpm": 100.0}]
    assert plain["meters"] == [{"step": 0.0, "numerator": 4, "denominator": 4}]
    assert plain["parts"] == [{"track": 1, "channel": 10, "name": "Song", "n_notes": 24}]


# -- writing


def messages(data: bytes) -> list[tuple[int, mido.Message]]:
    """(tick, message) as another library reads them."""
    file = mido.MidiFile(file=io.BytesIO(data))
    ticks = np.cumsum([m.time for m in file.tracks[0]]).tolist()
    return list(zip(ticks, file.tracks[0], strict=True))


def one(*hits: tuple[float, int, int], n_steps: int = 16, **rest: object) -> Groove:
    columns = np.array(hits, dtype=float).reshape(-1, 3)
    return Groove(columns[:, 0], columns[:, 1], columns[:, 2], n_steps, **rest)  # type: ignore[arg-type]


def test_a_file_other_programs_understand():
    groove, _ = read([name("ドラム"), tempo(0, 97), meter(0, 5, 4), *rock(3)])
    pm = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(groove)))
    drums = pm.instruments[0]
    assert drums.is_drum
    assert sorted({n.pitch for n in drums.notes}) == [36, 38, 42]
    assert sorted(n.start for n in drums.notes) == pytest.approx(groove.onset_seconds.tolist())
    assert pm.time_signature_changes[0].numerator == 5
    assert pm.get_tempo_changes()[1] == pytest.approx([97], rel=1e-5)


def test_the_end_of_track_closes_the_last_bar():
    tick, last = messages(write_midi(one((0, 0, 100), n_steps=48)))[-1]
    assert last.type == "end_of_track"
    assert tick == 12 * 960


def test_note_ends_never_cut_an_onset():
    hits = one((0, 1, 100), (1 / 240, 1, 90), (0.2, 1, 80), (15.49, 1, 70))
    open_, seen = set(), 0
    for _, m in messages(write_midi(hits)):
        if m.type == "note_on":
            assert m.note not in open_
            open_.add(m.note)
            seen += 1
        elif m.type == "note_off":
            open_.remove(m.note)
    assert seen == 4
    assert not open_
    notes = to_pretty_midi(hits).instruments[0].notes
    assert [n.velocity for n in notes] == [100, 90, 80, 70]
    assert all(n.end > n.start for n in notes)


def test_a_hit_before_the_first_step_is_written_at_0():
    assert read_midi(write_midi(one((-0.5, 0, 100), (0, 0, 50))), "x")[0] == one((0, 0, 100))


def test_output_pitches_can_be_changed():
    pitches = [60 + v for v in range(N_VOICES)]
    written = messages(write_midi(one((0, 0, 100), (4, 8, 100)), pitches))
    assert [m.note for _, m in written if m.type == "note_on"] == [60, 68]


def test_the_same_groove_gives_the_same_bytes():
    groove, _ = read([tempo(0, 97), *rock(3)])
    assert write_midi(groove) == write_midi(read_midi(write_midi(groove), "again")[0])


def test_silence_can_be_written():
    assert messages(write_midi(one(n_steps=20)))[-1][0] == 5 * 960


@pytest.mark.parametrize("bpm", [3.6, 10, 30, 62, 120, 300])
def test_a_tick_is_a_millisecond_or_less(bpm):
    groove, _ = read([tempo(0, bpm), note(0, 36), note(7, 38), note(1911, 42)], ppq=961)
    ppq = mido.MidiFile(file=io.BytesIO(write_midi(groove))).ticks_per_beat
    assert 60 / bpm / ppq <= 1e-3
    assert read_midi(write_midi(groove), "x")[0].onset_seconds == pytest.approx(groove.onset_seconds, abs=5e-4)


@pytest.mark.parametrize("ppq", [97, 384, 1000, 15_360])
def test_tempo_changes_of_any_resolution_survive_exactly(ppq):
    changes = [tempo(0, 120), *(tempo(1 + 7 * i, 100 + i) for i in range(20)), meter(ppq + 1, 3, 8)]
    groove, _ = read([*changes, note(0, 36), note(8 * ppq, 36)], ppq=ppq)
    again, _ = read_midi(write_midi(groove), "x")
    assert again.tempos == groove.tempos
    assert again.meters == groove.meters


@pytest.mark.parametrize("us", [250_001, 333_333, 631_578, 0xFFFFFF, 1])
def test_a_tempo_survives_exactly(us):
    groove, _ = read([meta(0, 0x51, us.to_bytes(3, "big")), *rock()])
    assert read_midi(write_midi(groove), "x")[0].tempos == groove.tempos == (Tempo(0, 60_000_000 / us),)


def test_the_longest_groove_can_be_written():
    groove, _ = read([meta(0, 0x51, b"\xff\xff\xff"), note(0, 36), note(4 * MAX_STEPS - 4, 36)], ppq=16)
    assert groove.n_steps == MAX_STEPS
    assert read_midi(write_midi(groove), "x")[0] == groove
    assert len(to_pretty_midi(groove).instruments[0].notes) == 2


@st.composite
def grooves(draw: st.DrawFn) -> Groove:
    """Any meters and tempos a file can hold, hits anywhere; the last bar is not empty."""
    meters = [Meter(0.0, *draw(st.sampled_from([(4, 4), (3, 4), (7, 8), (5, 16), (12, 8)])))]
    for _ in range(draw(st.integers(0, 2))):
        step = meters[-1].step + draw(st.integers(1, 3)) * meters[-1].steps_per_bar
        meters.append(Meter(step, *draw(st.sampled_from([(4, 4), (2, 4), (9, 8), (7, 8)]))))
    meters = [m for i, m in enumerate(meters) if not i or str(m) != str(meters[i - 1])]
    n_steps = int(meters[-1].step + draw(st.integers(1, 3)) * meters[-1].steps_per_bar)
    steps = [0, *sorted(draw(st.sets(st.integers(1, n_steps - 1), max_size=4)))] if n_steps > 1 else [0]
    us = draw(st.lists(st.integers(150_000, 3_000_000), min_size=len(steps), max_size=len(steps), unique=True))
    hits = draw(
        st.lists(
            st.tuples(st.floats(0, n_steps - 0.51), st.integers(0, N_VOICES - 1), st.integers(1, 127)),
            max_size=30,
            unique_by=lambda h: (round(h[0] * 240), h[1]),  # a tick of its own for each hit of a voice
        )
    )
    tempos = tuple(Tempo(float(s), 60_000_000 / u) for s, u in zip(steps, us, strict=True))
    # One hit at the end, alone in its 64th, holds the last bar.
    hits = [h for h in hits if not (h[1] == 0 and abs(h[0] - (n_steps - 1)) < 0.25)] + [(n_steps - 1, 0, 99)]
    return one(*hits, n_steps=n_steps, tempos=tempos, meters=tuple(meters))


@given(grooves())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_groove_to_midi_and_back(groove):
    again, report = read_midi(write_midi(groove), "x")
    assert again.tempos == groove.tempos
    assert again.meters == groove.meters
    assert again.n_steps == groove.n_steps
    assert report.n_hits == len(groove)
    for voice in range(N_VOICES):
        before, after = groove.voice == voice, again.voice == voice
        assert again.velocity[after].tolist() == groove.velocity[before].tolist()
        assert again.onset_seconds[after] == pytest.approx(groove.onset_seconds[before], abs=1e-3)
    once_more = read_midi(write_midi(again), "x")[0]
    assert once_more.tempos == again.tempos
    assert once_more.onset_seconds == pytest.approx(again.onset_seconds, abs=1e-3)


# -- pretty_midi objects


@given(grooves())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_groove_to_pretty_midi_and_back(groove):
    again, report = from_pretty_midi(to_pretty_midi(groove))
    assert report.channel == 10
    assert [str(m) for m in again.meters] == [str(m) for m in groove.meters]
    assert [t.bpm for t in again.tempos] == pytest.approx([t.bpm for t in groove.tempos], rel=1e-9)
    assert sorted(again.onset_seconds) == pytest.approx(sorted(groove.onset_seconds), abs=1e-3)
    assert sorted(again.velocity) == sorted(groove.velocity)


def test_an_object_made_by_hand():
    pm = pretty_midi.PrettyMIDI(initial_tempo=90)
    bass, drums = pretty_midi.Instrument(33, name="Bass"), pretty_midi.Instrument(0, is_drum=True, name="Drums")
    bass.notes.append(pretty_midi.Note(100, 40, 0, 1))
    drums.notes += [pretty_midi.Note(90, 36, 0, 0), pretty_midi.Note(80, 38, 60 / 90, 1)]  # one of no length
    pm.instruments += [bass, drums]
    groove, report = from_pretty_midi(pm)
    assert groove.position.tolist() == [0, 4]
    assert report.parts == (Part(1, 1, "Bass", 1), Part(2, 10, "Drums", 2))
    assert from_pretty_midi(pm, ReadOptions(track=1))[1].n_notes == 1
    with pytest.raises(MidiError, match="PrettyMIDI object: expected drum notes"):
        from_pretty_midi(pretty_midi.PrettyMIDI())


# -- against another reader, and against the worst


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.sampled_from([36, 38, 42, 49]), st.integers(1, 127)),
        min_size=1,
        max_size=30,
        unique_by=lambda n: n[:2],
    ),
    st.lists(st.tuples(st.integers(1, 5_000), st.integers(40, 240)), max_size=3),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_same_seconds_as_pretty_midi(notes, tempos):
    data = smf(
        [tempo(0, 100), meter(0, 4, 4), *(tempo(*t) for t in tempos)],
        [e for n in notes for e in (note(*n), note_off(n[0] + 1, n[1]))],
    )
    groove, _ = read_midi(data, "x")
    twin = pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments[0].notes
    assert groove.onset_seconds == pytest.approx(sorted(n.start for n in twin), abs=1e-6)


VALID = smf([tempo(0, 120), meter(0, 3, 4), name("Fuzz")], [*rock(2), raw(7, b"\xb9\x00\x7f")], [note(0, 60, 9, 2)])


@given(
    st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.binary(max_size=4)), min_size=1, max_size=10),
    st.booleans(),
    st.integers(0, 2),
)
@settings(max_examples=250, deadline=None, derandomize=True)
def test_mutated_files_raise_nothing_but_midi_error(changes, cut, format):
    data = bytearray(VALID)
    data[9] = format
    for at, replacement in changes:
        data[at : at + len(replacement) + cut] = replacement
    try:
        groove, report = read_midi(bytes(data), "fuzz")
    except MidiError:
        return
    assert report.n_notes == report.n_hits + report.n_unmapped + report.n_duplicates + report.n_outside
    assert len(groove) == report.n_hits > 0
    assert groove.n_steps <= MAX_STEPS
    json.dumps(report.to_dict())
    if groove.n_steps < 2_000:
        assert read_midi(write_midi(groove), "again")[0].n_steps == groove.n_steps
