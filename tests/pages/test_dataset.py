"""The data of a training run: collected, read by a kit map, reported, and written for the run."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from browsing import shown, upload
from grooves import groove, random_groove
from helpers import Event, meter, note, rock, smf, tempo
from streamlit.testing.v1 import AppTest

from rhythmvae.cli.entry import build_parser
from rhythmvae.cli.parser import read_options
from rhythmvae.data import corpus
from rhythmvae.data.examples import EXAMPLES
from rhythmvae.data.survey import Survey
from rhythmvae.kit import LEFT_OUT, VOICE_INDEX, KitMap
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import file_stem
from rhythmvae.sound import synth
from rhythmvae.training.config import RunConfig
from rhythmvae.ui.parts import dataset
from rhythmvae.ui.parts.dataset import Dataset
from rhythmvae.ui.session import files

ROCK = smf([tempo(0, 97), meter(0, 4, 4), *rock(2)])
BAR = smf([tempo(0, 120), meter(0, 4, 4), *rock(1)])  # loops to the same as ROCK
BOX, SOURCES, NOTE = "training files", "training sources", "training note {}"


def pads(*events: Event) -> bytes:
    """A file of notes by a foreign map, an eighth apart."""
    return smf([tempo(0, 100), meter(0, 4, 4), *events])


def loop(seed: int) -> bytes:
    return write_midi(replace(random_groove(seed), title=f"Loop {seed}"))


def page(max_files: int, max_bytes: int) -> None:
    import streamlit as st

    from rhythmvae.ui.parts import dataset, yours

    yours.problems("train")
    yours.box("Loops", "training files")
    found = dataset.collect(max_files, max_bytes)
    st.session_state["found"] = found
    dataset.report(found)
    dataset.details(found)


@pytest.fixture
def app() -> AppTest:
    return fresh()


def fresh(max_files: int = dataset.MAX_FILES, max_bytes: int = dataset.MAX_BYTES) -> AppTest:
    return AppTest.from_function(page, default_timeout=60, args=(max_files, max_bytes)).run()


def drop(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    return upload(app, *files, name=BOX)


def found(app: AppTest) -> Dataset:
    assert not app.exception
    result: Dataset = app.session_state["found"]
    return result


def names(app: AppTest) -> list[str]:
    return [name for name, _ in found(app).files]


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def content(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# -- where files come from


def test_nobody_trains_on_our_patterns_unasked(app: AppTest) -> None:
    assert app.pills(key=SOURCES).value == []
    assert found(app).files == ()
    app.pills(key=SOURCES).set_value(["examples"]).run()
    assert len(found(app).files) == found(app).survey.n_usable == len(EXAMPLES)
    assert any(box.value.startswith("**Enough.** ") for box in app.success)
    drop(app, ("rock.mid", ROCK))  # nor any more, once there are files
    assert names(app) == ["rock.mid"]


def test_what_is_dropped_is_trained_on_instead(app: AppTest) -> None:
    drop(app, ("rock.mid", ROCK), ("other.mid", loop(1)))
    assert app.pills(key=SOURCES).value == ["uploads"]
    assert found(app).files == (("rock.mid", ROCK), ("other.mid", loop(1)))
    assert [m.value for m in app.metric] == ["2", "4", "2", "0.1"]
    app.pills(key=SOURCES).set_value(["uploads", "examples"]).run()
    assert len(names(app)) == 2 + len(EXAMPLES)


def test_a_zip_is_opened_in_memory_and_what_is_no_midi_is_said(app: AppTest) -> None:
    pack = zipped({"b/two.mid": loop(2), "a/one.mid": ROCK, "read me.txt": b"text", "a/broken.mid": b"no midi"})
    drop(app, ("pack.zip", pack))
    assert names(app) == ["a/one.mid", "b/two.mid"]
    assert "pack.zip: 1 other file in it is not MIDI." in shown(app)
    assert "a/broken.mid: expected a MIDI file" in shown(app)
    assert next(m.value for m in app.metric) == "2"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 and no more", "cannot be opened"),
        (zipped({"a.txt": b"text"}), "expected MIDI files in it, found none (1 other file)"),
    ],
    ids=["damaged", "without MIDI"],
)
def test_a_zip_that_is_none_is_a_sentence(app: AppTest, data: bytes, said: str) -> None:
    drop(app, ("pack.zip", data))
    assert said in shown(app)
    assert found(app).files == ()


def test_a_zip_that_would_fill_the_memory_is_not_read(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_UNPACKED_BYTES", 1 << 20)
    bomb = zipped({"a.mid": ROCK, "b.mid": ROCK + bytes(3 << 20)})
    drop(app, ("bomb.zip", bomb))
    assert "bomb.zip: expected a zip of at most 1 MB unpacked, got 3 MB" in shown(app)
    # One that says that it is small is read as far as it says.
    size = (len(ROCK) + (3 << 20)).to_bytes(4, "little")
    assert bomb.count(size) == 2
    drop(app, ("liar.zip", bomb.replace(size, (1_000).to_bytes(4, "little"))))
    assert "liar.zip: expected" not in shown(app)
    assert sum(len(file.data) for file in app.session_state["uploads"]) <= len(ROCK) + 1_000
    assert names(app) == ["a.mid"]


def test_files_of_other_pages_and_kept_grooves_can_be_chosen() -> None:
    app = AppTest.from_function(page, default_timeout=60, args=(500, 1 << 20))
    kept = replace(random_groove(5), title="Mine: a_b")
    app.session_state["uploads"] = [files.named("up.mid", ROCK)]
    app.session_state["tray"] = {"f": kept, "s": replace(groove(), title="Silence")}
    app.run()
    assert app.pills(key=SOURCES).value == ["uploads"]
    app.pills(key=SOURCES).set_value(["uploads", "tray"]).run()
    assert found(app).files == (("up.mid", ROCK), (f"{file_stem('Mine: a_b')}.mid", write_midi(kept)))
    assert [name for name, _ in found(app).survey.skipped] == ["Silence.mid"]


def test_a_folder_is_offered_where_the_app_was_started_with_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "loops").mkdir()
    (tmp_path / "loops" / "one.mid").write_bytes(ROCK)
    (tmp_path / "pack.zip").write_bytes(zipped({"x/two.mid": loop(2)}))
    assert not [o for o in fresh().pills(key=SOURCES).options if "Folder" in o]
    monkeypatch.setenv("RHYTHMVAE_DATA", f"{tmp_path / 'loops'}:{tmp_path / 'pack.zip'}")
    app = fresh()
    assert app.pills(key=SOURCES).value == ["folder"]
    assert names(app) == ["one.mid", "x/two.mid"]
    (tmp_path / "loops" / "three.mid").write_bytes(loop(3))
    app.run()
    assert names(app) == ["one.mid", "x/two.mid"]
    next(b for b in app.button if b.label == "Read the folder again").click().run()
    assert names(app) == ["one.mid", "three.mid", "x/two.mid"]
    monkeypatch.setenv("RHYTHMVAE_DATA", str(tmp_path / "gone"))
    app.run()
    assert "does not exist" in shown(app)
    assert found(app).files == ()


def test_files_stay_and_more_can_be_added(app: AppTest) -> None:
    drop(app, ("one.mid", ROCK))
    drop(app, ("two.mid", loop(2)))
    assert names(app) == ["one.mid", "two.mid"]


def test_beyond_the_limits_the_first_files_stay_and_it_is_said() -> None:
    dropped = [(f"{i}.mid", loop(i)) for i in range(6)]
    app = drop(fresh(max_files=4), *dropped)
    assert names(app) == [f"{i}.mid" for i in range(4)]
    assert "Expected at most 4 files and 8 MB of MIDI, got more: 2 files left out." in shown(app)
    room = sum(len(data) for _, data in dropped[:3])
    app = drop(fresh(max_bytes=room), *dropped)
    assert names(app) == [f"{i}.mid" for i in range(3)]


def test_no_more_is_held_than_a_session_has_room_for(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 3)
    drop(app, *((f"{i}.mid", loop(i)) for i in range(5)))
    assert len(app.session_state["uploads"]) == 3
    assert "3 files and 16 MB are kept at once: 2 files left out." in shown(app)


def test_a_file_that_comes_twice_is_one_and_others_of_its_name_are_told_apart(app: AppTest) -> None:
    one, two = zipped({"a.mid": ROCK}), zipped({"a.mid": loop(2), "A.MID": loop(3)})
    drop(app, ("1.zip", one), ("2.zip", two), ("a.mid", ROCK))
    assert sorted(names(app)) == ["A.mid", "a~2.mid", "a~3.mid"]
    assert len(names(app)) == found(app).survey.n_files


# -- nothing to train on


def test_nothing_chosen_is_no_verdict(app: AppTest) -> None:
    app.pills(key=SOURCES).set_value([]).run()
    assert found(app).files == ()
    assert not app.warning  # under the Train button stands what to do


def test_no_usable_file_is_a_sentence_with_the_reasons(app: AppTest) -> None:
    drop(app, ("[a](b).mid", b"no midi"), ("empty.mid", smf([tempo(0, 100)])))
    assert found(app).files == ()
    text = str(app.error[0].value)
    assert "\\[a\\]\\(b\\)\\.mid" in text  # a name is shown, not rendered
    assert "empty" in text


# -- the kit map


FOREIGN = pads(note(0, 99), note(480, 39), note(960, 38), note(1440, 99))


def test_notes_can_be_mapped_for_all_files_at_once(app: AppTest) -> None:
    drop(app, ("one.mid", FOREIGN), ("two.mid", pads(note(0, 99), note(960, 99))), ("three.mid", ROCK))
    assert names(app) == ["one.mid", "three.mid"]  # `two` has none but foreign notes, and they are in the list
    labels = [s.label for s in app.selectbox if s.key and s.key.startswith("training note")]
    assert labels[:2] == ["99 Note 99 × 4 in 2 files", "39 Hand clap × 1 in 1 file"]
    assert app.selectbox(key=NOTE.format(99)).value == LEFT_OUT
    app.selectbox(key=NOTE.format(99)).set_value("kick").run()
    assert names(app) == ["one.mid", "two.mid", "three.mid"]
    assert found(app).kit == KitMap({99: VOICE_INDEX["kick"]})
    app.selectbox(key=NOTE.format(39)).set_value(LEFT_OUT).run()
    assert found(app).kit == KitMap({39: None, 99: VOICE_INDEX["kick"]})
    assert found(app).grooves[0].voice.tolist() == [VOICE_INDEX[key] for key in ("kick", "snare", "kick")]
    next(b for b in app.button if b.label == "Back to the usual drums").click().run()
    assert found(app).kit == KitMap()
    assert names(app) == ["one.mid", "three.mid"]


def test_a_folder_can_have_a_map_of_its_own(app: AppTest) -> None:
    hats = pads(*(note(240 * i, (36, 48, 38, 48)[i % 4]) for i in range(8)))
    drop(app, ("loops.zip", zipped({"a/1.mid": hats, "b/2.mid": hats})))
    before, toms = found(app).digest, found(app).grooves[1].voice.tolist()
    app.session_state["training map of b"] = "Addictive Drums 2"
    app.run()
    after = found(app)
    assert after.digest != before
    assert app.selectbox(key="training map of b").value == "Addictive Drums 2"
    assert after.grooves[0].voice.tolist() == toms
    assert set(after.grooves[1].voice.tolist()) == {VOICE_INDEX[key] for key in ("kick", "snare", "closed_hat")}
    data = dict(after.files)
    assert data["a/1.mid"] == hats
    assert read_midi(data["b/2.mid"], "2.mid")[0].voice.tolist() == after.grooves[1].voice.tolist()
    app.selectbox(key="training map of b").set_value("As it was read").run()
    assert found(app).digest == before


def test_a_rule_for_a_note_that_is_not_there_is_no_rule(app: AppTest) -> None:
    drop(app, ("one.mid", FOREIGN))
    app.selectbox(key=NOTE.format(99)).set_value("ride").run()
    before = found(app).digest
    app.pills(key=SOURCES).set_value(["examples"]).run()
    assert found(app).kit == KitMap()
    app.pills(key=SOURCES).set_value(["uploads"]).run()
    assert found(app).kit == KitMap({99: VOICE_INDEX["ride"]})
    assert found(app).digest == before


def test_a_change_of_the_kit_reads_only_the_files_that_have_the_note(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(app, ("one.mid", FOREIGN), ("three.mid", ROCK))
    read: list[str] = []

    def counting(data: bytes, name: str, options: ReadOptions) -> Any:
        read.append(name)
        return read_midi(data, name, options)

    monkeypatch.setattr(dataset, "read_midi", counting)
    app.run()
    assert read == []
    app.selectbox(key=NOTE.format(39)).set_value("crash").run()
    assert set(read) == {"one.mid"}


def test_all_left_out_can_be_undone(app: AppTest) -> None:
    drop(app, ("one.mid", pads(note(0, 38), note(480, 38))))
    app.selectbox(key=NOTE.format(38)).set_value(LEFT_OUT).run()
    assert found(app).files == ()
    app.selectbox(key=NOTE.format(38)).set_value("snare").run()
    assert names(app) == ["one.mid"]


def test_a_drum_is_heard_each_time_it_is_asked_for(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    sounds: list[bytes] = []
    monkeypatch.setattr(st, "audio", lambda data, **_: sounds.append(data))
    drop(app, ("one.mid", FOREIGN))
    assert app.button(key="hear training note 99").disabled  # left out: there is nothing to hear
    for _ in range(2):
        app.button(key="hear training note 38").click().run()
    assert not app.exception
    first, again = sounds
    assert first != again  # a browser would not play the same one again by itself
    samples = np.frombuffer(first[44:], dtype="<i2")
    stroke = np.rint(synth.GAIN * synth.one_shot(VOICE_INDEX["snare"]) * 32_767)
    assert np.abs(samples[-len(stroke) :] - stroke).max() <= 1
    app.run()
    assert len(sounds) == 2  # no sound without a gesture


# -- the report


def test_exact_and_near_duplicates_are_listed_by_name(app: AppTest) -> None:
    near = groove((0.0, "kick"), (8.0, "snare"), (16.0, "kick"))
    more = near.with_hits(
        np.append(near.position, 20.0), np.append(near.voice, VOICE_INDEX["crash"]), np.append(near.velocity, 90)
    )
    drop(app, ("long *.mid", ROCK), ("short.mid", BAR), ("x.mid", write_midi(near)), ("y.mid", write_midi(more)))
    assert "Exact and near-duplicates (2 groups)" in [e.label for e in app.expander]
    assert "- long *.mid, short.mid" in shown(app)
    assert "- x.mid, y.mid" in shown(app)


def test_content_is_told_in_plain_words() -> None:
    told = dataset.content_sentences(
        Survey(
            n_files=9,
            n_usable=9,
            tempo_bpm=(90.0, 120.0),
            n_without_tempo=1,
            meters=tuple((f"{n}/4", 9 - n) for n in range(1, 9)),
            n_without_meter=2,
            n_single_velocity=3,
            n_on_grid=9,
        )
    )
    assert told[0] == "Tempo: 90 to 120 BPM; 1 file without one, read at 120."
    assert told[1].endswith("6/4 (3 files) and 2 others; 2 files without one, read in 4/4.")
    assert told[2] == "Dynamics: in 3 of 9 files every hit is equally loud."


# -- for the run


def test_the_zip_is_what_a_run_reads_by_the_same_kit(app: AppTest, tmp_path: Path) -> None:
    pack = zipped({"set/fünk A.midi": FOREIGN, "set/../..\\up B.mid": ROCK, "set/fünk A.mid": loop(4)})
    drop(app, ("pack.zip", pack), ("bad.mid", b"no midi"))
    app.selectbox(key=NOTE.format(99)).set_value("low_tom").run()
    app.selectbox(key=NOTE.format(39)).set_value(LEFT_OUT).run()
    own = found(app)
    data = dataset.as_zip(own)
    assert data == dataset.as_zip(own)
    assert content(data) == dict(own.files)
    assert sorted(content(data)) == ["set/fünk A.mid", "set/fünk A~2.mid", "set/up B.mid"]

    (tmp_path / "data.zip").write_bytes(data)
    rules = own.kit.rules
    assert rules == {"39": "none", "99": "low_tom"}
    (tmp_path / "run.toml").write_text(RunConfig(map=rules).to_toml())
    command = ["train", str(tmp_path / "data.zip"), "--out", "x", "--config", str(tmp_path / "run.toml")]
    parsed = build_parser().parse_args(command)
    read = corpus.load([tmp_path / "data.zip"], read_options(parsed), cache=False)
    assert not read.failures
    grooves = dict(zip((name for name, _ in own.files), own.grooves, strict=True))
    assert {take.name: take.groove for take in read.takes} == grooves


def test_the_digest_is_that_of_names_bytes_and_kit() -> None:
    digests = set()
    for loops in ([("a.mid", FOREIGN)], [("a.mid", FOREIGN)], [("b.mid", FOREIGN)], [("a.mid", ROCK)]):
        digests.add(found(drop(fresh(), *loops)).digest)
    assert len(digests) == 3
    app = drop(fresh(), ("a.mid", FOREIGN), ("skipped.mid", b"no midi"))
    assert found(app).digest in digests  # what is not trained on does not count
    app.selectbox(key=NOTE.format(99)).set_value("kick").run()
    assert found(app).digest not in digests


def test_many_files_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    order = list(range(60))
    random.Random(1).shuffle(order)
    app = drop(fresh(), ("pack.zip", zipped({f"{i:03}.mid": loop(i) for i in order})))
    assert names(app) == [f"{i:03}.mid" for i in range(60)]
    held = app.session_state[dataset._READ]
    assert len(held) == 60
    app.pills(key=SOURCES).set_value(["examples"]).run()
    assert len(app.session_state[dataset._READ]) == len(EXAMPLES)  # of the data set in hand and no more
    assert hashlib.sha256(ROCK).hexdigest() == dataset.File("a", ROCK).digest
