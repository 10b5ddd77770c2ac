"""The latent map in a real browser: what is drawn, what a hand does, and what is heard then."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listening import SAMPLE_RATE, WATCH, assert_it_went_on, began, place, tap, untap, wait_for_loop, watched
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect
from scipy.spatial import KDTree
from tabs import Tabs
from visiting import WAIT_MS, awaited, color, contrast, go_to, ink, nothing_comes, open_page, settle, upload

from rhythmvae.data.examples import example
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.sound import synth
from rhythmvae.ui.components import latent_map

pytestmark = pytest.mark.browser

# px of the map that something stands on: left, top, right, bottom, as panel.js has it
WIDE, NARROW = (284, 20, 64, 64), (16, 64, 16, 132)
PALETTE = ("#d55e00", "#0072b2")  # the first of latent_map.js
Place = tuple[float, float]


@pytest.fixture
def page(tabs: Tabs) -> Page:
    """High enough for a map above the deck in which points lie apart."""
    return tabs.open(1280, 1200)


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return checkpoint.load()


@pytest.fixture(scope="module")
def points(shipped: Checkpoint) -> dict[str, Any]:
    assert shipped.latent_map is not None
    found: dict[str, Any] = json.loads(latent_map.points_file(shipped.latent_map))
    return found


@dataclass
class Chart:
    """The map on a page, with where a visitor has moved it to."""

    page: Page
    points: dict[str, Any]
    inset: tuple[int, int, int, int] = WIDE
    view: str = latent_map.MAP
    zoom: float = 1.0
    moved: Place | None = None  # the place in the middle of what is free, where a hand has moved it

    @property
    def root(self) -> Locator:
        return self.page.locator(".map")

    @property
    def canvas(self) -> Locator:
        return self.root.locator("canvas.marks")

    @property
    def picture(self) -> Locator:
        """All points, drawn once."""
        return self.root.locator("canvas.picture")

    @property
    def tip(self) -> Locator:
        return self.root.locator(".tip")

    @property
    def status(self) -> Locator:
        return self.root.get_by_role("status")

    @property
    def deck(self) -> Locator:
        return self.page.locator(".deck")

    @property
    def caption(self) -> Locator:
        """The name of what was chosen."""
        return self.page.locator(".st-key-here").get_by_test_id("stText")

    def box(self) -> dict[str, float]:
        """Of the canvas within its border, in the window, into which it is scrolled."""
        self.canvas.scroll_into_view_if_needed()
        found: dict[str, float] = self.canvas.evaluate("""(canvas) => {
          const { left, top } = canvas.getBoundingClientRect();
          const { clientLeft, clientTop, clientWidth: width, clientHeight: height } = canvas;
          return { x: left + clientLeft, y: top + clientTop, width, height };
        }""")
        return found

    @property
    def places(self) -> NDArray[np.float64]:
        """(P, 2) in pixels of the canvas."""
        return self.on_canvas(np.array(self.points["views"][self.view]).reshape(-1, 2))

    @property
    def center(self) -> Place:
        """The middle of all points, unless it was moved."""
        low, high = self._bounds()
        x, y = ((low + high) / 2).tolist()
        return self.moved or (x, y)

    def _bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        there = np.array(self.points["views"][self.view]).reshape(-1, 2)
        return there.min(axis=0), there.max(axis=0)

    @property
    def free(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Upper left and lower right of what nothing stands on, in pixels of the canvas."""
        box, (left, top, right, bottom) = self.box(), self.inset
        return np.array([left, top]), np.array([box["width"] - right, box["height"] - bottom])

    @property
    def scale(self) -> float:
        (begin, end), (low, high) = self.free, self._bounds()
        return float(((end - begin) / (high - low)).min()) * self.zoom

    def on_canvas(self, there: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places of the map (M, 2) in pixels of the canvas."""
        begin, end = self.free
        return np.asarray((there - self.center) * self.scale * (1, -1) + (begin + end) / 2)

    def zoomed(self, factor: float, at: NDArray[np.float64] | None = None) -> None:
        """A hand zooms at a place of the canvas: what lies there stays."""
        begin, end = self.free
        away = (np.zeros(2) if at is None else at - (begin + end) / 2) * (1, -1)
        x, y = (np.array(self.center) + away / self.scale * (1 - 1 / factor)).tolist()
        self.zoom, self.moved = self.zoom * factor, (x, y)

    def lonely(self, n: int, allowed: NDArray[np.bool_] | None = None) -> list[int]:
        """The n points on show that are furthest from others."""
        places, (begin, end) = self.places, self.free
        apart = KDTree(places).query(places, 2)[0][:, 1]
        outside = ((places < begin + 16) | (places > end - 16)).any(axis=1)
        apart[outside if allowed is None else outside | ~allowed] = -1
        order = np.argsort(-apart)[:n].tolist()
        assert apart[order[-1]] > 2
        return order

    def at(self, index: int) -> Place:
        """Of a point, in the window."""
        box = self.box()
        x, y = self.places[index].tolist()
        return box["x"] + x, box["y"] + y

    def name(self, index: int) -> str:
        return str(self.points["name"][index])

    def click(self, index: int) -> None:
        self.page.mouse.click(*self.at(index))

    def empty(self) -> Place:
        """In the window, beyond the reach of every point and of what stands on the map."""
        box, places, (begin, end) = self.box(), self.places, self.free
        (left, top), (right, bottom) = begin + 10, end - 10
        grid = np.stack(np.meshgrid(np.arange(left, right, 8), np.arange(top, bottom, 8)), -1)
        away = KDTree(places).query(grid)[0]
        x, y = grid[np.unravel_index(away.argmax(), away.shape)].tolist()
        assert away.max() > 20
        return box["x"] + x, box["y"] + y

    def plays(self, index: int) -> None:
        expect(self.caption).to_have_text(self.name(index), timeout=WAIT_MS)

    def names_under_the_hand(self, index: int) -> None:
        """Move there until it is; what is drawn above the map on a slow machine may still push it down."""
        deadline = time.monotonic() + WAIT_MS / 1000
        while self.tip.is_hidden() or self.tip.inner_text() != self.name(index):
            assert time.monotonic() < deadline, f"{self.tip.inner_text()} is under the hand, not {self.name(index)}"
            x, y = self.at(index)
            self.page.mouse.move(x + 1, y)  # a hand that does not move tells nothing
            self.page.mouse.move(x, y)

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def is_still(self) -> None:
        """Wait until what was asked for is drawn."""
        self.canvas.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        expect(self.root.locator(".dots")).to_have_attribute("aria-busy", "false", timeout=WAIT_MS)

    def pixel(self, index: int) -> list[int]:
        """Of the picture of all points."""
        self.is_still()
        code = """(canvas, [x, y]) => {
          const { left, top, width, height } = canvas.getBoundingClientRect();
          const at = [((x - left) / width) * canvas.width, ((y - top) / height) * canvas.height].map(Math.round);
          return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
        }"""
        found: list[int] = self.picture.evaluate(code, list(self.at(index)))
        return found

    def ink(self) -> int:
        """Pixels of points that are on show."""
        self.is_still()
        return int(
            self.picture.evaluate("""(canvas) => canvas.getContext("2d")
              .getImageData(0, 0, canvas.width, canvas.height).data.filter((v, i) => i % 4 === 3 && v > 150).length""")
        )


def open_map(page: Page, address: str, points: dict[str, Any], inset: tuple[int, int, int, int] = WIDE) -> Chart:
    open_page(page, f"{address}/map")
    chart = Chart(page, points, inset)
    expect(chart.status).to_have_text(f"{len(points['name']):,} grooves", timeout=WAIT_MS)
    expect(chart.caption).to_be_visible(timeout=WAIT_MS)
    chart.canvas.scroll_into_view_if_needed()
    settle(page)
    return chart


@pytest.fixture
def chart(page: Page, app_address: str, points: dict[str, Any]) -> Chart:
    return open_map(page, app_address, points)


def is_playing(chart: Chart) -> bool:
    return bool(chart.deck.evaluate("root => root.transport.isPlaying"))


def wait_until_it_plays(chart: Chart) -> None:
    chart.page.wait_for_function(
        "root => root.transport.position()?.step > 0.01", arg=chart.deck.element_handle(), timeout=WAIT_MS
    )


# -- what is seen ----------------------------------------------------------------


def test_points_are_drawn_in_their_colours_and_a_hand_over_one_reads_its_name(
    page: Page, app_address: str, points: dict[str, Any]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    chart = open_map(page, app_address, points)
    style = np.array(points["categories"]["style"]["of"])
    for k, wanted in enumerate(PALETTE):
        for index in chart.lonely(3, style == k):
            *rgb, alpha = chart.pixel(index)
            assert rgb == pytest.approx([int(wanted[i : i + 2], 16) for i in (1, 3, 5)], abs=8)
            assert alpha > 180
    for index in chart.lonely(4):
        chart.names_under_the_hand(index)
    page.mouse.move(*chart.empty())
    expect(chart.tip).to_be_hidden()
    # Clicks and views later the points have come once, and nothing from elsewhere.
    for index in chart.lonely(2):
        chart.click(index)
        chart.plays(index)
    chart.root.get_by_label("View").select_option(latent_map.PLANE)
    settle(page)
    assert len([url for url in asked if url.endswith(".json") and "/media/" in url]) == 1
    assert [url for url in asked if not url.startswith((app_address, "data:", "blob:"))] == []


def test_legend_colour_and_search_say_what_is_on_show(chart: Chart) -> None:
    drummers = chart.points["categories"]["style"]
    everything, box = chart.ink(), chart.box()
    [one, other] = (chart.lonely(1, np.array(drummers["of"]) == k)[0] for k in (0, 1))
    key = chart.root.get_by_role("button", name=re.compile(f"^{re.escape(drummers['names'][0])} "))
    expect(key).to_have_text(f"{drummers['names'][0]} {drummers['of'].count(0)}")
    key.click()
    expect(key).to_have_attribute("aria-pressed", "true")
    assert chart.ink() < 0.9 * everything
    assert chart.pixel(other)[3] < 150
    assert chart.box() == box
    chart.names_under_the_hand(one)
    chart.click(other)  # what is left out is not there
    nothing_comes(chart.page)
    expect(chart.caption).not_to_have_text(chart.name(other))
    key.click()
    expect(chart.button("All")).to_have_attribute("aria-pressed", "true")
    chart.names_under_the_hand(other)

    chart.root.get_by_label("Colour").select_option("tempo")
    expect(chart.root.locator(".ramp")).to_be_visible()
    expect(chart.root.locator(".keys")).to_contain_text("tempo")
    expect(key).to_have_count(0)
    tempo = np.array(chart.points["numbers"]["tempo"])
    slow, fast = (
        chart.lonely(1, mask)[0] for mask in (tempo < np.quantile(tempo, 0.1), tempo > np.quantile(tempo, 0.9))
    )
    assert chart.pixel(slow)[2] > chart.pixel(slow)[0]
    assert chart.pixel(fast)[0] > chart.pixel(fast)[2]

    words = chart.name(one)
    chart.root.get_by_label("Search names").fill(words.upper())
    n = sum(words.lower() in name.lower() for name in chart.points["name"])
    expect(chart.status).to_have_text(f"{n:,} found")
    assert chart.ink() < 0.2 * everything
    chart.root.get_by_label("Search names").fill("")
    expect(chart.status).to_have_text(f"{len(chart.points['name']):,} grooves")
    assert chart.ink() == pytest.approx(everything, rel=0.02)


def test_a_drag_moves_it_and_the_wheel_zooms_it_once_it_is_in_use(chart: Chart) -> None:
    page = chart.page
    page.mouse.move(*chart.empty())
    scrolled = "() => document.querySelector('[data-testid=stMain]').scrollTop"
    before = page.evaluate(scrolled)
    page.mouse.wheel(0, 100)
    page.wait_for_function(f"(before) => ({scrolled})() > before", arg=before)  # it goes on as it does elsewhere
    page.mouse.wheel(0, -100)
    page.wait_for_function(f"(before) => ({scrolled})() === before", arg=before)
    target = chart.lonely(1)[0]
    chart.names_under_the_hand(target)

    # A drag, which plays nothing.
    caption = chart.caption.inner_text()
    box = chart.box()
    x, y = chart.empty()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 40, steps=5)
    page.mouse.up()
    cx, cy = chart.center
    chart.moved = (cx - 60 / chart.scale, cy - 40 / chart.scale)
    [near] = chart.lonely(1)
    chart.names_under_the_hand(near)
    assert chart.caption.inner_text() == caption
    assert not is_playing(chart)

    # The drag gave it the focus: now the wheel is its own, and what is under the hand stays there.
    under = np.array(chart.at(near)) - (box["x"], box["y"])
    page.mouse.wheel(0, -300)
    before = page.evaluate(scrolled)
    chart.zoomed(float(np.exp(0.6)), under)
    nothing_comes(page)
    assert page.evaluate(scrolled) == before
    chart.names_under_the_hand(near)
    chart.names_under_the_hand(chart.lonely(1)[0])
    chart.button("See all").click()
    chart.zoom, chart.moved = 1.0, None
    chart.names_under_the_hand(target)
    chart.button("Closer").click()
    chart.zoom = 1.5
    chart.names_under_the_hand(chart.lonely(1)[0])
    chart.button("Farther").click()
    chart.button("Farther").click()
    chart.zoom = 0.8  # as far as it goes
    chart.names_under_the_hand(chart.lonely(1)[0])


# -- what is heard ---------------------------------------------------------------


def later(sound: np.ndarray, part: float) -> np.ndarray:
    """A sound moved by a part of a sample."""
    turned = np.exp(-2j * np.pi * np.fft.rfftfreq(len(sound)) * part)
    return np.fft.irfft(np.fft.rfft(sound) * turned, len(sound))


def test_a_click_plays_a_point_and_the_next_takes_over_in_time(chart: Chart, shipped: Checkpoint) -> None:
    latent_map = shipped.latent_map
    assert latent_map is not None
    tempo = latent_map.tempo_bpm
    first, *others = chart.lonely(5, (latent_map.n_steps == 32) & (tempo > 120) & (tempo < 128))
    assert not is_playing(chart)
    chart.click(first)
    wait_until_it_plays(chart)
    chart.plays(first)
    chart.deck.evaluate(WATCH)
    for index in others:
        chart.click(index)
        chart.plays(index)
        expect(chart.status).to_have_text(chart.name(index))
        chart.page.wait_for_timeout(200)  # each is heard for a moment, as by somebody who listens
    seen = watched(chart.page)
    played = tempo[[first, *others]]
    assert_it_went_on(seen, 32, float(played.min()), float(played.max()))
    assert chart.deck.evaluate("root => root.transport.stats.late") == 0

    # It is the point's groove that comes out of the loudspeaker.
    groove = latent_maps.decode_point(shipped.model, latent_map, others[-1])
    tap(chart.deck)
    loop = place(chart.deck).loops
    at = wait_for_loop(chart.deck, loop + 2)
    capture = untap(chart.deck)
    start = began(at, groove) + (loop + 1) * groove.duration_seconds
    wanted = synth.render(groove, loop=True).astype(np.float64) * 0.9  # the deck's volume, as it comes
    # The playhead knows the time to a few milliseconds.
    slack = 200 / SAMPLE_RATE
    heard = capture.between(start - slack, start + len(wanted) / SAMPLE_RATE + slack).samples
    lag = int(np.correlate(heard, wanted, "valid").argmax())
    # A loop begins between two samples, and a hat half a sample off is less like itself than a kick.
    got = heard[lag : lag + len(wanted)]
    assert max(np.corrcoef(got, later(wanted, part))[0, 1] for part in np.linspace(-0.5, 0.5, 9)) > 0.97

    # The same point again: nothing begins anew.
    chart.deck.evaluate(WATCH.replace("window.watched = [];", "window.watched = []; window.enough = false;"))
    chart.click(others[-1])
    settle(chart.page)
    nothing_comes(chart.page)
    bpm = float(tempo[others[-1]])
    assert_it_went_on(watched(chart.page), 32, bpm, bpm)


def test_the_nearest_are_heard_and_shown_by_a_click_and_a_return_to_the_map_asks_for_nothing(chart: Chart) -> None:
    page = chart.page
    near = page.locator("[data-testid=stButton] button").filter(has_text=re.compile(r"^[▰▱]{5} "))
    expect(near).to_have_count(15)
    name = near.first.inner_text().replace("\u2060", "").split(maxsplit=1)[1].partition(", bar")[0]
    near.first.click()
    wait_until_it_plays(chart)
    expect(chart.caption).to_have_text(name)
    chart.deck.get_by_role("button", name="Pause", exact=True).click()
    go_to(page, "About")
    go_to(page, "Latent map")
    expect(chart.status).to_have_text(f"{len(chart.points['name']):,} grooves", timeout=WAIT_MS)
    settle(page)
    expect(chart.caption).to_have_text(name)
    nothing_comes(page)
    assert not is_playing(chart)


def test_a_walk_plays_what_it_passes_and_where_it_ends(chart: Chart) -> None:
    chart.button("Walk").click()
    expect(chart.button("Walk")).to_have_attribute("aria-pressed", "true")
    start, *_ = chart.lonely(1)
    places = chart.places
    middle = np.median(places, axis=0)
    end = int(((places - middle) ** 2).sum(axis=1).argmin())
    mouse, heard = chart.page.mouse, set()
    chart.names_under_the_hand(start)
    (x0, y0), (x1, y1) = chart.at(start), chart.at(end)
    mouse.down()
    deadline = time.monotonic() + WAIT_MS / 1000
    way = cycle([*range(1, 25), *range(23, -1, -1)])  # to the end and back
    while len(heard) < 5:  # the one that played before is among them; how soon they come is the machine's affair
        assert time.monotonic() < deadline, f"only {heard} played before the hand let go"
        k = next(way)
        mouse.move(x0 + (x1 - x0) * k / 24, y0 + (y1 - y0) * k / 24)
        chart.page.wait_for_timeout(60)  # a hand's pace
        heard.add(chart.deck.locator(".title b").inner_text())  # Python hears where the hand rests
    mouse.move(x1, y1, steps=4)
    mouse.up()
    near = np.hypot(*(places - places[end]).T) < 30
    names = [re.escape(name) for name, is_near in zip(chart.points["name"], near, strict=True) if is_near]
    # On a busy machine the last picks are answered one after another: what is told and what plays meet at the end.
    expect(chart.status).to_have_text(re.compile("|".join(names)), timeout=WAIT_MS)
    chart.page.wait_for_function(
        "([status, caption]) => status.textContent === caption.textContent",
        arg=[chart.status.element_handle(), chart.caption.element_handle()],
        timeout=WAIT_MS,
    )
    assert is_playing(chart)


def test_box_and_lasso_collect_what_lies_in_them(chart: Chart) -> None:
    page, mouse = chart.page, chart.page.mouse
    chart.button("Box").click()
    reach, wider = 25, 32
    around = KDTree(chart.places).query_ball_point(chart.places, wider, p=np.inf, return_length=True)
    centre = int(np.abs(around - 16).argmin())  # a place with some around it
    away = np.abs(chart.places - chart.places[centre])
    x, y = chart.at(centre)
    inside = (away < reach).all(axis=1)
    n = int(inside.sum())
    kept = page.get_by_role("heading", name=re.compile(r"^Kept: "))

    def box() -> None:
        mouse.move(x - reach, y - reach)
        mouse.down()
        mouse.move(x + reach, y + reach, steps=4)
        mouse.up()

    box()
    expect(chart.status).to_have_text(f"{n} collected")
    expect(kept).to_have_text(f"Kept: {n} groove{'s' if n > 1 else ''}", timeout=WAIT_MS)
    box()  # the same once more
    settle(page)
    expect(kept).to_have_text(f"Kept: {n} groove{'s' if n > 1 else ''}")

    # A lasso: a triangle, half of the box around it.
    chart.button("Lasso").click()
    corners = ((x - wider + 5, y - wider), (x + wider, y - wider), (x + wider, y + wider - 5))
    mouse.move(*corners[0])
    mouse.down()
    for corner in corners[1:]:
        mouse.move(*corner, steps=6)
    mouse.up()
    dx, dy = (chart.places - chart.places[centre]).T
    within = (away < wider).all(axis=1) & (dx - dy > 5)
    expect(chart.status).to_have_text(f"{int(within.sum())} collected" if within.any() else "Nothing inside")
    together = int((inside | within).sum())
    expect(kept).to_have_text(f"Kept: {together} groove{'s' if together > 1 else ''}", timeout=WAIT_MS)

    # All of it: so many as fit, and said.
    chart.button("Box").click()
    edges = chart.box()
    mouse.move(edges["x"] + 4, edges["y"] + 4)
    mouse.down()
    mouse.move(edges["x"] + edges["width"] - 4, edges["y"] + edges["height"] - 4, steps=4)
    mouse.up()
    n_points = len(chart.points["name"])
    said = f"{latent_map.MOST_COLLECTED} of {n_points} collected, spread over them: more do not go at once"
    expect(chart.status).to_have_text(said)
    settle(page)
    mouse.move(x, y)
    chart.button("Move").click()


def test_arrow_keys_walk_from_point_to_point_and_enter_plays(chart: Chart) -> None:
    chart.canvas.focus()
    seen = [chart.status.inner_text()]
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        chart.canvas.press(key)
        expect(chart.status).not_to_have_text(seen[-1])
        seen.append(chart.status.inner_text())
    names = [words.rpartition(", bar")[0] for words in seen[1:]]
    assert set(names) <= set(chart.points["name"])
    chart.canvas.press("Enter")
    expect(chart.caption).to_have_text(names[-1], timeout=WAIT_MS)
    wait_until_it_plays(chart)
    chart.canvas.press("+")
    chart.zoom = 1.5
    chart.names_under_the_hand(chart.lonely(1)[0])


def test_on_the_plane_every_place_plays_and_on_t_sne_only_points_do(chart: Chart) -> None:
    caption = chart.caption.inner_text()
    chart.page.mouse.click(*chart.empty())
    nothing_comes(chart.page)
    expect(chart.caption).to_have_text(caption)
    assert not is_playing(chart)
    chart.root.get_by_label("View").select_option(latent_map.PLANE)
    chart.is_still()
    chart.view, chart.moved = latent_map.PLANE, None
    chart.names_under_the_hand(chart.lonely(1)[0])
    chart.page.mouse.click(*chart.empty())
    expect(chart.caption).to_have_text("Between the points", timeout=WAIT_MS)
    wait_until_it_plays(chart)
    chart.root.get_by_label("View").select_option(latent_map.MAP)
    chart.is_still()
    chart.view = latent_map.MAP
    chart.names_under_the_hand(chart.lonely(1)[0])


def test_an_upload_lies_on_the_map_and_plays_and_can_be_varied(
    chart: Chart, shipped: Checkpoint, tmp_path: Path
) -> None:
    page = chart.page
    path = tmp_path / "<b>my<b> waltz.mid"
    groove = example("disco")  # one window
    path.write_bytes(write_midi(groove))
    drawn = "(canvas) => canvas.toDataURL()"
    before = chart.canvas.evaluate(drawn)
    with awaited(page):
        upload(page, path)
    assert chart.canvas.evaluate(drawn) != before
    assert shipped.latent_map is not None
    latent = latent_maps.encode(shipped.model, [groove])
    there = latent_map.frames(shipped.latent_map)[latent_map.MAP].inside(latent_maps.place(shipped.latent_map, latent))
    x, y = chart.on_canvas(there)[0].tolist()
    box = chart.box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    expect(chart.tip).to_have_text(path.name)
    page.mouse.down()
    page.mouse.up()
    expect(chart.caption).to_have_text(path.name, timeout=WAIT_MS)
    wait_until_it_plays(chart)
    page.get_by_role("button", name="Vary it").click()
    expect(page.locator("h1")).to_contain_text("Make it yours", timeout=WAIT_MS)
    expect(chart.deck).to_contain_text(path.name, timeout=WAIT_MS)


# -- parts of a groove, and what is heard without the server ------------------------


def test_only_its_hats_are_taken_while_it_plays_and_undo_takes_them_back(chart: Chart) -> None:
    page, deck = chart.page, chart.deck

    def drawn() -> list[str]:
        found: list[str] = deck.locator(".grid .hit").evaluate_all("all => all.map((hit) => hit.outerHTML)")
        return found

    before = drawn()
    first, *others = chart.lonely(5)
    chart.click(first)
    wait_until_it_plays(chart)
    chart.button("Hats").click()
    for index in others:
        chart.click(index)
        expect(chart.caption).to_have_text(f"Funk with the hats of {chart.name(index)}", timeout=WAIT_MS)
    deck.evaluate(WATCH)
    with awaited(page):
        chart.button("Take it").click()
    expect(deck.get_by_role("radio", name="Original")).to_be_checked(timeout=WAIT_MS)
    after = drawn()
    assert after != before
    kept = [[hit for hit in hits if "_hat" not in hit] for hits in (before, after)]
    assert kept[0] == kept[1]
    page.wait_for_timeout(200)
    assert_it_went_on(watched(page), 64, 98, 98)
    deck.get_by_role("button", name="Undo").click()
    settle(page)
    assert drawn() == before


def test_a_tap_is_heard_by_the_browser_itself_once_the_groove_is_there(chart: Chart) -> None:
    came = lambda: chart.page.evaluate(  # noqa: E731
        "() => performance.getEntriesByType('resource').filter((each) => /[.]bin$/.test(each.name)).length"
    )
    n_parts = -(-len(chart.points["name"]) // latent_map.GROOVES_AT_ONCE)
    chart.page.wait_for_function(
        "(n) => performance.getEntriesByType('resource').filter((each) => /[.]bin$/.test(each.name)).length === n",
        arg=n_parts,
        timeout=4 * WAIT_MS,
    )
    assert came() == n_parts
    first, index = chart.lonely(2)
    chart.click(first)
    wait_until_it_plays(chart)
    chart.plays(first)
    settle(chart.page)
    x, y = chart.at(index)
    # Within one task of the browser nothing can have come from the server.
    name = chart.canvas.evaluate(
        """async (canvas, [clientX, clientY]) => {
          const title = document.querySelector("[data-testid=stBottom]");
          const { transport } = [...title.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".deck"))
            .find(Boolean);
          const { swap } = transport;
          let swapped = 0;
          transport.swap = (groove) => {
            swapped += 1;
            return swap.call(transport, groove);
          };
          const event = { clientX, clientY, button: 0, pointerId: 1, pointerType: "mouse" };
          canvas.setPointerCapture = () => {};
          for (const kind of ["pointerdown", "pointerup"]) canvas.dispatchEvent(new PointerEvent(kind, event));
          delete transport.swap;
          return swapped;
        }""",
        [x, y],
    )
    assert name == 1
    chart.plays(index)  # and Python knows of it


# -- other screens ---------------------------------------------------------------


@pytest.fixture
def phone(tabs: Tabs) -> Page:
    return tabs.open(375, 740, is_phone=True, scale=2)


def test_on_a_phone_it_fits_and_a_tap_plays_and_two_fingers_zoom(
    phone: Page, app_address: str, points: dict[str, Any]
) -> None:
    chart = open_map(phone, app_address, points, NARROW)
    assert phone.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    box = chart.box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 375
    assert box["height"] < 740 * 0.75
    # All but rows that scroll by themselves.
    right = """(root) => [...root.querySelectorAll('button, select, input')].filter((e) => !e.closest('.parts, .keys'))
      .map((e) => e.getBoundingClientRect().right)"""
    assert max(chart.root.evaluate(right)) <= 375
    index = chart.lonely(1)[0]
    chart.canvas.scroll_into_view_if_needed()  # from behind the deck, which covers the end of the first screen
    settle(phone)
    phone.touchscreen.tap(*chart.at(index))
    chart.plays(index)
    wait_until_it_plays(chart)

    chart.canvas.scroll_into_view_if_needed()
    settle(phone)
    cdp = phone.context.new_cdp_session(phone)
    box = chart.box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, spread in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80), ("touchEnd", None)):
        fingers = [] if spread is None else [{"x": x + s * spread, "y": y, "id": i} for i, s in enumerate((-1, 1))]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    chart.plays(index)  # two fingers play nothing
    chart.zoomed(2.0, np.array([box["width"], box["height"]]) / 2)
    other = next(i for i in chart.lonely(9) if i != index)
    phone.touchscreen.tap(*chart.at(other))
    chart.plays(other)
    assert phone.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "height", "is_phone"), [(390, 844, True), (1440, 900, False)])
def test_it_fills_what_is_above_the_deck_with_its_legend_inside(
    tabs: Tabs, app_address: str, points: dict[str, Any], width: int, height: int, is_phone: bool
) -> None:
    page = tabs.open(width, height, is_phone=is_phone)
    chart = open_map(page, app_address, points, NARROW if is_phone else WIDE)
    boxes = {
        name: page.locator(at).bounding_box()
        for name, at in {
            "title": "h1",
            "map": ".map .stage",
            "legend": ".map .legend",
            "deck": "[data-testid=stBottom]",
        }.items()
    }
    title, stage, legend, deck = (boxes[name] for name in ("title", "map", "legend", "deck"))
    assert title and stage and legend and deck  # noqa: PT018
    assert title["height"] < 50
    assert title["y"] + title["height"] <= stage["y"] + 1
    assert 0 <= deck["y"] - (stage["y"] + stage["height"]) <= 16
    assert stage["height"] > 0.45 * height
    assert legend["y"] >= stage["y"]
    assert legend["y"] + legend["height"] <= stage["y"] + stage["height"]
    before, at = chart.canvas.bounding_box(), chart.at(0)
    chart.root.get_by_role("button", name="Legend").click()
    chart.is_still()
    assert (chart.canvas.bounding_box(), chart.at(0)) == (before, at)
    chart.root.get_by_role("button", name="Legend").click()
    chart.names_under_the_hand(chart.lonely(1)[0])


def test_in_the_dark_it_can_be_read(tabs: Tabs, app_address: str, points: dict[str, Any]) -> None:
    chart = open_map(tabs.open(1280, 1200, color_scheme="dark"), app_address, points)
    ground = color(chart.page.locator("[data-testid=stApp]"), "backgroundColor")
    assert max(ground) < 60
    for text in (chart.status, chart.root.locator("select"), chart.root.locator(".key[aria-pressed=false]")):
        assert contrast(ink(text, ground), ground) > 4.5
    chart.names_under_the_hand(chart.lonely(1)[0])
    assert contrast(color(chart.tip, "color"), color(chart.tip, "backgroundColor")) > 4.5
    for text_color in PALETTE:
        rgb = tuple(float(int(text_color[i : i + 2], 16)) for i in (1, 3, 5))
        assert contrast(rgb, ground) > 3  # type: ignore[arg-type]
