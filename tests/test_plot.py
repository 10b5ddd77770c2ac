import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from rhythmvae import plot
from rhythmvae.errors import RhythmVAEError
from rhythmvae.examples import EXAMPLES, example
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import VOICE_INDEX

KICK, SNARE, HAT = (VOICE_INDEX[k] for k in ("kick", "snare", "closed_hat"))


def groove(hits: list[tuple[float, int, int]], n_steps: int = 16, **kwargs: object) -> Groove:
    table = np.array(hits, dtype=float).reshape(-1, 3)
    return Groove(table[:, 0], table[:, 1].astype(int), table[:, 2].astype(int), n_steps, **kwargs)  # type: ignore[arg-type]


def marks(markup: str) -> list[tuple[str, list[ET.Element]]]:
    """(tooltip, shapes) of every hit."""
    return [
        (g.find("title").text or "", [e for e in g if e.tag != "title"])  # type: ignore[union-attr]
        for g in ET.fromstring(markup).iter("g")
        if g.find("title") is not None
    ]


def circles(markup: str) -> list[dict[str, float]]:
    return [
        {k: float(shape.attrib[k]) for k in ("cx", "cy", "r", "fill-opacity")}
        for _, shapes in marks(markup)
        for shape in shapes[:1]
        if shape.tag == "circle"
    ]


@pytest.mark.parametrize("key", EXAMPLES)
def test_every_hit_of_every_pattern_is_drawn_in_well_formed_text_on_one_line(key: str) -> None:
    markup = plot.drum_grid(example(key), label="Original")
    assert len(marks(markup)) == len(example(key))
    assert "\n" not in markup
    assert 'role="img"' in markup


def test_an_empty_groove_is_an_empty_grid() -> None:
    assert marks(plot.drum_grid(groove([]))) == []


def test_louder_is_larger_and_darker_and_a_ghost_is_still_there() -> None:
    ghost, loud = sorted(circles(plot.drum_grid(groove([(0, SNARE, 12), (4, SNARE, 127)]))), key=lambda c: c["cx"])
    assert loud["r"] > 1.5 * ghost["r"]
    assert loud["fill-opacity"] > ghost["fill-opacity"]
    assert ghost["r"] >= 2.5
    assert ghost["fill-opacity"] >= 0.4


def test_microtiming_moves_a_hit_sideways() -> None:
    on, late = circles(plot.drum_grid(groove([(0, KICK, 100), (4.25, KICK, 100)])))
    assert late["cx"] - on["cx"] == pytest.approx(4.25 * plot.STEP_PX)


def test_the_second_hit_of_a_cell_is_smaller_and_raised() -> None:
    drawn = sorted(circles(plot.drum_grid(groove([(3.8, SNARE, 60), (4, SNARE, 100)]))), key=lambda c: c["cx"])
    grace, stroke = drawn
    assert grace["r"] < 0.75 * stroke["r"]
    assert grace["cy"] < stroke["cy"]


def test_rows_are_the_voices_played_with_the_kick_below() -> None:
    markup = plot.drum_grid(groove([(0, KICK, 100), (0, HAT, 100)]))
    assert [label for label in re.findall(r">([A-Z][a-z ]+)</text>", markup)] == ["Closed hat", "Kick"]


@pytest.mark.parametrize(
    ("meter", "beat"), [((4, 4), 4), ((3, 4), 4), ((6, 8), 6), ((12, 8), 6), ((7, 8), 2), ((5, 4), 4), ((3, 8), 2)]
)
def test_beats_are_where_they_are_felt(meter: tuple[int, int], beat: float) -> None:
    assert plot.beat_steps(Meter(0.0, *meter)) == beat


def test_bars_are_numbered_from_the_first_shown_through_meter_changes() -> None:
    changing = groove([], 30, meters=(Meter(0.0, 4, 4), Meter(16.0, 7, 8)))
    assert re.findall(r">(\d+)</text>", plot.drum_grid(changing, first_bar=9)) == ["9", "10"]


def test_a_tooltip_says_drum_beat_velocity_and_lateness() -> None:
    markup = plot.drum_grid(groove([(4.25, SNARE, 96)], tempos=(Tempo(0.0, 120.0),)))
    assert marks(markup)[0][0] == "Snare, beat 2, velocity 96, 31 ms behind"


def test_differences_are_told_apart_by_shape_and_counted() -> None:
    original = groove([(0, KICK, 100), (4, SNARE, 100), (8, KICK, 100)])
    rebuilt = groove([(0, KICK, 90), (8.3, KICK, 100), (12, HAT, 80)])
    markup = plot.comparison(original, rebuilt, labels=("Original", "Reconstruction"))
    by_tooltip = {text: [shape.tag for shape in shapes] for text, shapes in marks(markup)[len(original) :]}
    assert by_tooltip == {
        "Kick, beat 1, velocity 90": ["circle"],
        "Kick, beat 3, velocity 100, 38 ms behind, 38 ms later than in the original": ["circle", "path"],
        "Closed hat, beat 4, velocity 80, added": ["polygon"],
        "Snare, beat 2, velocity 100, missed": ["circle", "path"],
    }
    for words in ("1 missed", "1 added", "1 moved by 20 ms or more"):
        assert f">{words}<" in markup
    assert "stroke-dasharray" in markup
    assert 'aria-label="Reconstruction: 1 missed, 1 added, 1 moved"' in markup


def test_a_perfect_copy_has_no_marks() -> None:
    played = example("funk")
    markup = plot.comparison(played, played, labels=("a", "b"))
    assert {shape.tag for _, shapes in marks(markup) for shape in shapes} == {"circle"}
    assert ">0 missed<" in markup


def test_labels_are_escaped_and_cannot_end_the_block() -> None:
    markup = plot.drum_grid(groove([]), label='<script>alert("1")</script>\n\n# x')
    assert "<script" not in markup
    assert "\n" not in markup
    ET.fromstring(markup)


def test_what_is_too_long_or_too_full_is_refused_in_a_sentence() -> None:
    with pytest.raises(RhythmVAEError, match="at most 512 sixteenths to draw, got 528: choose fewer bars"):
        plot.drum_grid(groove([], 33 * 16))
    with pytest.raises(RhythmVAEError, match="at most 4,000 hits"):
        plot.drum_grid(groove([(0, KICK, 1)] * 4_001))
