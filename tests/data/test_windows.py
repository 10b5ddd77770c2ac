"""Windows of the map; those of training are in test_corpus.py."""

import numpy as np
import pytest
from grooves import groove, random_groove, take

from rhythmvae.data.windows import played_windows, spread_windows
from rhythmvae.groove import Meter

# -- of the map


@pytest.mark.parametrize(
    ("n_steps", "meter", "lengths"),
    [
        (32, (4, 4), [32]),
        (16, (4, 4), [32]),  # a loop of a bar comes twice
        (8, (2, 4), [32]),
        (12, (3, 4), [24]),
        (24, (3, 4), [24]),
        (20, (5, 4), [20]),
        (48, (4, 4), [32]),  # half a window behind is left out
        (56, (7, 8), [28, 28]),
        (96, (4, 4), [32, 32, 32]),
        (10, (4, 4), [10]),  # ends inside a bar: it cannot come round in the same bars
    ],
)
def test_windows_are_full_where_they_can_be(n_steps, meter, lengths):
    played = random_groove(0, n_steps, 90, meters=(Meter(0.0, *meter),))
    assert [window.n_steps for window in played_windows(played)] == lengths


def test_a_repeated_bar_is_the_bar_twice():
    [window] = played_windows(groove((0, "kick"), (4, "snare"), n_steps=16))
    assert window.step.tolist() == [0, 4, 16, 20]


def test_silent_windows_are_not_on_the_map():
    late = groove((70, "kick"), n_steps=96)
    assert [window.step.tolist() for window in played_windows(late)] == [[6]]
    assert played_windows(groove(n_steps=32)) == []
    only_half = groove((40, "kick"), n_steps=48)  # what is there is better than nothing
    assert [window.n_steps for window in played_windows(only_half)] == [16]


def test_takes_share_the_map_fairly():
    takes = [take(0, n_steps=32 * 50, n_hits=5000), take(1), take(2, n_steps=96, n_hits=90), take(3)]
    counts = np.bincount([window.take for window in spread_windows(takes, 10)], minlength=4)
    assert counts.tolist() == [5, 1, 3, 1]
    first, again, other = (
        [window.bars for window in spread_windows(takes, 10, seed) if window.take == 0] for seed in (0, 0, 1)
    )
    assert first == again != other
    assert first == sorted(first)
