"""Training in a real browser: files dropped, a model that learned them, and what a visitor does with it.

The runs are real and short: what is looked at is the way from the first file to the model on another server.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import brief_training
import pytest
import wire
from playwright.sync_api import Browser, Locator, Page, expect
from serving import running_app
from toys import checkpoint_file
from visiting import WAIT_MS, download, go_to, open_page, settle, unfold

from rhythmvae.data.examples import example
from rhythmvae.groove import Groove
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint

pytestmark = pytest.mark.browser

LOOPS = ("rock", "disco", "house", "trap", "breakbeat", "samba")
TRAIN_MS = 400_000  # it makes way for everything else, and so waits while other tests work
UNDER_WAY = re.compile(r"^(Starting|Reading|Learning|Drawing)")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_app(tmp_path_factory.mktemp("training app") / "log.txt", brief_training.from_the_tree) as found:
        yield found


def pack() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for key in LOOPS:
            archive.writestr(f"loops/{key}.mid", write_midi(example(key)))
        archive.writestr("loops/notes.txt", "no drums")
    return out.getvalue()


def load_model(page: Page, name: str, data: bytes) -> None:
    page.get_by_role("button", name="Model: shipped").click()
    box = page.get_by_test_id("stFileUploader").filter(has_text="Load a model").locator("input[type=file]")
    expect(box).to_be_attached(timeout=WAIT_MS)
    file = {"name": f"{name}.safetensors", "mimeType": "application/octet-stream", "buffer": data}
    box.set_input_files(file)  # type: ignore[arg-type]
    expect(page.get_by_role("button", name=f"Model: {name}")).to_be_visible(timeout=WAIT_MS)
    settle(page)


def drop_loops(page: Page) -> None:
    box = page.get_by_test_id("stFileUploader").filter(has_text="Your loops").locator("input[type=file]")
    box.set_input_files({"name": "pack.zip", "mimeType": "application/zip", "buffer": pack()})
    expect(page.get_by_text("1 other file in it is not MIDI")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text(f"Your files ({len(LOOPS)})").first).to_be_visible()
    settle(page)


def train(page: Page, start: str | None = None, epochs: int | None = None) -> None:
    if start is not None or epochs is not None:
        unfold(page, "How to train", page.get_by_text("More choices"))
    if start is not None:
        page.get_by_text(start).click()
        settle(page)
    if epochs is not None:
        passes = page.get_by_role("spinbutton", name="Passes over the data")
        unfold(page, "More choices", passes)
        passes.fill(str(epochs))
        passes.press("Enter")
        settle(page)
    page.get_by_role("button", name="Train", exact=True).dblclick()
    expect(state(page)).to_contain_text(UNDER_WAY, timeout=WAIT_MS)


def state(page: Page) -> Locator:
    return page.locator(".st-key-training-state")


def variation(page: Page) -> Groove:
    """What the Variations page makes of its first pattern."""
    go_to(page, "Variations")
    expect(page.get_by_role("button", name="Model: My drums")).to_be_visible(timeout=WAIT_MS)
    settle(page)
    with page.expect_download(timeout=WAIT_MS) as waiting:
        page.get_by_role("button", name="MIDI", exact=True).click()
    return read_midi(Path(waiting.value.path()).read_bytes(), "variation.mid")[0]


def hits(groove: Groove) -> list[tuple[float, int, int]]:
    return list(zip(groove.position.tolist(), groove.voice.tolist(), groove.velocity.tolist(), strict=True))


def test_from_a_zip_to_a_model_on_another_server(
    page: Page, address: str, app_address: str, browser: Browser, tmp_path: Path
) -> None:
    """It begins with a small model of the visitor's own: the shipped one takes two minutes more."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    open_page(page, f"{address}/train")
    load_model(page, "toy", checkpoint_file(tmp_path / "toy.safetensors").read_bytes())
    drop_loops(page)
    assert not page.context.cookies(address) or "rhythmvae_visitor" not in names_of_cookies(page, address)
    train(page, "Fine-tune the model in use: toy", epochs=3)
    expect(page.get_by_role("button", name="Train", exact=True)).to_have_count(0)
    # The panel stands a moment before its script has run.
    page.wait_for_function("() => document.cookie.includes('rhythmvae_visitor=')", timeout=WAIT_MS)
    assert "rhythmvae_visitor" in names_of_cookies(page, address)

    page.reload()
    expect(page.get_by_text(f"{len(LOOPS)} files, going on from toy")).to_be_visible(timeout=WAIT_MS)
    with wire.visit(address) as stranger:  # it changes nothing for others
        wire.clear_caches(stranger, 20)
        wire.run(stranger, "train")  # messages are read in order
    # How it plays by now, until the model is there: looked at before plotly, which takes its time to load.
    expect(page.locator(".card")).to_have_count(2, timeout=TRAIN_MS)
    expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=TRAIN_MS)
    assert page.evaluate(CURVES_FIT), "a curve is drawn wider than its place, over the next one"
    expect(page.get_by_text("is in use on every page")).to_be_visible(timeout=TRAIN_MS)

    made = variation(page)
    assert hits(made)
    in_hand = page.url.partition("?")[2]

    go_to(page, "Train")
    expect(page.get_by_role("heading", name="How good it is")).to_be_visible(timeout=TRAIN_MS)
    expect(page.get_by_text("On loops that it never heard it gets an F1 of")).to_be_visible()
    settle(page)
    data = download(page, "Download the model")
    trained = checkpoint.loads(data, "trained")
    assert len(trained.card.held_out.files) == len(LOOPS)
    assert not troubles

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    elsewhere = context.new_page()
    open_page(elsewhere, f"{app_address}/train?{in_hand}")
    load_model(elsewhere, "My drums", data)
    assert hits(variation(elsewhere)) == hits(made)
    context.close()


CURVES_FIT = """() => [...document.querySelectorAll(".curves > div")].every(
  (place) => !(place.querySelector("svg")?.clientWidth > place.clientWidth)
)"""


def names_of_cookies(page: Page, address: str) -> set[str]:
    return {cookie["name"] for cookie in page.context.cookies(address)}


def test_stopped_it_keeps_the_best_and_thrown_away_nothing(page: Page, address: str, tmp_path: Path) -> None:
    """What is thrown away begins with the shipped model, what is kept with a small one."""
    open_page(page, f"{address}/train")
    drop_loops(page)
    train(page)
    page.get_by_role("button", name="Throw away").click()
    expect(page.get_by_text("thrown away; nothing of it was kept")).to_be_visible(timeout=WAIT_MS)
    settle(page)

    load_model(page, "toy", checkpoint_file(tmp_path / "toy.safetensors").read_bytes())
    train(page, epochs=1000)
    expect(state(page)).to_contain_text("Learning: step", timeout=TRAIN_MS)
    page.get_by_role("button", name="Stop and keep the best so far").click()
    expect(state(page)).to_contain_text("the best so far is kept", timeout=WAIT_MS)
    expect(page.get_by_text("is in use on every page")).to_be_visible(timeout=TRAIN_MS)
    page.get_by_role("button", name="Stop measuring, keep the model").click()
    expect(page.get_by_text("Train another one")).to_be_visible(timeout=TRAIN_MS)
    settle(page)
    page.get_by_role("button", name="Clear this away").click()
    expect(page.get_by_text("Train another one")).to_have_count(0, timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Model: My drums")).to_be_visible()
