"""Measures against the figures of the tools that they are named after, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from grooves import groove, random_groove

from rhythmvae.analysis.measures import (
    NAMES,
    balance,
    complexity,
    evenness,
    measures,
    poly_sync,
    sync,
    witek,
)
from rhythmvae.groove import Meter

# Lines of rhythmtoolbox's own tests, with what it prints for them.
SON = "x..x..x..x..x..."
BUSY = "x..xxxx.x.x.xxx."
BOSKA_3 = ("x.....x...x...x.", "x..x..x..x..x...", "x..xxxx.x.x.xxx.")
BOSKA_8 = ("...xxx...xxx....", "xxx...xxx...xxxx", "xxx...xxx...xxx.")
BOSKA_9 = ("xx....xx.xx.xx..", "......x.xx.xx.xx", "x.x.x.xxx...x.xx")


def lines(*texts: str):
    return np.array([[letter == "x" for letter in text] for text in texts])


def test_lines_of_rhythmtoolbox_have_its_figures() -> None:
    assert sync(lines(SON, BUSY)).tolist() == [-4, -10]
    assert evenness(lines(SON, BUSY)) == pytest.approx([0.9816064222042191, 0.971165288619607])
    one = np.array([1.0])
    assert balance(lines(SON, BUSY)[:, None], one, one) == pytest.approx([0.9297693395285831, 0.9609819355967744])
    for streams, values in ((BOSKA_3, [-7, -4, -10]), (BOSKA_8, [3, -4, -5]), (BOSKA_9, [4, 2, -12])):
        assert sync(lines(*streams)).tolist() == values


def test_polyphonic_measures_of_rhythmtoolbox() -> None:
    streams = np.stack([lines(*each) for each in (BOSKA_3, BOSKA_8, BOSKA_9)])
    assert poly_sync(streams).tolist() == [9, 7, 20]
    weights, counted = np.array([3.0, 2.0, 2.0]), np.array([3.0, 2.0, 1.0])
    expected = [0.9618538544571633, 0.9961791398488665, 0.7964353630870814]
    assert balance(streams, weights, counted) == pytest.approx(expected)
    even = np.stack([evenness(streams[:, i]) for i in range(3)], 1) @ counted
    assert even == pytest.approx([5.2753683906977775, 4.428794764473658, 4.9758868520193955])


def test_a_groove_has_the_measures_of_its_bars() -> None:
    voices = ("kick", "snare", "closed_hat")
    bars = [
        (step + 16 * bar, voice)
        for bar, streams in enumerate((BOSKA_3, BOSKA_9))
        for voice, text in zip(voices, streams, strict=True)
        for step, letter in enumerate(text)
        if letter == "x"
    ]
    found = measures(groove(*bars))
    assert tuple(found) == NAMES
    assert found["poly_sync"] == pytest.approx((9 + 20) / 2)
    assert found["low_sync"] == pytest.approx((-7 + 4) / 2)
    assert found["low_syness"] == pytest.approx((-7 / 4 + 4 / 8) / 2)
    assert found["poly_density"] == pytest.approx((19 + 24) / 2)
    assert found["step_density"] == pytest.approx((0.6875 + 0.875) / 2)


def test_syncopation_after_witek() -> None:
    silent = lines("." * 16)
    every = lines("x.x.x.x.x.x.x.x.")
    assert witek(lines("x.......x......."), lines("....x.......x..."), every).tolist() == [0]
    # A kick on the last 16th with the hat alone on the next beat: 3 levels up to the bar's first, and 5.
    assert witek(lines("...............x"), silent, every).tolist() == [3 + 5]
    assert witek(lines("...............x"), silent, silent).tolist() == [3 + 6]
    assert witek(lines("...x............"), lines("....x..........."), every).tolist() == [2 + 2]
    assert witek(lines("....x..........."), lines("...x............"), every).tolist() == [2 + 1]
    assert witek(lines("...xx..........."), silent, every).tolist() == [0]  # it is on the stronger step as well


def test_complexity_grows_with_hits_and_with_syncopation() -> None:
    def bar(*steps: int) -> np.ndarray:
        cells = np.zeros((1, 16, 9))
        cells[0, list(steps), 0] = 1.0
        return cells

    straight, off = complexity(bar(0, 4, 8, 12))[0], complexity(bar(3, 7, 11, 15))[0]
    assert straight == pytest.approx(4 / 160)
    assert off == pytest.approx(np.hypot(4 / 160, (2 + 3 + 2 + 4) / 15))


def test_laid_back_is_late_and_pushed_is_early() -> None:
    def backbeat(ms: float) -> float | None:
        late = ms * 0.008
        hats = [(s, "closed_hat") for s in range(2, 32, 4)]
        snares = ((4 + 8 * i + late, "snare") for i in range(4))
        return measures(groove(*hats, *snares, (0, "kick"), (16, "kick")))["laidbackness"]

    assert backbeat(15) == 0.5  # of the four events of a bar, the snares
    assert backbeat(-15) == -0.5
    assert backbeat(10) == 0
    assert measures(groove((2, "ride")))["laidbackness"] is None
    doubled = [(s + half, "kick") for s in (0, 8, 16, 24) for half in (0, 0.5)]
    assert measures(groove(*doubled))["laidbackness"] == 0  # a 32nd behind the beat is no late beat


def test_other_meters_and_silence_have_none() -> None:
    waltz = random_groove(3, n_steps=24, meters=(Meter(0.0, 3, 4),))
    assert set(measures(waltz).values()) == {None}
    assert set(measures(groove()).values()) == {None}
    mixed = random_groove(3, n_steps=44, meters=(Meter(0.0, 3, 4), Meter(12.0, 4, 4)))
    assert measures(mixed)["sync"] is not None
