"""What somebody meets who imports rhythmvae."""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from helpers import is_near

import rhythmvae
from rhythmvae.analysis.metrics import Score
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.data.files import Found, Source
from rhythmvae.errors import CheckpointError, UsageError, WrongTypeError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.midi.report import ImportReport
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.latent import Encoded
from rhythmvae.model.vae import Posterior
from rhythmvae.model.variation import Setting, Variation
from rhythmvae.model.verbs import Bar, Prediction

# Classes that public functions give back, whether or not they have a public name.
GIVEN = (Encoded, Posterior, Variation, Setting, Score, ImportReport, Checkpoint, Found, Source, Prediction, Bar)


@pytest.fixture(scope="module")
def model() -> rhythmvae.Model:
    return rhythmvae.load()


@pytest.mark.parametrize("name", rhythmvae.__all__)
def test_every_public_name_is_explained_with_an_example(name: str) -> None:
    found = getattr(rhythmvae, name)
    assert len(inspect.getdoc(found) or "") > 60
    assert any(test.examples for test in doctest.DocTestFinder().find(found, name)), f"{name} has no doctest"


@pytest.mark.parametrize("kind", GIVEN, ids=lambda kind: kind.__name__)
def test_what_public_names_give_is_explained_with_an_example(kind: type) -> None:
    [own] = [test for test in doctest.DocTestFinder(recurse=False).find(kind, kind.__name__)]
    assert own.examples, f"{kind.__name__} has no doctest"


def test_every_verb_of_a_model_has_an_example() -> None:
    for name, verb in vars(rhythmvae.Model).items():
        if not name.startswith("_"):
            assert ">>> " in (inspect.getdoc(verb) or ""), name


def test_the_list_of_what_is_given_has_what_the_signatures_name() -> None:
    """Any class of ours that a public function or a verb of a model says it returns."""
    functions = [getattr(rhythmvae, name) for name in rhythmvae.__all__]
    functions += [verb for name, verb in vars(rhythmvae.Model).items() if not name.startswith("_")]
    said = " ".join(str(f.__annotations__.get("return", "")) for f in functions if inspect.isfunction(f))
    classes = set(re.findall(r"\b[A-Z]\w+", said)) - {"None", "Any", "FloatArray", "PrettyMIDI"}
    assert classes <= {kind.__name__ for kind in (*GIVEN, Groove, rhythmvae.Model)}


def test_importing_needs_no_torch() -> None:
    code = "import sys, rhythmvae as r; r.read_midi, r.descriptors, r.wav_bytes; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


# -- the handle


def test_a_model_that_was_saved_is_the_same_model(model: rhythmvae.Model, tmp_path: Path) -> None:
    file = tmp_path / "copy.safetensors"
    model.save(str(file))
    copy = rhythmvae.load(file)
    assert copy.checkpoint.contents == model.checkpoint.contents
    assert copy.reconstruct(example("funk")) == model.reconstruct(example("funk"))
    assert copy.styles == model.styles


def test_a_device_that_is_not_there_is_a_sentence(model: rhythmvae.Model) -> None:
    assert model.to("cpu") is model
    with pytest.raises(WrongTypeError, match="Expected a device"):
        model.to("no device")


def test_latents_stay_with_who_asks(model: rhythmvae.Model) -> None:
    """As on a GPU: windows and latents come back to the device that they came from."""
    network = rhythmvae.load().checkpoint.model.to("meta")
    posterior = network.encode(torch.zeros(1, 32, *network.config.layers.shape, device="meta"), torch.tensor([32]))
    assert posterior.mean.device.type == "meta"


# -- one vector a loop


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (6, 8), (7, 8)], ids=str)
def test_a_loop_has_one_vector_however_often_it_goes_round(model: rhythmvae.Model, meter: tuple[int, int]) -> None:
    n_steps = 16 * meter[0] // meter[1]
    bar = Groove(
        [-0.3, 0.1, 2.0, 4.9, n_steps - 0.4],
        [3, 0, 2, 1, 2],
        [70, 100, 60, 90, 40],
        n_steps,
        meters=(Meter(0, *meter),),
    )
    vectors = model.encode([bar, bar.looped(2), bar.looped(3), bar.looped(8)])
    assert vectors.shape == (4, 128)
    assert np.abs(vectors - vectors[0]).max() < 1e-5
    other = model.encode([random_groove(3)])
    assert np.abs(other - vectors[0]).max() > 0.1


def test_it_does_not_matter_with_which_bar_a_loop_begins(model: rhythmvae.Model) -> None:
    funk = example("funk")
    turned = funk.with_bars(1, 4, funk)  # the same, to be replaced bar by bar
    for bar in range(1, 5):
        turned = turned.with_bars(bar, bar, funk.bars(bar % 4 + 1, bar % 4 + 1))
    first, second = model.encode([funk, turned])
    assert np.abs(first - second).max() < 1e-3


def test_many_at_once_are_each_alone(model: rhythmvae.Model) -> None:
    grooves = [example(key) for key in EXAMPLES] + [groove(n_steps=16)]
    together = model.encode(grooves)
    assert together.dtype == np.float32
    for row in (0, 7, len(grooves) - 1):
        assert np.abs(model.encode([grooves[row]])[0] - together[row]).max() < 1e-4
    assert model.encode([]).shape == (0, 128)


# -- tables and pictures


def test_descriptors_are_a_table_for_pandas() -> None:
    from pandas import DataFrame

    frame = DataFrame(rhythmvae.descriptors([example("funk"), groove(n_steps=16), example("waltz")]))
    assert len(frame) == 3
    assert frame["title"][0] == "Funk"
    assert frame["density"][1] == 0
    assert frame["voice_shares_kick"].notna().sum() >= 2


def test_a_groove_prints_as_a_line_and_shows_as_a_picture() -> None:
    shown = Groove([0.0, 4.0], [0, 1], [127, 1], 16, (Tempo(0, 97.5),), title='<script>alert(1)</script> & "x"')
    assert repr(shown).endswith("1 bar of 4/4, 97.5 BPM, 2 hits)")
    assert "\n" not in repr(shown)
    picture = shown._repr_html_()
    root = ElementTree.fromstring(picture)
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == 2
    assert "<script" not in picture
    opacity = [float(r.get("fill-opacity", "0")) for r in root.findall("{http://www.w3.org/2000/svg}rect")]
    assert opacity[0] == 1.0
    assert opacity[1] < 0.3


def test_of_a_long_groove_the_first_bars_are_drawn() -> None:
    funk = example("funk")
    picture = funk.looped(500)._repr_html_()
    assert len(picture) < 200_000
    assert "2000 bars" in picture
    assert "bars 1 to 32 shown" in picture
    assert "shown" not in funk.looped(8)._repr_html_()


# -- what is of the wrong kind


def test_the_wrong_kind_is_a_sentence(model: rhythmvae.Model, tmp_path: Path) -> None:
    funk, network = example("funk"), model.checkpoint.model
    calls = {
        "a groove": lambda: model.reconstruct("loop.mid"),
        "a model": lambda: rhythmvae.reconstruct(funk, funk),
        "a groove as the estimate": lambda: rhythmvae.score(funk, None),
        "torch tensor": lambda: rhythmvae.decode(network, np.zeros((2, 128)), funk),
        "a checkpoint": lambda: rhythmvae.sample(network),
        "the path of a checkpoint file": lambda: rhythmvae.load(funk),
        "the bytes of a MIDI file": lambda: rhythmvae.read_midi("loop.mid", "loop.mid"),
        "the path of a MIDI file": lambda: rhythmvae.read_file(b"MThd"),
        "a pretty_midi.PrettyMIDI object": lambda: rhythmvae.from_pretty_midi(funk),
        "what encode gives": lambda: model.decode(np.zeros((2, 128))),
    }
    for words, call in calls.items():
        with pytest.raises(WrongTypeError, match=words) as caught:
            call()
        assert isinstance(caught.value, (TypeError, UsageError))
        assert len(str(caught.value)) < 200
    with pytest.raises(CheckpointError, match="Expected"):
        rhythmvae.load(tmp_path)


def test_numbers_lists_and_options_of_the_wrong_kind_are_sentences(model: rhythmvae.Model) -> None:
    funk = example("funk")
    several: dict[str, list[Callable[[], object]]] = {
        "a list, each item a groove": [
            lambda: model.encode("loop.mid"),
            lambda: model.encode(5),
            lambda: rhythmvae.vectors(model.checkpoint.model, funk),
            lambda: rhythmvae.descriptors(funk),
            lambda: rhythmvae.descriptors(None),
        ],
        "a groove": [lambda: model.encode(["loop.mid"]), lambda: rhythmvae.descriptors([funk, 1])],
        "a whole number": [
            lambda: model.interpolate(funk, funk, 2.5),
            lambda: model.vary(funk, n="2"),
            lambda: model.vary(funk, seed="a"),
            lambda: model.sample(n_bars=1.5),
            lambda: model.sample(seed="a"),
        ],
        "a number": [
            lambda: model.vary(funk, amount="a"),
            lambda: model.vary(funk, asked={"density": "high"}),
            lambda: model.sample(temperature=None),
            lambda: model.sample(tempo_bpm="fast"),
        ],
        "slider and quantile": [lambda: model.vary(funk, asked="density")],
        "a voice to keep": [lambda: model.vary(funk, keep="kick")],
        "the number of a bar": [lambda: model.vary(funk, keep_bars=1)],
        "the name of a style": [lambda: model.vary(funk, style=5), lambda: model.sample(style=5)],
        "reading options": [
            lambda: rhythmvae.read_midi(b"", "x", {"track": 1}),
            lambda: rhythmvae.from_pretty_midi(rhythmvae.to_pretty_midi(funk), 1),
        ],
        "the path of a MIDI file, folder or zip": [
            lambda: rhythmvae.find_sources(5),
            lambda: rhythmvae.find_sources([funk]),
        ],
        "a device": [lambda: model.to(3.5)],
    }
    for words, calls in several.items():
        for call in calls:
            with pytest.raises(WrongTypeError, match=f"^Expected .*{words}"):
                call()


def test_grooves_may_come_one_by_one(model: rhythmvae.Model) -> None:
    keys = ("funk", "waltz")
    assert is_near(model.encode(map(example, keys)), model.encode([example(key) for key in keys]))
    assert rhythmvae.descriptors(map(example, keys)) == rhythmvae.descriptors([example(key) for key in keys])
