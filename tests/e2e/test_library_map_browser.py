"""The library's map in a browser, by itself: what is drawn, what hands do, and what Python is told then. And on the
page, for a library whose model the app has not, so that its map is its own."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from grooves import random_groove
from libraries import fill, run
from playwright.sync_api import Page, Route, expect
from serving import running_app
from tabs import Tabs
from toys import checkpoint_file
from visiting import WAIT_MS, Finger, awaited, open_page, unfold

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.library.drawn import GRID, Column, Drawn, draw
from rhythmvae.library.places import EXTENT
from rhythmvae.midi.write import write_midi
from rhythmvae.ui import played
from rhythmvae.ui.components import assets, library_map
from rhythmvae.ui.components.library_map import COMPONENT

pytestmark = pytest.mark.browser

ORIGIN = "http://127.0.0.1:1"
PAGE = """<!doctype html><html lang="en"><title>Map</title><body style="margin: 0; --st-background-color: #fff;
  --st-secondary-background-color: #f2f2f2; --st-border-color: #ccc; --st-text-color: #222;
  --st-primary-color: #06c"><div id="room"></div></body>"""
MOUNT = """async ([data, css]) => {
  const { mount } = await import("/map/library_map.js");
  const room = document.querySelector("#room").attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css;
  room.append(style, document.createElement("div"));
  window.said = { picked: [], selected: [], want: [] };
  const say = (name, value) => window.said[name].push(value);
  window.under = [];
  document.addEventListener("rhythmvae finger", ({ detail }) => window.under.push(detail));
  const hidden = document.body.appendChild(document.createElement("div"));
  window.tellAhead = (data) => mount({
    parentElement: hidden, data: { part: "ahead", ...data }, setTriggerValue: say,
  }, location.href);
  window.tell = (more) => mount({
    parentElement: room,
    data: Object.assign(data, more), setStateValue: say, setTriggerValue: say,
  }, location.href);
  window.tell({});
}"""


def clusters(n: int = 3_000) -> Drawn:
    """Three groups of points, in the order of their cells, and one alone in the corner at the bottom right."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, n - 1)
    middle = np.array([[0.2, 0.2], [0.7, 0.25], [0.4, 0.8]])[group]
    places = np.clip((middle + rng.normal(0, 0.05, (n - 1, 2))) * EXTENT, 0, EXTENT - 1).astype(np.uint16)
    places = np.concatenate([places, [[62_000, 62_000]]]).astype(np.uint16)
    group = np.append(group, 0)
    cell = places[:, 1].astype(int) * GRID // EXTENT * GRID + places[:, 0].astype(int) * GRID // EXTENT
    order = np.argsort(cell, kind="stable")
    columns = (
        Column("style", ("rock", "jazz", "funk"), (group[order] + 1).astype(np.uint8)),
        Column("tempo", ("slow", "fast"), (places[order, 0] > EXTENT // 2).astype(np.uint8) + 1, True),
    )
    content = np.arange(n)
    bars = np.tile([1, 2], (n, 1))
    names = "\n".join(f"loop {i} <b>" for i in range(n))
    return Drawn("state", places[order], content, content, bars, names, columns, n)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return clusters()


class Chart:
    def __init__(self, page: Page, drawn: Drawn) -> None:
        self.page, self.drawn = page, drawn
        self.root = page.locator(".library-map")
        self.status = self.root.get_by_role("status")
        self.canvas = self.root.locator("canvas")

    def is_painted(self) -> None:
        expect(self.root).to_have_attribute("data-is-painted", "true")
        self.page.wait_for_timeout(40)

    def at(self, index: int) -> tuple[float, float]:
        """Of a point in the window, while all of the map is seen."""
        box = self.canvas.bounding_box()
        assert box is not None
        places = self.drawn.places.astype(float)
        low, high = places.min(0), places.max(0)
        size = np.array([box["width"] - 2, box["height"] - 2])
        scale = 0.92 / ((high - low) / size).max()
        x, y = size / 2 + (places[index] + 0.5 - (low + high) / 2) * scale + 1
        return box["x"] + x, box["y"] + y

    def ink(self, index: int) -> list[int]:
        """Colour and cover of the pixel at a point."""
        self.is_painted()
        x, y = self.at(index)
        box = self.canvas.bounding_box()
        assert box is not None
        found: list[int] = self.canvas.evaluate(
            """(canvas, [x, y]) => {
              const ratio = canvas.width / canvas.clientWidth;
              const g = canvas.getContext("2d");
              return [...g.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data];
            }""",
            [x - box["x"] - 1, y - box["y"] - 1],
        )
        return found

    def said(self, what: str) -> Any:
        return self.page.evaluate(f"() => window.said.{what}.at(-1) ?? null")

    def tell(self, **more: Any) -> None:
        self.page.evaluate("(more) => window.tell(more)", more)

    @property
    def lonely(self) -> int:
        return int(self.drawn.places.astype(int).sum(1).argmax())


def shown(page: Page, drawn: Drawn, more: dict[str, bytes] | None = None) -> Chart:
    files = more if more is not None else {}
    files |= {"/points": library_map.packed(drawn), "/names": drawn.names.encode()}

    def serve(route: Route) -> None:
        name = urlsplit(route.request.url).path
        if name in files:
            route.fulfill(body=files[name], content_type="application/octet-stream")
        elif name.startswith("/assets/"):
            path = assets.FOLDER / name.removeprefix("/assets/")
            route.fulfill(body=path.read_text("utf-8"), content_type="text/javascript")
        elif name.startswith("/map/"):
            path = COMPONENT.folder / name.removeprefix("/map/")
            route.fulfill(body=path.read_text("utf-8"), content_type="text/javascript")
        else:
            route.fulfill(body=PAGE, content_type="text/html")

    page.route(f"{ORIGIN}/**", serve)
    page.goto(f"{ORIGIN}/")
    data = {"part": "map", "points": "/points", "names": "/names", "passing": None, "results": []}
    data |= {"here": None, "bpm": 90.0, "answered": 0}
    page.evaluate(MOUNT, [data, COMPONENT.css.read_text("utf-8")])
    chart = Chart(page, drawn)
    expect(chart.status).to_have_text(f"{len(drawn):,} dots")
    chart.is_painted()
    return chart


@pytest.fixture
def chart(tabs: Tabs, drawn: Drawn) -> Chart:
    return shown(tabs.open(900, 800), drawn)


def test_hands_on_a_desktop(chart: Chart) -> None:
    page, lonely = chart.page, chart.lonely
    red, green, blue, cover = chart.ink(lonely)
    assert (red, green, blue) == pytest.approx((0xD5, 0x5E, 0), abs=8)
    assert cover > 120

    page.mouse.move(*chart.at(lonely))
    expect(chart.root.locator(".tip")).to_have_text(f"loop {lonely} <b>")
    page.mouse.click(*chart.at(lonely))
    assert chart.said("picked") == {"index": lonely, "count": 1, "is_heard": False}

    # The legend hides, and nothing moves; what is hidden is not there for a hand.
    key = chart.root.get_by_role("button", name=re.compile("^rock "))
    key.click()
    expect(key).to_have_attribute("aria-pressed", "false")
    n_rock = int((chart.drawn.columns[0].of == 1).sum())
    expect(chart.status).to_have_text(f"{len(chart.drawn) - n_rock:,} dots shown")
    page.mouse.click(*chart.at(lonely))
    assert chart.said("picked")["count"] == 1
    key.click()
    chart.root.get_by_label("Colour").select_option("tempo")
    red, _, blue, _ = chart.ink(lonely)
    assert red > blue  # fast

    # What passes the filters stands out, and alone is chosen by a box.
    passing = np.zeros(len(chart.drawn), bool)
    passing[lonely] = True
    chart.tell(passing=library_map.to_bits(passing), results=[lonely])
    expect(chart.status).to_have_text("1 dot shown")
    chart.root.get_by_role("button", name="Box").click()
    box = chart.canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + box["height"] - 3, steps=3)
    page.mouse.up()
    bits = chart.said("selected")["bits"]
    assert library_map.from_bits(bits, len(chart.drawn)).tolist() == [lonely]

    # A lasso around a corner of it takes what lies in it.
    chart.tell(passing=None, results=[])
    chart.root.get_by_role("button", name="Lasso").click()
    centre = np.argmin(np.abs(chart.drawn.places.astype(int) - (0.4 * EXTENT, 0.8 * EXTENT)).sum(1))
    x, y = chart.at(int(centre))
    page.mouse.move(x, y)
    page.mouse.down()
    for dx, dy in ((60, 0), (60, 60), (0, 60)):
        page.mouse.move(x + dx, y + dy, steps=2)
    page.mouse.up()
    where = np.array([chart.at(i) for i in range(0, len(chart.drawn), 50)])
    inside = ((where > (x, y)) & (where < (x + 60, y + 60))).all(1)
    chosen = set(library_map.from_bits(chart.said("selected")["bits"], len(chart.drawn)).tolist())
    assert {i * 50 for i in np.flatnonzero(inside).tolist()} == {i for i in chosen if i % 50 == 0}


def test_keys_and_the_wheel(chart: Chart) -> None:
    chart.canvas.focus()
    for key in ("ArrowDown", "ArrowRight", "Shift+ArrowRight", "+", "-", "Home"):
        chart.canvas.press(key)
    expect(chart.status).to_have_text(re.compile(r"^loop \d+ <b>$"))
    named = int(chart.status.inner_text().split()[1])
    chart.canvas.press("Enter")
    assert chart.said("picked")["index"] == named
    x, y = chart.at(chart.lonely)
    chart.page.mouse.move(x, y)
    for _ in range(3):
        chart.page.mouse.wheel(0, -300)
    chart.is_painted()
    chart.page.mouse.click(x, y)  # what is under the hand stays there
    assert chart.said("picked")["index"] == chart.lonely


def test_fingers_on_a_phone(tabs: Tabs, drawn: Drawn) -> None:
    page = tabs.open(390, 844, is_phone=True, scale=2)
    chart = shown(page, drawn)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    small = "(root) => [...root.querySelectorAll('button, select')].filter((e) => e.offsetHeight < 44).length"
    assert chart.root.evaluate(small) == 0
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    x, y = chart.at(chart.lonely)
    page.touchscreen.tap(x, y)
    assert chart.said("picked")["index"] == chart.lonely
    # Two fingers around it zoom, play nothing, and leave it where it is; one finger moves it.
    client = page.context.new_cdp_session(page)
    for kind, spread in (("touchStart", 10), ("touchMove", 20), ("touchMove", 30), ("touchEnd", None)):
        fingers = [] if spread is None else [{"x": x + s * spread / 2, "y": y, "id": i} for i, s in ((0, -1), (1, 1))]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    assert chart.said("picked")["count"] == 1
    finger = Finger(page)
    finger.down(x, y)
    finger.move(-60, -40)
    finger.up()
    page.touchscreen.tap(x - 60, y - 40)
    assert chart.said("picked") == {"index": chart.lonely, "count": 2, "is_heard": False}


def test_a_tap_is_heard_before_python_hears_of_it(tabs: Tabs, drawn: Drawn) -> None:
    page = tabs.open(900, 800)
    groove = random_groove(1, 16 * 8, 70)  # longer than what the model's map has
    files: dict[str, bytes] = {}
    chart = shown(page, drawn, files)
    page.evaluate("() => window.tellAhead({ of: '/points', serial: 0, address: null })")
    page.wait_for_function("() => window.said.want.length")
    wanted = chart.said("want")
    assert wanted["of"] == "/points"
    point, never = wanted["points"][:2]  # in the middle of the map, among many
    files["/grooves"] = library_map.grooves_file({point: (5, groove)}, [never])
    assert len(wanted["points"]) == len(set(wanted["points"])) <= library_map.MOST_AHEAD
    page.evaluate("(serial) => window.tellAhead({ of: '/points', serial, address: '/grooves' })", wanted["serial"])
    page.wait_for_function("() => window.said.want.length === 2")  # and then for others
    assert not {point, never} & set(chart.said("want")["points"])
    page.mouse.click(*chart.at(point))
    assert chart.said("picked") == {"index": point, "count": 1, "is_heard": True}
    heard = page.evaluate("() => window.under.at(-1)")
    assert heard["starts"]
    assert (heard["tempos"], heard["first_bar"], heard["n_steps"]) == ([[0, 90.0]], 5, 128)
    assert heard["label"] == f"loop {point} <b>"
    hits = sorted(map(tuple, heard["hits"]))
    assert [(voice, velocity) for voice, _, velocity in hits] == [
        (voice, velocity) for voice, _, velocity in sorted(map(tuple, played.hits(groove)))
    ]
    assert sorted(at for _, at, _ in hits) == pytest.approx(sorted(groove.position), abs=1e-4)
    # Python's card takes it over, and the finger's is over a moment later.
    chart.tell(here=point, answered=1)
    page.wait_for_function("() => window.under.at(-1) === null")


def test_names_stay_on_the_map(chart: Chart) -> None:
    """Beside a dot at the right edge the name stands left of it, and a cloud's is moved in."""
    boxes = chart.page.evaluate("""async () => {
      const [{ laidOut }, { View }] = await Promise.all([import("/map/labels.js"), import("/map/view.js")]);
      const view = Object.assign(new View(), { w: 300, h: 300 });
      view.fit([0, 0, 65536, 65536]);
      const texts = ["a name at the left", "a name at the right", "a long name of a file in the middle"];
      const [x, y] = [[2000, 63000, 30000], [9000, 30000, 60000]];
      const cloud = { n: 3, x, y, within: () => [0, 1, 2] };
      const told = { cloud, view, own: { names: texts }, names: { at: (i) => texts[i] }, results: [] };
      const centres = texts.map((_, i) => ({ code: i + 1, x: x[i], y: y[i] }));
      const of = (more) => laidOut((text) => 7 * text.length, { ...told, centres, ...more }).map(({ box }) => box);
      return [of({}), of({ cloud: { ...cloud, n: 1_000 } })];
    }""")
    for found in boxes:
        assert len(found) == 3
        assert all(box["left"] >= 0 and box["left"] + box["width"] <= 300 for box in found)


# -- on the page -------------------------------------------------------------------


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a model that the app has not: random loops, and the built-in patterns, one of them twice."""
    place = tmp_path_factory.mktemp("library")
    folder = fill(place / "in", 20)
    (folder / "packs").mkdir()
    for name in EXAMPLES:
        (folder / "packs" / f"{name}.mid").write_bytes(write_midi(example(name)))
    (folder / "packs" / "rock once more.mid").write_bytes(write_midi(example("rock")))
    run(folder, place / "lib", checkpoint_file(place / "toy.safetensors"))
    return place / "lib"


@pytest.fixture(scope="module")
def address(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    def command(port: int) -> list[str]:
        options = ["--library", str(library), "--port", str(port), "--host", "127.0.0.1", "--headless"]
        return [sys.executable, "-m", "rhythmvae", "app", *options]

    with running_app(tmp_path_factory.mktemp("app") / "log.txt", command) as found:
        yield found


def test_a_library_whose_model_is_not_here_is_a_map_on_a_phone(phone: Page, library: Path, address: str) -> None:
    open_page(phone, f"{address}/library")
    with awaited(phone):
        phone.get_by_role("radio", name="Map", exact=True).click()
    expect(phone.locator(".library-map")).to_be_visible(timeout=WAIT_MS)
    chart = Chart(phone, draw(library, None))  # the server has drawn it, and it is kept
    expect(chart.status).to_have_text(f"{len(chart.drawn)} dots", timeout=WAIT_MS)
    chart.root.evaluate("(root) => root.scrollIntoView()")  # the deck lies over the lower part of the page
    chart.is_painted()

    # A tap is heard, and the search goes on from there.
    x, y = chart.at(chart.lonely)
    with awaited(phone):
        phone.touchscreen.tap(x, y)
    name = chart.drawn.names.split("\n")[chart.lonely]
    expect(chart.status).to_have_text(re.compile(f"^{re.escape(name)}"))
    expect(phone.locator(".deck").get_by_role("button", name="Pause", exact=True)).to_be_visible()
    key = chart.root.locator(".key").first
    key.click()
    expect(chart.status).to_have_text(re.compile(r"^\d+ dots shown$"))
    key.click()
    with awaited(phone):
        phone.locator(".card").filter(has_text=name).get_by_role("button", name="More like it").first.click()
    expect(phone.get_by_text(f"From: {name}")).to_be_visible()
    expect(phone.locator(".deck")).to_contain_text(name)  # and the loop plays on

    look = phone.get_by_role("button", name="Look for duplicates")
    unfold(phone, "What is there twice?", look)
    with awaited(phone):
        look.click()
    expect(phone.get_by_text("1 file could go that another file plays too")).to_be_visible()
    found = phone.get_by_role("listitem").filter(has_text="packs/rock.mid could go")
    expect(found).to_be_visible()
    box = found.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    assert found.evaluate("(line) => line.scrollWidth <= line.clientWidth")
