"""One file with everything in it, and what becomes of files that are something else."""

from __future__ import annotations

import json
import math
import pickle
import random
import resource
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from grooves import random_groove
from toys import (
    FAMILY_TOYS,
    TOY,
    checkpoint_file,
    completion,
    latent_map,
    model,
    prior,
    quantiles,
    with_card,
    with_header,
    with_tensors,
)

from rhythmvae.analysis.quantiles import MAX_KNOTS, Quantiles
from rhythmvae.cli.cards import facts, summary
from rhythmvae.errors import CheckpointError
from rhythmvae.model import checkpoint, generate, latent
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import FORMAT, FORMAT_VERSION, Card, Metrics, json_of, read_header, to_json
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.latent_map import MAX_LETTERS, MAX_POINTS
from rhythmvae.model.outline import MAX_FILE_BYTES, TAKES
from rhythmvae.model.prior import Prior


@pytest.fixture(scope="module")
def valid(tmp_path_factory) -> bytes:
    return checkpoint_file(tmp_path_factory.mktemp("toy") / "toy.safetensors").read_bytes()


def with_takes(data: bytes, text: str) -> bytes:
    return with_header(data, lambda header: header["__metadata__"].update({TAKES: text}))


def refused(data: bytes, match: str) -> None:
    with pytest.raises(CheckpointError, match=match) as caught:
        checkpoint.loads(data, "x.safetensors")
    sentence = str(caught.value)
    assert "x.safetensors" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 500


# -- round trip


@pytest.mark.parametrize("config", FAMILY_TOYS.values(), ids=FAMILY_TOYS)
def test_what_is_saved_is_loaded(tmp_path, config):
    built, own = model(config), prior(config.latent_size)
    path = tmp_path / "new folder" / "m.safetensors"
    checkpoint.save(
        path, built, own, quantiles(), Card(about="ünïcode", metrics=Metrics(kl_nats=0.5), more={"new": [1]})
    )
    loaded = checkpoint.load(path)
    assert (loaded.model.config, loaded.prior.config) == (config, own.config)
    for read, written in ((loaded.model, built), (loaded.prior, own)):
        assert not read.training
        assert not any(parameter.requires_grad for parameter in read.parameters())
        assert read.state_dict().keys() == written.state_dict().keys()
        for name, value in read.state_dict().items():
            assert value.dtype == torch.float32
            assert torch.equal(value, written.state_dict()[name].half().float()), name
    assert loaded.quantiles.knots.keys() == quantiles().knots.keys()
    assert all(np.array_equal(loaded.quantiles.knots[name], quantiles().knots[name]) for name in quantiles().knots)
    assert (loaded.card.about, loaded.card.metrics.kl_nats) == ("ünïcode", 0.5)
    assert loaded.card.more == {"new": [1]}
    assert [v["voice"] for v in json_of(read_header(path), "m")["kit"]][:2] == ["kick", "snare"]
    halved = model(config).half().float()
    played = random_groove(1)
    assert latent.reconstruct(loaded.model, played) == latent.reconstruct(halved, played)
    assert [p.name for p in path.parent.iterdir()] == ["m.safetensors"]


def test_what_is_loaded_makes_what_was_measured_before_it_was_saved(valid):
    """Half precision is all that a file takes away: its grooves are those of rounded weights."""
    loaded = checkpoint.loads(valid, "x")
    rounded = Checkpoint(model().half().float(), prior().half().float(), quantiles())
    for own in (rounded.model, rounded.prior):
        own.eval()
    assert generate.sample(loaded, seed=3, style="jazz") == generate.sample(rounded, seed=3, style="jazz")
    [first], [second] = (generate.vary(own, random_groove(1), asked={"density": 0.4}) for own in (loaded, rounded))
    assert (first.groove, first.settings) == (second.groove, second.settings)


def test_the_map_is_kept(valid):
    own, loaded = latent_map(), checkpoint.loads(valid, "x")
    assert loaded.latent_map is not None
    for key in (field.name for field in fields(own)):
        value, read = getattr(own, key), getattr(loaded.latent_map, key)
        assert np.array_equal(read, value, equal_nan=True) if isinstance(value, np.ndarray) else read == value, key
        assert not isinstance(read, np.ndarray) or not read.flags.writeable
    assert loaded.card.latent_map == latent_maps.facts(own)
    assert "drummer" not in str(loaded.card)  # names stay out of the card


def test_a_file_of_version_2_has_no_map(tmp_path, valid):
    def without(tensors: dict[str, torch.Tensor]) -> None:
        for key in [key for key in tensors if key.startswith("atlas.")]:
            del tensors[key]

    older = with_tensors(with_card(valid, lambda card: (card.pop("latent_map"), card.update(version=2))), without)
    loaded = checkpoint.loads(older, "x")
    assert loaded.latent_map is None
    loaded.write(tmp_path / "m.safetensors")
    again = checkpoint.load(tmp_path / "m.safetensors")
    assert (again.latent_map, again.card) == (None, replace(loaded.card, version=FORMAT_VERSION))


def test_scales_may_lack_what_no_window_defines(tmp_path):
    few = Quantiles({name: knots for name, knots in quantiles().knots.items() if name not in ("swing", "density_toms")})
    own = prior()
    lacking = replace(own.config, n_traits=own.config.n_traits - 1)  # swing is a trait, the toms are a slider
    checkpoint.save(tmp_path / "m.safetensors", model(), Prior(lacking), few, Card())
    with pytest.raises(CheckpointError, match="prior and scales"):  # a bank of no style
        checkpoint.load(tmp_path / "m.safetensors")
    checkpoint.save(tmp_path / "m.safetensors", model(), Prior(replace(lacking, styles=())), few, Card())
    assert checkpoint.load(tmp_path / "m.safetensors").quantiles.knots.keys() == few.knots.keys()


def test_digests_are_of_the_model_and_of_all_that_makes_grooves(tmp_path, valid):
    first = checkpoint.loads(valid, "b")
    assert first.is_named(first.digest)
    same = checkpoint.load(checkpoint_file(tmp_path / "a.safetensors"))
    talked = checkpoint.loads(with_card(valid, lambda card: card.update(about="other")), "b")
    assert {(c.digest, c.contents) for c in (first, same, talked)} == {(first.digest, first.contents)}

    def changed(key: str) -> Checkpoint:
        def change(tensors: dict[str, torch.Tensor]) -> None:
            tensors[key] = tensors[key] * 0.5

        return checkpoint.loads(with_tensors(valid, change), "b")

    another_prior, another_model = changed("prior.std"), changed("model.scale")
    assert another_prior.digest == first.digest != another_model.digest
    assert len({c.contents for c in (first, another_prior, another_model)}) == 3
    levelled = with_card(valid, lambda card: card["model"].update(velocity_levels=[92]))
    assert checkpoint.loads(levelled, "b").digest != first.digest


def test_files_before_version_6_keep_their_digest(valid):
    now, before = (
        checkpoint.loads(with_card(valid, lambda card, version=version: card.update(version=version)), "b")
        for version in (6, 5)
    )
    assert before.digest == before.contents == now.contents != now.digest
    assert now.is_named(before.digest)


def test_saving_twice_replaces_and_what_cannot_be_written_is_said(tmp_path):
    path = checkpoint_file(tmp_path / "a.safetensors")
    checkpoint.save(path, model(seed=1), prior(), quantiles(), Card())
    assert checkpoint.load(path).card.about is None
    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoint.save(path / "below a file.safetensors", model(), prior(), quantiles(), Card())


# -- refused


def test_no_file(tmp_path):
    with pytest.raises(CheckpointError, match="found no such file"):
        checkpoint.load(tmp_path / "nowhere.safetensors")
    with pytest.raises(CheckpointError, match="found no such file"):
        checkpoint.load(tmp_path)


def test_a_file_over_the_limit_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    monkeypatch.setattr(checkpoint, "loads", lambda *_: pytest.fail("parsed"))
    with pytest.raises(CheckpointError, match="at most 64 MB"):
        checkpoint.load(path)


class Exploit:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("the pickle was run",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 7,
        random.Random(0).randbytes(4096),
        pickle.dumps(Exploit()),
        b"PK\x03\x04" + bytes(200),
        b"MThd" + bytes(100),
        (2**63).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{x",
        (4).to_bytes(8, "little") + b"\xff\xfe\xff\xfe",
        (200_000).to_bytes(8, "little") + b'{"a":' * 40_000,
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
    ],
    ids=["empty", "short", "random", "pickle", "zip", "midi", "huge", "list", "no json", "no text", "deep", "deeper"],
)
def test_other_files(data):
    refused(data, r"Expected a rhythmvae checkpoint \(\.safetensors\)")


def test_foreign_safetensors():
    refused(safetensors.torch.save({"a": torch.zeros(2)}), "not one that rhythmvae wrote")
    refused(safetensors.torch.save({"a": torch.zeros(2)}, {FORMAT: "[]"}), "not one that rhythmvae wrote")
    refused(safetensors.torch.save({"a": torch.zeros(2)}, {FORMAT: "[" * 100_000}), "not one that rhythmvae wrote")


def put(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda card: card.update(values)


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (put(version=0), "Expected a rhythmvae checkpoint of version 1, 2, 3, 4, 5, 6 or 7, x.safetensors has version"),
        (put(version=8), "version 1, 2, 3, 4, 5, 6 or 7, x.safetensors has version 8"),
        (put(refinement="3"), "its refinement is described by no number"),
        (put(refinement=9), "cannot be built: Expected rounds of refinement from 0 to 8, got 9"),
        (put(refinement=-1), "cannot be built: Expected rounds of refinement from 0 to 8, got -1"),
        (put(version="9" * 10_000), "has version 999"),
        (put(format="other"), "Expected a rhythmvae checkpoint"),
        (put(model=[]), "Expected a rhythmvae checkpoint"),
        (lambda card: card.pop("version"), "not one that rhythmvae wrote"),
        (put(kit=[]), "another kit"),
        (lambda card: card.pop("kit"), "another kit"),
        (lambda card: card["kit"].reverse(), "another kit"),
        (put(figure=float("nan")), "holds what no card holds"),
        (put(figure=[float("-inf")]), "holds what no card holds"),
        (put(figure=nested(200)), "holds what no card holds"),
    ],
)
def test_other_cards(valid, change, match):
    refused(with_card(valid, change), match)


@pytest.mark.parametrize(
    "model_card",
    [
        {},
        {"encoder": "e" * 100_000},
        {"encoder": ["attention"]},
        {"decoder": None},
        {"width": "16"},
        {"width": -16},
        {"width": 2**70},
        {"width": 16.0},
        {"depth": True},
        {"depth": None},
        {"dropout": "0.5"},
        {"dropout": [0]},
        {"latent_size": {}},
        {"unknown": 1},
        {"width": 4096, "depth": 32},
    ],
    ids=lambda card: str(card)[:40],
)
def test_models_that_cannot_be_or_are_not_in_the_file(valid, model_card):
    def change(card: dict[str, Any]) -> None:
        card["model"] = card["model"] | model_card if model_card else {}

    refused(with_card(valid, change), "cannot be built|not those of the model")


@pytest.mark.parametrize(
    "prior_card",
    [
        None,
        {},
        [],
        "prior",
        {"latent_size": 64},
        {"latent_size": 2**70},
        {"n_tokens": 3},
        {"n_tokens": 1},
        {"n_tokens": None},
        {"n_bank": 16_384},
        {"n_bank": 10**9},
        {"n_traits": 1},
        {"n_traits": True},
        {"styles": ["funk"]},
        {"styles": ["funk", "jazz", "rock"]},
        {"styles": ["funk", 1]},
        {"styles": ["funk", ""]},
        {"styles": ["funk", "j" * 65]},
        {"styles": ["s"] * 1000},
        {"styles": None},
        {"width": 2048},
        {"width": 16.0},
        {"depth": 2},
        {"hidden": 33},
        {"n_components": 64},
        {"n_components": "3"},
        {"unknown": 1},
    ],
    ids=lambda card: str(card)[:40],
)
def test_priors_that_cannot_be_or_are_not_in_the_file(valid, prior_card):
    def change(card: dict[str, Any]) -> None:
        card["prior"] = card["prior"] | prior_card if isinstance(prior_card, dict) and prior_card else prior_card

    refused(with_card(valid, change), "cannot be built|not those of the model")


def test_what_completes_is_kept_and_names_nothing(tmp_path, valid):
    """The digest that links name is that of encoder and decoder alone; the contents are another."""
    loaded = checkpoint.loads(valid, "x")
    bare = replace(loaded, own_completion=None)
    bare.write(tmp_path / "bare")
    without = checkpoint.load(tmp_path / "bare")
    assert loaded.completion.config == completion().config
    for name, value in loaded.completion.state_dict().items():
        assert torch.equal(value, completion().state_dict()[name].half().float()), name
    assert (without.digest, without.contents != loaded.contents) == (loaded.digest, True)
    assert without.card.completion is None
    with pytest.raises(CheckpointError, match="Expected a model that completes grooves"):
        without.completion  # noqa: B018
    loaded.write(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == valid


def test_what_completes_draws_once_it_is_read_from_a_file(valid):
    read = checkpoint.loads(valid, "x").completion
    known = torch.zeros(1, 8, read.config.read_width)
    assert torch.isfinite(read.sample(known, 1.0, torch.Generator().manual_seed(0))).all()


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        [],
        {"latent_size": 64},
        {"n_layers": 3},
        {"n_traits": 1},
        {"styles": ["funk"]},
        {"styles": 3},
        {"read_width": 2048},
        {"read_depth": 2},
        {"read_depth": True},
        {"width": 17},
        {"hidden": 33},
        {"unknown": 1},
    ],
    ids=lambda card: str(card)[:40],
)
def test_completions_that_cannot_be_or_are_not_in_the_file(valid, said):
    def change(card: dict[str, Any]) -> None:
        card["completion"] = card["completion"] | said if isinstance(said, dict) and said else said

    refused(with_card(valid, change), "cannot be built|not those of the model")


def test_a_file_without_a_prior(valid):
    refused(with_card(valid, lambda card: card.pop("prior")), "not those of the model it describes")


def test_a_prior_of_version_1_is_none_of_a_later_file(valid):
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors["prior.weights"] = torch.ones(1)

    refused(with_tensors(valid, change), r"not those of the model .*prior\.weights")


@pytest.mark.parametrize("family", FAMILY_TOYS)
def test_an_absurd_model_is_refused_before_anything_of_its_size_is_made(valid, family):
    absurd = dict(encoder=family, decoder=family, width=4096, depth=32, latent_size=1024)
    data = with_card(valid, lambda card: card.update(model=card["model"] | absurd))
    refused_at_once(data)


def test_an_absurd_prior_is_refused_before_anything_of_its_size_is_made(valid):
    absurd = dict(n_bank=16_384, n_traits=256, width=2048, depth=32, hidden=4096, n_components=64)
    refused_at_once(with_card(valid, lambda card: card.update(prior=card["prior"] | absurd)))
    absurd = dict(read_width=2048, read_depth=32, width=2048, depth=32, hidden=4096, n_components=64)
    refused_at_once(with_card(valid, lambda card: card.update(completion=card["completion"] | absurd)))


def refused_at_once(data: bytes) -> None:
    """And without the memory: torch's, that of the process, is watched beside Python's."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    refused(data, "not those of the model")
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    if sys.platform == "linux":  # elsewhere it counts in another unit
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 100e6


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.pop("prior.mean"), "prior.mean"),
        (lambda t: t.pop("prior.within.last.weight"), "prior.within.last.weight"),
        (lambda t: t.pop("model.scale"), "model.scale"),
        (lambda t: t.update({"extra": torch.zeros(1)}), "extra"),
        (lambda t: t.update({"prior.within.second_mask": torch.ones(32, 32)}), "prior.within.second_mask"),
        (lambda t: t.update({"model.scale": torch.ones(3)}), "model.scale"),
        (lambda t: t.update({"model.scale": torch.zeros(2)}), "prior and scales"),
        (lambda t: t.update({"model.scale": torch.ones(2, dtype=torch.float64)}), "their type"),
        (lambda t: t.update({"model.scale": torch.ones(2, dtype=torch.int32)}), "their type"),
        (lambda t: t.update({"model.scale": torch.tensor([float("nan"), 1])}), "finite weights"),
        (lambda t: t.update({"prior.mean": t["prior.mean"] / 0}), "finite weights"),
        (lambda t: t.update({"prior.bank": t["prior.bank"][:0]}), "not those of the model"),
        (lambda t: t["prior.std"].zero_(), "prior and scales"),
        (lambda t: t["prior.std"][3:4].neg_(), "prior and scales"),
        (lambda t: t["completion.std"].zero_(), "prior and scales"),
        (lambda t: t["completion.touch"][2].neg_(), "prior and scales"),
        (lambda t: t["prior.bank_style"][3:4].fill_(3), "prior and scales"),
        (lambda t: t["prior.bank_style"][3:4].fill_(-1), "prior and scales"),
        (lambda t: t["prior.bank_style"][3:4].fill_(0.5), "prior and scales"),
        (lambda t: t["prior.bank_style"].fill_(1), "prior and scales"),  # nobody plays style 0
    ],
)
def test_other_tensors(valid, change, match):
    refused(with_tensors(valid, change), match)


def knots(*columns: tuple[float, float]) -> torch.Tensor:
    """Values over places."""
    return torch.tensor(columns).T.contiguous()


@pytest.mark.parametrize(
    ("name", "own", "match"),
    [
        ("density", knots((1, 0.2), (1, 0.8)), "prior and scales"),
        ("density", knots((2, 0.2), (1, 0.8)), "prior and scales"),
        ("density", knots((1, 0.8), (2, 0.2)), "prior and scales"),
        ("density", knots((1, 0.5), (2, 0.5)), "prior and scales"),
        ("density", knots((1, -0.1), (2, 0.5)), "prior and scales"),
        ("density", knots((1, 0.5), (2, 1.1)), "prior and scales"),
        ("density", knots((1, 0.5), (math.inf, 0.9)), "finite weights"),
        ("density", knots((math.nan, 0.5)), "finite weights"),
        ("density", torch.zeros(2, 0), r"scale\.density"),
        ("density", torch.zeros(2), r"scale\.density"),
        ("density", torch.zeros(3, 4), r"scale\.density"),
        ("density", torch.zeros(2, 2, 2), r"scale\.density"),
        ("density", torch.linspace(0, 1, MAX_KNOTS + 1).repeat(2, 1), r"scale\.density"),
        ("density", torch.linspace(0, 1, 10, dtype=torch.float64).repeat(2, 1), "their type"),
        ("groove", knots((1, 0.5)), r"scale\.groove"),
        ("../density", knots((1, 0.5)), r"scale\.\.\./density"),
        ("swing", None, "prior and scales"),  # a trait that the prior asks for
    ],
    ids=lambda value: str(value).replace("\n", "")[:40],
)
def test_other_scales(valid, name, own, match):
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors.pop(f"scale.{name}", None)
        if own is not None:
            tensors[f"scale.{name}"] = own

    refused(with_tensors(valid, change), match)


@pytest.mark.parametrize("own", [knots((1, 0.5)), torch.linspace(0, 1, MAX_KNOTS).repeat(2, 1)], ids=["one", "most"])
def test_scales_of_one_knot_and_of_as_many_as_there_can_be(valid, own):
    loaded = checkpoint.loads(with_tensors(valid, lambda t: t.update({"scale.density": own})), "x")
    assert loaded.quantiles.knots["density"].dtype == np.float64
    [varied] = generate.vary(loaded, random_groove(1), asked={"density": 0.4})
    assert 0 <= varied.settings["density"].achieved <= 1


@pytest.mark.parametrize("key", ["model.scale", "prior.std", "completion.touch", "scale.density", "scale.groove"])
@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"dtype": "F16", "shape": "2", "data_offsets": [0, 4]},
        {"dtype": ["F16"], "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]},
        {"dtype": "F16", "shape": [2**62], "data_offsets": [0, 2**63]},
        {"dtype": "F16", "shape": [2.0], "data_offsets": [0, 4]},
        {"dtype": "F16", "shape": [2, 2.0], "data_offsets": [0, 4]},
        {"dtype": "F16", "shape": [2, "2"], "data_offsets": [0, 4]},
        {"dtype": "F16", "shape": [2, [2]], "data_offsets": [0, 4]},
        {"dtype": "F16", "shape": [2, None], "data_offsets": [0, 4]},
        {"dtype": "F16", "shape": [2, True], "data_offsets": [0, 4]},
        {"dtype": "F16", "shape": [2], "data_offsets": [0, 2**40]},
        {"dtype": "F16", "shape": [2], "data_offsets": [4, 0]},
    ],
    ids=str,
)
def test_headers_that_lie(valid, key, entry):
    refused(with_header(valid, lambda header: header.update({key: entry})), "damaged|not those")


def test_a_file_that_was_cut_short(valid):
    for length in (4, 8, 100, len(valid) // 2, len(valid) - 1):
        with pytest.raises(CheckpointError):
            checkpoint.loads(valid[:length], "x.safetensors")
    refused(valid[:-1], "only part of it")
    refused(valid + b"\x00", "damaged")


@pytest.mark.usefixtures("brief_feel")
def test_flipped_bits_give_a_sentence_or_a_model(valid):
    draw = random.Random(0)
    header_end = 8 + int.from_bytes(valid[:8], "little")
    n_refused = 0
    for trial in range(300):
        damaged = bytearray(valid)
        for _ in range(draw.choice([1, 1, 4])):
            place = draw.randrange(header_end if trial % 3 else len(valid))
            damaged[place] ^= 1 << draw.randrange(8)
        try:
            loaded = checkpoint.loads(bytes(damaged), "x.safetensors")
            assert summary(loaded.card, len(damaged)) + facts(to_json(loaded.card))
            generate.sample(loaded, n_bars=1)
            latent.reconstruct(loaded.model, random_groove(1))
            if loaded.latent_map is not None:
                assert np.isfinite(latent_maps.place(loaded.latent_map, loaded.latent_map.latents)).all()
                assert len(latent_maps.nearest(loaded.latent_map, loaded.latent_map.latents[0])) == 3
                assert [latent_maps.decode_point(loaded.model, loaded.latent_map, i).title for i in range(3)]
        except CheckpointError:
            n_refused += 1
    assert 50 < n_refused < 300


def test_weights_that_give_no_numbers_are_a_sentence(valid):
    huge = with_tensors(
        valid, lambda t: t.update({k: torch.full_like(v, 6e4) for k, v in t.items() if k.startswith("model.encoder")})
    )
    broken = checkpoint.loads(huge, "x").model
    broken.load_state_dict({k: v * 1e30 for k, v in broken.state_dict().items()})
    with pytest.raises(CheckpointError, match="give no numbers"):
        latent.reconstruct(broken, random_groove(1))


def test_other_configurations_do_not_fit(tmp_path):
    path = checkpoint_file(tmp_path / "wide.safetensors", replace(TOY, width=32))
    refused(with_card(path.read_bytes(), lambda card: card["model"].update(width=16)), "not those of the model")


def test_a_prior_of_another_models_latents_does_not_fit(tmp_path):
    checkpoint.save(tmp_path / "m.safetensors", model(), prior(64), quantiles(), Card())
    with pytest.raises(CheckpointError, match="not those of the model"):
        checkpoint.load(tmp_path / "m.safetensors")


def test_a_path_and_its_bytes_load_the_same(tmp_path):
    path: Path = checkpoint_file(tmp_path / "m.safetensors")
    assert checkpoint.load(path).card == checkpoint.loads(path.read_bytes(), "m").card


# -- maps


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (None, r"not those of the model .*atlas\.bars"),
        ([], "declared"),
        ({}, "declared"),
        ({"n_points": 0}, "declared"),
        ({"n_points": -3}, "declared"),
        ({"n_points": True}, "declared"),
        ({"n_points": 3.0}, "declared"),
        ({"n_points": "3" * 9999}, "declared"),
        ({"n_points": MAX_POINTS + 1}, "declared"),
        ({"n_points": 10**12}, "declared"),
        ({"n_points": 4}, "not those of the model"),
        ({"n_points": MAX_POINTS}, "not those of the model"),
        ({"n_points": 3}, "a perplexity out of range"),
        ({"n_points": 3, "perplexity": 30, "seed": -1}, "a seed out of range"),
        ({"n_points": 3, "perplexity": 30, "seed": 1.5}, "a seed out of range"),
        ({"n_points": 3, "perplexity": 1e9, "seed": 1}, "a perplexity out of range"),
        ({"n_points": 3, "perplexity": 30, "seed": 1, "trustworthiness": "1"}, "a trustworthiness out of range"),
        ({"n_points": 3, "perplexity": 30, "seed": 1, "trustworthiness": 2}, "a trustworthiness out of range"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_maps_that_are_declared_otherwise(valid, said, match):
    refused(with_card(valid, put(latent_map=said)), match)


def test_a_map_that_no_card_declares(valid):
    refused(with_card(valid, lambda card: card.pop("latent_map")), r"atlas\.bars")


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("latents", math.inf, "latents out of range"),
        ("latents", math.nan, "latents out of range"),
        ("latents", 20_000.0, "latents out of range"),
        ("tsne", math.nan, "tsne out of range"),
        ("tsne", -1e30, "tsne out of range"),
        ("mean", math.inf, "mean out of range"),
        ("components", 2.0, "components out of range"),
        ("explained", -0.1, "explained out of range"),
        ("take", 2, "take out of range"),
        ("take", -1, "take out of range"),
        ("bars", 0, "bars out of range"),
        ("bars", 2**31 - 1, "bars out of range"),
        ("n_steps", 0, "n_steps out of range"),
        ("n_steps", 33, "n_steps out of range"),
        ("meter", 0, "a meter out of range"),
        ("meter", 3, "a meter out of range"),
        ("meter", 2**31 - 1, "a meter out of range"),
        ("tempo_bpm", 0.0, "tempo_bpm out of range"),
        ("tempo_bpm", math.nan, "tempo_bpm out of range"),
        ("descriptors", -math.inf, "descriptors out of range"),
    ],
)
def test_numbers_that_no_map_has(valid, name, value, match):
    refused(with_tensors(valid, lambda tensors: tensors[f"atlas.{name}"][-1:].fill_(value)), match)


def test_bars_that_end_before_they_begin(valid):
    flipped = with_tensors(valid, lambda t: t.update({"atlas.bars": t["atlas.bars"].flip(1).contiguous()}))
    refused(flipped, "bars that end before they begin")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.pop("atlas.latents"), r"atlas\.latents"),
        (lambda t: t.update({"atlas.more": torch.zeros(3)}), r"atlas\.more"),
        (lambda t: t.update({"atlas.latents": torch.zeros(3, 31).half()}), r"atlas\.latents"),
        (lambda t: t.update({"atlas.tsne": torch.zeros(2, 2)}), r"atlas\.tsne"),
        (lambda t: t.update({"atlas.take": torch.zeros(3)}), "their type"),
        (lambda t: t.update({"atlas.latents": torch.zeros(3, 32)}), "their type"),
        (lambda t: t.update({"atlas.take": torch.zeros(3, dtype=torch.int64)}), "their type"),
    ],
)
def test_other_tensors_of_a_map(valid, change, match):
    refused(with_tensors(valid, change), match)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "{}", "[]", "null", '[["a"]]', '[["a","b","c",1]]', "[1,2]", '["abcd"]', "[" * 100_000),
        json.dumps([["a", "", "", ""]] * (MAX_POINTS + 1)),
    ],
    ids=lambda text: text[:20],
)
def test_takes_that_no_map_has(valid, text):
    refused(with_takes(valid, text), "holds what no map holds")


def test_a_map_without_takes(valid):
    refused(with_header(valid, lambda header: header["__metadata__"].pop(TAKES)), "holds what no map holds")


def test_names_on_a_map_are_cleaned(valid):
    rows = [["x" * 100_000, "<b>\x1b[31m\u202e", "", ""], ["", "", "", ""]]
    loaded = checkpoint.loads(with_takes(valid, json.dumps(rows)), "x").latent_map
    assert loaded is not None
    assert loaded.origins[0].title == "x" * (MAX_LETTERS - 1) + "…"
    assert loaded.labels("style")[0] == "<b> [31m"
    assert loaded.name(2) == "untitled: bar 1"


def test_the_largest_map_with_the_longest_names_can_be_read_again(tmp_path):
    own = latent_map()
    rows = np.resize(np.arange(3), MAX_POINTS)
    many = {key: getattr(own, key)[rows] for key in latent_maps._KEPT if len(getattr(own, key)) == 3}
    worst = latent_maps.Origin(*["\U0001f941" * MAX_LETTERS, '"\\' * (MAX_LETTERS // 2)] * 2)
    largest = replace(own, **many, origins=(worst,) * MAX_POINTS)
    checkpoint.save(tmp_path / "m.safetensors", model(), prior(), quantiles(), Card(), largest)
    loaded = checkpoint.load(tmp_path / "m.safetensors").latent_map
    assert loaded is not None
    assert loaded.origins == largest.origins


@pytest.mark.parametrize(
    "odd",
    [{"figure": 10**400}, {"figure": -(10**400)}, {"text": "\ud800x"}, {"\ud800": 1}, {"deep": [{"a": ["\udfff"]}]}],
    ids=["integer", "negative", "surrogate", "key", "deep"],
)
def test_a_card_that_no_page_could_show_is_refused(valid, odd):
    refused(with_card(valid, lambda card: card.update(metrics=odd)), "holds what no card holds")
