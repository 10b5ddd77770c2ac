"""The card of a checkpoint, read from the header of its file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from toys import checkpoint_file

from rhythmvae.errors import CheckpointError
from rhythmvae.kit import KitMap
from rhythmvae.model import checkpoint
from rhythmvae.model.card import card_of, kit_map_of, read_header, sliders_of, styles_of


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    return checkpoint_file(tmp_path_factory.mktemp("model") / "toy.safetensors")


def test_the_header_alone_says_what_the_loaded_checkpoint_says(toy):
    loaded, header = checkpoint.load(toy), read_header(toy)
    card = card_of(header, toy.name)
    assert card == loaded.card
    assert styles_of(card) == loaded.prior.config.styles == ("funk", "jazz")
    assert sliders_of(header) == set(loaded.quantiles.knots)
    assert kit_map_of(card) == loaded.kit_map


def test_a_header_is_read_without_torch(toy):
    code = "import sys; from pathlib import Path; from rhythmvae.model.card import *; "
    code += "print(len(read_header(Path(sys.argv[1])).keys()) > 10, 'torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code, str(toy)], capture_output=True, text=True, check=True)
    assert result.stdout == "True False\n"


def test_rules_of_reading_that_make_no_sense_are_left_out():
    rules = {"44": "kick", "39": "none", "300": "kick", "x": "kick", "40": "gong", "41": 3}
    assert kit_map_of({"reading": {"map": rules}}) == KitMap({44: 0, 39: None})
    for odd in ({}, {"reading": 3}, {"reading": {"map": [44]}}):
        assert kit_map_of(odd) == KitMap()


@pytest.mark.parametrize("prior", [None, 3, {}, {"styles": "funk"}, {"styles": [1]}], ids=str)
def test_a_card_without_styles_has_none(prior):
    assert styles_of({"prior": prior}) == ()


@pytest.mark.parametrize("data", [b"", b"MThd", b"\xff" * 64, (99).to_bytes(8, "little") + b"{}"], ids=repr)
def test_other_files_are_refused(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(CheckpointError, match="x is another kind of file"):
        read_header(tmp_path / "x")


def test_files_that_are_not_there_are_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(CheckpointError, match="found no such file"):
            read_header(path)
