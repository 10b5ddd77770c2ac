"""The model in use: chosen, loaded, taken home, and what every page makes of another one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsing import (
    Downloads,
    downloads,
    opened,
    original,
    players,
    press,
    result,
    send,
    shown,
    tables,
    take,
    unfold,
    upload,
    visit,
)
from helpers import note, smf
from streamlit.testing.v1 import AppTest
from toys import FAMILY_TOYS, TOY, latent_map, model, prior, quantiles, with_card, with_tensors

from rhythmvae import share
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.data.examples import example
from rhythmvae.data.windows import played_windows
from rhythmvae.errors import CheckpointError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate, latent, outline
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import SHIPPED, Card
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.config import ModelConfig
from rhythmvae.model.lent import ModelFile
from rhythmvae.ui.components import deck
from rhythmvae.ui.parts import variations
from rhythmvae.ui.parts.map_drawing import FOLD
from rhythmvae.ui.session import caches, models
from rhythmvae.ui.session.caches import Settings
from rhythmvae.ui.session.opened import Opened, shipped

Hits = list[list[float]]
SHORT = share.rounded(example("disco"))
DRIFTED = {"reading": {"map": {"42": "ride", "39": "none"}}}


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """The app takes one thread, and what it makes is compared to the last bit; other tests may have had more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    return downloads(monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """The bytes of a toy's file."""
    folder = tmp_path_factory.mktemp("models")

    def of(
        config: ModelConfig = TOY,
        seed: int = 0,
        mapped: bool = True,
        styles: tuple[str, ...] = ("funk", "jazz"),
        without: str = "",
        **said: Any,
    ) -> bytes:
        path = folder / "toy.safetensors"
        known = Quantiles({name: knots for name, knots in quantiles().knots.items() if name != without})
        drawn = latent_map(config) if mapped else None
        checkpoint.save(path, model(config, seed), prior(config.latent_size, styles), known, Card(), drawn)
        data = path.read_bytes()  # as it was written, where nothing else is to be said
        return with_card(data, lambda card: card.update(said)) if said else data

    return of


@pytest.fixture(scope="module")
def toy(made: Callable[..., bytes]) -> bytes:
    return made()


def load(app: AppTest, data: bytes, name: str = "mine.safetensors") -> AppTest:
    """Drop a model's file on the About page."""
    visit(app, "about")
    [box] = [box for box in app.file_uploader if box.label == "Load a model"]
    box.upload(name, data)
    return app.run()


def using(data: bytes, page: str = "about", name: str = "mine.safetensors") -> AppTest:
    """A visitor who has loaded a model comes to a page."""
    app = load(opened(), data, name)
    assert well(app)
    return visit(app, page)


def picker(app: AppTest) -> Any:
    """The box with the model in use."""
    [box] = [box for box in app.selectbox if box.label == "Model"]
    return box


def choose(app: AppTest, name: str) -> AppTest:
    box = picker(app)
    index = box.options.index(name)
    return box.select_index(index).run()


def well(app: AppTest) -> bool:
    return not app.exception and not app.error


def opens(data: bytes) -> Checkpoint:
    return checkpoint.loads(data, "x")


def sent(groove: Groove) -> Hits:
    return deck.lanes.hits_of(groove)


def lane(app: AppTest, key: str, index: int = -1) -> Hits:
    """Of cards, or of what the deck switches between: the groove in hand and the page's result."""
    lanes = players(app)[key]["lanes"] if key == CARDS else [original(app), *filter(None, [result(app)])]
    hits: Hits = lanes[index]["hits"]
    return hits


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def used(app: AppTest) -> str:
    """Name of the model in use."""
    box = picker(app)
    return str(box.format_func(box.value))


DECK, CARDS = "deck", "variation cards"


# -- choosing ------------------------------------------------------------------


def test_at_first_it_is_the_shipped_one_and_no_line_says_so() -> None:
    app = opened()
    assert used(app) == "The shipped model"
    assert "Back to the shipped model" not in labels(app)
    assert lane(app, DECK) == sent(latent.reconstruct(checkpoint.load().model, example("funk")))
    visit(app, "about")
    assert picker(app).options == ["The shipped model"]
    assert "**The shipped model**" in shown(app)


def test_a_loaded_model_is_used_on_every_page_until_a_button_leads_back(toy: bytes) -> None:
    app = load(opened(), toy)
    assert well(app)
    assert picker(app).options == ["The shipped model", "mine"]
    assert (picker(app).value, app.session_state["model in use"]) == (opens(toy).contents,) * 2
    assert "**mine**" in shown(app)
    assert "carries no figures" in shown(app)
    loaded = opens(toy)

    visit(app, "reconstruct")
    assert well(app)
    assert used(app) == "mine"
    assert lane(app, DECK) == sent(latent.reconstruct(loaded.model, example("funk")))
    take(visit(app, "variations"), "disco")
    assert well(app)
    assert used(app) == "mine"
    assert lane(app, DECK) == sent(generate.vary(loaded, SHORT, amount=0.4)[0].groove)
    assert app.selectbox(key="style").options == ["Funk", "Jazz"]
    visit(app, "map")
    assert well(app)
    assert used(app) == "mine"
    assert loaded.latent_map is not None
    assert result(app) is None  # nothing was chosen on it yet
    assert f"{len(loaded.latent_map)} windows of what this model learned from" in shown(app)

    button(app, "Back to the shipped model").click().run()
    assert well(app)
    assert used(app) == "The shipped model"
    assert "5,000 windows of human drumming" in shown(app)
    visit(app, "reconstruct")
    take(app, "funk")
    assert lane(app, DECK) == sent(latent.reconstruct(checkpoint.load().model, example("funk")))
    # It is still there to be chosen.
    choose(visit(app, "about"), "mine")
    assert well(app)
    visit(app, "reconstruct")
    assert lane(app, DECK) == sent(latent.reconstruct(loaded.model, example("funk")))


def test_what_is_kept_for_one_model_never_answers_for_another(made: Callable[..., bytes]) -> None:
    one, other = made(seed=1), made(seed=2)
    visitors = [using(one), using(other), opened("about")]
    own = [opens(one), opens(other), checkpoint.load()]
    for _ in range(2):  # computed, and kept
        for app, used in zip(visitors, own, strict=True):
            take(unfold(visit(app, "variations"), *variations.FOLDS), "disco")
            assert lane(app, DECK) == sent(generate.vary(used, SHORT, amount=0.4)[0].groove)
            app.selectbox(key="interpolation to").set_value("breakbeat").run()
            way = generate.interpolate(used, SHORT, example("breakbeat"), variations.INTERPOLATION_STEPS)
            assert lane(app, DECK) == sent(way[variations.INTERPOLATION_STEPS // 2])
            app.selectbox(key="interpolation to").set_value(None).run()
            visit(app, "reconstruct")
            assert lane(app, DECK) == sent(latent.reconstruct(used.model, example("disco")))
    for used, data in zip(own, (one, other, SHIPPED.read_bytes()), strict=True):
        assert caches.reconstruct(SHORT, Opened.of(used.outline, ModelFile.of(data))) == latent.reconstruct(
            used.model, SHORT
        )


def test_names_are_data_and_no_two_are_the_same(made: Callable[..., bytes]) -> None:
    app = opened()
    hostile = "<b>*x*</b> :fire:.safetensors"
    for seed, name in enumerate([hostile, hostile, "The shipped model.safetensors"]):
        load(app, made(seed=seed), name)
        assert well(app)
    assert picker(app).options == [
        "The shipped model", "<b>*x*</b> :fire:", "<b>*x*</b> :fire: (2)", "The shipped model (2)",
    ]  # fmt: skip
    choose(app, "<b>*x*</b> :fire:")
    visit(app, "reconstruct")
    assert used(app) == "<b>*x*</b> :fire:"
    assert not any(re.search(r"(?<!\\)[<*:]", c.value.partition(" ")[2]) for c in app.caption if "Model:" in c.value)


def test_a_session_keeps_some_models_and_the_oldest_goes(made: Callable[..., bytes]) -> None:
    app = opened()
    for seed in range(models.MAX_OWN + 1):
        load(app, made(seed=seed), f"{seed}.safetensors")
    assert picker(app).options == ["The shipped model", "1", "2", "3", "4"]
    choose(app, "2")
    assert well(app)
    load(app, made(seed=2), "again.safetensors")  # the same file is the same model, by its latest name
    assert picker(app).options == ["The shipped model", "1", "3", "4", "again"]


def test_a_trained_model_is_used_by_its_name(toy: bytes) -> None:
    def page(data: bytes) -> None:
        from rhythmvae.ui.session import models

        if not models.own():
            models.use(models.opened(data, "x"), "Twelve loops")
        models.picker()

    app = AppTest.from_function(page, kwargs={"data": toy}, default_timeout=30).run()
    assert well(app)
    assert used(app) == "Twelve loops"
    button(app, "Back to the shipped model").click().run()
    assert used(app) == "The shipped model"


# -- files ---------------------------------------------------------------------


def test_what_is_downloaded_is_the_file_and_loads_again(
    files: Downloads, toy: bytes, made: Callable[..., bytes]
) -> None:
    app = opened("about")
    name, data = files["Download this model"]
    assert name == "rhythmvae.safetensors"
    assert data() == SHIPPED.read_bytes()
    load(app, toy, "My loops, 2.safetensors")
    name, data = files["Download this model"]
    assert name == "My-loops-2.safetensors"
    assert data() == toy
    load(app, made(seed=1), "other.safetensors")
    choose(app, "My loops, 2")
    assert files["Download this model"][1]() == toy
    assert picker(load(opened(), data())).value == opens(toy).contents


def test_a_file_of_another_make_is_given_back_as_it_came(files: Downloads, toy: bytes) -> None:
    def full(tensors: dict[str, torch.Tensor]) -> None:
        for key in [key for key in tensors if key.startswith("model.")]:
            tensors[key] = tensors[key].float() * 1.0001

    wide = with_tensors(toy, full)
    app = load(opened(), wide)
    assert well(app)
    assert files["Download this model"][1]() == wide
    choose(app, "The shipped model")
    choose(app, "mine")
    assert files["Download this model"][1]() == wide
    visit(app, "reconstruct")
    assert lane(app, DECK) == sent(latent.reconstruct(opens(wide).model, example("funk")))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "another kind of file"),
        (b"\x80\x04K\x01." * 10, "another kind of file"),
        (b"MThd" + bytes(100), "another kind of file"),
        (lambda toy: toy[:-100], "damaged"),
        (lambda toy: with_card(toy, lambda card: card.update(version=99)), "version 99"),
        (bytes((models.MAX_UPLOAD_MB << 20) + 1), "at most 24 MB"),
    ],
    ids=["empty", "pickle", "midi", "cut", "version", "huge"],
)
def test_what_is_no_model_is_a_sentence_and_the_model_in_use_stays(
    toy: bytes, data: bytes | Callable[[bytes], bytes], said: str
) -> None:
    app = using(toy)
    load(app, data if isinstance(data, bytes) else data(toy), "*x*.bin")
    assert not app.exception
    [error] = app.error
    assert said in shown(app)
    assert "*x*" not in error.value
    assert picker(app).options == ["The shipped model", "mine"]
    assert picker(app).value == opens(toy).contents
    choose(app, "The shipped model")
    assert well(app)


def test_the_size_is_looked_at_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "loads", pytest.fail)
    with pytest.raises(CheckpointError, match=r"at most 24 MB, x\.bin has 24\.0 MB"):
        models.load_upload(bytes((models.MAX_UPLOAD_MB << 20) + 1), "x.bin")


def test_without_the_shipped_model_an_own_one_works(toy: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> None:
        raise CheckpointError("Expected a checkpoint, found none.")

    monkeypatch.setattr(outline, "read", missing)
    shipped.clear()
    try:
        app = opened("about")
        assert "found none" in shown(app)
        load(app, toy)
        assert well(app)
        for page in ("reconstruct", "variations", "map"):
            assert well(visit(app, page))
    finally:
        shipped.clear()


def move(app: AppTest, bank: str, **asked: float) -> AppTest:
    """A hand moves measured sliders."""
    serial = players(app)[bank]["serial"]
    return send(app, bank, moved=[[name, serial + n, place] for n, (name, place) in enumerate(asked.items(), 1)])


def places(app: AppTest, bank: str) -> dict[str, int | None]:
    """Where the measured sliders were asked to stand, in percent."""
    return {each["name"]: each["at"] for each in players(app)[bank]["sliders"]}


# -- any model on every page ---------------------------------------------------

SIZES = {
    "two": ModelConfig(encoder="dense", decoder="dense", latent_size=2, width=16, depth=1),
    "wide": ModelConfig(encoder="cnn", decoder="gru", latent_size=96, width=16, depth=1),
}


@pytest.mark.parametrize(
    ("config", "mapped"),
    [*((config, True) for config in (FAMILY_TOYS | SIZES).values()), (TOY, False), (SIZES["two"], False)],
    ids=[*FAMILY_TOYS, *SIZES, "unmapped", "two unmapped"],
)
def test_any_model_works_on_every_page(made: Callable[..., bytes], config: ModelConfig, mapped: bool) -> None:
    data = made(config, mapped=mapped)
    loaded = opens(data)
    app = using(data, "reconstruct")
    assert well(app)
    assert lane(app, DECK) == sent(latent.reconstruct(loaded.model, example("funk")))
    take(visit(app, "variations"), "disco")
    assert well(app)
    move(app, "sliders", density=0.8)
    app.selectbox(key="style").set_value("jazz").run()
    assert well(app)
    asked: Any = generate.vary(loaded, SHORT, amount=0.4, asked={"density": 0.8}, style="jazz")[0]
    assert lane(app, DECK) == sent(asked.groove)
    app.segmented_control(key="how many").set_value(4).run()
    button(app, "Deal variations").click().run()
    assert len(players(app)[CARDS]["lanes"]) == 4
    unfold(app, *variations.FOLDS)
    app.selectbox(key="interpolation to").set_value("breakbeat").run()
    assert well(app)
    button(app, "Surprise me").click().run()
    assert well(app)
    visit(app, "map")
    assert well(app)
    upload(app, ("disco.mid", write_midi(example("disco"))))
    assert well(app)
    if loaded.latent_map is None:
        assert "This model carries no map." in shown(app)
        assert result(app) is None
        button(unfold(app, FOLD), "Draw").click().run()
    assert well(app)
    drawn = loaded.latent_map or app.session_state["map drawn anew"].latent_map
    for count, index in enumerate((len(drawn) - 1, 0), 1):
        send(app, "latent map", picked={"kind": "point", "index": index, "count": count})
        assert lane(app, DECK) == sent(latent_maps.decode_point(loaded.model, drawn, index))
        next(b for b in app.button if b.label.startswith("Make it corner")).click().run()
    app.slider(key="walk x").set_value(50).run()
    assert well(app)
    send(app, "latent map", picked={"kind": "place", "view": "PCA", "place": [0.4, 0.6], "count": 9})
    assert well(app)
    assert result(app)["label"] == "Between the points"


def test_weights_that_give_no_numbers_are_a_sentence_and_a_button_leads_out(toy: bytes) -> None:
    def blow_up(tensors: dict[str, torch.Tensor]) -> None:
        for key in [key for key in tensors if key.startswith("model.") and key != "model.scale"]:
            tensors[key] = tensors[key].float().sign() * 1e38

    app = load(opened(), with_tensors(toy, blow_up))
    assert well(app)
    for page in ("reconstruct", "variations", "map"):
        visit(app, page)
        assert not app.exception
        assert "give no numbers" in shown(app)
        assert used(app) == "mine"
    button(app, "Back to the shipped model").click().run()
    assert well(app)


def test_a_model_without_a_map_has_one_of_the_visitor_s_files(made: Callable[..., bytes]) -> None:
    app = using(made(mapped=False), "map")
    assert "This model carries no map." in shown(app)
    assert "Draw" not in labels(app)  # of nothing
    upload(app, ("disco.mid", write_midi(example("disco"))), ("rock.mid", write_midi(example("rock"))))
    unfold(app, FOLD)
    assert not [one for one in app.segmented_control if one.key == "map of"]
    button(app, "Draw").click().run()
    assert well(app)
    assert "windows of your files" in shown(app)
    button(app, "Forget this map").click().run()
    assert "This model carries no map." in shown(app)


def test_the_visitor_s_own_files_and_then_the_model_s_own_points(toy: bytes) -> None:
    app = using(toy, "map")
    unfold(upload(app, ("waltz.mid", write_midi(example("waltz")))), FOLD)
    app.segmented_control(key="map of").set_value("your files alone")
    button(app, "Draw").click().run()
    assert "your files" in shown(app)
    app.segmented_control(key="map of").set_value("the grooves it learned from")
    button(app, "Draw").click().run()
    own = opens(toy).latent_map
    assert own is not None
    assert np.array_equal(app.session_state["map drawn anew"].latent_map.latents, own.latents)
    assert "what this model learned from" in shown(app)
    button(app, "Back to the model's own map").click().run()
    assert well(app)


# -- from one model to another -------------------------------------------------


def test_the_map_forgets_what_was_another_model_s(made: Callable[..., bytes], toy: bytes) -> None:
    app = using(made(SIZES["two"]))
    load(app, toy, "wide.safetensors")
    visit(app, "map")
    unfold(upload(app, ("disco.mid", write_midi(example("disco")))), FOLD)
    app.segmented_control(key="map of").set_value("your files alone")
    button(app, "Draw").click().run()
    for count in (1, 2):
        send(app, "latent map", picked={"kind": "place", "view": "PCA", "place": [0.4, 0.6], "count": count})
        next(b for b in app.button if b.label.startswith("Make it corner")).click().run()
    app.slider(key="walk x").set_value(40).run()
    assert well(app)
    for name, used in (
        ("mine", opens(made(SIZES["two"]))),
        ("wide", opens(toy)),
        ("The shipped model", checkpoint.load()),
    ):
        choose(visit(app, "about"), name)
        visit(app, "map")
        assert well(app)
        assert used.latent_map is not None
        assert result(app) is None  # nothing was chosen on it yet
        told = players(app)["latent map"]
        assert [told["corners"][view] for view in ("t-SNE", "PCA")] == [[], []]
        assert told["here"] == {"kind": "own", "index": 0}  # the groove in hand, wherever this model puts it
        assert "map drawn anew" not in app.session_state
        # Of the files' places there are those of this model.
        grooves = played_windows(read_midi(write_midi(example("disco")), "disco.mid")[0])
        [frame] = [frame for view, frame in _frames(used).items() if view == "PCA"]
        there = frame.inside(latent_maps.to_plane(used.latent_map, latent_maps.encode(used.model, grooves)))
        assert np.array([[m["x"], m["y"]] for m in told["own"]["PCA"]]) == pytest.approx(there, abs=1e-4)


def _frames(used: Checkpoint) -> Any:
    from rhythmvae.ui.components import latent_map

    assert used.latent_map is not None
    return latent_map.frames(used.latent_map)


def test_settings_go_with_the_visitor_as_far_as_the_next_model_knows_them(made: Callable[..., bytes]) -> None:
    lacking = made(styles=("polka",), without="density_toms")
    app = using(lacking)
    choose(app, "The shipped model")
    take(unfold(visit(app, "variations"), *variations.FOLDS), "disco")
    app.selectbox(key="style").set_value("jazz")
    app.selectbox(key="sample style").set_value("jazz")
    move(app, "sliders of drums", density_toms=0.7)
    move(app, "sliders", density=0.9)
    app.segmented_control(key="how many").set_value(4).run()
    button(app, "Deal variations").click().run()
    assert CARDS in players(app)
    choose(visit(app, "about"), "mine")
    unfold(visit(app, "variations"), *variations.FOLDS)
    assert well(app)
    assert app.selectbox(key="style").value is None
    assert app.selectbox(key="sample style").value == "any"
    assert "density_toms" not in places(app, "sliders of drums")
    expected = generate.vary(opens(lacking), SHORT, amount=0.4, asked={"density": 0.9})[0].groove
    assert lane(app, DECK) == sent(expected)
    assert CARDS not in players(app)
    button(app, "Deal variations").click().run()
    assert well(app)
    assert lane(app, CARDS, 0) == sent(expected)
    button(app, "Surprise me").click().run()
    assert well(app)
    # And back.
    button(app, "Back to the shipped model").click().run()
    assert well(app)
    assert places(app, "sliders of drums")["density_toms"] == 70
    assert CARDS not in players(app)


def test_more_like_this_is_of_the_model_in_use(toy: bytes) -> None:
    app = take(using(toy, "variations"), "disco")
    app.segmented_control(key="how many").set_value(4).run()
    button(app, "Deal variations").click().run()
    hits = lane(app, CARDS, 2)
    press(app, CARDS, {"lane": "card 2", "what": "more"})
    assert well(app)
    assert np.array(lane(app, DECK, 0)) == pytest.approx(np.array(hits), abs=1 / share.RESOLUTION)


# -- the kit map ---------------------------------------------------------------

HATS = smf([note(480 * beat, pitch) for beat in range(4) for pitch in (36, 39, 42)])


def test_files_are_read_as_the_model_s_were(made: Callable[..., bytes]) -> None:
    data = made(**DRIFTED)
    app = upload(using(data, "reconstruct"), ("beat.mid", HATS))
    assert well(app)
    voices = {voice for voice, *_ in lane(app, DECK, 0)}
    assert voices == {VOICE_INDEX["kick"], VOICE_INDEX["ride"]}
    assert "At first as in the files that mine learned from." in shown(app)
    boxes = {box.label.split()[0]: box for box in app.selectbox if re.match(r"\d+ ", box.label)}
    assert {pitch: box.value for pitch, box in boxes.items()} == {"36": "kick", "39": "none", "42": "ride"}
    # Who says otherwise is heard, even if it is what the kit itself says.
    boxes["42"].set_value("closed_hat").run()
    assert {voice for voice, *_ in lane(app, DECK, 0)} == {VOICE_INDEX["kick"], VOICE_INDEX["closed_hat"]}
    # Of the map it is taken in hand as it was chosen to be read.
    visit(app, "map")
    send(app, "latent map", picked={"kind": "own", "index": 0, "count": 1})
    assert {voice for voice, *_ in lane(app, DECK)} == {VOICE_INDEX["kick"], VOICE_INDEX["closed_hat"]}
    # Another model was not trained so.
    button(app, "Back to the shipped model").click().run()
    visit(app, "reconstruct")
    assert {voice for voice, *_ in lane(app, DECK, 0)} == {VOICE_INDEX[k] for k in ("kick", "snare", "closed_hat")}
    assert "At first as in" not in shown(app)


def test_the_kit_map_of_a_card_is_what_makes_sense_in_it(made: Callable[..., bytes]) -> None:
    rules = {
        "44": "kick", "39": "none", "0": "ride", "127": "crash",
        "128": "kick", "-1": "kick", "044": "snare", "4 4": "snare", "x": "kick", "²": "kick",
        "45": "gong", "46": None, "47": 3, "48": ["kick"], "49": "",
    }  # fmt: skip
    found = opens(made(reading={"map": rules})).kit_map
    assert found.overrides == {44: 0, 39: None, 0: VOICE_INDEX["ride"], 127: VOICE_INDEX["crash"]}
    for reading in (None, 7, [], {}, {"map": None}, {"map": []}, {"map": "44=kick"}):
        assert opens(made(reading=reading)).kit_map.overrides == {}
    assert checkpoint.load().kit_map.overrides == {}


# -- links ---------------------------------------------------------------------


def settings(amount: float) -> dict[str, Any]:
    return variations.link_settings(Settings(amount=amount))


def follow(app: AppTest, link: str) -> AppTest:
    app.query_params["g"] = link.removeprefix("g=")
    return app.run()


def test_a_link_is_of_the_model_it_was_made_with(toy: bytes) -> None:
    app = take(using(toy, "variations"), "disco")
    app.slider(key="amount").set_value(70).run()
    link = str(players(app)["deck result"]["link"])
    assert share.from_text(link.removeprefix("g=")).model == opens(toy).digest
    made = lane(app, DECK)
    # Who has the model gets it with the link, whatever was in use; who has not is told.
    button(app, "Back to the shipped model").click().run()
    assert lane(app, DECK) != made
    follow(app, link)
    assert well(app)
    assert not app.info
    assert used(app) == "mine"
    assert lane(app, DECK) == made
    theirs = opened("variations", link)
    assert "made with a different model" in theirs.info[0].value
    assert used(theirs) == "The shipped model"
    # A link of the shipped model is of the shipped model.
    follow(app, "g=" + share.to_text(SHORT, settings(0.5), checkpoint.load().digest))
    assert well(app)
    assert not app.info
    assert used(app) == "The shipped model"
    assert lane(app, DECK) == sent(generate.vary(checkpoint.load(), SHORT, amount=0.5)[0].groove)


def test_a_link_of_a_stranger_s_model_changes_none(toy: bytes) -> None:
    app = using(toy, "variations")
    follow(app, "g=" + share.to_text(SHORT, settings(0.5), "0123456789abcdef"))
    assert "made with a different model" in app.info[0].value
    assert used(app) == "mine"
    follow(app, "g=" + share.to_text(example("rock")))  # of no model at all
    assert not app.info
    assert used(app) == "mine"


# -- the card ------------------------------------------------------------------


def test_the_card_is_that_of_the_model_in_use(made: Callable[..., bytes]) -> None:
    app = using(made(metrics={"validation": {"f1": 0.875}}))
    assert well(app)
    [[row]] = tables(app)
    assert (row["Figure"], row["Value"]) == ("Hits, F1 at 50 ms", "0.875")
    assert "**mine**" in shown(app)
    choose(app, "The shipped model")
    assert len(tables(app)[0]) > 5
    assert "**mine**" not in shown(app)


@pytest.mark.parametrize(
    "card", [{"metrics": 7}, {"metrics": {"validation": []}, "data": "x"}, {"data": {"train_takes": "n"}}]
)
def test_a_card_without_sense_is_no_trouble(made: Callable[..., bytes], card: dict[str, Any]) -> None:
    assert well(using(made(**card)))


def test_a_model_of_version_1_rebuilds_and_says_why_it_draws_nothing_new() -> None:
    first = (Path(__file__).parents[1] / "kept" / "toy_1.safetensors").read_bytes()
    app = using(first, "reconstruct")
    assert well(app)
    assert lane(app, DECK) == sent(latent.reconstruct(opens(first).model, example("funk")))
    visit(app, "variations")
    assert not app.exception
    assert "version 1" in app.error[0].value


def test_toys_tell_their_digests_apart(made: Callable[..., bytes]) -> None:
    """What the tests above rest on."""
    assert len({opens(made(seed=seed)).digest for seed in range(3)}) == 3


def test_a_browser_that_has_not_seen_the_model_change_does_not_change_it_back(toy: bytes) -> None:
    """It sends the choice that it shows, with whatever was clicked: a link to another page, say."""
    app = visit(opened(), "about")
    [box] = [box for box in app.file_uploader if box.label == "Load a model"]
    box.upload("mine.safetensors", toy)
    seen = app._tree.get_widget_states()
    app.run()
    assert app.session_state["model in use"] == opens(toy).contents
    app._run(seen)
    assert app.session_state["model in use"] == opens(toy).contents
