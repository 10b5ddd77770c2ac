"""The JSON between encode and decode: exact, complete, and trusted in nothing."""

from __future__ import annotations

import copy
import json
import math
import random
import warnings
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from grooves import random_groove
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import model

from rhythmvae.cli.documents import check_model, document, parse_latents
from rhythmvae.cli.latents import encoded_from_dict, encoded_to_dict
from rhythmvae.errors import LatentsError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.midi.write import write_midi
from rhythmvae.model import latent

MODEL = model()
DIGEST = "0123456789abcdef"


def played(seed: int = 1) -> Groove:
    return random_groove(
        seed, 75, 90, tempos=(Tempo(0.0, 97.3), Tempo(33.25, 140.001)), meters=(Meter(0.0, 4, 4), Meter(32.0, 7, 8))
    )


def entry(seed: int = 1) -> dict[str, Any]:
    return json.loads(json.dumps(encoded_to_dict(latent.encode(MODEL, played(seed)))))


def text(**changes: Any) -> str:
    whole = document("encode", [{"input": "a.mid", **entry()}], checkpoint=DIGEST)
    return json.dumps(whole | changes)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000))
def test_json_carries_every_bit(seed):
    groove = played(seed)
    encoded = latent.encode(MODEL, groove)
    frame, z = encoded_from_dict(json.loads(json.dumps(encoded_to_dict(encoded))), MODEL)
    assert frame == encoded.frame
    assert z.dtype == torch.float32
    assert torch.equal(z, encoded.posterior.mean)
    assert write_midi(latent.decode(MODEL, z, frame)) == write_midi(latent.reconstruct(MODEL, groove))


def test_any_float32_survives(monkeypatch):
    bits = np.random.default_rng(0).integers(0, 2**32, 4000, dtype=np.uint32).view(np.float32)
    values = bits[np.isfinite(bits) & (np.abs(bits) <= 1e4)][:32]
    encoded = latent.encode(MODEL, random_groove(1))
    exact = encoded.posterior._replace(mean=torch.from_numpy(values.copy())[None])
    as_json = json.dumps(encoded_to_dict(latent.Encoded(encoded.frame, exact)))
    assert torch.equal(encoded_from_dict(json.loads(as_json), MODEL)[1], exact.mean)


def test_nothing_but_latents_and_frame_goes_along():
    """No hit can be smuggled past the latents: these are all the keys, and what they hold is counted."""
    own = entry()
    assert set(own) == {"n_steps", "tempos", "meters", "windows"}
    assert own["n_steps"] == 75
    assert own["tempos"] == [[0.0, 97.3], [33.25, 140.001]]
    assert own["meters"] == [[0.0, 4, 4], [32.0, 7, 8]]
    for window in own["windows"]:
        assert set(window) == {"start", "n_steps", "latent"}
        assert len(window["latent"]) == window["n_steps"]  # at 32 numbers for 32 steps
    assert sum(w["n_steps"] for w in own["windows"]) == 75


def test_entries_come_back():
    digest, [own] = parse_latents(text())
    assert digest == DIGEST
    assert own == {"input": "a.mid", **entry()}


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ("", "got something else"),
        ("{", "got something else"),
        ("[" * 100_000, "got something else"),
        ('{"a":' * 100_000, "got something else"),
        ("[]", "got something else"),
        ("null", "got something else"),
        ('{"version": 1}', "got something else"),
        ("1" * 10_000, "got something else"),
        (text(version=2), "version 1, got 'encode', 2"),
        (text(command="reconstruct"), "got 'reconstruct', 1"),
        (text(files={}), "version 1"),
        (text(files=None), "version 1"),
        (text(files=[1]), "got something else"),
        (text(files=[{"input": None}]), "version 1"),
        (text(files=["input"]), "got something else"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_documents(given, match):
    with pytest.raises(LatentsError, match=match) as caught:
        parse_latents(given)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("made_with", ["another", ["x" * 1000]], ids=["text", "list"])
def test_latents_of_another_model(made_with):
    digest, _ = parse_latents(text(checkpoint=made_with))
    with pytest.raises(LatentsError, match=r"belong to the model .*, this is 0123456789abcdef") as caught:
        check_model(digest, SimpleNamespace(digest=DIGEST, is_named=DIGEST.__eq__))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "change",
    [
        {"n_steps": 0},
        {"n_steps": True},
        {"n_steps": 75.0},
        {"n_steps": 10**9},
        {"n_steps": "7" * 100_000},
        {"n_steps": 76},
        {"tempos": []},
        {"tempos": [[1.0, 120]]},
        {"tempos": [[0, 0]]},
        {"tempos": [[0, math.nan]]},
        {"tempos": [[0, 120], [math.nan, 120]]},
        {"tempos": [[0, 120], [1e300, 120]]},
        {"tempos": [[0, 120], [-1, 120]]},
        {"tempos": [[0]]},
        {"tempos": 3},
        {"meters": []},
        {"meters": [[0, 4, 3]]},
        {"meters": [[0, 4, 0]]},
        {"meters": [[0, 300, 4]]},
        {"meters": [[0, math.inf, 4]]},
        {"meters": [[0, 4, 4], [75, 3, 4]]},
        {"meters": [[0, 1, 64]]},
        {"windows": []},
        {"windows": None},
        {"windows": [{"start": 0, "n_steps": 75, "latent": []}]},
    ],
    ids=lambda change: str(change)[:40],
)
def test_entries_that_do_not_hold_together(change):
    with pytest.raises(LatentsError, match="Expected latents as `encode --json` writes them") as caught:
        encoded_from_dict(entry() | change, MODEL)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e5, 1e300, 10**400, None, "x", [1.0], {}], ids=str)
def test_latents_that_are_no_numbers(value):
    own = entry()
    own["windows"][1]["latent"][3] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LatentsError):
            encoded_from_dict(own, MODEL)


@pytest.mark.parametrize("key", ["n_steps", "tempos", "meters", "windows"])
def test_what_is_missing_is_named(key):
    own = entry()
    del own[key]
    with pytest.raises(LatentsError, match=f"without '{key}'"):
        encoded_from_dict(own, MODEL)


def test_latents_of_another_size_are_counted():
    own = entry()
    own["windows"][0]["latent"].append(0.0)
    with pytest.raises(LatentsError, match="33 latents in window 1, which has 32"):
        encoded_from_dict(own, MODEL)


ODD = [None, True, -1, 0, 2**40, 1e308, math.nan, math.inf, "", "4", "\ud800", [], {}, [[]], {"a": []}, [0, 4, 4]]


def mutated(value: Any, draw: random.Random) -> Any:
    """A document with one thing in it replaced, removed, doubled or put elsewhere."""
    value = copy.deepcopy(value)
    place: Any = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return value
        key = draw.choice(keys)
        if isinstance(place[key], dict | list) and draw.random() < 0.8:
            place = place[key]
            continue
        action = draw.randrange(4)
        if action == 0:
            del place[key]
        elif action == 1 and isinstance(place, list):
            place.append(copy.deepcopy(place[key]))
        else:
            place[key] = copy.deepcopy(draw.choice(ODD))
        return value


@settings(derandomize=True, deadline=None, max_examples=400)
@given(draw=st.randoms(use_true_random=False))
def test_mutations_give_a_sentence_or_a_file(draw):
    own = {"version": 1, "command": "encode", "checkpoint": DIGEST, "files": [{"input": "a.mid", **entry()}]}
    for _ in range(draw.choice([1, 1, 2, 4])):
        own = mutated(own, draw)
    with suppress(LatentsError):
        for each in parse_latents(json.dumps(own))[1]:
            frame, z = encoded_from_dict(each, MODEL)
            write_midi(latent.decode(MODEL, z, frame))
