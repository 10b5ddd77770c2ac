"""The Analyse page: what is said of the groove in hand, a part of it to hear, and all files in one table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from browsing import opened, take
from toys import checkpoint_file

from rhythmvae.analysis.rhythm import NOTE_STEPS
from rhythmvae.data import names
from rhythmvae.data.examples import example
from rhythmvae.model import labels, outline
from rhythmvae.model.lent import ModelFile
from rhythmvae.ui.parts import analysis, collection
from rhythmvae.ui.session import models
from rhythmvae.ui.session.opened import Opened


@pytest.fixture(scope="module")
def said() -> Mapping[str, Any]:
    return labels.describe(example("funk"))


def test_a_style_is_named_with_its_probability_and_only_where_it_is_known() -> None:
    shares = {"hiphop": 0.65, "rock": 0.35}
    said = analysis.style_sentence({"label": "hiphop", "probabilities": shares})
    assert said.replace("\\", "") == "**Most like Hip-hop**, with a probability of 65%."
    assert "no style is named" in analysis.style_sentence({"label": None, "probabilities": shares})


def test_no_take_that_the_shipped_labels_know_is_called_by_its_file() -> None:
    takes = labels.shipped().facts.takes
    assert len(takes) > 800
    assert [name for name in names.take_names(takes) if "_" in name or "BPM" not in name] == []


def test_how_often_a_label_is_right_stands_beside_it() -> None:
    sentence = analysis.weakness("Style", labels.shipped().facts.figures, "style")
    assert "63%" in sentence
    assert "29%" in sentence
    assert "most frequent answer: 31%" in sentence


def test_note_lengths_have_names_where_musicians_have_one() -> None:
    assert [analysis.note_name(steps) for steps in (1.0, 1.333, 2.0, 5.0)] == [
        "16th",
        "triplet",
        "eighth",
        "1.25 beats",
    ]
    assert not [steps for steps in NOTE_STEPS if analysis.note_name(float(steps)).endswith("beats")]


def test_files_that_play_the_same_are_named_in_the_table() -> None:
    rock, funk = example("rock"), example("funk")
    less = rock.with_hits(rock.position[1:], rock.voice[1:], rock.velocity[1:])
    assert collection.twins(["a", "b", "c", "d"], [rock, funk, rock.looped(2), less]) == ["", "", "a", "nearly a"]


def test_a_row_of_the_table_has_a_value_for_everything(said: Mapping[str, Any]) -> None:
    row = collection.row_of("funk.mid", dict(said))
    assert (row["File"], row["Meter"], row["Bars"], row["Plays a"]) == ("funk.mid", "4/4", 4, "beat")
    assert 0 <= row["Fill, %"] <= 100
    assert collection.csv_of([row]).splitlines()[0].startswith('File,Style,"Style, %"')


def test_what_surprises_is_said_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = checkpoint_file(tmp_path / "toy.safetensors")
    toy = Opened.of(outline.read(path), ModelFile.of(path.read_bytes()))
    monkeypatch.setattr(models, "in_use", lambda: toy)
    app = take(opened("analyse"), "disco")
    assert not any("bits a bar" in each.value for each in app.markdown)
    n_pictures = len(app.get("plotly_chart"))
    next(toggle for toggle in app.toggle if toggle.key == "show surprises").set_value(True).run()
    assert not app.exception
    assert any("bits a bar" in each.value for each in app.markdown)
    [rows] = [each.value for each in app.markdown if "| Quarter note |" in each.value]
    assert len(rows.strip().splitlines()) == 2 + analysis.N_SURPRISES
    assert len(app.get("plotly_chart")) == n_pictures + 1
