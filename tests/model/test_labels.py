"""What is learned of grooves: sane for anything that plays, honest where it does not know, and safe to read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.numpy
from grooves import random_groove

from rhythmvae import describe
from rhythmvae.analysis.description import seen
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import CheckpointError
from rhythmvae.groove import Groove
from rhythmvae.model import labels
from rhythmvae.model.labels import FORMAT, SHIPPED


def test_every_pattern_has_labels_that_are_some() -> None:
    grooves = [pattern.groove() for pattern in EXAMPLES.values()]
    for groove, said in zip(grooves, labels.shipped().of([seen(groove) for groove in grooves]), strict=True):
        for name in ("style", "drummer"):
            shares = said[name]["probabilities"]
            assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
            assert list(shares.values()) == sorted(shares.values(), reverse=True)
            assert said[name]["label"] in (None, next(iter(shares)))
        assert len(said["beat_or_fill"]["bars"]) == groove.n_bars
        assert said["beat_or_fill"]["label"] == "beat"
        distances = [take["distance"] for take in said["nearest"]]
        assert distances == sorted(distances)


def test_labels_are_the_same_alone_and_among_others() -> None:
    grooves = [example("funk"), random_groove(3), example("waltz")]
    together = labels.shipped().of([seen(groove) for groove in grooves])
    assert together == [labels.shipped().of([seen(groove)])[0] for groove in grooves]


def test_no_style_is_named_of_hits_that_fall_anywhere() -> None:
    said = [describe(random_groove(seed), with_lists=False)["style"]["label"] for seed in range(10)]
    assert said.count(None) >= 9


def test_a_bar_of_rolling_toms_after_a_beat_is_a_fill() -> None:
    rock = example("rock").bars(1, 1)
    steps = np.arange(16.0)
    toms = rock.with_hits(steps, np.repeat([6, 5, 4, 1], 4), np.tile([110, 70, 90, 75], 4))
    whole = rock.looped(4).with_bars(4, 4, toms)
    assert [bar["label"] for bar in describe(whole)["beat_or_fill"]["bars"]] == ["beat"] * 3 + ["fill"]


def test_silence_is_neither_beat_nor_fill() -> None:
    rock = example("rock")
    said = describe(Groove.silent(32, rock.tempos, rock.meters))
    assert said["style"]["label"] is None
    assert said["beat_or_fill"]["bars"] == [{"label": None, "probability": None}] * 2


def test_what_is_saved_is_read(tmp_path) -> None:
    labels.save(tmp_path / "own.safetensors", labels.shipped())
    read = labels.read(tmp_path / "own.safetensors")
    assert read.facts == labels.shipped().facts
    assert read.of([seen(example("funk"))]) == labels.shipped().of([seen(example("funk"))])


def test_labels_weigh_less_than_a_megabyte() -> None:
    assert SHIPPED.stat().st_size < 1e6


def in_another_order(array):
    """As a turned view was written: its shape, and its numbers as they lay."""
    return array.T.copy().reshape(array.shape)


def _changed(path, change) -> None:
    data = SHIPPED.read_bytes()
    arrays = {key: array.copy() for key, array in safetensors.numpy.load(data).items()}
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    facts = json.loads(header["__metadata__"][FORMAT])
    change(arrays, facts)
    path.write_bytes(safetensors.numpy.save(arrays, metadata={FORMAT: json.dumps(facts)}))


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays, facts: facts.update(version=2),
        lambda arrays, facts: facts.update(near=0),
        lambda arrays, facts: facts.update(styles=["rock", "rock"]),
        lambda arrays, facts: facts["base"].pop("fill"),
        lambda arrays, facts: facts["takes"].pop(),
        lambda arrays, facts: arrays.pop("fill.first"),
        lambda arrays, facts: arrays["space.scale"].fill(0),
        lambda arrays, facts: arrays.update({"space.components": in_another_order(arrays["space.components"])}),
        lambda arrays, facts: arrays["style.right"].fill(0),
        lambda arrays, facts: arrays.update(more=np.zeros(3)),
    ],
)
def test_what_is_damaged_is_refused_in_a_sentence(tmp_path, change) -> None:
    path = tmp_path / "odd.safetensors"
    _changed(path, change)
    with pytest.raises(CheckpointError, match=r"Expected labels .* odd\.safetensors"):
        labels.read(path)


@pytest.mark.parametrize("data", [b"", b"no labels", SHIPPED.read_bytes()[:5000]])
def test_another_file_is_refused(tmp_path, data) -> None:
    (tmp_path / "odd.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError):
        labels.read(tmp_path / "odd.safetensors")
