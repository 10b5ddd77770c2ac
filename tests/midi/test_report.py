"""What a report says: every note of a file is accounted for, counted by another reader."""

from __future__ import annotations

import io

import mido
from helpers import meter, name, note, smf, tempo
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import NOTE_KINDS, Question

_NAMES = ["", "Drums", "Bass", "Metronome", "Percussion", "Kick", "Piano"]

_tracks = st.lists(
    st.tuples(
        st.sampled_from(_NAMES),
        st.sampled_from([1, 2, 9, 10, 11]),
        st.lists(
            st.tuples(st.integers(0, 9_000), st.integers(0, 127), st.integers(1, 127)),
            min_size=1,
            max_size=40,
        ),
    ),
    min_size=1,
    max_size=5,
)


def n_notes_of_mido(data: bytes) -> int:
    file = mido.MidiFile(file=io.BytesIO(data))
    return sum(m.type == "note_on" and m.velocity > 0 for track in file.tracks for m in track)


@given(_tracks, st.sampled_from([24, 96, 480]), st.sampled_from([1, 2]))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_every_note_of_a_file_is_accounted_for(tracks, ppq, format):
    head = [tempo(1, 90), meter(1, 3, 4)]
    events = [
        [name(n), note(0, 36, 9, channel), *(note(t, p, v, channel) for t, p, v in notes)]
        for n, channel, notes in tracks
    ]
    data = smf(head, *events, ppq=ppq, format=format)
    groove, report = read_midi(data, "x.mid")
    counted = sum(change.count for change in report.changes if change.kind in NOTE_KINDS)
    assert len(groove) + counted == n_notes_of_mido(data)
    assert all(change.count > 0 and change.sentence.endswith(".") for change in report.changes)


def test_a_question_in_a_line():
    question = Question("part", "track 1", ("track 2", "track 3"), "--track 2")
    assert question.sentence == "Which part? Taken: track 1; also possible: track 2; track 3 (by --track 2)."
    assert question.spoken == "Which part? Taken: track 1; also possible: track 2; track 3."
