"""The card of a checkpoint, read from the header of its file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from toys import checkpoint_file

from rhythmvae.analysis.figures import Figures
from rhythmvae.errors import CheckpointError
from rhythmvae.kit import KitMap
from rhythmvae.model import checkpoint
from rhythmvae.model.card import (
    BEFORE,
    FORMAT_VERSION,
    OWN,
    SHIPPED,
    Before,
    Card,
    Completed,
    Copying,
    Data,
    HeldOut,
    JudgedFile,
    MapFacts,
    Metrics,
    Nearness,
    Reading,
    Row,
    Training,
    card_of,
    from_json,
    json_of,
    read_header,
    sliders_of,
    to_json,
)

KEPT = Path(__file__).parents[1] / "kept"


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    return checkpoint_file(tmp_path_factory.mktemp("model") / "toy.safetensors")


def test_the_header_alone_says_what_the_loaded_checkpoint_says(toy):
    loaded, header = checkpoint.load(toy), read_header(toy)
    card = card_of(header, toy.name)
    assert card == loaded.card
    assert card.styles == loaded.prior.config.styles == ("funk", "jazz")
    assert card.latent_size == loaded.model.config.latent_size
    assert sliders_of(header) == set(loaded.quantiles.knots)


def test_a_header_is_read_without_torch(toy):
    code = "import sys; from pathlib import Path; from rhythmvae.model.card import *; "
    code += "print(len(read_header(Path(sys.argv[1])).keys()) > 10, 'torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code, str(toy)], capture_output=True, text=True, check=True)
    assert result.stdout == "True False\n"


def test_rules_of_reading_that_make_no_sense_are_left_out():
    rules = {"44": "kick", "39": "none", "300": "kick", "x": "kick", "40": "gong", "41": 3}
    assert from_json({"reading": {"map": rules}}).reading.kit_map == KitMap({44: 0, 39: None})
    for odd in ({}, {"reading": 3}, {"reading": {"map": [44]}}):
        assert from_json(odd).reading.kit_map == KitMap()


def test_a_kit_map_is_read_as_it_was_written():
    kit = KitMap({50: 2, 39: None, 44: 0})
    assert Reading.of(kit).kit_map == kit
    assert list(Reading.of(kit).map) == ["39", "44", "50"]


@pytest.mark.parametrize("prior", [None, 3, {}, {"styles": "funk"}, {"styles": [1]}], ids=str)
def test_a_card_without_styles_has_none(prior):
    assert from_json({"prior": prior}).styles == ()


# -- as JSON -------------------------------------------------------------------


def differences(said: Any, written: Any, place: str = "") -> dict[str, Any]:
    """Where a card as written again is not what was read: place and the two values."""
    if isinstance(said, dict) and isinstance(written, dict):
        found = [differences(said.get(key), written.get(key), f"{place}.{key}") for key in said.keys() | written.keys()]
        return {key: value for each in found for key, value in each.items()}
    return {} if said == written else {place: (said, written)}


@pytest.mark.parametrize("path", [SHIPPED, KEPT / "toy.safetensors"], ids=["shipped", "kept"])
def test_the_card_of_an_older_file_is_written_as_it_was_read(path):
    said = json_of(read_header(path), path.name)
    card = from_json(said)
    assert not card.odd
    assert not card.more
    text = json.dumps({**said, "version": FORMAT_VERSION})
    for was, now in {"atlas": "latent_map", "numbers": "latent_dimensions", "same": "exact_duplicates"}.items():
        text = text.replace(f'"{was}":', f'"{now}":')
    changed = differences(json.loads(text), to_json(card))
    assert all(was is None and now is None for was, now in changed.values()), changed


def test_every_part_is_written_and_read_again():
    judged = HeldOut((Row(OWN, 8, Figures(f1=0.5)),), (JudgedFile("a.mid", 0.5),), 5, ("b.mid",))
    card = Card(
        refinement=3,
        about="mine",
        before=Before("abc", "ours"),
        reading=Reading({"44": "kick"}),
        training=Training.of({"epochs": 3, "seed": 1, "max_minutes": 2}, init="shipped", steps=4),
        config={"epochs": 3},
        data=Data(train_takes=2),
        metrics=Metrics(Figures(f1=0.5, f1_by_voice={"kick": 1.0, "ride": None})),
        held_out=judged,
        copying=Copying(Nearness(3.0, 0.0), Nearness(4, 0.5)),
        completed=(Completed(OWN, 0.75, 0.7, 0.83), Completed(BEFORE, 0.7)),
        latent_map=MapFacts(3, 2, 30.0, 0, None, (0.5, 0.25)),
        comparison={"seed": 0},
    )
    assert card.training.more == {"epochs": 3}
    assert {own.name for own in fields(Card) if getattr(card, own.name) == getattr(Card(), own.name)} == {
        *("version", "model", "prior", "completion", "more")
    }
    written = json.loads(json.dumps(to_json(card)))
    assert from_json(written) == card
    assert to_json(from_json(written)) == written


def test_keys_before_version_5_are_read_by_their_new_names():
    map_facts = {"n_points": 3, "perplexity": 30.0, "seed": 0}
    old = {
        "atlas": map_facts,
        "held_out": {"rows": [{"name": OWN, "numbers": 8, "score": {}}], "files": []},
        "copying": {"samples": {"cells": 1.0, "same": 0.5}, "held_out": {"cells": 2.0, "same": 0.0}},
    }
    card = from_json(old)
    assert card.latent_map == MapFacts(3, None, 30.0, 0)
    assert card.held_out == HeldOut((Row(OWN, 8, Figures()),), ())
    assert card.copying == Copying(Nearness(1.0, 0.5), Nearness(2.0, 0.0))
    assert from_json(to_json(card)) == card
    assert not {"atlas", "numbers", "same"} & set(re.findall(r"\w+", json.dumps(to_json(card))))
    both = from_json({"atlas": 3, "latent_map": map_facts})
    assert (both.latent_map, both.more) == (card.latent_map, {"atlas": 3})
    assert from_json({"atlas": 3}).odd == {"latent_map"}


def test_what_a_card_does_not_know_or_expect_stays_as_it_was():
    said = {
        "more": 1,
        "later": {"a": [1]},
        "metrics": 7,
        "about": ["x"],
        "data": {"train_takes": "n", "train_hits": True, "train_minutes": 3, "later": None},
        "held_out": {"rows": [{"name": "x"}], "files": []},
        "copying": {"samples": {"cells": 1.0}},
    }
    card = from_json(said)
    assert card.odd == {"metrics", "about", "held_out", "copying"}
    assert card.data == Data(train_minutes=3, more={"train_takes": "n", "train_hits": True, "later": None})
    assert card.data.odd == {"train_takes", "train_hits"}
    assert to_json(card).items() >= {key: said[key] for key in said if key != "data"}.items()
    assert to_json(card)["data"].items() >= said["data"].items()


def test_an_empty_card_says_nothing_of_its_own():
    assert set(to_json(Card())) == {"format", "version", "kit"}


# -- in the header of a file ---------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"MThd", b"\xff" * 64, (99).to_bytes(8, "little") + b"{}"], ids=repr)
def test_other_files_are_refused(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(CheckpointError, match="x is another kind of file"):
        read_header(tmp_path / "x")


def test_files_that_are_not_there_are_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(CheckpointError, match="found no such file"):
            read_header(path)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, "^$"),
        (0.0, "as the model before"),
        (0.75, "^75% of what it learned is kept"),
        (1.0, "^Everything it learned is kept"),
    ],
)
def test_a_card_says_how_much_of_what_was_learned_is_kept(share, said):
    assert re.search(said, Before(share=share).sentence)
