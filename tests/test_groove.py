"""The groove value, its bars and seconds, and the grid the model sees."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.groove import (
    FOUR_IN_TIME,
    HIT,
    N_FEATURES,
    OFFSET,
    PUSHED_STEPS,
    TWO_LOUDEST,
    VELOCITY,
    WINDOW_STEPS,
    Groove,
    Meter,
    Span,
    Tempo,
    changes_from_lists,
    changes_to_lists,
    from_grid,
    join,
    n_crowded,
    nearest_step,
    to_grid,
    window_spans,
)
from rhythmvae.kit import N_VOICES


def groove(*hits: tuple[float, int, int], n_steps: int = 32, **rest: object) -> Groove:
    """From (position, voice, velocity)."""
    columns = np.array(hits, dtype=float).reshape(-1, 3)
    return Groove(columns[:, 0], columns[:, 1], columns[:, 2], n_steps, **rest)  # type: ignore[arg-type]


def meters(*changes: tuple[float, int, int]) -> tuple[Meter, ...]:
    return tuple(Meter(*change) for change in changes)


@st.composite
def grooves(draw: st.DrawFn, max_hits: int = 40) -> Groove:
    """At most two hits a cell, so that the grid holds all of them."""
    n_steps = draw(st.integers(1, 96))
    cells = draw(
        st.lists(st.tuples(st.integers(0, n_steps - 1), st.integers(0, N_VOICES - 1)), unique=True, max_size=max_hits)
    )
    hits: list[tuple[float, int, int]] = []
    for step, voice in cells:
        offsets = draw(st.lists(st.integers(-512, 511), min_size=1, max_size=TWO_LOUDEST.n, unique=True))
        hits += [(step + o / 1024, voice, draw(st.integers(1, 127))) for o in offsets]
    return groove(*hits, n_steps=n_steps)


# -- value


def test_hits_are_sorted_and_read_only():
    g = groove((4, 1, 90), (0, 2, 80), (0, 0, 100))
    assert g.position.tolist() == [0, 0, 4]
    assert g.voice.tolist() == [0, 2, 1]
    assert g.velocity.tolist() == [100, 80, 90]
    with pytest.raises(ValueError, match="read-only"):
        g.position[0] = 1


def test_equality_is_of_the_music():
    assert groove((0, 0, 100), title="a") == groove((0, 0, 100), title="b")
    assert groove((0, 0, 100)) != groove((0, 0, 99))
    assert groove((0, 0, 100)) != groove((0, 0, 100), n_steps=16)
    assert groove((0, 0, 100)) != groove((0, 0, 100), tempos=(Tempo(0, 99),))


def test_silence_is_a_groove():
    silence = groove()
    assert len(silence) == 0
    assert not to_grid(silence).tensor.any()
    assert from_grid(to_grid(silence).tensor, silence) == silence
    assert silence.onset_seconds.shape == (0,)


@pytest.mark.parametrize(
    ("hits", "rest", "why"),
    [
        ([(-0.6, 0, 100)], {}, "do not fit"),
        ([(32, 0, 100)], {}, "do not fit"),
        ([(0, 9, 100)], {}, "not in the kit"),
        ([(0, 0, 0)], {}, "not 1 to 127"),
        ([(0, 0, 128)], {}, "not 1 to 127"),
        ([], {"n_steps": 0}, "at least 1"),
        ([], {"tempos": ()}, "tempos must start"),
        ([], {"meters": meters((4, 4, 4))}, "meters must start"),
        ([], {"tempos": (Tempo(0, 90), Tempo(8, 91), Tempo(8, 92))}, "ascend"),
    ],
)
def test_what_is_no_groove(hits, rest, why):
    with pytest.raises(ValueError, match=why):
        groove(*hits, **rest)


@pytest.mark.parametrize(("position", "step"), [(0.49, 0), (0.5, 1), (-0.5, 0), (15.5, 16), (15.49, 15)])
def test_halves_go_up(position, step):
    assert nearest_step(position) == step


def test_offsets_are_what_remains():
    g = groove((-0.5, 0, 100), (7.75, 1, 100), (8.25, 2, 100))
    assert g.step.tolist() == [0, 8, 8]
    assert g.offset.tolist() == [-0.5, -0.25, 0.25]


# -- bars


@pytest.mark.parametrize(
    ("changes", "n_steps", "lines"),
    [
        ([(0, 4, 4)], 32, [0, 16, 32]),
        ([(0, 4, 4)], 20, [0, 16, 20]),
        ([(0, 7, 8)], 28, [0, 14, 28]),
        ([(0, 12, 8)], 24, [0, 24]),
        ([(0, 4, 4), (8, 3, 4)], 32, [0, 8, 20, 32]),  # a change within a bar begins one
        ([(0, 7, 32)], 7, [0, 3.5, 7]),
        ([(0, 7, 32)], 4, [0, 4]),
        ([(0, 5, 4), (20, 4, 4)], 20 + 16, [0, 20, 36]),
    ],
)
def test_bar_lines(changes, n_steps, lines):
    assert groove(n_steps=n_steps, meters=meters(*changes)).bar_lines.tolist() == lines


def test_events_in_force():
    g = groove(tempos=(Tempo(0, 100), Tempo(16, 50)), meters=meters((0, 4, 4), (16, 2, 4)))
    assert [g.tempo_at(s).bpm for s in (-0.5, 0, 15.9, 16, 31)] == [100, 100, 100, 50, 50]
    assert [str(g.meter_at(s)) for s in (0, 16)] == ["4/4", "2/4"]


@pytest.mark.parametrize(
    ("numerator", "denominator", "beat"),
    [
        (4, 4, 4),
        (3, 4, 4),
        (5, 4, 4),
        (6, 4, 4),
        (2, 2, 8),
        (6, 8, 6),
        (9, 8, 6),
        (12, 8, 6),
        (6, 16, 3),
        (7, 8, 2),
        (3, 8, 2),
    ],
)
def test_beats_are_where_they_are_felt(numerator, denominator, beat):
    assert Meter(0.0, numerator, denominator).beat_steps == beat


@pytest.mark.parametrize(
    ("changes", "n_steps", "lines"),
    [
        ([(0, 4, 4)], 32, [0, 4, 8, 12, 16, 20, 24, 28]),
        ([(0, 12, 8)], 24, [0, 6, 12, 18]),
        ([(0, 7, 8)], 28, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26]),
        ([(0, 4, 4)], 19, [0, 4, 8, 12, 16]),  # the last bar is cut short
        ([(0, 4, 4), (6, 6, 8)], 18, [0, 4, 6, 12]),  # a change within a bar begins one, and so a beat
        ([(0, 5, 16)], 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ([(0, 7, 32)], 7, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5]),
        ([(0, 4, 4)], 1, [0]),
    ],
)
def test_beat_lines(changes, n_steps, lines):
    assert groove(n_steps=n_steps, meters=meters(*changes)).beat_lines.tolist() == lines


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 17), st.sampled_from([2, 4, 8, 16, 32])), max_size=5),
    st.integers(1, 200),
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_every_bar_begins_with_a_beat_and_none_lies_outside(changes, n_steps):
    step, events = 0, [(0, 4, 4)]
    for gap, numerator, denominator in changes:
        step += gap
        events.append((step, numerator, denominator))
    g = groove(n_steps=n_steps, meters=tuple(m for m in meters(*events) if m.step < n_steps))
    beats = g.beat_lines
    assert set(g.bar_lines[:-1].tolist()) <= set(beats.tolist())
    assert (np.diff(beats) > 0).all()
    assert beats[0] == 0
    assert beats[-1] < n_steps


# -- seconds


def test_seconds_follow_the_tempo_map():
    g = groove((-0.4, 0, 1), (16, 0, 1), (24, 0, 1), tempos=(Tempo(0, 120), Tempo(16, 60)))
    assert g.onset_seconds == pytest.approx([-0.05, 2.0, 4.0])
    assert g.duration_seconds == pytest.approx(6.0)


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(20, 300)), max_size=5), st.floats(0, 200))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_seconds_as_a_slow_sum(changes, position):
    tempos = [Tempo(0.0, 120.0)]
    for gap, bpm in changes:
        tempos.append(Tempo(tempos[-1].step + gap, bpm))
    g = groove(n_steps=256, tempos=tuple(tempos))
    slow = 0.0
    for t, end in zip(tempos, [t.step for t in tempos[1:]] + [np.inf], strict=True):
        slow += max(0.0, min(position, end) - t.step) * 15 / t.bpm
    assert float(g.seconds(position)) == pytest.approx(slow)


# -- parts


def test_a_slice_takes_the_hits_pushed_ahead_of_it_and_what_is_in_force():
    g = groove(
        (15.4, 0, 1),
        (15.6, 1, 2),
        (31.5, 2, 3),
        n_steps=48,
        tempos=(Tempo(0, 100), Tempo(8, 90), Tempo(20, 80)),
        meters=meters((0, 4, 4), (16, 3, 4)),
    )
    part = g.slice(16, 32)
    assert part.n_steps == 16
    assert part.position == pytest.approx([-0.4])
    assert part.velocity.tolist() == [2]
    assert part.tempos == (Tempo(0, 90), Tempo(4, 80))
    assert part.meters == meters((0, 3, 4))


def test_bars_count_from_1():
    g = groove((0, 0, 1), (16, 1, 2), (32, 2, 3), n_steps=48)
    assert g.bars(2, 3).voice.tolist() == [1, 2]
    assert g.bars(2, 2).n_steps == 16
    assert g.bars(1, 3) == g


def test_bars_are_replaced_where_they_are():
    frame = {"n_steps": 48, "tempos": (Tempo(0, 90), Tempo(20, 80)), "title": "three"}
    g = groove((0, 0, 1), (15.75, 1, 2), (16, 2, 3), (31.25, 3, 4), (31.5, 4, 5), (47, 5, 6), **frame)
    made = g.with_bars(2, 2, groove((-0.5, 6, 7), (15.25, 7, 8), n_steps=16))
    # The hit at 15.75 was pushed ahead of bar 2 and goes with it; that at 31.5 is bar 3's.
    assert made == groove((0, 0, 1), (15.5, 6, 7), (31.25, 7, 8), (31.5, 4, 5), (47, 5, 6), **frame)
    assert made.title == "three"
    assert g.with_bars(1, 3, groove(n_steps=48)) == groove(**frame)


@given(grooves(), grooves(), st.data())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_bars_put_in_are_the_bars_that_come_out(g, other, data):
    first = data.draw(st.integers(1, g.n_bars))
    last = data.draw(st.integers(first, g.n_bars))
    assert g.with_bars(first, last, g.bars(first, last)) == g
    part = other.slice(0, min(other.n_steps, g.bars(first, last).n_steps))
    made = g.with_bars(first, last, part)
    assert made.bars(first, last) == g.bars(first, last).with_hits(part.position, part.voice, part.velocity)
    for bar in {*range(1, g.n_bars + 1)} - {*range(first, last + 1)}:
        assert made.bars(bar, bar) == g.bars(bar, bar)


def test_bars_that_end_between_steps_can_be_replaced():
    g = groove((0, 0, 1), (3, 0, 2), (4, 0, 3), (6, 0, 4), n_steps=7, meters=meters((0, 7, 32)))  # bars at 0 and 3.5
    for bar in (1, 2):
        part = g.bars(bar, bar)
        made = g.with_bars(bar, bar, groove((1, 1, 9), n_steps=part.n_steps))
        assert len(made) == len(g) - len(part) + 1
        assert made.bars(bar, bar).voice.tolist() == [1]
    assert len(g.bars(1, 1)) + len(g.bars(2, 2)) == len(g)


def test_a_rate_changes_the_tempos_and_nothing_else():
    g = groove((0, 0, 1), (16.25, 1, 2), tempos=(Tempo(0, 100), Tempo(16, 50)), meters=meters((0, 3, 4)), title="a")
    fast = g.at_rate(1.5)
    assert fast.tempos == (Tempo(0, 150), Tempo(16, 75))
    assert fast.onset_seconds == pytest.approx(g.onset_seconds / 1.5)
    assert (fast.position.tolist(), fast.meters, fast.n_steps, fast.title) == ([0, 16.25], g.meters, g.n_steps, "a")
    assert g.at_rate(1.0) == g


@given(grooves(), st.data())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_slices_hold_every_hit_once(g, data):
    at = data.draw(st.integers(0, g.n_steps))
    parts = [g.slice(*span) for span in ((0, at), (at, g.n_steps)) if span[0] < span[1]]
    assert sum(len(p) for p in parts) == len(g)


def test_a_loop_comes_round_with_its_tempos_and_meters():
    g = groove(
        (-0.25, 0, 1),
        (6, 1, 2),
        n_steps=7,
        tempos=(Tempo(0, 100), Tempo(3, 90)),
        meters=meters((0, 4, 16), (4, 3, 16)),
        title="seven",
    )
    thrice = g.looped(3)
    assert thrice.n_steps == 21
    assert thrice.position.tolist() == [-0.25, 6, 6.75, 13, 13.75, 20]  # the push crosses the seam
    assert thrice.voice.tolist() == [0, 1] * 3
    assert thrice.velocity.tolist() == [1, 2] * 3
    assert thrice.tempos == tuple(
        Tempo(s, bpm) for s, bpm in ((0, 100), (3, 90), (7, 100), (10, 90), (14, 100), (17, 90))
    )
    assert thrice.meters == meters((0, 4, 16), (4, 3, 16), (7, 4, 16), (11, 3, 16), (14, 4, 16), (18, 3, 16))
    assert thrice.bar_lines.tolist() == [0, 4, 7, 11, 14, 18, 21]
    assert thrice.title == "seven"


@given(grooves(max_hits=12), st.integers(1, 4))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_every_time_round_a_loop_is_the_groove(g, times):
    looped = g.looped(times)
    assert g.looped(1) == g
    assert len(looped) == times * len(g)
    assert looped.duration_seconds == pytest.approx(times * g.duration_seconds)
    for start in range(0, looped.n_steps, g.n_steps):
        assert looped.slice(start, start + g.n_steps) == g  # positions are multiples of 1/1024


# -- grid


@pytest.mark.parametrize("layers", [TWO_LOUDEST, FOUR_IN_TIME])
@given(g=grooves())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_groove_to_grid_and_back(layers, g):
    grid = to_grid(g, layers)
    assert grid.tensor.shape == (g.n_steps, N_VOICES, layers.n, N_FEATURES)
    assert grid.n_lost == 0
    # Offsets are multiples of 1/1024, exact in float32. What lies well before step 0 is a pushed hit of the end.
    at_its_end = g.position + g.n_steps * (g.position < -PUSHED_STEPS)
    assert from_grid(grid.tensor, g) == g.with_hits(at_its_end, g.voice, g.velocity)


def test_a_pushed_hit_is_a_one_in_the_grid_and_comes_back_at_the_end():
    g = groove((0, 0, 100), (15.75, 0, 90), n_steps=16)
    assert g.step.tolist() == [0, 0]
    assert g.offset.tolist() == [0, -0.25]
    assert g.is_pushed.tolist() == [False, True]
    assert g.loop_position.tolist() == [0, -0.25]
    tensor = to_grid(g).tensor
    assert not tensor[1:].any()
    assert tensor[0, 0, :, OFFSET].tolist() == [0, -0.25]
    assert from_grid(tensor, g) == g


def test_a_hit_that_a_model_puts_a_little_early_stays_at_the_start():
    tensor = np.zeros((16, N_VOICES, TWO_LOUDEST.n, N_FEATURES), dtype=np.float32)
    tensor[0, 0, 0] = (1.0, 1.0, -PUSHED_STEPS)
    assert from_grid(tensor, groove(n_steps=16)).position.tolist() == [-PUSHED_STEPS]


def test_a_pushed_hit_belongs_to_the_last_bar():
    g = groove((0, 0, 100), (31.75, 1, 90), n_steps=32)
    assert g.bars(2, 2).position.tolist() == [15.75]
    assert g.bars(1, 1).position.tolist() == [0]
    assert g.with_bars(2, 2, groove((4, 2, 50), n_steps=16)).position.tolist() == [0, 20]
    assert g.looped(2).slice(16, 48).position.tolist() == [15.75, 16]


def test_a_cell_keeps_its_two_loudest_the_louder_first():
    g = groove((0, 0, 50), (0.1, 0, 90), (0.2, 0, 70))
    grid = to_grid(g)
    assert grid.n_lost == 1
    assert (grid.tensor[0, 0, :, VELOCITY] * 127).tolist() == pytest.approx([90, 70])
    assert from_grid(grid.tensor, g).velocity.tolist() == [90, 70]


def test_a_roll_stands_in_the_grid_as_it_sounds():
    g = groove((0.5, 2, 60), (0.75, 2, 70), (1, 2, 65), (1.25, 2, 127))
    grid = to_grid(g, FOUR_IN_TIME)
    assert grid.tensor[1, 2, :, OFFSET].tolist() == [-0.5, -0.25, 0, 0.25]
    assert (grid.tensor[1, 2, :, VELOCITY] * 127).tolist() == pytest.approx([60, 70, 65, 127])
    assert grid.n_lost == 0
    assert from_grid(grid.tensor, g) == g
    crowded = groove(*((k / 8, 2, 60 + k) for k in range(4)), (-0.25, 2, 3))
    assert (to_grid(crowded, FOUR_IN_TIME).tensor[0, 2, :, VELOCITY] * 127).tolist() == pytest.approx([60, 61, 62, 63])


@pytest.mark.parametrize("layers", [TWO_LOUDEST, FOUR_IN_TIME])
@given(
    hits=st.lists(
        st.tuples(st.integers(-8, 60), st.integers(0, 2), st.integers(1, 127)), max_size=60, unique_by=lambda h: h[:2]
    )
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_grid_as_a_slow_loop(layers, hits):
    g = groove(*((p / 16, v, vel) for p, v, vel in hits), n_steps=5)
    cells: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for step, voice, velocity, offset in zip(g.step, g.voice, g.velocity, g.offset, strict=True):
        cells.setdefault((int(step), int(voice)), []).append((int(velocity), float(offset)))
    grid = to_grid(g, layers)
    assert grid.n_lost == sum(max(0, len(found) - layers.n) for found in cells.values())
    assert int(grid.tensor[..., HIT].sum()) == len(g) - grid.n_lost
    assert n_crowded(g, layers) == grid.n_lost
    for (step, voice), found in cells.items():
        loudest = sorted((velocity for velocity, _ in found), reverse=True)[: layers.n]
        cell = grid.tensor[step, voice, : len(loudest)]
        written = np.rint(cell[:, VELOCITY] * 127).astype(int).tolist()
        assert (sorted(written, reverse=True) if layers.in_time else written) == loudest
        assert not layers.in_time or (np.diff(cell[:, OFFSET]) > 0).all()


def test_a_grid_from_a_model_is_made_valid():
    tensor = np.zeros((2, N_VOICES, TWO_LOUDEST.n, N_FEATURES), dtype=np.float32)
    tensor[0, 0, 0] = (0.9, 1.7, -3.0)
    tensor[1, 1, 0] = (0.5, -1.0, 0.5)
    tensor[1, 2, 0] = (0.49, 1.0, 0.0)
    g = from_grid(tensor, groove(n_steps=2))
    assert g.voice.tolist() == [1, 0]
    assert g.velocity.tolist() == [1, 127]
    assert g.position[1] == 1.5  # half a step before step 0, come round
    assert g.step.tolist() == [1, 0]


# -- windows


@pytest.mark.parametrize(
    ("changes", "n_steps", "lengths"),
    [
        ([(0, 4, 4)], 64, [32, 32]),
        ([(0, 4, 4)], 48, [32, 16]),
        ([(0, 3, 4)], 48, [24, 24]),
        ([(0, 12, 8)], 48, [24, 24]),
        ([(0, 5, 4)], 40, [20, 20]),
        ([(0, 2, 4)], 40, [32, 8]),
        ([(0, 10, 4)], 80, [32, 8, 32, 8]),
        ([(0, 4, 4), (16, 3, 4)], 16 + 24, [16, 24]),
        ([(0, 4, 4)], 5, [5]),
    ],
)
def test_windows_are_whole_bars_of_one_meter(changes, n_steps, lengths):
    assert [s.n_steps for s in window_spans(groove(n_steps=n_steps, meters=meters(*changes)))] == lengths


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, 17), st.sampled_from([2, 4, 8, 16, 32])), min_size=1, max_size=6
    ),
    st.integers(1, 200),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_windows_cover_everything_once(changes, n_steps):
    step, events = 0, []
    for gap, numerator, denominator in changes:
        events.append((step, numerator, denominator))
        step += gap
    g = groove(n_steps=n_steps, meters=tuple(m for m in meters(*events) if m.step < n_steps))
    spans = window_spans(g)
    assert spans[0].start == 0
    assert spans[-1].stop == n_steps
    assert all(a.stop == b.start for a, b in pairwise(spans))
    assert all(0 < s.n_steps <= WINDOW_STEPS for s in spans)


def test_windows_join():
    g = groove((0, 0, 100), (31.75, 2, 80), (33, 1, 90), n_steps=48)  # the second is pushed ahead of its window
    spans = window_spans(g)
    assert spans == [Span(0, 32), Span(32, 48)]
    assert from_grid(join([to_grid(g.slice(s.start, s.stop)).tensor for s in spans]), g) == g


# -- as bytes and lists


def test_bytes_differ_where_the_music_does() -> None:
    music = groove((0, 0, 100), (4, 1, 90))
    others = (
        groove((0, 0, 100), (4, 1, 91)),
        groove((0, 0, 100), (4.01, 1, 90)),
        groove((0, 0, 100), (4, 1, 90), n_steps=31),
        music.at_rate(1.01),
        replace(music, meters=meters((0, 8, 8))),
    )
    assert music.to_bytes() == replace(music, title="Other", source="elsewhere").to_bytes()
    assert len({other.to_bytes() for other in (music, *others)}) == 1 + len(others)


def test_changes_come_back_from_their_lists_through_json() -> None:
    changing = groove(tempos=(Tempo(0.0, 98.5), Tempo(16.25, 120.0)), meters=meters((0, 7, 8), (14, 4, 4)))
    lists = json.loads(json.dumps(changes_to_lists(changing)))
    assert changes_from_lists(**lists) == (changing.tempos, changing.meters)
    for broken in ({"tempos": [[0.0]]}, {"meters": [[0, 4]]}, {"tempos": [["a", "b"]]}, {"tempos": None}):
        with pytest.raises((TypeError, ValueError)):
            changes_from_lists(**{**lists, **broken})
