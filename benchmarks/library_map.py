"""The map of a library: python -m benchmarks.library_map [--windows N] [--json]

Makes a library of as many windows, copies of the windows on the shipped model's map with noise on their latents, each
in a file of its own (which is not there), and draws its map twice: the first time all are placed, the second time
places are remembered. Then the app is opened on it as a phone that is touched, its processor slowed four times, and as
a desktop; the map is moved by a finger or a mouse for a while, close by and far away. Of each frame the browser's own
trace says how long JavaScript works in it, all handlers of pointers and all that was asked for a frame, whosever they
are: in time, and in time of the processor, which other work on the machine does not stretch. Nothing is drawn by a
graphics card. Needs what `make test` installs, and Debian's chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize, expect

from benchmarks.figures import told
from benchmarks.served import served
from benchmarks.traced import CATEGORIES, frames_ms
from rhythmvae.data.examples import example
from rhythmvae.library import drawn, places
from rhythmvae.library.content import N_BYTES, Read
from rhythmvae.library.search import Library
from rhythmvae.library.store import Row, Store
from rhythmvae.model import checkpoint, labels
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.latent_map import LatentMap
from rhythmvae.ui.components import library_map
from rhythmvae.ui.session import library as libraries
from tests.e2e.visiting import settle

COLUMNS = ["what", "figure"]
NOISE = 0.25  # on latents, of which a draw from the prior has 1
BATCH = 2_000
IN_TABLE = (
    *("style", "beat_or_fill", "n_hits", "tempo", "meter", "subdivision", "swing_percent", "feel", "form"),
    *("n_bars", "descriptors"),
)
HIT_SHARE = 0.08  # of the cells of a pattern, which the map does not look at
N_NEAR, N_SAMPLE = 10, 300
SIZES: dict[str, tuple[ViewportSize, int]] = {
    "phone, slowed 4 times": ({"width": 390, "height": 844}, 4),
    "desktop": ({"width": 1440, "height": 900}, 1),
}
MOVES, BETWEEN_MS = 181, 16  # three times around: the hand ends where it began
REACH_PX = {"x": 130, "y": 120}  # of the hand's way
Rows = list[list[str]]


def made(place: Path, opened: Checkpoint, n: int) -> None:
    """A library of n windows, each in a file of its own."""
    latent_map = opened.latent_map
    assert latent_map is not None
    rng = np.random.default_rng(0)
    told = labels.describe(example("rock"), has_meter=True)
    said = {name: told[name] for name in IN_TABLE}  # all of it would be most of the time
    style, plays = latent_map.labels("style"), latent_map.labels("kind")
    store = Store(place, create=True, checkpoint=opened.digest)
    root, _ = store.root(place, "")
    for first in range(0, n, BATCH):
        like = rng.integers(0, len(latent_map), min(BATCH, n - first))
        noise = rng.normal(0, NOISE, (len(like), latent_map.latents.shape[1]))
        latents = (latent_map.latents[like] + noise).astype(np.float16)
        with store.transaction():
            for i, (of, z) in enumerate(zip(like.tolist(), latents, strict=True), first):
                bpm, meter = float(latent_map.tempo_bpm[of]), "/".join(map(str, latent_map.meter[of].tolist()))
                columns = (2, 16, bpm, meter, style[of], plays[of], "", float(rng.gamma(4.0, 1.0)))
                name = i.to_bytes(8, "little")
                bits = np.packbits(rng.random((1, 8 * N_BYTES)) < HIT_SHARE, axis=1)
                read = Read(columns, name, said, [(1, 2)], bits, z[None])
                path = f"Vol {of % 23 + 1}/{bpm:.0f}bpm/{style[of] or 'loop'} {i:06d}.mid"
                store.add_file(root, 1, Row(path, "midi", 0, 0, store.add_content(name, read)))
            store.change()
    store.close()


def drawing(place: Path, opened: Checkpoint) -> Rows:
    rows = []
    for words in ("the first time", "again, places remembered"):
        began = time.process_time()
        found = drawn.draw(place, opened)
        rows.append([f"drawing a map of {len(found):,} windows, {words}", f"{time.process_time() - began:.1f} s"])
    n_bytes = len(library_map.packed(found))
    latent_map = opened.latent_map
    assert latent_map is not None
    sizes = f"{n_bytes / 1e6:.1f} MB, {len(found.names.encode()) / 1e6:.1f} MB"
    return [*rows, ["its points, its names", sizes], ["of the ten true neighbours near", _near(place, latent_map)]]


def _near(place: Path, latent_map: LatentMap) -> str:
    """Of the ten windows nearest by direction, how many are among the ten nearest on the map."""
    library = Library(place)
    latents = np.asarray(library.columns.latents[:20_000], np.float32)
    library.close()
    xy = places.placed(place, latent_map, latents.astype(np.float16)).astype(np.float32)
    away = latents - latent_map.mean
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    share = []
    for row in np.random.default_rng(0).integers(0, len(away), N_SAMPLE).tolist():
        true = latent_maps.squared_distances(away[[row]], away)[0]
        on_map = latent_maps.squared_distances(xy[[row]], xy)[0]
        true[row] = on_map[row] = np.inf
        both = set(np.argpartition(true, N_NEAR)[:N_NEAR].tolist()) & set(
            np.argpartition(on_map, N_NEAR)[:N_NEAR].tolist()
        )
        share.append(len(both) / N_NEAR)
    return f"{np.mean(share):.3f}"


def moving(place: Path) -> Rows:
    os.environ[libraries.LIBRARY_VARIABLE] = str(place)
    rows = []
    with served() as app:
        for words, (size, slowed) in SIZES.items():
            is_phone = slowed > 1
            context = app.browser.new_context(viewport=size, has_touch=is_phone, is_mobile=is_phone)
            page = context.new_page()
            page.goto(f"{app.address}/library")
            page.get_by_role("radio", name="Map", exact=True).click(timeout=120_000)
            expect(page.locator(".library-map[data-is-painted=true]")).to_be_visible(timeout=180_000)
            settle(page)
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowed})
            for closer, name in ((0, "far away"), (6, "close by")):
                for _ in range(closer):
                    page.get_by_role("button", name="Closer").click()
                page.wait_for_timeout(1_500)
                wall, own = _moved(app.browser, page, is_phone)
                for frames, what in ((own, "processor time of a frame's JavaScript"), (wall, "its time")):
                    at = ", ".join(f"{np.quantile(frames, share):.1f} ms" for share in (0.5, 0.95))
                    rows.append([f"{words}, {name}: {what}, median, 95th percentile", at])
            context.close()
    return rows


def _moved(browser: Browser, page: Page, is_phone: bool) -> tuple[list[float], list[float]]:
    """Milliseconds of each frame while a hand moves the map: all of it, and of the processor."""
    canvas = page.locator(".library-map canvas")
    canvas.evaluate("(canvas) => canvas.scrollIntoView({ block: 'start' })")  # away from the deck
    page.wait_for_timeout(300)
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + REACH_PX["y"]
    client = page.context.new_cdp_session(page)

    def hand(kind: str, x: float, y: float) -> None:
        if is_phone:
            points: list[dict[str, Any]] = [] if kind == "touchEnd" else [{"x": x, "y": y}]
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        else:
            {"touchStart": page.mouse.down, "touchEnd": page.mouse.up}.get(kind, lambda: page.mouse.move(x, y))()

    if not is_phone:
        page.mouse.move(x, y)
    hand("touchStart", x, y)
    browser.start_tracing(page=page, categories=CATEGORIES)
    for i in range(MOVES):
        angle = 2 * np.pi * i / 60
        hand("touchMove", x + REACH_PX["x"] * np.sin(angle), y + 0.8 * REACH_PX["y"] * np.sin(2 * angle))
        page.wait_for_timeout(BETWEEN_MS)
    hand("touchEnd", x, y)
    return frames_ms(browser.stop_tracing())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    opened = checkpoint.load()
    place = Path(tempfile.mkdtemp(prefix="library-map-"))
    try:
        made(place, opened, options.windows)
        rows = [*drawing(place, opened), *moving(place)]
    finally:
        shutil.rmtree(place)
    told(COLUMNS, rows, as_json=options.json)


if __name__ == "__main__":
    main()
