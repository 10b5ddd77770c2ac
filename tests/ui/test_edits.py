"""What a user changed in the grid: where it lands, what is ignored, and how it is taken back."""

from __future__ import annotations

import math
from typing import Any

import pytest
import streamlit as st
from grooves import groove

from rhythmvae.data.examples import example
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.ui.session import edits
from rhythmvae.ui.session.edits import View

KEY = "deck"
KICK, SNARE = VOICE_INDEX["kick"], VOICE_INDEX["snare"]


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The session's state, a plain mapping here."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def send(view: View, hits: Any, serial: int = 1, source: str | None = None) -> None:
    """What happens when the browser sends an edit of a view."""
    edit = {"source": view.source if source is None else source, "lane": "a", "serial": serial, "hits": hits}
    st.session_state[KEY] = {"edit": edit}
    edits.take(view)


def song(n_bars: int = 4) -> Groove:
    """A kick on every beat."""
    return groove(*[(step, "kick") for step in range(0, 16 * n_bars, 4)], n_steps=16 * n_bars)


def hits(of: Groove) -> list[tuple[float, int, int]]:
    return list(zip(of.position.tolist(), of.voice.tolist(), of.velocity.tolist(), strict=True))


def test_what_nobody_touched_is_itself() -> None:
    original = song()
    assert edits.edited(original) is original
    assert edits.serial(View(original, 1, 4)) == 0
    assert edits.problem() is None


def test_an_edit_of_bars_3_to_4_lands_there_and_leaves_the_rest() -> None:
    original = song(6)
    send(View(original, 3, 4), [[SNARE, -0.25, 80], [SNARE, 4, 90], [KICK, 31.25, 70]])
    edited = edits.edited(original)
    assert hits(edited.bars(1, 2)) == hits(original.bars(1, 2))
    assert hits(edited.bars(3, 4)) == [(-0.25, SNARE, 80), (4, SNARE, 90), (31.25, KICK, 70)]
    assert hits(edited.bars(5, 6)) == hits(original.bars(5, 6))
    assert hits(original) == hits(song(6))


def test_edits_of_several_views_add_up() -> None:
    original = song()
    first, second, both = View(original, 1, 1), View(original, 2, 2), View(original, 1, 2)
    send(first, [[SNARE, 0, 80]])
    send(second, [[SNARE, 1, 81]])
    assert hits(edits.edited(original).bars(1, 2)) == [(0, SNARE, 80), (17, SNARE, 81)]
    send(both, [[SNARE, 0, 80], [SNARE, 17, 81], [SNARE, 31, 82]])
    assert hits(edits.edited(original).bars(1, 2)) == [(0, SNARE, 80), (17, SNARE, 81), (31, SNARE, 82)]
    assert len(edits.edited(original).bars(3, 4)) == 8


def test_all_hits_can_go() -> None:
    original = song(1)
    send(View(original, 1, 1), [])
    assert hits(edits.edited(original)) == []


def test_a_hit_at_the_seam_stays_on_its_side() -> None:
    original = groove(n_steps=64)
    send(View(original, 2, 2), [[KICK, -0.5, 1], [SNARE, 15.498046875, 2]])
    assert hits(edits.edited(original).bars(2, 2)) == [(-0.5, KICK, 1), (15.498046875, SNARE, 2)]


def test_the_last_serial_of_every_view_is_told() -> None:
    original = song()
    first, second = View(original, 1, 2), View(original, 3, 4)
    for serial in (1, 2, 7):
        send(first, [], serial)
    send(second, [], 3)
    assert (edits.serial(first), edits.serial(second)) == (7, 3)
    assert edits.serial(View(original, 1, 3)) == 0
    assert edits.serial(View(song(5), 1, 2)) == 0


def test_a_source_is_a_groove_and_its_bars() -> None:
    original = song()
    view = View(original, 1, 2)
    others = [View(original, 1, 3), View(original, 2, 2), View(song(5), 1, 2), View(example("funk"), 1, 2)]
    assert view.source == View(song(), 1, 2).source
    assert view.source not in {other.source for other in others}
    send(view, [])
    assert view.source == View(original, 1, 2).source  # its history stands while it is edited


def test_an_edit_of_another_source_is_ignored(session: dict[str, Any]) -> None:
    original = song()
    view = View(original, 1, 2)
    for source in ("", "junk", View(original, 3, 4).source, View(song(5), 1, 2).source):
        send(view, [[SNARE, 0, 80]], 5, source)
    assert edits.edited(original) == original
    assert edits.serial(view) == 0
    session[KEY] = {"edit": "junk"}
    edits.take(view)
    assert edits.edited(original) == original


def test_a_bounded_number_is_kept_and_the_longest_untouched_goes(session: dict[str, Any]) -> None:
    originals = [song(n) for n in range(1, edits.MAX_KEPT + 3)]
    for original in originals[: edits.MAX_KEPT]:
        send(View(original, 1, 1), [])
    send(View(originals[0], 1, 1), [[SNARE, 0, 80]], 2)  # touched again
    for original in originals[edits.MAX_KEPT :]:
        send(View(original, 1, 1), [])
    untouched = [n for n, original in enumerate(originals) if edits.edited(original) == original]
    assert untouched == [1, 2]
    assert len(session["edited grooves"]) == edits.MAX_KEPT


def test_what_is_forgotten_is_as_it_was_read_and_starts_afresh() -> None:
    original, other = song(), song(5)
    view = View(original, 1, 2)
    send(view, [])
    send(View(other, 1, 2), [])
    late = view.source
    edits.forget(original)
    assert edits.edited(original) is original
    assert edits.serial(view) == 0
    assert len(edits.edited(other)) == len(other) - 8
    send(view, [], 2, late)  # an edit that was still on its way
    assert edits.edited(original) is original
    send(view, [], 1)
    assert len(edits.edited(original)) == len(original) - 8


def test_a_problem_is_told_once_and_the_edits_before_it_stand() -> None:
    original = song()
    view = View(original, 1, 1)
    send(view, [[SNARE, 0, 80]], 1)
    send(view, [[SNARE, 99, 80]], 2)
    assert hits(edits.edited(original).bars(1, 1)) == [(0, SNARE, 80)]
    assert edits.serial(view) == 2  # the browser learns that its own state is not what is kept
    assert edits.problem() == "Expected hits of the kit within the bars shown; the groove stays as it was."
    assert edits.problem() is None


def test_a_position_that_rounds_into_the_next_bar_is_a_problem_and_not_a_crash() -> None:
    original = song(2)
    last = math.nextafter(16, 0)  # 16 steps on it would lie at 32, behind the end
    send(View(original, 2, 2), [[SNARE, last, 80]])
    assert edits.problem()
    assert edits.edited(original) == original
