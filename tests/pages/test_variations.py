"""The Variations page, with the shipped checkpoint: a groove turned into the one that was wanted.

What it makes is what the command line makes: `vary` here is a command in this process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsing import (
    ROOT,
    Downloads,
    bars,
    downloads,
    edit,
    opened,
    original,
    pattern,
    players,
    press,
    result,
    send,
    shown,
    take,
    unfold,
    upload,
    visit,
)
from grooves import random_groove
from helpers import meter, rock, smf, tempo
from streamlit.testing.v1 import AppTest

from rhythmvae import cli, share
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.data.names import style_name
from rhythmvae.errors import CheckpointError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate, outline
from rhythmvae.outputs import file_stem
from rhythmvae.ui.components import deck
from rhythmvae.ui.parts import differences, variations
from rhythmvae.ui.parts import pad as pads
from rhythmvae.ui.session import caches, hand, models, tray
from rhythmvae.ui.session.caches import Settings
from rhythmvae.ui.session.opened import shipped
from rhythmvae.ui.shared import fingerprint

DECK, CARDS, KEPT = "deck", "variation cards", "kept cards"
BANKS = "sliders", "sliders of drums"
Hits = list[list[float]]
SHORT = share.rounded(example("disco"))  # two bars: the quickest
ROCK = smf([tempo(0, 97), meter(0, 4, 4), *rock(4)])


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """The app and the command line take one thread; other tests may have had more."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    return downloads(monkeypatch)


@pytest.fixture
def app(files: Downloads) -> AppTest:
    """The page with two bars on it."""
    return take(unfold(opened("variations"), *variations.FOLDS, *pads.FOLDS), "disco")


def lanes(app: AppTest, key: str | None = None) -> list[dict[str, Any]]:
    """Of cards; without a key what the deck switches between."""
    if key is None:
        return [original(app), *filter(None, [result(app)])]
    found: list[dict[str, Any]] = players(app)[key]["lanes"]
    return found


def variation(app: AppTest) -> Hits:
    hits: Hits = lanes(app)[1]["hits"]
    return hits


def sent(groove: Groove) -> Hits:
    return deck.lanes.hits_of(groove)


def near(hits: Hits, others: Hits) -> bool:
    """The same hits as a link holds them, which is what a start is."""
    return len(hits) == len(others) and np.allclose(hits, others, rtol=0, atol=1 / share.RESOLUTION)


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def sliders_told(app: AppTest) -> dict[str, dict[str, Any]]:
    """What the browser is told of each measured slider."""
    return {each["name"]: each for key in BANKS for each in players(app)[key]["sliders"]}


def places(app: AppTest) -> dict[str, int]:
    """Where the sliders stand, in percent."""
    told = sliders_told(app).items()
    return {name: each["rests_at"] if each["at"] is None else each["at"] for name, each in told}


def said(app: AppTest) -> list[str]:
    """What stands under the sliders that were asked."""
    return [f"{each['asked']}, {each['achieved']}" for each in sliders_told(app).values() if each["asked"]]


def at(app: AppTest, **places: int | None) -> AppTest:
    """Sliders put to places, in percent; None resets one."""
    for key in BANKS:
        bank = players(app)[key]
        names = [each["name"] for each in bank["sliders"] if each["name"] in places]
        moved = [
            [name, bank["serial"] + n, None if (place := places[name]) is None else place / 100]
            for n, name in enumerate(names, 1)
        ]
        if moved:
            send(app, key, moved=moved)
    return app


def some_bars(app: AppTest, first: int, last: int) -> AppTest:
    """They are chosen on another page."""
    return visit(bars(visit(app, "reconstruct"), first, last), "variations")


def well(app: AppTest) -> bool:
    return not app.exception and not app.error


# -- the start and its variation


def test_the_page_opens_with_a_start_and_its_variation(app: AppTest) -> None:
    fresh = opened("variations")
    assert well(fresh)
    start, made = lanes(fresh)
    assert (start["id"], start["editable"], made["id"], made["editable"]) == ("original", True, "variation", False)
    assert near(start["hits"], sent(example(next(iter(EXAMPLES)))))
    assert made["hits"]
    assert made["hits"] != start["hits"]


def test_amount_zero_is_the_reconstruction_and_more_is_further(app: AppTest) -> None:
    app.slider(key="amount").set_value(0).run()
    assert variation(app) == sent(caches.reconstruct(SHORT))
    app.slider(key="amount").set_value(100).run()
    assert variation(app) != sent(caches.reconstruct(SHORT))


def test_a_slider_changes_the_variation_and_says_what_came_and_a_reset_leaves_it(app: AppTest) -> None:
    before, stood = variation(app), places(app)
    at(app, density=90)
    assert well(app)
    assert variation(app) != before
    assert len(variation(app)) > len(before)
    assert places(app)["density"] == 90
    assert places(app) != {**stood, "density": 90}, "the others stand where the new groove has them"
    [words] = said(app)
    density = len(variation(app)) / 8
    assert re.fullmatch(rf"asked 90% \([\d.]+ hits a beat\), achieved \d+% \({density:.1f} hits a beat\).*", words)
    at(app, density=None)
    assert variation(app) == before
    assert places(app) == stood
    assert not said(app)


def test_settings_that_lead_nowhere_leave_the_sliders_to_ask_for_something_else(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise UsageError("Expected something else, got this; ask for less.")

    monkeypatch.setattr(caches, "variations", fails)
    at(app, density=80)
    assert "Expected something else, got this; ask for less." in shown(app)
    assert sliders_told(app)["density"]["at"] == 80
    assert "Swing" in {each["label"] for each in sliders_told(app).values()}


def test_what_is_out_of_reach_is_said(app: AppTest) -> None:
    for key in ("kick", "snare", "closed_hat", "open_hat", "crash"):  # all that it plays stays as it is
        if VOICE_INDEX[key] in SHORT.voice:
            app.pills(key="locked drums").select(key)
    at(app, density=0)
    assert "as far as it goes here" in said(app)[0]
    take(app, "ballad")
    at(app, swing=80)
    assert well(app)
    assert any("but this groove has nothing to measure" in words for words in said(app))


def test_the_dice_gives_another_and_the_same_seed_the_same(app: AppTest) -> None:
    first = variation(app)
    button(app, "Dice").click().run()
    assert app.number_input(key="seed").value == 1
    assert variation(app) != first
    app.number_input(key="seed").set_value(0).run()
    assert variation(app) == first
    app.number_input(key="seed").set_value(variations.MAX_PAGE_SEED).run()
    button(app, "Dice").click().run()
    assert app.number_input(key="seed").value == 0


def test_locked_drums_and_bars_come_back_note_for_note(app: AppTest) -> None:
    app.slider(key="amount").set_value(100)
    app.pills(key="locked drums").select("kick")
    app.pills(key="locked bars of 2").select(2).run()
    made, start = variation(app), sent(SHORT)
    assert [h for h in made if h[0] == 0] == [h for h in start if h[0] == 0]
    assert [h for h in made if h[1] >= 15.5] == [h for h in start if h[1] >= 15.5]
    assert made != start


def test_locks_fit_whatever_start_comes_next(app: AppTest) -> None:
    app.pills(key="locked drums").select("kick").select("open_hat")
    app.pills(key="locked bars of 2").select(2).run()
    for key in ("waltz", "funk", "five", "disco"):
        take(app, key)
        assert well(app)
        start = lanes(app)[0]["hits"]
        assert near([h for h in variation(app) if h[0] == 0], [h for h in start if h[0] == 0])
    some_bars(app, 1, 1)
    assert well(app)
    assert lanes(app)[0]["n_steps"] == 16


def test_settings_survive_a_visit_to_another_page(app: AppTest) -> None:
    app.slider(key="amount").set_value(70)
    app.number_input(key="seed").set_value(5)
    at(app, density=80)
    before = variation(app)
    visit(app, "about")
    visit(app, "variations")
    assert variation(app) == before
    assert app.slider(key="amount").value == 70


def test_silence_and_a_single_bar_have_variations_too(app: AppTest) -> None:
    edit(app, [])
    assert well(app)
    assert not app.pills(key="locked drums").options
    at(app, density=50)
    assert well(app)
    upload(app, ("bar.mid", write_midi(SHORT.bars(1, 1))))
    assert well(app)
    assert variation(app)


def test_an_edit_of_the_start_changes_what_comes_of_it_and_can_be_taken_back(app: AppTest) -> None:
    before = variation(app)
    edit(app, [[VOICE_INDEX["kick"], step, 100] for step in range(32)])
    assert well(app)
    assert len(lanes(app)[0]["hits"]) == 32
    assert variation(app) != before
    button(app, "Back to the pattern as it was").click().run()
    assert near(lanes(app)[0]["hits"], sent(SHORT))
    assert variation(app) == before
    assert "Back to the pattern as it was" not in labels(app)


def test_an_edit_that_cannot_be_is_a_sentence_told_here_and_once(app: AppTest) -> None:
    edit(app, [[99, 0, 100]])
    assert well(app)
    assert "the groove stays as it was." in shown(app)
    assert near(lanes(app)[0]["hits"], sent(SHORT))
    assert "the groove stays as it was." not in shown(app.run())


@pytest.mark.parametrize(
    "state",
    [
        {"edit": 7},
        {"edit": {"source": "another", "lane": "start", "serial": 1, "hits": []}},
        {"heard": {"tune": "disco", "rate": float("inf"), "unheard": [99]}},
        {"act": {"lane": "card 0", "what": "keep"}},
    ],
    ids=str,
)
def test_a_state_without_sense_changes_nothing(app: AppTest, state: dict[str, object]) -> None:
    before = lanes(app)
    send(app, DECK, **state)
    assert well(app)
    assert lanes(app) == before


# -- the same as the command line


def by_command(folder: Path, data: bytes, *options: object) -> list[bytes]:
    """What `vary` writes for a file."""
    folder.mkdir()
    (folder / "in.mid").write_bytes(data)
    words = ["vary", str(folder / "in.mid"), "--out", str(folder / "out"), *map(str, options)]
    assert cli.main(words) == 0
    return [path.read_bytes() for path in sorted((folder / "out").iterdir())]


def test_the_page_gives_the_bytes_of_the_command_line(app: AppTest, files: Downloads, tmp_path: Path) -> None:
    upload(app, ("rock.mid", ROCK))
    app.slider(key="amount").set_value(65)
    app.number_input(key="seed").set_value(7)
    app.pills(key="locked drums").select("snare").select("kick")
    app.pills(key="locked bars of 4").select(3).select(1)
    at(app, swing=73, density=29, density_hats=58)
    assert well(app)
    name, midi = files["MIDI"]
    assert name == "rock-variation-7-1.mid"
    options = ["--amount", 0.65, "--seed", 7, "--keep", "kick,snare", "--keep-bars", "1,3"]
    options += ["--set", "swing=0.73", "--set", "density_hats=0.58", "--set", "density=0.29"]
    assert by_command(tmp_path / "all", ROCK, *options) == [midi()]

    # Some bars alone are what a file of those bars is.
    some_bars(app, 2, 3)
    part = write_midi(read_midi(ROCK, "rock.mid")[0].bars(2, 3))
    assert by_command(tmp_path / "part", part, *options[:6], *options[8:]) == [files["MIDI"][1]()]

    # The cards are numbered as the command line's variations are.
    app.segmented_control(key="how many").set_value(4).run()
    button(app, "Deal variations").click().run()
    written = by_command(tmp_path / "cards", part, "--n", 4, *options[:6], *options[8:])
    _, *dealt = app.session_state["dealt"]
    grooves = caches.variations(*dealt)
    assert [write_midi(made.groove) for made in grooves] == written
    assert [lane["hits"] for lane in lanes(app, CARDS)] == [sent(made.groove) for made in grooves]


def test_files_are_as_the_player_is_heard(app: AppTest, files: Downloads) -> None:
    wav = files["WAV"][1]()
    send(app, DECK, heard={"tune": "disco", "rate": 0.5, "unheard": list(range(9))})
    assert read_midi(files["MIDI"][1](), "a.mid")[0].tempos[0].bpm == pytest.approx(SHORT.tempos[0].bpm / 2, rel=1e-4)
    assert len(files["WAV"][1]()) == pytest.approx(2 * len(wav), rel=0.01)
    assert not any(files["WAV"][1]()[100:])


# -- the pad


def test_what_the_pad_plays_is_kept_and_taken_in_hand(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [replace(random_groove(seed, 32, 30), title="") for seed in range(81)]
    monkeypatch.setattr(caches, "lattice", lambda corners: cells)
    monkeypatch.setattr(caches, "lattice_file", lambda corners: b"{}")
    app.run()
    assert players(app)["pad"]["rests"] is None
    send(app, "pad", rest={"serial": 1, "points": [40]})
    assert well(app)
    assert players(app)["pad"]["rests"] == [40]
    assert not players(app)["pad"]["is_kept"]
    assert variation(app) == sent(cells[40])
    press(app, "pad", "keep")
    assert players(app)["pad"]["is_kept"]
    assert [lane["hits"] for lane in lanes(app, KEPT)] == [sent(cells[40])]
    press(app, "pad", "nonsense")
    assert well(app)
    press(app, "pad", "take")
    assert well(app)
    assert near(lanes(app)[0]["hits"], sent(cells[40]))
    assert players(app)["pad"]["rests"] is None, "the variation of what was taken plays now"


# -- cards


@pytest.fixture
def dealt(app: AppTest) -> AppTest:
    app.segmented_control(key="how many").set_value(4).run()
    return button(app, "Deal variations").click().run()


def test_cards_are_variations_of_the_settings_and_the_first_is_the_one_above(dealt: AppTest) -> None:
    cards = lanes(dealt, CARDS)
    assert [card["label"] for card in cards] == [f"Variation 0.{i}" for i in range(1, 5)]
    assert all(card["note"] and "hits" not in card["note"] for card in cards), "what is different about each, in words"
    assert cards[0]["hits"] == variation(dealt)
    assert len({str(card["hits"]) for card in cards}) == 4
    at(dealt, density=80)
    assert lanes(dealt, CARDS) == cards  # until they are dealt again
    assert "The settings have changed since these were dealt." in shown(dealt)
    button(dealt, "Deal variations").click().run()
    assert lanes(dealt, CARDS)[0]["hits"] == variation(dealt)
    assert "The settings have changed" not in shown(dealt)


def test_cards_are_dealt_where_a_phone_opens_their_part(app: AppTest) -> None:
    assert CARDS not in players(app)  # a wide screen has a button and says what it does
    app.segmented_control(key="stage-part").set_value("Cards").run()
    cards = lanes(app, CARDS)
    assert len(cards) == 8
    assert cards[0]["hits"] == variation(app)
    at(app, density=80)
    assert lanes(app, CARDS) == cards, "they stay until they are dealt again"


def test_a_hand_at_the_amount_or_the_dice_begins_to_play_and_nothing_else_does(app: AppTest) -> None:
    def begins() -> bool:
        return bool(players(app)["deck result"]["hear"]["starts"])

    assert not begins()
    app.slider(key="amount").set_value(65).run()
    assert begins()
    at(app, swing=73)  # the browser begins by itself, where it is no key that moves the slider
    assert not begins()
    button(app, "Dice").click().run()
    assert begins()
    app.run()
    assert not begins()


def test_a_card_is_kept_and_dropped_and_the_zip_has_it(dealt: AppTest, files: Downloads) -> None:
    for card in (2, 0):
        press(dealt, CARDS, {"lane": f"card {card}", "what": "keep"})
    assert [card["pressed"] for card in lanes(dealt, CARDS)] == [["keep"], [], ["keep"], []]
    assert [lane["hits"] for lane in lanes(dealt, KEPT)] == [lanes(dealt, CARDS)[i]["hits"] for i in (2, 0)]
    assert "Kept: 2 grooves" in [heading.value for heading in dealt.subheader]
    assert button(dealt, "Kept").key == "keep variation"  # the first card is the variation in the deck
    name, data = files["All kept, as a zip of MIDI files"]
    assert name == "rhythmvae-kept.zip"
    assert data() == tray.zipped(tray_of(dealt))
    press(dealt, CARDS, {"lane": "card 2", "what": "keep"})
    press(dealt, KEPT, {"lane": "kept 0", "what": "keep"})
    assert KEPT not in players(dealt)
    assert not tray_of(dealt)


@pytest.mark.parametrize("page", ["variations", "map"])
def test_what_was_kept_can_be_the_start_from_any_page(app: AppTest, page: str) -> None:
    app.button(key="keep variation").click().run()
    made = variation(app)
    app.slider(key="amount").set_value(90).run()
    visit(app, page)
    press(app, KEPT, {"lane": "kept 0", "what": "start"})
    assert well(app)
    assert near(lanes(app)[0]["hits"], made)
    assert "Back to the previous start" in labels(app)


def tray_of(app: AppTest) -> dict[str, Groove]:
    found: dict[str, Groove] = app.session_state["tray"]
    return found


@pytest.mark.parametrize(
    "act",
    [7, None, [], {"lane": "card 99", "what": "keep"}, {"lane": "card 1", "what": "drop"}, {"lane": 1, "what": "more"}],
    ids=str,
)
def test_an_act_without_sense_changes_nothing(dealt: AppTest, act: object) -> None:
    before = players(dealt)
    press(dealt, CARDS, act)
    assert well(dealt)
    assert players(dealt) == before


def test_more_like_this_makes_a_card_the_start_and_back_undoes_it(dealt: AppTest) -> None:
    at(dealt, density=80)
    before, card = lanes(dealt), lanes(dealt, CARDS)[2]["hits"]
    assert "Back to the previous start" not in labels(dealt)
    press(dealt, CARDS, {"lane": "card 2", "what": "more"})
    assert well(dealt)
    assert near(lanes(dealt)[0]["hits"], card)
    assert pattern(dealt).options[0] == "Disco, variation 0.3"
    assert not [c.value for c in dealt.caption if c.value.startswith("asked")]  # it has what was asked by now
    button(dealt, "Go on from here").click().run()
    assert lanes(dealt)[0]["hits"] != card
    for start in (card, before[0]["hits"]):
        button(dealt, "Back to the previous start").click().run()
        assert near(lanes(dealt)[0]["hits"], start)
    assert lanes(dealt)[1]["hits"] == before[1]["hits"]  # with what was asked of it
    assert "Back to the previous start" not in labels(dealt)


def test_a_start_made_here_is_a_pattern_of_other_pages(app: AppTest) -> None:
    made = variation(app)
    button(app, "Go on from here").click().run()
    visit(app, "reconstruct")
    assert well(app)
    assert lanes(app)[0]["hits"] == made
    take(app, "rock")
    [held] = app.session_state["held grooves"]
    take(app, held)
    assert lanes(app)[0]["hits"] == made


def test_starts_of_one_name_are_told_apart(app: AppTest) -> None:
    """Variations of one seed with other settings are named alike, and a browser knows patterns by name."""
    grooves = []
    for amount in (30, 90):
        take(app, "disco")
        app.slider(key="amount").set_value(amount).run()
        grooves.append(variation(app))
        button(app, "Go on from here").click().run()
        app.run()  # whatever comes next, the browser sends what it shows as chosen
        assert near(lanes(app)[0]["hits"], grooves[-1])
    assert pattern(app).options[:2] == ["Disco, variation 0.1 (2)", "Disco, variation 0.1"]
    upload(app, ("Disco", ROCK))
    assert pattern(app).options[0] == "Disco (2)"
    assert lanes(app)[0]["hits"] == sent(read_midi(ROCK, "Disco")[0])


def test_a_start_of_many_bars_goes_on_with_all_of_them(app: AppTest) -> None:
    long = random_groove(1, 16 * 12, 100)
    upload(app, ("long.mid", write_midi(long)))
    assert lanes(app)[0]["n_steps"] == 16 * 8
    some_bars(app, 1, 12)
    made = variation(app)
    button(app, "Go on from here").click().run()
    assert near(lanes(app)[0]["hits"], made)
    assert lanes(app)[0]["n_steps"] == 16 * 12


def test_the_number_of_a_variation_outlives_a_long_name() -> None:
    long = replace(SHORT, title="x" * 200)
    names = [variations.titled(long, SHORT, Settings(seed=seed), i).title for seed, i in ((0, 0), (9_999, 15))]
    assert [name.lstrip("x") for name in names] == [", variation 0.1", ", variation 9999.16"]
    assert [file_stem(name).lstrip("x") for name in names] == ["-variation-0-1", "-variation-9999-16"]
    assert variations.titled(replace(SHORT, title=""), SHORT, Settings(), 2).title == "Groove, variation 0.3"


# -- a sample as the start


def test_a_sample_in_a_style_becomes_the_start(app: AppTest) -> None:
    app.selectbox(key="sample style").set_value("jazz")
    app.segmented_control(key="sample bars").set_value(2)
    app.number_input(key="sample tempo").set_value(90).run()
    button(app, "Surprise me").click().run()
    assert well(app)
    drawn = generate.sample(checkpoint.load(), n_bars=2, seed=1, tempo_bpm=90.0, style="jazz")
    start = lanes(app)[0]
    assert near(start["hits"], sent(drawn))
    assert (start["tempos"], start["n_steps"]) == ([[0, 90]], 32)
    assert pattern(app).options[0] == "Invented, Jazz, 1"
    app.selectbox(key="sample style").set_value("any").run()
    button(app, "Surprise me").click().run()
    assert pattern(app).options[0] == "Invented, 2"


def test_the_styles_are_those_the_model_knows_and_no_other_can_be_asked(app: AppTest) -> None:
    box = app.selectbox(key="sample style")
    assert box.options == ["Any", *map(style_name, shipped().styles)]
    widgets = app._tree.get_widget_states()
    [state] = [state for state in widgets.widgets if state.id == box.id]
    state.string_value = "polka"
    app._run(widgets)
    assert well(app)
    assert app.selectbox(key="sample style").value == "any"
    button(app, "Surprise me").click().run()
    assert well(app)


def test_the_history_has_an_end(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variations, "MAX_HISTORY", 2)
    made = []
    for _ in range(3):
        made.append(variation(app))
        button(app, "Go on from here").click().run()
    for _ in range(2):
        button(app, "Back to the previous start").click().run()
    assert "Back to the previous start" not in labels(app)
    assert near(lanes(app)[0]["hits"], made[0])


# -- interpolation


def test_a_way_begins_and_ends_with_reconstructions(app: AppTest) -> None:
    made = lanes(app)[1]
    app.selectbox(key="interpolation to").set_value("breakbeat").run()
    for step, end in ((1, SHORT), (variations.INTERPOLATION_STEPS, example("breakbeat"))):
        app.slider(key="interpolation step").set_value(step).run()
        assert well(app)
        lane = lanes(app)[1]
        assert lane["hits"] == sent(caches.reconstruct(end))
        assert lane["label"] == f"Disco to {end.title if step > 1 else example('breakbeat').title}, step {step}"
    app.slider(key="interpolation step").set_value(4).run()
    lane = lanes(app)[1]
    app.button(key="keep step").click().run()
    assert lanes(app, KEPT)[0]["hits"] == lane["hits"]
    app.selectbox(key="interpolation to").set_value(None).run()
    assert lanes(app)[1] == made  # the deck plays the variation again
    app.selectbox(key="interpolation to").set_value("breakbeat").run()
    lane = lanes(app)[1]
    app.button(key="go on").click().run()
    assert near(lanes(app)[0]["hits"], lane["hits"])


def test_grooves_of_other_meters_are_a_sentence_and_the_page_lives(app: AppTest) -> None:
    app.selectbox(key="interpolation to").set_value("waltz").run()
    assert not app.exception
    assert "one and the same meter to interpolate between, got 4/4 and 3/4" in app.error[0].value.replace("\\", "")
    assert lanes(app)[1]["id"] == "variation"
    assert variation(app)
    take(app, "waltz")
    assert well(app)


def test_what_was_set_in_a_fold_stands_when_it_is_closed(app: AppTest) -> None:
    app.pills(key="locked drums").select("kick")
    app.selectbox(key="corner 0").set_value("rock")
    app.selectbox(key="interpolation to").set_value("rock").run()
    before = lanes(app)[1], players(app)["address of settings"], players(app)["pad"]["corners"]
    assert before[2][0]["name"] == "Rock"
    folds = (*variations.FOLDS, *pads.FOLDS)
    for fold in folds:
        app.session_state[fold] = False
    app.run()
    assert well(app)
    assert "sliders of drums" not in players(app), "it is built where nobody sees it"
    assert not app.pills
    assert (lanes(app)[1], players(app)["address of settings"], players(app)["pad"]["corners"]) == before
    visit(visit(app, "about"), "variations")
    assert (lanes(app)[1], players(app)["address of settings"], players(app)["pad"]["corners"]) == before
    assert unfold(app, *folds).pills(key="locked drums").value == ["kick"]


def test_cards_and_an_interpolation_are_there_again_by_the_address() -> None:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    app.query_params["m"] = "4*rock*3"
    app = visit(app.run(), "variations")
    assert well(app)
    assert len(lanes(app, CARDS)) == 4
    assert lanes(app)[1]["label"] == "Funk to Rock, step 3"
    assert players(app)["address of settings"]["texts"]["m"] == "4*rock*3"
    unfold(app, *variations.FOLDS).selectbox(key="interpolation to").set_value(None).run()
    assert players(app)["address of settings"]["texts"]["m"] == "4**0"


# -- links


def settings_of(app: AppTest) -> dict[str, Any]:
    return {
        "amount": app.slider(key="amount").value,
        "seed": app.number_input(key="seed").value,
        "drums": app.pills(key="locked drums").value,
        "bars": next(p.value for p in app.pills if p.key.startswith("locked bars")),
        "places": places(app),
    }


def test_a_link_opens_the_same_start_settings_and_variation(app: AppTest) -> None:
    app.slider(key="amount").set_value(62)
    app.number_input(key="seed").set_value(41)
    app.selectbox(key="style").set_value("jazz")
    app.pills(key="locked drums").select("kick")
    app.pills(key="locked bars of 2").select(1)
    at(app, swing=77, density=30)
    theirs = unfold(opened("variations", players(app)["deck result"]["link"]), *variations.FOLDS)
    assert well(theirs)
    assert not theirs.info
    assert settings_of(theirs) == settings_of(app)
    assert near(lanes(theirs)[0]["hits"], lanes(app)[0]["hits"])
    assert variation(theirs) == variation(app)
    # It is theirs from then on.
    theirs.slider(key="amount").set_value(10).run()
    assert theirs.slider(key="amount").value == 10
    take(theirs, "rock")
    assert theirs.slider(key="amount").value == 10


def test_a_link_of_many_bars_opens_with_all_of_them() -> None:
    long = random_groove(3, 16 * 12, 100)
    mine = Settings(amount=0.3, keep_bars=(11,))
    theirs = unfold(opened("variations", link(long, variations.link_settings(mine))), *variations.FOLDS)
    assert lanes(theirs)[0]["n_steps"] == 16 * 12
    assert variation(theirs) == sent(caches.variations(share.from_text(link(long)[2:]).groove, mine)[0].groove)


def link(groove: Groove, settings: dict[str, Any] | None = None, model: str | None = None) -> str:
    digest = shipped().digest if model is None else model
    return f"g={share.to_text(groove, settings, digest if settings else '')}"


def linked(**asked: Any) -> AppTest:
    usual: Any = variations.link_settings(Settings())["vary"]
    return unfold(opened("variations", link(SHORT, {"vary": {**usual, **asked}})), *variations.FOLDS)


@pytest.mark.parametrize(
    "junk",
    [
        {"amount": "much", "seed": [7], "asked": "all", "keep": {"kick": 1}, "keep_bars": 2},
        {"style": "polka"},
        {"style": ["jazz"], "amount": None, "seed": True, "asked": [1], "keep": "kick", "keep_bars": "1"},
        {"asked": {"groove": 0.5, "density": "x", "swing": None}, "keep": ["gong", 7, ["kick"]], "keep_bars": [0, 99]},
        {"n": 10**9, "more": {"of": "it"}},
    ],
    ids=str,
)
def test_what_makes_no_sense_in_a_link_is_left_out(junk: dict[str, Any]) -> None:
    theirs = linked(**junk)
    assert well(theirs)
    found = settings_of(theirs)
    assert (found["amount"], found["seed"], found["drums"], found["bars"]) == (40, 0, [], [])
    assert variation(theirs) == sent(caches.variations(theirs_start(), Settings())[0].groove)


def theirs_start() -> Groove:
    return share.from_text(link(SHORT)[2:]).groove


def test_what_is_too_much_in_a_link_is_cut_to_what_there_is() -> None:
    theirs = linked(
        amount=1e300,
        seed=2**64 - 1,
        asked={"density": 9e9, "swing": -(2**64) + 1, "gong": 1},
        keep=["ride", "kick", "kick", "gong"],
        keep_bars=[2, 2, 3, -1, 1.5],
    )
    assert well(theirs)
    found = settings_of(theirs)
    assert (found["amount"], found["seed"], found["drums"], found["bars"]) == (
        100,
        variations.MAX_PAGE_SEED,
        ["kick"],
        [2],
    )
    assert (found["places"]["density"], found["places"]["swing"]) == (100, 0)


@pytest.mark.parametrize("settings", [{"vary": 7}, {"vary": []}, {"vary": {}}, {"play": {"amount": 1}}, {}], ids=str)
def test_a_link_of_other_settings_opens_its_groove(settings: dict[str, Any]) -> None:
    theirs = unfold(opened("variations", link(SHORT, settings)), *variations.FOLDS)
    assert well(theirs)
    assert theirs.slider(key="amount").value == 40
    assert len(lanes(theirs)[0]["hits"]) == len(SHORT)


def test_a_link_of_another_model_says_so() -> None:
    theirs = opened("variations", link(SHORT, variations.link_settings(Settings(amount=0.2)), "0123456789abcdef"))
    assert well(theirs)
    assert "This link was made with a different model" in theirs.info[0].value
    assert theirs.slider(key="amount").value == 20
    assert len(lanes(theirs)[0]["hits"]) == len(SHORT)


def test_settings_in_the_address_wait_for_the_page_and_stay_in_the_address() -> None:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    app.query_params["v"] = "70*3**swing-30*kick*"
    told = players(visit(app.run(), "about"))["address of settings"]
    assert told["texts"] == {"v": "70*3**swing-30*kick*", "m": None}
    visit(app, "variations")
    assert (app.slider(key="amount").value, app.number_input(key="seed").value) == (70, 3)
    assert players(app)["sliders"]["sliders"][2]["at"] == 30
    assert unfold(app, *variations.FOLDS).pills(key="locked drums").value == ["kick"]
    assert players(app)["address of settings"]["texts"] == told["texts"]


def test_a_link_that_cannot_be_read_is_one_sentence() -> None:
    theirs = opened(query="junk")
    assert len(theirs.error) == 1  # on the page that it opened
    visit(theirs, "variations")
    assert well(theirs)
    assert variation(theirs)


def test_a_slider_that_the_model_has_not_is_left_out_of_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    own = shipped()
    knots = {name: knots for name, knots in own.quantiles.knots.items() if name != "swing"}
    monkeypatch.setattr(models, "shipped", lambda: replace(own, quantiles=Quantiles(knots), digest="x"))
    asked = Settings(amount=0.0, asked=(("swing", 0.5), ("density", 0.9)))  # without the prior, which wants them all
    theirs = unfold(opened("variations", link(SHORT, variations.link_settings(asked))), *variations.FOLDS)
    assert well(theirs)
    assert "swing" not in settings_of(theirs)["places"]
    assert settings_of(theirs)["places"]["density"] == 90


# -- what can go wrong


def test_without_a_model_a_sentence_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> None:
        raise CheckpointError("Expected a checkpoint, found none.")

    query = link(SHORT, variations.link_settings(Settings()))
    monkeypatch.setattr(outline, "read", missing)
    shipped.clear()
    try:
        for app in (opened("variations"), opened("variations", query)):
            assert not app.exception
            assert [error.value.replace("\\", "") for error in app.error] == ["Expected a checkpoint, found none."]
            assert pattern(app).options
    finally:
        shipped.clear()


def test_a_file_that_cannot_be_read_is_a_sentence(app: AppTest) -> None:
    upload(app, ("holiday.mid", b"\xff\xd8\xff\xe0 a picture"))
    assert not app.exception
    assert len(app.error) == 1
    button(app, "Close").click().run()
    assert well(app)


def test_a_start_too_long_to_show_is_a_sentence(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deck.lanes, "MAX_STEPS", 20)
    app.run()
    assert not app.exception
    assert "choose fewer bars" in shown(app)
    some_bars(app, 2, 2)
    assert well(app)
    assert lanes(app)[0]["n_steps"] == 16


def test_what_was_held_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(hand.st, "session_state", state)
    for i in range(hand.MAX_HELD + 2):
        hand.hold(replace(random_groove(i), title=f"{i}"))
    held = [name for key, name in hand.titles().items() if key.startswith("held")]
    assert held == [str(i) for i in reversed(range(2, hand.MAX_HELD + 2))]
    assert state["pattern"] == next(iter(hand.titles()))
    gone = "held " + fingerprint(replace(random_groove(0), title="0"))
    hand.choose(gone)
    assert state["pattern"] != gone


def test_a_difference_names_what_moved_most() -> None:
    start = example("rock")
    assert differences.difference(start, start, checkpoint.load().quantiles) == "much like the start"
    softer = start.with_hits(start.position, start.voice, np.maximum(start.velocity // 2, 1))
    assert "softer" in differences.difference(start, softer, checkpoint.load().quantiles)
    without_hats = start.some(start.voice != VOICE_INDEX["closed_hat"])
    assert "sparser hats" in differences.difference(start, without_hats, checkpoint.load().quantiles)
