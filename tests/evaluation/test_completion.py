"""Jobs of completing are judged by what was played, beside floors that are fitted elsewhere; cells, bits and bins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from grooves import random_groove
from toys import checkpoint_of

from rhythmvae.data.corpus import Corpus, Take
from rhythmvae.evaluation.completion import brief, humanize, infill, jobs, measure, new_bars, next_bar, taps
from rhythmvae.evaluation.completion.jobs import Fold, Material, Sides, Stretch
from rhythmvae.evaluation.completion.ngram import NGram
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES
from rhythmvae.model import verbs


def bars_of_kicks(*steps: int, n_bars: int = 1, voice: int = 0) -> Groove:
    """Kicks at some 16ths of each bar, 10 ms late."""
    position = np.array([16 * bar + step + 0.08 for bar in range(n_bars) for step in steps])
    table = np.full(len(position), voice), np.full(len(position), 90)
    return Groove(position, *table, 16 * n_bars, (Tempo(0.0, 120.0),), (Meter(0.0, 4, 4),))


def test_stretches_are_of_four_four_and_evenly_from_all_over_a_take() -> None:
    waltz = replace(random_groove(0, n_steps=48), meters=(Meter(0.0, 3, 4),))
    found = list(jobs.stretches([waltz, bars_of_kicks(0, n_bars=40)], 4, most=3))
    assert [one.take for one in found] == [1, 1, 1]
    assert all(one.groove.n_bars == 4 for one in found)
    assert not list(jobs.stretches([bars_of_kicks(0, n_bars=4)], 2, least=3))


def test_f1_is_over_all_cells_together() -> None:
    one, other = jobs.cells(bars_of_kicks(0, 4, 8)), jobs.cells(bars_of_kicks(0, 4, 9))
    assert jobs.f1([one, one], [one, other]) == pytest.approx(10 / 12)


def test_the_nearest_row_differs_in_the_fewest_cells() -> None:
    known = np.stack([jobs.cells(bars_of_kicks(*steps)) for steps in ((0, 8), (0, 4, 8, 12), (2,))])
    asked = np.stack([jobs.cells(bars_of_kicks(*steps)) for steps in ((0, 4, 8), (2, 3))])
    assert jobs.nearest(known, asked)[1] == 2
    assert jobs.nearest(known, asked)[0] in (0, 1)


# -- humanize ------------------------------------------------------------------


def test_what_is_spread_alike_does_not_diverge_and_the_grid_does() -> None:
    rng = np.random.default_rng(0)
    true, like = rng.normal(0, 15, (2, 20_000))
    edges = humanize.TIMING_EDGES
    assert humanize.divergence_of(true, like, edges) < 0.01 < 1 < humanize.divergence_of(true, 0 * true, edges)
    assert humanize.divergence_of(true, true, edges) == 0
    assert (
        humanize.divergence_of(np.array([500.0]), np.array([79.9]), edges) == 0
    )  # what lies beyond is in the last bin


def test_feel_is_read_hit_by_hit() -> None:
    feel = humanize.Feel.of([bars_of_kicks(8, 0), bars_of_kicks(4)])
    assert feel.milliseconds == pytest.approx([10.0] * 3)
    assert feel.velocity.tolist() == [90.0] * 3


def test_of_strokes_in_a_cell_the_loudest_stays() -> None:
    two = bars_of_kicks(0).with_hits(np.array([0.1, 0.3, 4.0]), np.array([0, 0, 0]), np.array([40, 80, 20]))
    assert humanize.one_a_cell(two).velocity.tolist() == [80, 20]


def test_medians_are_of_the_drum_at_its_place() -> None:
    position, velocity = np.array([0.0, 16.0, 32.0, 8.0]), np.array([100, 80, 70, 20])
    learned = bars_of_kicks(n_bars=3).with_hits(position, np.zeros(4, np.int64), velocity)
    medians = humanize.Medians.of([learned])
    assert medians.velocity(bars_of_kicks(0, 3, 8)).tolist() == [80, 75, 20]  # never at 3: the drum's


# -- bits ----------------------------------------------------------------------


def test_an_n_gram_is_sure_of_what_it_always_heard_and_not_of_what_it_never_did() -> None:
    loop = jobs.cells(bars_of_kicks(0, 4, 8, 12, n_bars=20))
    n_gram = NGram.of([loop])
    along = n_gram.along(loop[None])[:, -16:]
    ahead = n_gram.ahead(loop[None, :-16], 16, 4, np.random.default_rng(0))
    for found in (along, ahead):
        assert next_bar.bits_of(loop[None, -16:], found)[0] < 2
    other = jobs.cells(bars_of_kicks(1, 3, n_bars=1, voice=3))[None]
    assert next_bar.bits_of(other, ahead)[0] > 20


def test_an_n_gram_mixes_contexts_as_witten_and_bell_do() -> None:
    """Behind a kick came a kick twice and nothing once: two columns in three times."""
    table = np.zeros((5, N_VOICES), dtype=bool)
    table[[0, 1, 2, 4], 0] = True
    n_gram = NGram.of([table])
    of_none = (4 + 2 * 0.5) / (5 + 2)
    kick = np.zeros((1, 2, N_VOICES), dtype=bool)
    kick[0, 0, 0] = True
    order_1 = (2 + 2 * of_none) / (3 + 2)
    short = replace(n_gram, orders=n_gram.orders[:2])
    assert short.along(kick)[0, 1, 0] == pytest.approx(order_1)


# -- jobs as a whole -----------------------------------------------------------


def test_how_many_bars_are_the_bar_before() -> None:
    same, other = bars_of_kicks(0, 8, n_bars=6), bars_of_kicks(0, 8, n_bars=6).with_bars(6, 6, bars_of_kicks(0, 4))
    assert new_bars.copies([same]) == 1.0
    assert new_bars.copies([same, other]) == pytest.approx(7 / 8)


def test_gaps_are_of_groups_that_are_played_beside_others() -> None:
    alone = bars_of_kicks(0, 4, 8, n_bars=4)
    both = alone.with_hits(np.tile(alone.position, 2), np.repeat([0, 2], len(alone)), np.full(2 * len(alone), 80))
    assert not infill.gaps_in([alone], 0)
    (gap,) = infill.gaps_in([both], 0)
    assert gap.part_of(both).any()
    assert gap.given.any()
    assert not (gap.part_of(both) & gap.given).any()


def test_a_tap_is_kept_by_whatever_sounds_within_ten_ms() -> None:
    tapped = bars_of_kicks(0, 4)
    late = tapped.with_hits(tapped.position + np.array([0.0, 0.1]), np.array([3, 5]), tapped.velocity)
    assert taps.is_kept(tapped, late).tolist() == [True, False]
    assert taps.is_kept(tapped, Groove.silent(16, tapped.tempos, tapped.meters)).tolist() == [False, False]


@pytest.mark.usefixtures("brief_classifiers", "brief_feel")
def test_every_job_has_figures_and_floors_on_any_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MIN_TAKES", 2)
    monkeypatch.setattr(jobs, "DRAWS", 1)
    takes = [
        Take(
            f"{i}.mid",
            random_groove(i, n_steps=192, n_hits=150),
            "train" if i < 3 else "validation",
            {"drummer": f"d{i}"},
        )
        for i in range(6)
    ]
    found = measure.measure_completion(checkpoint_of(), Corpus(tuple(takes)), "validation")
    assert found["n_takes"] == 3
    assert set(found["protocols"]) == {own["job"] for own in found["figures"]}
    for own in found["figures"]:
        assert own["value"] is not None, own
        assert None not in own["floors"].values(), own
    assert [own["job"] for own in found["unseen_drummers"]] == ["humanize"] * 5
    assert all(protocol[0].isupper() for protocol in found["protocols"].values())


def test_too_few_takes_are_not_judged_by_classifiers() -> None:
    sides = Sides.of([Stretch(0, bars_of_kicks(0, n_bars=2)), Stretch(1, bars_of_kicks(4, n_bars=2))])
    figure = jobs.two_sample_figure("taps", sides, (1,), [[bars_of_kicks(4, n_bars=2)]], {})
    assert (figure.value, figure.floors) == (None, {"as played": None})


def test_data_without_such_bars_has_no_figures() -> None:
    waltz = [replace(random_groove(i, n_steps=24), meters=(Meter(0.0, 3, 4),)) for i in range(4)]
    material = Material(checkpoint_of(), [Fold(waltz[:2], waltz[2:])])
    for job in (next_bar, new_bars, infill, taps):
        assert [own.value for own in job.figures(material)] == [None] * len(job.figures(material))


def test_many_parts_at_once_are_answered_as_each_alone() -> None:
    """Judging is as the commands are: what is completed together has the answers that the verbs give."""
    material = Material(checkpoint_of(), [])
    played = [random_groove(seed, n_steps=32, n_hits=40) for seed in range(3)]
    made = next_bar.likeliest(material, [next_bar.behind(groove, 2) for groove in played])
    for groove, found in zip(played, made, strict=True):
        alone = verbs.continued(material.completer, groove, 1, only_new=True, temperature=0.0)
        assert (jobs.cells(alone) == found).all()
    tapped = [taps.flattened(groove) for groove in played]
    for one, found in zip(tapped, taps.drums(material, tapped, 0.0), strict=True):
        assert (jobs.cells(verbs.tapped(material.completer, one, temperature=0.0)) == jobs.cells(found)).all()


def test_a_card_says_in_brief_how_held_out_takes_are_completed_by_whoever_can() -> None:
    able = checkpoint_of()
    takes = [random_groove(seed, n_steps=64, n_hits=60) for seed in range(14)]
    (own,) = brief.in_brief({"mine": able, "old": replace(able, own_completion=None), "none": None}, takes)
    assert own.name == "mine"
    assert 0 <= own.next_bar_f1 <= 1
    assert own.copied_bar_f1 < 0.5
    assert own.timing_share > 0
    (short,) = brief.in_brief({"mine": able}, [bars_of_kicks(0)])
    assert (short.next_bar_f1, short.copied_bar_f1) == (None, None)
    assert brief.in_brief({"mine": able}, []) == ()
