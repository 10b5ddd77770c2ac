"""Pictures by plotly: the numbers in them are those that were given, and names are only text."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grooves import random_groove
from toys import checkpoint_of, model

from rhythmvae import plots
from rhythmvae.data.corpus import Take
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import Card
from rhythmvae.resources import FIGURES
from rhythmvae.ui.components import curves
from rhythmvae.ui.parts import figures

HALF_LOADED = """
import sys, threading
from importlib.abc import MetaPathFinder
from rhythmvae import plots

met, go_on = threading.Event(), threading.Event()

class Slow(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "pandas.core":
            met.set()
            assert go_on.wait(60)
        return None

sys.meta_path.insert(0, Slow())
table = threading.Thread(target=__import__, args=("pandas",))
table.start()
assert met.wait(60) and not hasattr(sys.modules["pandas"], "Series")
failed = []
def draw():
    try:
        plots.shares({"funk": 0.7, "jazz": 0.3})
    except Exception as error:
        failed.append(repr(error))
picture = threading.Thread(target=draw)
picture.start()
picture.join(1.0)  # a picture that did not wait has failed by now
go_on.set()
picture.join(60)
table.join(60)
print(failed, hasattr(sys.modules["pandas"], "Series"))
"""


def test_a_picture_needs_no_pandas() -> None:
    code = (
        "import sys; from rhythmvae import plots; plots.shares({'funk': 0.7}).to_json(); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "False\n"


def test_a_picture_is_drawn_while_a_table_loads_pandas_for_another_page() -> None:
    done = subprocess.run([sys.executable, "-c", HALF_LOADED], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["[]", "True"]


def test_a_curve_has_all_its_ends_and_no_more_points_than_are_seen() -> None:
    [line] = plots.curve("KL", [(step, step / 7) for step in range(5_000)], 6_000, ".1f").data
    assert len(line.x) <= plots.MAX_POINTS + 1
    assert (line.x[0], line.x[-1], line.y[-1]) == (0, 4_999, 4_999 / 7)
    assert plots.curve("KL", [], 10, ".1f").layout.xaxis.range == (0, 10)


def test_a_level_curve_is_seen_close_by() -> None:
    low, high = plots.curve("F1", [(0, 1.0), (25, 1.0)], 100, ".3f").layout.yaxis.range
    assert 0.9 < low < 1.0 < high < 1.1


def test_what_a_curve_says_to_who_does_not_see_it() -> None:
    curve = curves.Curve("F1", [(0, 0.25), (5, 0.75)], ".3f", "1 is perfect")
    assert curves.spoken(curve) == "F1: now 0.750, so far 0.250 to 0.750"
    assert curves.heading(curve) == "F1: 0.750 (1 is perfect)"
    assert curves.heading(replace(curve, points=[])) == "F1: … (1 is perfect)"


def test_a_file_that_got_better_lies_above_the_diagonal() -> None:
    diagonal, points = plots.before_and_after([("<b>x</b>", 0.5, 0.9), ("y", 0.8, 0.7)]).data
    assert diagonal.x == diagonal.y
    assert list(points.x) == [0.5, 0.8]
    assert list(points.y) == [0.9, 0.7]
    assert points.text[0] == "&lt;b&gt;x&lt;/b&gt;"


def test_asked_and_achieved_are_in_percent_with_their_spread() -> None:
    rows = [{"asked": 0.1, "mean": 0.2, "low": 0.15, "high": 0.3}]
    _, line = plots.asked_and_achieved({"density_kick": rows}).data
    assert line.name == "density kick"
    assert (line.x[0], line.y[0]) == (10.0, 20.0)
    assert line.error_y.array[0] == pytest.approx(10.0)
    assert line.error_y.arrayminus[0] == pytest.approx(5.0)


def test_the_committed_figures_can_be_drawn() -> None:
    rows = figures.points(json.loads((FIGURES / "9-frontier.json").read_text("utf-8")))
    assert [weight for weight, *_ in rows] == ["0.075", "0.15", "0.3", "0.6", "1.2"]
    assert all(0.5 < accuracy < 1 and 0 < interval < 0.05 and 0.8 < f1 < 1 for _, accuracy, interval, f1 in rows)
    [drawn] = plots.frontier(rows).data
    assert list(drawn.error_x.array) == [interval for _, _, interval, _ in rows]
    control = json.loads((FIGURES / "5-control.json").read_text("utf-8"))
    assert len(control["achieved"]) == len(control["rows"])
    assert all(len(rows) == 5 for rows in control["achieved"].values())


def test_a_zoom_stays_while_a_curve_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    """plotly keeps what was zoomed as long as `uirevision` stays; the title, which says the value, does not."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(curves.assets.Component, "tell", lambda _, key, data: sent.append(data))
    monkeypatch.setattr(curves.assets, "address", lambda *_: "plotly.js")
    for points in ([(0.0, 0.6)], [(0.0, 0.6), (9.0, 0.9)]):
        curves.show([curves.Curve("F1", points, ".3f")], 10, "key")
    first, later = (json.loads(data["figures"][0])["layout"] for data in sent)
    assert first["uirevision"] == later["uirevision"]
    assert first["title"] != later["title"]


# -- the map as a page


@pytest.fixture(scope="module")
def page() -> str:
    styles = [f"style {i % 12}" for i in range(24)]
    takes = [
        Take(f"{i}.mid", replace(random_groove(i), title=f"<img src=x onerror=alert({i})>"), labels={"style": style})
        for i, style in enumerate(styles)
    ]
    return plots.latent_map_page(latent_maps.compute(model(), takes), "</script><b>mine</b>")


def test_the_page_needs_no_network_and_holds_every_point(page: str) -> None:
    assert "<script src=" not in page
    assert "<link" not in page
    data = page[page.rindex("Plotly.newPlot(") :]
    assert data.count(" BPM") >= 24
    assert "other styles" in data


def test_names_cannot_become_markup(page: str) -> None:
    ours = page[page.rindex("Plotly.newPlot(") :]
    assert "<img" not in ours
    assert "</script><b>" not in ours


def test_a_checkpoint_without_a_map_has_no_page(tmp_path: Path) -> None:
    from rhythmvae.cli import main
    from rhythmvae.model import checkpoint

    toy = checkpoint_of()
    checkpoint.save(tmp_path / "toy.safetensors", toy.model, toy.prior, toy.quantiles, Card())
    assert main(["info", str(tmp_path / "toy.safetensors"), "--map", str(tmp_path / "map.html")]) == 2
    assert not (tmp_path / "map.html").exists()
    assert main(["info", "--map", str(tmp_path / "map.html")]) == 0
    assert (tmp_path / "map.html").read_text("utf-8").rstrip().endswith("</html>")
    assert main(["info", "--map", str(tmp_path / "map.html")]) == 2  # it exists


def test_pictures_of_a_groove_hold_what_is_said_of_it() -> None:
    shown = plots.shares({"funk": 0.7, "rock": 0.3}).data[0]
    assert (list(shown.y), list(shown.x)) == (["rock", "funk"], [30, 70])
    line = plots.form_line([(1, 2, "A"), (3, 3, "B")], [3], [0.1, None, 0.9])
    assert [(bars.name, list(bars.x)) for bars in line.data[:2]] == [("A", [1, 2]), ("B", [3])]
    assert (list(line.data[2].x), list(line.data[2].marker.symbol)) == ([1, 3], ["circle", "star"])
    drums = plots.drum_timing({"Kick": [(0.0, 2.0, 4)], "<b>": [(4.0, -3.0, 1)]}, 16.0)
    assert [(list(own.x), list(own.y)) for own in drums.data] == [([1], [2]), ([2], [-3])]
    assert drums.data[1].name == "&lt;b&gt;"
    assert list(plots.counts([("16th", 3)], "apart").data[0].y) == [3]


def test_the_next_bar_has_a_cell_for_every_drum_and_16th_and_surprise_a_point_for_every_bar() -> None:
    hit = np.linspace(0, 1, 16 * 2).reshape(16, 2)
    [heat] = plots.next_bar(hit, ["Kick", "<b>Snare"]).data
    assert np.array_equal(heat.z, hit.T)
    assert (heat.x[0], heat.x[-1], tuple(heat.y)) == (1.0, 4.75, ("Kick", "&lt;b&gt;Snare"))
    [line] = plots.surprise([3.0, 5.5], 4).data
    assert (tuple(line.x), tuple(line.y)) == ((4, 5), (3.0, 5.5))
