"""run.toml: what it says, what it refuses, and that it can be passed back."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.cli.entry import build_parser
from rhythmvae.errors import UsageError
from rhythmvae.model.card import Card
from rhythmvae.model.config import Weights
from rhythmvae.training.config import MAX_BYTES, RunConfig, config_of, parse_config, read_config

WHOLE = RunConfig(
    arch="cnn",
    init="a b.safetensors",
    latent_size=32,
    epochs=3,
    max_minutes=0.5,
    learning_rate=1e-5,
    programmed=0.25,
    no_augmentation=True,
    seed=0,
    about='mine, "Ünï"',
    meter="6/8",
    map={"44": "kick", "39": "none"},
)


def parsed(*words: str) -> RunConfig:
    return RunConfig.of(vars(build_parser().parse_args(["train", "loops", "--out", "m", *words])))


def test_what_is_written_is_read(tmp_path):
    for config in (WHOLE, RunConfig(), RunConfig(steps=7)):
        (tmp_path / "run.toml").write_text(config.to_toml(), "utf-8")
        assert read_config(tmp_path / "run.toml") == config
        assert config_of(Card(config=config.to_dict()), "m") == config


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = {
    "str": TEXTS,
    "int": st.integers(),
    "float": st.floats(allow_nan=False) | st.integers(),
    "bool": st.booleans(),
}
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        f.name: VALUES[f.type.split(" ")[0]] if f.name != "map" else st.dictionaries(TEXTS, TEXTS, max_size=3)
        for f in fields(RunConfig)
    },
).map(lambda values: RunConfig(**values))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(CONFIGS)
def test_whatever_is_written_is_read(config):
    assert parse_config(config.to_toml().encode(), "run.toml") == config


ODD = ["9" * 400, "9" * 5000, "1e999", "1979-05-27", "[" * 2000, "{a = 1}", "'x'", '"cnn"', "'1/0'"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.binary(max_size=40)
    | st.builds(
        lambda name, value: f"{name} = {value}".encode(errors="surrogatepass"),
        st.sampled_from([f.name for f in fields(RunConfig)]),
        st.integers()
        | st.floats()
        | st.booleans().map(lambda value: str(value).lower())
        | st.sampled_from(
            ["9" * 400, "9" * 5000, "1e999", "1979-05-27", "[" * 2000, "{a = 1}", "'x'", '"cnn"', "'1/0'"]
        ),
    )
)
def test_whatever_a_file_holds_is_read_or_refused_in_a_sentence(data):
    with contextlib.suppress(UsageError):
        parse_config(data, "run.toml").settings()


def test_a_name_that_is_no_text_is_not_written():
    with pytest.raises(UsageError, match=r"Expected init to be a text, .* got 'caf .mid'"):
        RunConfig(init="caf\udce9.mid").to_toml()


def test_every_key_is_an_option_of_train(tmp_path):
    options = vars(build_parser().parse_args(["train", "loops", "--out", "m"]))
    assert {field.name for field in fields(RunConfig)} <= set(options)


def test_a_file_gives_what_its_options_give_and_options_override_it(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('arch = "cnn"\nepochs = 3\nno_augmentation = true\nseed = 4\n[map]\n44 = "kick"\n')
    words = ["--arch", "cnn", "--epochs", "3", "--no-augmentation", "--seed", "4", "--map", "44=kick"]
    assert parsed("--config", str(path)) == parsed(*words)
    overridden = parsed("--seed", "0", "--config", str(path), "--arch=gru", "--map", "44=snare")
    assert (overridden.seed, overridden.arch, overridden.epochs) == (0, "gru", 3)
    assert overridden.map == {"44": "snare"}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("epohs = 3", "Expected keys out of arch, .*got 'epohs'; did you mean epochs?"),
        ('epochs = "3"', "epochs in run.toml to be a whole number, got '3'"),
        ("epochs = true", "epochs in run.toml to be a whole number, got True"),
        ("arch = 3", "arch in run.toml to be a text"),
        ("no_augmentation = 1", "no_augmentation in run.toml to be true or false"),
        ("map = 3", "map in run.toml to be a table"),
        ("[map]\n44 = 3", "map in run.toml to be a table"),
        ("epochs", "Expected a TOML file such as run.toml"),
        ("\udcff", "Expected a TOML file"),
    ],
)
def test_files_that_cannot_be(tmp_path, text, match):
    (tmp_path / "run.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=match):
        read_config(tmp_path / "run.toml")


def test_a_file_that_is_too_large_is_refused_and_not_cut(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("steps = 7\n" + "#" * (MAX_BYTES - 10))
    assert read_config(path) == RunConfig(steps=7)
    path.write_text(path.read_text() + "\n")
    with pytest.raises(UsageError, match=r"Expected a configuration of at most 1 MB, run\.toml is larger"):
        read_config(path)


def test_a_byte_order_mark_is_no_part_of_a_file():
    assert parse_config("steps = 7\n".encode("utf-8-sig"), "run.toml") == RunConfig(steps=7)


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="Expected a TOML file"):
            read_config(path)
    with pytest.raises(UsageError, match=r"Expected a checkpoint that keeps .*, old does not"):
        config_of(Card(), "old")


def test_a_configuration_is_read_without_torch():
    code = "import sys, rhythmvae.training.config; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_weights_are_those_of_the_loss_each_by_its_name():
    asked = parsed("--kl", "0.1", "--hit-weight", "6", "--velocity-weight", "2", "--offset-weight", "1.5")
    weights = asked.settings().train.weights
    assert (weights.kl, weights.hit, weights.velocity, weights.offset, weights.style) == (0.1, 6.0, 2.0, 1.5, 0.0)
    tuned = parsed("--init", "shipped", "--rehearsal", "0", "--style-weight", "3").settings().train
    assert (tuned.rehearsal, tuned.weights) == (0.0, Weights(style=3.0, kl_warmup=0))
