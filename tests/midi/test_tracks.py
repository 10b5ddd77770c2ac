"""A MIDI file with a track for every drum, and pretty_midi's objects: nothing is lost on the way."""

from __future__ import annotations

import io

import mido
import numpy as np
import pretty_midi
import pytest
from grooves import random_groove

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.midi.pretty import from_pretty_midi, to_pretty_midi
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.tracks import write_tracks
from rhythmvae.midi.write import write_midi

CHANGING = Groove(
    [0.0, 16.0, 28.0],
    [0, 1, 2],
    [100, 90, 80],
    40,
    (Tempo(0, 120.0), Tempo(16, 90.0)),
    (Meter(0, 4, 4), Meter(16, 3, 4)),
)


@pytest.mark.parametrize("played", [*map(example, EXAMPLES), random_groove(5), CHANGING], ids=lambda g: g.title[:20])
def test_tracks_read_back_as_one_track_does(played: Groove) -> None:
    apart, together = (read_midi(write(played), "x.mid")[0] for write in (write_tracks, write_midi))
    assert np.array_equal(apart.position, together.position)
    assert np.array_equal(apart.voice, together.voice)
    assert np.array_equal(apart.velocity, together.velocity)
    assert (apart.n_steps, apart.tempos, apart.meters) == (together.n_steps, together.tempos, together.meters)


def test_every_drum_has_a_named_track_that_other_programs_read() -> None:
    data = write_tracks(example("funk"))
    file = mido.MidiFile(file=io.BytesIO(data))
    assert file.type == 1
    first, *drums = file.tracks
    assert not [message for message in first if message.type == "note_on"]
    assert {message.type for message in first} >= {"set_tempo", "time_signature"}
    for track in drums:
        notes = [message for message in track if message.type == "note_on"]
        assert notes
        assert {(message.channel, message.note) for message in notes} == {(9, notes[0].note)}
    ends = {sum(message.time for message in track) for track in file.tracks}
    assert len(ends) == 1
    pm = pretty_midi.PrettyMIDI(io.BytesIO(data))
    assert all(instrument.is_drum for instrument in pm.instruments)
    assert "Kick" in [instrument.name for instrument in pm.instruments]
    assert sum(len(i.notes) for i in pm.instruments) == len(read_midi(data, "x.mid")[0])


def test_a_note_lasts_a_sixteenth_or_up_to_the_next_of_its_drum() -> None:
    played = Groove([0.0, 0.5, 8.0, 15.5], [0, 0, 0, 0], [90, 90, 90, 90], 16)
    [drum] = pretty_midi.PrettyMIDI(io.BytesIO(write_tracks(played))).instruments
    lengths = [(note.end - note.start) / 0.125 for note in drum.notes]
    assert lengths == pytest.approx([0.5, 1.0, 1.0, 0.5], abs=0.01)


def test_pretty_midi_gets_what_mir_tools_expect_and_gives_it_back() -> None:
    pm = to_pretty_midi(CHANGING)
    [drums] = pm.instruments
    assert drums.is_drum
    assert [note.pitch for note in drums.notes] == [36, 38, 42]
    times, bpms = pm.get_tempo_changes()
    assert times.tolist() == pytest.approx([0.0, 2.0])
    assert bpms.tolist() == pytest.approx([120.0, 90.0], abs=1e-3)
    signs = [(sign.numerator, sign.denominator, sign.time) for sign in pm.time_signature_changes]
    assert signs == [(4, 4, 0.0), (3, 4, pytest.approx(2.0))]
    back = from_pretty_midi(pm)[0]
    assert np.allclose(back.position, CHANGING.position, atol=1e-3)
    assert np.array_equal(back.voice, CHANGING.voice)
    assert [m.step for m in back.meters] == [0.0, 16.0]
    assert [t.step for t in back.tempos] == [0.0, 16.0]


def test_a_note_of_the_one_track_file_lasts_a_32nd_or_up_to_the_next_of_its_pitch_or_the_end() -> None:
    played = Groove([0.0, 0.25, 8.0, 15.75], [0, 0, 0, 0], [90, 90, 90, 90], 16)
    [drum] = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(played))).instruments
    lengths = [(note.end - note.start) / 0.125 for note in drum.notes]  # in 16ths at 120 BPM
    assert lengths == pytest.approx([0.25, 0.5, 0.5, 0.25], abs=0.01)
