"""What the trees of sections are shown, and what they say of songs whose parts are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.form import NEAR, Sources, boundary_f1, changes, developed, examples, in_a_row, learned, matched
from rhythmvae.analysis import seams
from rhythmvae.analysis.forest import KINDS, Forest
from rhythmvae.analysis.form import form
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import Groove

NAMES = [
    *(f"across {k}" for k in seams.PHRASES),
    *(f"apart {k}" for k in seams.BLOCKS),
    *("new 1", "new"),
    *(f"{what} {k}" for k in seams.STRIPES for what in ("goes on", "begins", "ends")),
    *("like the last", "crash", "left of 4", "left"),
]


def blocks(text: str) -> np.ndarray:
    """Likeness of bars that are the same or share nothing, a letter a bar."""
    letters = np.array(list(text))
    return np.asarray(letters[:, None] == letters, dtype=np.float64)


def shown(text: str, line: int, crash: int = -1) -> dict[str, float]:
    like = blocks(text)
    found = seams.numbers(like, np.arange(len(text)) == crash)
    assert found.shape == (len(text) - 1, seams.N_LINE)
    return dict(zip(NAMES, found[line - 1].tolist(), strict=True))


def test_a_line_between_parts_differs_from_one_within() -> None:
    between, within = (shown("aaaaaaaabbbbbbbb", line) for line in (8, 12))
    assert [between[f"across {k}"] for k in (1, 2)] == [1, 1]
    assert [within[f"across {k}"] for k in (1, 2)] == [0, 0]
    assert (between["apart 4"], between["new"]) == (1, 1)
    assert (within["apart 2"], within["new 1"]) == (0, 0)


def test_phrases_that_come_again_are_no_news() -> None:
    """Bars that alternate differ from one to the next, and not from those two bars before."""
    found = shown("abababababab", 6)
    assert (found["across 2"], found["new"]) == (0, 0)
    assert found["apart 2"] == pytest.approx(-0.5)  # two bars on one side are less alike than bars across


def test_what_is_played_across_a_line_may_come_again() -> None:
    """Two parts that follow each other twice hang together; where only one of them comes again, it begins there."""
    assert shown("aaaabbbbaaaabbbb", 4)["goes on 4"] == 1
    again = shown("aaaaccccddddcccc", 4)
    assert again["goes on 4"] == 0.5
    assert (again["begins 4"], again["ends 4"]) == (1, 0)
    assert shown("ccccaaaaddddcccc", 4)["ends 4"] == 1


def test_crash_end_and_last_bar_are_seen() -> None:
    found = shown("aaafbbbbbb", 4, crash=4)
    assert (found["crash"], found["left"], found["left of 4"], found["like the last"]) == (1, 6, 2, 0)
    assert shown("aaafbbbbbb", 4, crash=5)["crash"] == 0


def test_a_number_does_not_depend_on_what_is_far_away() -> None:
    """Lines of a long song are shown what they would be in a part of it, but for what comes again."""
    rng = np.random.default_rng(0)
    like = blocks("".join(rng.choice(list("abc"), 60)))
    whole, part = (seams.numbers(each, np.zeros(len(each), bool)) for each in (like, like[:40, :40]))
    local = [i for i, name in enumerate(NAMES) if name.split()[0] in ("across", "apart", "new", "like")]
    assert np.allclose(whole[:23, local], part[:23, local])
    assert np.isfinite(whole).all()


def test_only_lines_and_ages_that_can_be_are_asked() -> None:
    odds = seams.log_odds(seams.numbers(blocks("aaaabbbbbb"), np.zeros(10, bool)))
    line, age = np.arange(1, 10)[:, None], np.arange(1, seams.AGES + 1)
    is_possible = (age >= seams.SHORTEST_BARS) & (age <= line) & (line <= 10 - seams.SHORTEST_BARS)
    assert np.array_equal(np.isfinite(odds), is_possible)
    assert odds[3, 3] > 0 > odds[5, 5]  # at bar 4, of a part of four bars; not at bar 6


@pytest.mark.parametrize("lengths", [(8, 8, 8), (4, 8, 4), (16, 8, 16), (12, 8, 4)])
@pytest.mark.parametrize(("first", "second"), [("funk", "rock"), ("bossa", "half_time"), ("rock", "house")])
def test_parts_of_any_length_are_found(first: str, second: str, lengths: tuple[int, ...]) -> None:
    names = (first, second, first)
    parts = [bars(name, n) for name, n in zip(names, lengths, strict=True)]
    song = in_a_row(parts)
    starts = np.cumsum([0, *lengths[:-1]])
    said = form(song).sections
    assert [start for start, _, _ in said] == (starts + 1).tolist()
    assert [letter for _, _, letter in said] == ["A", "B", "A"]


@pytest.mark.parametrize("lengths", [(12, 7, 8), (6, 10, 6), (9, 8, 8)])
def test_parts_that_are_no_phrases_are_found_to_a_bar(lengths: tuple[int, ...]) -> None:
    pairs = [(a, b) for a in ("rock", "bossa", "disco", "trap") for b in ("funk", "half_time")]
    found = []
    for first, second in pairs:
        names = (first, second, first)
        song = in_a_row([bars(name, n) for name, n in zip(names, lengths, strict=True)])
        found.append([start - 1 for start, _, _ in form(song).sections[1:]])
    true = np.cumsum(lengths)[:-1].tolist()
    assert boundary_f1([(said, true) for said in found]) > 0.9


def test_one_groove_again_and_again_is_one_section() -> None:
    for name in sorted(EXAMPLES):
        if str(example(name).meters[0]) == "4/4":
            assert len(form(bars(name, 32)).sections) == 1, name


def bars(name: str, n: int) -> Groove:
    groove = example(name)
    return groove.looped(-(-n // groove.n_bars)).bars(1, n)


# -- the set that is learned from ----------------------------------------------


@pytest.fixture(scope="module")
def sources() -> Sources:
    plain = [bars(name, 20) for name in sorted(EXAMPLES) if str(example(name).meters[0]) == "4/4"]
    return Sources(plain, [groove.bars(2, 2) for groove in plain], [[groove.bars(1, 1)] for groove in plain])


def test_songs_that_are_learned_from_are_joined_by_a_seed(sources: Sources) -> None:
    one, other = (developed(sources, np.random.default_rng(3)) for _ in range(2))
    assert one[0] == other[0]
    assert one[1] == other[1]
    for seed in range(40):
        song, true = developed(sources, np.random.default_rng(seed))
        assert song.n_steps == 16 * song.n_bars
        assert all(0 < seam < song.n_bars for seam in true)
        rows, is_seam = examples(song, true)
        assert rows.shape == (song.n_bars - 1, seams.N_NUMBERS)
        assert np.flatnonzero(is_seam).tolist() == [seam - 1 for seam in true]
        ages = rows[is_seam, seams.N_LINE]
        assert ages.tolist() == [seams.age_class(np.array(n)) for n in np.diff([0, *true])]


def test_trees_that_have_learned_find_what_was_joined(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    kept = learned(sources, n_songs=20)
    forest = Forest.read({name: kept[name] for name in KINDS}, seams.N_NUMBERS)
    monkeypatch.setattr(seams, "_trees", lambda: (forest, float(kept["base"])))
    made = [developed(sources, np.random.default_rng(seed)) for seed in range(100, 130)]
    found = [[first - 1 for first, _, _ in form(song).sections[1:]] for song, _ in made]
    assert boundary_f1([(said, true) for said, (_, true) in zip(found, made, strict=True)]) > 0.7


def test_mistakes_are_known_by_their_kind() -> None:
    assert matched([3, 9, 20], [4, 8]) == [(3, 4), (9, 8)]
    assert changes(blocks("a" * NEAR + "b" * NEAR), NEAR)
    assert not changes(blocks("a" * 2 * NEAR), NEAR)
