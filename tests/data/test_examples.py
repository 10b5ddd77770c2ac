import doctest

import numpy as np
import pytest

from rhythmvae.data import examples
from rhythmvae.data.examples import EXAMPLES, example, parse
from rhythmvae.groove import to_grid
from rhythmvae.kit import VOICE_INDEX

HEAD = "demo: Demo\nFor a test.\n"


def test_the_notation_is_as_documented() -> None:
    assert doctest.testmod(examples).failed == 0


@pytest.mark.parametrize("key", EXAMPLES)
def test_every_pattern_is_music_that_the_model_can_hold(key: str) -> None:
    groove = example(key)
    assert groove.title == EXAMPLES[key].title
    assert EXAMPLES[key].description.endswith(".")
    assert groove.n_bars >= 2
    assert len(groove) > 20
    assert groove.position.min() >= 0
    assert to_grid(groove).n_lost == 0
    assert {VOICE_INDEX["kick"], VOICE_INDEX["snare"]} <= set(groove.voice.tolist())


@pytest.mark.parametrize("key", EXAMPLES)
def test_the_hat_is_open_or_closed_never_both(key: str) -> None:
    groove = example(key)
    closed, opened = (set(groove.step[groove.voice == VOICE_INDEX[hat]]) for hat in ("closed_hat", "open_hat"))
    assert not closed & opened


def test_the_patterns_cover_what_people_play() -> None:
    meters = {f"{p.numerator}/{p.denominator}" for p in EXAMPLES.values()}
    assert {"4/4", "3/4", "5/4", "6/8", "12/8"} <= meters
    assert {"rock", "funk", "bossa", "house", "trap", "shuffle"} <= set(EXAMPLES)
    assert (example("funk").velocity < 40).sum() > 10


def test_a_pattern_is_the_same_every_time() -> None:
    assert EXAMPLES["funk"].groove() == EXAMPLES["funk"].groove()


def test_groups_divide_a_bar_and_columns_divide_a_group() -> None:
    groove = parse(HEAD + "120 bpm, 4/4\nclosed_hat | x.x. xxx xxxxxxxx x |").groove()
    expected = [0, 2, 4, 4 + 4 / 3, 4 + 8 / 3, *np.arange(8, 12, 0.5), 12]
    assert np.allclose(groove.position, expected)


def test_percent_repeats_the_bar_before() -> None:
    groove = parse(HEAD + "120 bpm, 3/4\nkick | X . x | % |").groove()
    assert groove.position.tolist() == [0, 8, 12, 20]


def test_swing_delays_the_second_of_a_pair() -> None:
    groove = parse(HEAD + "120 bpm, 2/4, swing 8ths 66 %\nride | xx xx |").groove()
    assert np.allclose(groove.position, [0, 4 * 0.66, 4, 4 + 4 * 0.66])
    groove = parse(HEAD + "120 bpm, 1/4, swing 16ths 60 %\nride | xxxx |").groove()
    assert np.allclose(groove.position, [0, 1.2, 2, 3.2])


def test_a_late_voice_is_late_by_that_many_milliseconds() -> None:
    groove = parse(HEAD + "60 bpm, 2/4, snare +10 ms\nkick | X X |\nsnare | X X |").groove()
    late = groove.onset_seconds[groove.voice == 1] - groove.onset_seconds[groove.voice == 0]
    assert np.allclose(late, 0.010)


def test_a_flam_and_a_double_have_two_strokes() -> None:
    groove = parse(HEAD + "60 bpm, 2/4\nsnare | .f.. .d.. |").groove()
    assert np.allclose(groove.onset_seconds, [0.25 - 0.028, 0.25, 1.25, 1.375])
    assert groove.velocity[0] < groove.velocity[1]


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ("120 bpm\nkick | X |", "a tempo and a meter"),
        ("120 bpm, 4/4, swung\nkick | X |", "swung"),
        ("120 bpm, 4/4\ncowbell | X |", "cowbell"),
        ("120 bpm, 4/4\nkick | X? |", "unknown characters"),
        ("120 bpm, 4/4\nkick | X |\nsnare | X | X |", "number of bars"),
    ],
)
def test_a_slip_of_the_pen_is_named(setup: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(HEAD + setup)
