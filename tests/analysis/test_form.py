"""Sections, fills, repeats and loops of songs joined from known bars."""

from __future__ import annotations

import numpy as np
import pytest
from grooves import groove, random_groove

from rhythmvae.analysis.form import Form, form, hits_in_bars, likeness
from rhythmvae.groove import Groove, Meter, Tempo

HATS = [(s, "closed_hat") for s in range(0, 16, 2)]
BARS = {
    "a": [(0, "kick"), (10, "kick"), (4, "snare"), (12, "snare"), *HATS],
    "b": [(0, "kick"), (3, "kick"), (8, "snare"), (14, "kick"), *((s, "ride") for s in range(0, 16, 4))],
    "c": [(s, "low_tom") for s in (0, 3, 6, 10, 12)] + [(s, "kick") for s in (2, 5, 8, 14)],
    "f": [(0, "kick"), *HATS[:2], *((s, "snare" if s < 10 else "high_tom") for s in range(4, 16))],
    "d": [(0, "kick"), (10, "kick"), (4, "snare"), (12, "snare"), *HATS[:3], *((s, "ride") for s in range(6, 16, 2))],
    ".": [],
}


def song(text: str, loose: float = 0.0) -> Groove:
    """A letter a bar."""
    rng = np.random.default_rng(0)
    hits = [
        (max(0.0, 16 * bar + step + loose * rng.normal()), voice)
        for bar, letter in enumerate(text)
        for step, voice in BARS[letter]
    ]
    return groove(*hits, n_steps=16 * len(text))


def said(text: str, **more: float) -> Form:
    return form(song(text, **more))


@pytest.mark.parametrize(
    ("bars", "sections"),
    [
        ("aaaaaaaabbbbbbbb", [(1, 8, "A"), (9, 16, "B")]),
        ("aaaabbbbaaaacccc", [(1, 4, "A"), (5, 8, "B"), (9, 12, "A"), (13, 16, "C")]),
        ("aaafbbbfaaaf", [(1, 4, "A"), (5, 8, "B"), (9, 12, "A")]),
        ("abababab", [(1, 8, "A")]),
        ("aaaaaaaa", [(1, 8, "A")]),
        ("aaaaabbbbbb", [(1, 5, "A"), (6, 11, "B")]),  # sections of odd lengths are found where bars differ
        ("aaaaadddcccccccc", [(1, 8, "A"), (9, 16, "B")]),  # a variation does not break a phrase
        ("a", [(1, 1, "A")]),
        ("....aaaa", [(1, 4, "A"), (5, 8, "B")]),
    ],
)
def test_sections_are_those_that_were_joined(bars: str, sections) -> None:
    assert said(bars).sections == sections
    assert said(bars, loose=0.08).sections == sections


def test_exact_repeats_have_the_same_number() -> None:
    assert said("aabaf.").patterns == [1, 1, 2, 1, 3, 4]


def test_a_fill_is_at_a_seam_and_fills() -> None:
    assert said("aaafaaaf").fills == [4, 8]
    assert said("aaaaaaaa").fills == []
    assert said("aaafbbbf").fills == [4, 8]
    assert said("aafaaaaa").fills == []  # in the middle of a section
    assert 4 not in said("aaa.aaaa").fills  # a break is no fill


def test_the_loop_that_stands_for_it_is_as_short_as_can_be() -> None:
    assert said("aaaaaaaf").loop == (1, 1)
    assert said("abababab").loop == (1, 2)
    assert said("aabcaabcaabc").loop == (1, 4)
    assert said("caaaaaaa").loop == (2, 2)


def test_changes_of_tempo_and_meter_are_on_one_line() -> None:
    changing = groove(
        (0, "kick"),
        n_steps=44,
        meters=(Meter(0.0, 4, 4), Meter(32.0, 3, 4)),
        tempos=(Tempo(0.0, 120.0), Tempo(16.0, 60.0)),
    )
    assert form(changing).changes == [
        {"bar": 1, "seconds": 0.0, "tempo": 120.0},
        {"bar": 1, "seconds": 0.0, "meter": "4/4"},
        {"bar": 2, "seconds": 2.0, "tempo": 60.0},
        {"bar": 3, "seconds": 6.0, "meter": "3/4"},
    ]


def test_bars_of_other_lengths_are_compared_too() -> None:
    played = random_groove(0, n_steps=86, n_hits=60, meters=(Meter(0.0, 4, 4), Meter(48.0, 7, 8), Meter(76.0, 5, 8)))
    like = likeness(played, played.bar_lines, *hits_in_bars(played, played.bar_lines))
    assert like.shape == (played.n_bars, played.n_bars)
    assert np.allclose(np.diag(like), 1)
    assert like.min() >= 0


def test_silence_and_a_single_hit_have_a_form() -> None:
    silent = form(groove())
    assert (silent.sections, silent.loop, silent.fills) == ([(1, 2, "A")], None, [])
    assert form(groove((4, "snare"))).loop == (1, 1)


def test_very_many_bars_are_one_section() -> None:
    tiny = Meter(0.0, 1, 16)
    assert form(groove((0, "kick"), n_steps=5000, meters=(tiny,))).sections == [(1, 5000, "A")]
