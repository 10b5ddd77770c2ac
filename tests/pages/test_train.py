"""The Train page: what is asked of a run, what is said of it while it goes, and what its model is then good for.

The runs here are a small script that says what a test writes into a file, as the command line does.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from browsing import downloads, opened, original, pattern, players, result, shown, unfold, upload, visit
from grooves import random_groove
from helpers import meter, note, rock, smf, tempo
from streamlit.testing.v1 import AppTest
from toys import TOY, latent_map, model, prior, quantiles

from rhythmvae import share
from rhythmvae.analysis.figures import Figures
from rhythmvae.cli.entry import build_parser
from rhythmvae.data.survey import Survey
from rhythmvae.errors import UsageError
from rhythmvae.jobs.estimate import Work
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.queue import Jobs
from rhythmvae.jobs.run import RunStatus
from rhythmvae.kit import KitMap
from rhythmvae.model import checkpoint
from rhythmvae.model.card import Card, Copying, Data, HeldOut, JudgedFile, Nearness, Row
from rhythmvae.model.config import PRESETS, ModelConfig
from rhythmvae.resources import TRAINING_LIMITS
from rhythmvae.training import journal
from rhythmvae.training.config import RunConfig, parse_config, read_config
from rhythmvae.training.settings import Settings
from rhythmvae.ui.parts import choices, evaluation, training
from rhythmvae.ui.parts.choices import Choices
from rhythmvae.ui.parts.dataset import Dataset
from rhythmvae.ui.session import visitor

CHILD = r"""
import json, shutil, signal, sys, time
from pathlib import Path

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command line has it
out = Path(sys.argv[sys.argv.index("--out") + 1])
folder = out.parent
(folder / "arguments.new").write_text(json.dumps(sys.argv[1:]))
(folder / "arguments.new").rename(folder / "arguments")

def ready(line=json.dumps({"stage": "ready", "kept_out": ["Disco.mid"]})):
    shutil.copy(folder.parent.parent / "toy.safetensors", out)
    print(line, flush=True)

script = folder / "script"
if "--only-judging" in sys.argv and "done" not in script.read_text():  # after a run that was stopped
    print(json.dumps({"stage": "done", "card": {}}), flush=True)
    sys.exit(0)

n = 0
try:
    while True:
        lines = script.read_text().splitlines() if script.exists() else []
        for line in lines[n:]:
            said = json.loads(line)
            if said["stage"] == "ready":
                ready(line)
            else:
                print(line, flush=True)
            if said["stage"] == "done":
                sys.exit(0)
            if said["stage"] == "failed":
                sys.exit(2)
        n = len(lines)
        time.sleep(0.01)
except KeyboardInterrupt:
    ready()
    print(json.dumps({"stage": "done", "card": {}}), flush=True)
"""
SCORE = {"f1": 0.9, "f1_25ms": 0.8, "timing_mae_ms": 5.0, "velocity_mae": 6.0}
CARD: dict[str, Any] = {
    "training": {"init": "shipped"},
    "data": {"train_takes": 5, "validation_takes": 1},
    "held_out": {
        "folds": 5,
        "rows": [
            {"name": "this model", "latent_dimensions": 128, "score": SCORE},
            {"name": "the model before", "latent_dimensions": 128, "score": {**SCORE, "f1": 0.8, "velocity_mae": 9.0}},
            {"name": "PCA", "latent_dimensions": 128, "score": {**SCORE, "f1": 0.5}},
        ],
        "files": [{"name": "a.mid", "f1": 0.9, "before": 0.8}, {"name": "b.mid", "f1": 0.9, "before": 0.9}],
        "kept_out": ["Disco.mid"],
    },
    "copying": {
        "samples": {"cells": 12.0, "exact_duplicates": 0.0},
        "held_out": {"cells": 14.0, "exact_duplicates": 0.0},
    },
}
STEP = {"n_steps": 150, "epoch": 1.0, "is_best": False, "validation": None}
TERMS = {"hit": 1.0, "velocity": 2.0, "offset": 3.0, "spread": 9.0, "kl": 100.0}


class Site:
    """A server's training runs, and one visitor of it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        script = folder / "child.py"
        script.write_text(CHILD)
        self.home = folder / "runs"
        self.jobs = Jobs(limits, self.home, command=[sys.executable, "-S", str(script)])

    @property
    def run(self) -> Path:
        """The folder of the one run whose process was started last."""
        until(lambda: any((folder / "arguments").exists() for folder in self.home.iterdir()))
        return max(self.home.glob("*/arguments"), key=os.path.getmtime).parent

    @property
    def arguments(self) -> list[str]:
        return list(json.loads((self.run / "arguments").read_text()))

    def say(self, app: AppTest, stage: str, **more: object) -> None:
        """The run says something, and the page is polled once that was heard."""
        said = json.dumps({"stage": stage, **more})
        with (self.run / "script").open("a") as script:
            script.write(said + "\n")
        until(lambda: self.status(app).stages.get(stage) == journal.read(said))
        if stage in ("done", "failed"):
            until(lambda: self.status(app).is_over)
        app.run()
        assert not app.exception

    def status(self, app: AppTest) -> RunStatus:
        found = self.jobs.status(app.session_state["visitor"])
        assert found is not None
        return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("toy") / "toy.safetensors"
    checkpoint.save(path, model(), prior(), quantiles(), Card(about="toy"), latent_map(TOY))
    return path.read_bytes()


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def site(tmp_path: Path, toy: bytes, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    (tmp_path / "toy.safetensors").write_bytes(toy)
    made = Site(tmp_path, limits)
    monkeypatch.setattr(training, "jobs", lambda: made.jobs)
    yield made
    made.jobs.close()


@pytest.fixture
def app(site: Site) -> AppTest:
    """The page, with our patterns to train on."""
    return with_patterns(unfold(opened("train"), *choices.FOLDS))


def with_patterns(app: AppTest) -> AppTest:
    return app.pills(key="training sources").set_value(["examples"]).run()


def begun(app: AppTest, site: Site) -> AppTest:
    app.button(key="train").click().run()
    assert not app.exception
    assert site.run
    return app.run()


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def text(app: AppTest) -> str:
    return "\n".join([shown(app), *(str(e.value).replace("\\", "") for e in app.success)])


def first_page(app: AppTest) -> AppTest:
    return visit(app, "reconstruct")


def drop(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    return upload(app, *files, name="training files")


def with_cookie(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: {visitor.COOKIE: value}))


# -- before


def test_a_visitor_can_train_at_once_within_limits_that_are_said(app: AppTest) -> None:
    said = text(app)
    assert "This server trains one model at a time, and 4 may wait." in said
    assert "train for up to 10 minutes, on 500 files of 8 MB together and 4,000 windows" in said
    assert not app.button(key="train").disabled
    assert "visitor cookie" not in players(app), "nobody gets a cookie who does not train"
    assert "visitor" not in app.session_state


def test_the_limits_are_those_of_the_config() -> None:
    assert Limits.load(TRAINING_LIMITS) == Limits()


def test_without_a_file_the_button_says_why_it_cannot_be_pressed(app: AppTest, site: Site) -> None:
    app.pills(key="training sources").set_value([]).run()
    assert app.button(key="train").disabled
    assert "Drop some loops first." in text(app)
    seconds = site.jobs.outlook(training.work_of(training.A_DOZEN, Choices())).model
    assert f"A dozen loops take about {choices.duration(seconds)} on this server." in text(app)


@pytest.mark.parametrize("limits", [Limits(max_windows=30)])
def test_more_windows_than_the_server_takes_are_refused(app: AppTest) -> None:
    assert app.button(key="train").disabled
    assert re.search(r"Expected at most 30 windows of data on this server, got \d+; choose fewer", text(app))


@pytest.mark.parametrize("limits", [Limits(max_files=2)])
def test_files_beyond_the_limit_are_left_out(app: AppTest, site: Site) -> None:
    begun(app, site)
    with zipfile.ZipFile(site.run / "data" / "data.zip") as archive:
        assert len(archive.namelist()) == 2


def test_the_time_to_expect_is_that_of_all_that_is_done(app: AppTest, site: Site) -> None:
    """Not of the steps alone: "about 20 s" became 93, and then it was measured for ten minutes."""
    assert re.search(r"You can play with your model in about \d+ s, then it is measured for about \d min\.", text(app))
    found = Survey(n_usable=24, n_windows=100, n_patterns=24, n_bars=48)
    assert training.work_of(found, Choices()) == Work(150, None, 24, 5, False, 48)
    assert training.work_of(replace(found, n_windows=10_000), Choices()).n_steps == 3 * -(-10_000 // 32)
    assert training.work_of(found, Choices(epochs=7, minutes=3)) == Work(28, 3, 24, 5, False, 48)
    assert training.work_of(found, Choices("scratch", minutes=3)) == Work(None, 3, 24, 0, True, 48)
    assert training.work_of(replace(found, n_patterns=500), Choices()).n_folds == 0


# -- what is asked


def parsed(asked: Choices) -> Settings:
    return asked.config("own.safetensors", {}).settings()


def test_what_is_usual_here_is_usual_on_the_command_line() -> None:
    bare = build_parser().parse_args(["train", "run/data/data.zip", "--out", "m", "--init", "shipped"])
    assert parsed(Choices()) == RunConfig.of(vars(bare)).settings()
    assert set(choices.ARCHITECTURES) == set(PRESETS)
    assert choices.STEPS_USUAL in choices.STEPS
    for arch in PRESETS:
        for size in choices._sizes(arch):
            parsed(Choices(start="scratch", arch=arch, latent_size=size))  # none is refused


def test_every_choice_reaches_the_run() -> None:
    asked = Choices("scratch", 150, 7, 3.0, "gru", 32, 0.5, 0.1, False, 9)
    settings = parsed(asked)
    assert settings.model == ModelConfig(**PRESETS["gru"], latent_size=32)
    assert settings.train.epochs == 7
    assert settings.train.max_minutes == 3
    assert (settings.train.weights.kl, settings.train.l2, settings.train.seed) == (0.5, 0.1, 9)
    assert settings.train.augmentation == settings.train.augmentation.none()
    assert asked.config("", {"44": "kick"}) == RunConfig(
        arch="gru",
        latent_size=32,
        epochs=7,
        max_minutes=3.0,
        kl=0.5,
        l2=0.1,
        no_augmentation=True,
        seed=9,
        map={"44": "kick"},
    )


@pytest.mark.parametrize(
    "asked",
    [
        Choices(),
        Choices(steps=600, kl=0.5, seed=9_999),
        Choices(epochs=7, minutes=10),
        Choices("scratch", arch="gru", latent_size=2, minutes=3, l2=0.1, augmentation=False),
    ],
    ids=str,
)
def test_choices_survive_the_way_to_a_file_and_back(asked: Choices) -> None:
    text = asked.config("", {}).to_toml()
    found, left = choices.adopted(parse_config(text.encode(), "run.toml"), Limits())
    assert (parsed(found), left) == (parsed(asked), [])


def test_what_this_page_does_not_offer_is_named() -> None:
    usual = choices.adopted(RunConfig(threads=1, precision="float32", width=192, about="mine"), Limits())
    assert usual == (Choices(start="scratch", minutes=5), [])
    assert choices.adopted(RunConfig(init="mine.safetensors", steps=151), Limits()) == (
        Choices(minutes=5),
        ["init", "steps"],
    )
    odd = RunConfig(arch="cnn", latent_size=20, depth=2, max_minutes=60, seed=10_000, kl=11.0, map={"44": "kick"})
    assert choices.adopted(odd, Limits()) == (
        Choices(start="scratch", arch="cnn", minutes=5),
        ["latent_size", "depth", "max_minutes", "kl", "seed", "map"],
    )
    with pytest.raises(UsageError, match="did you mean cnn"):
        choices.adopted(RunConfig(arch="cn"), Limits())


def test_fine_tuning_for_a_number_of_steps_knows_no_clock() -> None:
    """Its learning rate would depend on it, and the same command would make other weights."""
    assert parsed(Choices(steps=300)).train.max_minutes is None
    assert parsed(Choices(steps=300)).train.steps == 300
    assert parsed(Choices(epochs=500)).train.max_minutes == 10


def test_the_page_asks_for_what_is_chosen(app: AppTest, site: Site) -> None:
    app.radio(key="training start").set_value("scratch").run()
    app.selectbox(key="training architecture").set_value("dense").run()
    app.selectbox(key="training latent size").set_value(2).run()
    app.number_input(key="training kl").set_value(0.5).run()
    app.number_input(key="training seed").set_value(3).run()
    app.toggle(key="training augmentation").set_value(False).run()
    app.text_input(key="training name").set_value("*Mine*").run()
    begun(app, site)
    options = build_parser().parse_args(site.arguments)
    assert site.arguments[4:] == ["--config", str(site.run / "run.toml"), "--journal", "--no-judging"]
    assert (options.arch, options.latent_size, options.kl, options.seed) == ("dense", 2, 0.5, 3)
    assert options.no_augmentation
    assert options.max_minutes == choices.MINUTES_USUAL
    assert options.init is None
    assert "*Mine*" in app.subheader[0].value.replace("\\", "")


def test_what_is_chosen_stands_when_its_fold_is_closed(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[str, Any] = downloads(monkeypatch)
    app.radio(key="training start").set_value("scratch").run()
    app.selectbox(key="training architecture").set_value("gru").run()
    app.selectbox(key="training latent size").set_value(32).run()
    app.number_input(key="training epochs").set_value(7).run()
    app.text_input(key="training name").set_value("Mine").run()
    open_ = taken["Download these choices (run.toml)"]
    assert all(words in open_[1] for words in ('arch = "gru"', "latent_size = 32", "epochs = 7"))
    for fold in reversed(choices.FOLDS):
        app.session_state[fold] = False
        app.run()
        assert taken["Download these choices (run.toml)"] == open_
    assert "training start" not in {radio.key for radio in app.radio}
    visit(visit(app, "about"), "train")
    assert taken["Download these choices (run.toml)"] == open_
    assert unfold(app, *choices.FOLDS).number_input(key="training epochs").value == 7


def test_a_file_sets_the_choices_and_the_page_gives_it_back(
    app: AppTest, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[str, Any] = downloads(monkeypatch)

    def choose(text: str) -> AppTest:
        [box] = [box for box in app.file_uploader if "run.toml" in box.label]
        return box.upload("mine.toml", text.encode()).run()

    asked = Choices("scratch", 150, 7, 3.0, "gru", 32, 0.5, 0.1, False, 9).config("", {})
    choose(asked.to_toml() + "depth = 3\n")
    assert "The choices are those of mine.toml, all but depth, which this page does not offer." in text(app)
    assert app.radio(key="training start").value == "scratch"
    assert app.selectbox(key="training latent size").value == 32
    assert taken["Download these choices (run.toml)"] == ("run.toml", asked.to_toml())
    choose("kl = nan\n")
    assert "Expected a weight kl from 0 to 1,000,000, got nan." in text(app)
    begun(app, site)
    asked_of_run = read_config(site.run / "run.toml")
    assert replace(asked_of_run, about=None) == asked
    site.say(app, "ready")
    app.run()
    assert taken["Download its choices (run.toml)"] == ("run.toml", asked.to_toml())


def test_a_size_that_an_architecture_cannot_have_gives_way(app: AppTest) -> None:
    app.radio(key="training start").set_value("scratch").run()
    app.selectbox(key="training architecture").set_value("dense").run()
    app.selectbox(key="training latent size").set_value(2).run()
    app.selectbox(key="training architecture").set_value("attention").run()
    assert app.selectbox(key="training latent size").value == 128


def test_the_run_gets_the_files_and_the_kit_map(app: AppTest, site: Site) -> None:
    pads = smf([tempo(0, 100), meter(0, 4, 4), *(note(240 * i, 30 if i % 2 else 36) for i in range(8))])
    drop(app, ("a b/pads.mid", pads), ("rock.mid", smf([tempo(0, 97), *rock(2)])))
    app.selectbox(key="training note 30").set_value("kick").run()
    begun(app, site)
    with zipfile.ZipFile(site.run / "data" / "data.zip") as archive:
        assert archive.read("rock.mid") == smf([tempo(0, 97), *rock(2)])
        assert len(archive.namelist()) == 2
    asked = build_parser().parse_args(site.arguments)
    assert (asked.map, asked.no_judging) == (["30=kick"], True)


def test_a_model_of_ones_own_is_gone_on_from(app: AppTest, site: Site, toy: bytes) -> None:
    [box] = [box for box in app.file_uploader if box.label == "Load a model"]
    box.upload("*toy*.safetensors", toy).run()
    [_, own, _] = app.radio(key="training start").options
    assert own.replace("\\", "") == "Fine-tune the model in use: *toy*"
    digest = checkpoint.loads(toy, "toy").contents
    app.radio(key="training start").set_value(digest).run()
    begun(app, site)
    assert (site.run / "init.safetensors").read_bytes() == toy
    assert build_parser().parse_args(site.arguments).init == str(site.run / "init.safetensors")
    assert "going on from *toy*" in text(app)


# -- while it goes


def test_a_run_from_the_click_to_the_figures(app: AppTest, site: Site) -> None:
    begun(app, site)
    assert "Starting: this takes a few seconds." in text(app)
    assert "20 files, fine-tuning the shipped model" in text(app)
    assert "visitor cookie" in players(app)
    assert not app.pills, "data and choices make room for the run"

    site.say(app, "reading", done=5, of=20)
    assert "Reading your files, 25%" in text(app)
    assert app.button(key="stop run").disabled, "there is nothing to keep yet"

    site.say(app, "training", **STEP | {"step": 30, "seconds": 4.0, "terms": TERMS})
    assert re.search(r"Learning: step 30 of 150\. You can play with it in about \d+ (s|min)\.", text(app))
    assert not app.button(key="stop run").disabled
    assert players(app)["training curves"]["spoken"] == [
        "Hits rebuilt correctly (F1): nothing yet",
        "Timing off by, ms: nothing yet",
        "Loudness off by, of 127: nothing yet",
    ]
    assert "training terms" not in players(app)
    app.toggle(key="training terms shown").set_value(True).run()
    charts = players(app)["training terms"]["spoken"]
    assert "Rebuilding, nats a window: now 6.0, so far 6.0 to 6.0" in charts, "the spread is no part of rebuilding"
    assert any(said.startswith("KL, nats a window: now 100,") for said in charts)

    grooves = [share.to_text(replace(random_groove(seed), title=f"{seed} *loop*")) for seed in (1, 2)]
    site.say(app, "preview", step=30, grooves=grooves)
    first = players(app)["previews"]
    assert [len(lane["hits"]) for lane in first["lanes"]] == [30, 30]
    assert first["lanes"][0]["label"] == "Rebuilt after 30 steps: 1 *loop*"
    site.say(app, "training", **STEP | {"step": 60, "seconds": 8.0, "terms": TERMS})
    assert players(app)["previews"] == first, "a poll does not disturb the loop that plays"
    scores = {"loss": 1.0, "f1": 0.8, "f1_25ms": 0.7, "timing_mae_ms": 5.0, "velocity_mae": 9.0}
    site.say(app, "training", **STEP | {"step": 75, "seconds": 9.0, "terms": TERMS, "validation": scores})
    assert "Hits rebuilt correctly (F1): now 0.800, so far 0.800 to 0.800" in players(app)["training curves"]["spoken"]
    site.say(app, "preview", step=60, grooves=grooves[:1])
    second = players(app)["previews"]
    assert second["lanes"] != first["lanes"]

    site.say(app, "prior", done=10, of=40)
    assert "which grooves are likely" in text(app)
    assert not is_own(app)

    site.say(app, "ready", kept_out=["Disco.mid"])
    app.run()
    assert loop(app).options == ["Disco.mid"], "before any figure"
    assert is_own(app)
    assert "is in use on every page." in text(app)
    assert {"Back to the shipped model", "Stop measuring, keep the model"} <= set(labels(app))
    assert "Throw away" not in labels(app)

    site.say(app, "judging", done=1, of=6)
    assert "Now it is measured honestly, on loops it never heard, 17%." in text(app)

    site.say(app, "done", card=CARD)
    app.run()
    assert is_own(app)
    assert list(app.session_state["own models"]) == [checkpoint.loads(toy_of(site), "").contents]
    assert "F1 of 0.900" in text(app)
    assert "better than the model before with 0.800" in text(app)
    assert app.button(key="train"), "another one can be trained"
    loop(app).set_value("Disco.mid").run()
    assert not app.exception
    assert pattern(app).options[0] == "Disco.mid"
    heard = {}
    for by in ("Your model", "The model before"):
        next(each for each in app.segmented_control if each.label == "Rebuilt by").set_value(by).run()
        made = result(app)
        assert made is not None
        assert made["label"].startswith(f"{by}, bar")
        heard[by] = made["hits"]
    assert heard["Your model"] != heard["The model before"]
    assert original(app)["hits"]


def loop(app: AppTest) -> Any:
    """The box with the loops that were kept out."""
    return next(box for box in app.selectbox if box.label == "Loop")


def toy_of(site: Site) -> bytes:
    return (site.home.parent / "toy.safetensors").read_bytes()


def is_own(app: AppTest) -> bool:
    return bool(app.session_state["model in use"]) if "model in use" in app.session_state else False


def test_who_went_back_to_the_shipped_model_keeps_it_when_the_figures_come(app: AppTest, site: Site) -> None:
    begun(app, site)
    site.say(app, "ready")
    app.run()
    app.button(key="back to the shipped model").click().run()
    assert not is_own(app)
    assert "Use it on all pages" in labels(app)
    site.say(app, "done", card=CARD)
    app.run()
    assert not is_own(app)
    app.button(key="use trained").click().run()
    assert is_own(app)
    assert "is in use on every page" in text(app)


def test_a_second_click_is_no_second_run(app: AppTest, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(app, site)
    folder, first = site.run, site.status(app)
    monkeypatch.setattr(visitor, "token", lambda: app.session_state["visitor"])
    training.begin(Dataset((), KitMap(), Survey(), ""), Choices(name="another"))
    assert site.status(app).name == first.name
    assert [path for path in site.home.iterdir() if path.is_dir()] == [folder]
    assert "training problem" not in st.session_state


def test_pause_and_go_on(app: AppTest, site: Site) -> None:
    begun(app, site)
    site.say(app, "training", **STEP | {"step": 30, "seconds": 4.0, "terms": TERMS})
    app.button(key="pause run").click().run()
    assert site.status(app).state == "paused"
    assert "Paused. It goes on by itself in 10 min." in text(app)
    app.button(key="resume run").click().run()
    assert site.status(app).state == "running"
    assert "Pause" in labels(app)


def test_stop_keeps_the_best_so_far(app: AppTest, site: Site) -> None:
    begun(app, site)
    site.say(app, "training", **STEP | {"step": 30, "seconds": 4.0, "terms": TERMS})
    app.button(key="stop run").click().run()
    until(lambda: site.status(app).is_over)
    app.run()
    assert site.status(app).state == "done"
    assert is_own(app)
    assert "is in use on every page" in text(app)


def test_thrown_away_nothing_is_kept(app: AppTest, site: Site) -> None:
    begun(app, site)
    app.button(key="discard run").click().run()
    until(lambda: site.status(app).is_over)
    app.run()
    assert "thrown away; nothing of it was kept" in text(app)
    assert not is_own(app)
    app.button(key="forget run").click().run()
    assert "thrown away" not in text(app)
    assert app.button(key="train")


def test_what_went_wrong_is_a_sentence_and_no_markdown(app: AppTest, site: Site) -> None:
    begun(app, site)
    site.say(app, "failed", sentence="Expected *drums*, got a poem.")
    [error] = app.error
    assert error.value == r"Expected \*drums\*\, got a poem\."
    assert app.button(key="train")


@pytest.mark.parametrize("limits", [Limits(queued=0)])
def test_a_full_queue_is_a_sentence(app: AppTest, site: Site) -> None:
    begun(app, site)
    other = with_patterns(opened("train"))
    assert "1 training and 0 waiting just now: yours would wait its turn." in text(other)
    other.button(key="train").click().run()
    assert "The queue is full: 1 training and 0 waiting" in text(other)
    assert other.button(key="train")


def test_who_waits_is_told_the_place(app: AppTest, site: Site) -> None:
    begun(app, site)
    second, third = with_patterns(opened("train")), with_patterns(opened("train"))
    second.button(key="train").click().run()
    third.button(key="train").click().run()
    assert "Waiting for another model to be finished: yours is next." in text(second)
    assert "yours is number 2 in the queue" in text(third)
    waits = [site.status(one).outlook for one in (app, second, third)]
    assert all(earlier.model + 20 < later.model for earlier, later in itertools.pairwise(waits))
    assert f"You can play with it in about {choices.duration(waits[2].model)}." in text(third)
    site.jobs.discard(second.session_state["visitor"])
    third.run()
    assert "yours is next" in text(third)


# -- other pages, other sessions


def test_a_run_outlives_a_visit_to_another_page(app: AppTest, site: Site) -> None:
    begun(app, site)
    first_page(app)
    assert "Your model is being trained" in [link.proto.label for link in app.get("page_link")]  # type: ignore[attr-defined]
    site.say(app, "ready")
    app.run()
    assert not is_own(app), "nobody's page is changed under the hand"
    app.button(key="use trained elsewhere").click().run()
    assert is_own(app)
    assert "Your model is ready" not in text(app)
    visit(app, "train")
    assert "is in use on every page" in text(app)


def test_a_reload_in_the_middle_finds_the_run(app: AppTest, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(app, site)
    with_cookie(monkeypatch, app.session_state["visitor"])
    fresh = opened("train")
    assert "Starting" in text(fresh)
    site.say(fresh, "ready")
    fresh.run()
    assert is_own(fresh), "this session saw it learn"
    assert [p for p in site.home.iterdir() if p.is_dir()] == [site.run]


def test_a_reload_after_the_end_finds_the_model(app: AppTest, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(app, site)
    site.say(app, "ready")
    site.say(app, "done", card=CARD)
    with_cookie(monkeypatch, app.session_state["visitor"])
    fresh = opened()
    assert not is_own(fresh)
    assert "Your model is ready: My drums" in text(fresh)
    visit(fresh, "train")
    assert "How good it is" in [h.value for h in fresh.subheader]
    fresh.button(key="use trained").click().run()
    assert is_own(fresh)


@pytest.mark.parametrize("value", ["", "x" * 32, "a" * 31, "A" * 32, "a" * 33, "../" + "a" * 29])
def test_a_cookie_that_is_none_of_ours_is_no_token(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_cookie(monkeypatch, value)
    assert visitor.known() is None
    made = visitor.token()
    assert re.fullmatch("[0-9a-f]{32}", made)
    st.session_state.pop("visitor", None)


def test_a_cookie_of_ours_is_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    st.session_state.pop("visitor", None)
    with_cookie(monkeypatch, "0123456789abcdef" * 2)
    assert visitor.token() == visitor.known() == "0123456789abcdef" * 2
    st.session_state.pop("visitor", None)


def test_kept_grooves_go_to_the_train_page(site: Site) -> None:
    app = opened()
    app.session_state["tray"] = {str(i): random_groove(i) for i in range(3)}
    visit(app, "variations")
    app.button(key="train on kept").click().run()
    assert app.pills(key="training sources").value == ["tray"]
    assert next(m.value for m in app.metric) == "3"


# -- the truth in words


def row(name: str, **figures: float) -> Row:
    return Row(name, 128, Figures(**{**SCORE, **figures}))


def judged(*rows: Row) -> HeldOut:
    return HeldOut(rows, ())


def test_worse_than_before_is_said() -> None:
    said = evaluation.verdict(judged(row("this model", f1=0.7), row("the model before")))
    assert "worse than the model before with 0.900" in said
    assert "keep the model from before" in said


def test_as_good_as_before_is_said_with_what_got_better() -> None:
    said = evaluation.verdict(judged(row("this model", timing_mae_ms=0.0), row("the model before")))
    assert "as good as the model before" in said
    assert "It errs by 0.0 ms in timing, before by 5.0." in said


def test_from_scratch_the_best_baseline_is_the_yardstick() -> None:
    said = evaluation.verdict(judged(row("this model"), row("PCA", f1=0.5)))
    assert said.endswith("the best baseline gets 0.500.")


def test_how_it_was_measured() -> None:
    files = (JudgedFile("a.mid"),) * 12
    data = Data(train_takes=10, validation_takes=2)
    folds = evaluation.measured(HeldOut((), files, folds=5), data)
    assert "5 other models were trained in the same way, each without a fifth of your files" in folds
    assert "On 2 files that were kept from it while it learned from 10 others" in evaluation.measured(
        HeldOut((), files), data
    )


@pytest.mark.parametrize(
    ("cells", "same", "word"),
    [(12.0, 0.0, "No sign of copying"), (3.0, 0.0, "stays close"), (12.0, 0.4, "copies now and then")],
)
def test_the_memorization_meter(cells: float, same: float, word: str) -> None:
    said = evaluation.memorized(Copying(Nearness(cells, same), Nearness(14.0, 0.0)))
    assert word in said
    assert f"**{cells:g} cells**" in said
    assert "**14 cells**" in said


def test_one_pattern_has_no_figures_and_that_is_said(app: AppTest, site: Site) -> None:
    begun(app, site)
    site.say(app, "ready")
    site.say(app, "done", card={"data": {}})
    assert "none could be kept from the model to judge it by" in text(app)
