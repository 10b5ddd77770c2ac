"""What is written opens in other libraries as it sounded here: mido, pretty_midi and symusic."""

from __future__ import annotations

import io

import mido
import numpy as np
import pretty_midi
import pytest
import symusic

from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.midi.write import write_midi

WALTZ = Groove(
    np.array([-0.25, 0, 4, 8, 12.25, 23.75]),
    np.array([2, 0, 1, 1, 0, 7]),
    np.array([40, 100, 90, 80, 100, 120]),
    n_steps=24,
    tempos=(Tempo(0.0, 100.0), Tempo(12.0, 80.0)),
    meters=(Meter(0.0, 3, 4),),
    title="Walzer für ドラム",
)
SECONDS = sorted(np.maximum(WALTZ.onset_seconds, 0.0).tolist())


def test_mido_finds_the_end_the_tempo_and_a_drum_channel():
    file = mido.MidiFile(file=io.BytesIO(write_midi(WALTZ)), charset="utf-8")
    [track] = file.tracks
    assert file.length == pytest.approx(WALTZ.duration_seconds, abs=1e-3)
    assert track.name == WALTZ.title
    assert {m.channel for m in track if m.type == "note_on"} == {9}
    at_0 = [m.type for m in track[: [m.type for m in track].index("note_on")]]
    assert {"set_tempo", "time_signature", "track_name"} <= set(at_0)


def test_pretty_midi_hears_the_same_hits():
    pm = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(WALTZ)))
    [drums] = pm.instruments
    assert drums.is_drum
    assert sorted(n.start for n in drums.notes) == pytest.approx(SECONDS, abs=1e-3)
    assert max(n.end for n in drums.notes) <= WALTZ.duration_seconds + 1e-3


def test_symusic_hears_the_same_hits():
    score = symusic.Score.from_midi(write_midi(WALTZ)).to("second")
    [track] = score.tracks
    assert track.is_drum
    assert sorted(n.time for n in track.notes) == pytest.approx(SECONDS, abs=1e-3)
    assert [round(t.qpm, 3) for t in score.tempos] == [100, 80]
    assert [(m.time, m.numerator, m.denominator) for m in score.time_signatures] == [(0, 3, 4)]
