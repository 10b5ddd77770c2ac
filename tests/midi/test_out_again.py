"""What is written opens elsewhere as it sounded here: in mido, pretty_midi and symusic, and in MuseScore."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
import symusic

from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import VOICES
from rhythmvae.midi.tracks import write_tracks
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


# -- a notation program --------------------------------------------------------

MUSESCORE = shutil.which("musescore3") or shutil.which("mscore3")
NOTATED = Groove(  # on the steps, which is where a score puts what it reads
    np.array([0, 0, 4, 8, 12, 16, 20, 23]),
    np.array([0, 2, 1, 1, 0, 7, 1, 5]),
    np.array([100, 80, 90, 80, 100, 120, 90, 70]),
    n_steps=24,
    tempos=(Tempo(0.0, 100.0), Tempo(12.0, 80.0)),
    meters=(Meter(0.0, 3, 4),),
    title="Walzer",
)


@pytest.mark.parametrize("write", [write_midi, write_tracks])
def test_musescore_imports_the_same_bars_hits_tempos_and_names(write: Callable[[Groove], bytes], tmp_path: Path):
    if MUSESCORE is None:
        message = "MuseScore 3 was not found (Debian: musescore3)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    score, midi = (_converted(write(NOTATED), tmp_path, kind) for kind in ("musicxml", "mid"))
    parts = ElementTree.parse(score).getroot()
    drums = sorted({VOICES[voice].label for voice in NOTATED.voice})
    names = [name.text or "" for name in parts.iter("part-name")]
    expected = [NOTATED.title] if write is write_midi else drums
    assert sorted(name.rpartition(", ")[2] for name in names) == expected
    for part in parts.iter("part"):
        assert len(part.findall("measure")) == NOTATED.n_bars == 2
    file = mido.MidiFile(midi)
    hits, tempos, meters = [], [], []
    for track in file.tracks:
        step = 0.0
        for message in track:
            step += message.time * 4 / file.ticks_per_beat
            if message.type == "note_on" and message.velocity:
                assert message.channel == 9
                hits.append((step, message.note))
            elif message.type == "set_tempo":
                tempos.append((step, round(mido.tempo2bpm(message.tempo), 2)))
            elif message.type == "time_signature":
                meters.append((step, message.numerator, message.denominator))
    pitches = [VOICES[voice].pitch for voice in NOTATED.voice]
    assert sorted(hits) == sorted(zip(NOTATED.position.tolist(), pitches, strict=True))
    assert sorted(set(tempos)) == [(0, 100), (12, 80)]
    assert set(meters) == {(0, 3, 4)}


def _converted(data: bytes, folder: Path, kind: str) -> Path:
    """A file as MuseScore writes what it imported."""
    (folder / "in.mid").write_bytes(data)
    out = folder / f"out.{kind}"
    home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "QT_QPA_PLATFORM": "offscreen"}
    command = [str(MUSESCORE), "-o", str(out), str(folder / "in.mid")]
    subprocess.run(command, check=True, capture_output=True, timeout=300, env=os.environ | home)
    return out
