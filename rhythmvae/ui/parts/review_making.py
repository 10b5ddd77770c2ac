"""A review is made: a title, a question, what is compared, how many trials; and then its two links."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import MidiError, UsageError
from rhythmvae.groove import Groove, Meter
from rhythmvae.outputs import UniqueNames
from rhythmvae.review import design as designs
from rhythmvae.review import material, tuned
from rhythmvae.review.design import (
    KINDS,
    MAX_QUESTION,
    MAX_SEED,
    MAX_TITLE,
    MAX_TRIALS,
    REAL,
    SAMPLED,
    WRITTEN,
    Design,
    Item,
)
from rhythmvae.ui.parts.feedback import Recent, visitor_address
from rhythmvae.ui.parts.sentences import counted, errors_shown
from rhythmvae.ui.session import caches, files, hand, models, tray
from rhythmvae.ui.session.computing import computed
from rhythmvae.ui.session.opened import Opened, shipped
from rhythmvae.ui.shared import database, kept
from rhythmvae.ui.workers import tasks

if TYPE_CHECKING:
    from rhythmvae.review.book import Reviews

TRIALS = 12
LONG_MINUTES = 10
MAX_MADE = 10  # reviews of one address an hour
RESULTS_QUERY = "s"
PLAYED = "played"  # the condition of a groove that its maker says somebody played
_KEPT = "kept "  # before the key of a groove of the tray
_MADE = "results of the review that was made"
_CLOUD = Path("/mount/src")  # where Streamlit Community Cloud has an app's files


@dataclass(frozen=True)
class Heard:
    """What a review is made of.

    Args:
        grooves: to compare with what a model makes of them, or with each other.
        are_own: the visitor's, so that somebody may have played them; the built-in ones are written.
        first: the one that all others are compared with, where one is.
    """

    grooves: Sequence[Groove] = ()
    are_own: bool = False
    first: Groove | None = None


@dataclass(frozen=True)
class Ready:
    """A set of material.

    Args:
        kinds: keys of KINDS that it can be asked by.
        items: of what is heard and how many are wanted.
        right: the condition that is the right answer where a kind has one.
    """

    title: str
    kinds: tuple[str, ...]
    items: Callable[[Heard, int], Iterator[Item]]
    right: Callable[[Heard], str] = lambda _: ""


def _person(heard: Heard) -> str:
    return REAL if heard.are_own else WRITTEN


def _real(heard: Heard, n: int) -> Iterator[Item]:
    model, first = models.in_use(), secrets.randbelow(2**20)
    straight = [groove for groove in _windows(heard.grooves) if groove.meters == (Meter(0.0, 4, 4),)]
    for number, groove in enumerate(straight[:n]):
        sampled = _sampled(model, groove, first + number)
        yield material.item(_name(groove, number), {_person(heard): groove, SAMPLED: sampled})


def _rebuilt(heard: Heard, n: int) -> Iterator[Item]:
    for number, groove in enumerate(_windows(heard.grooves)[:n]):
        sounds = {"original": groove, "rebuilt": caches.reconstruct(groove)}
        yield material.item(_name(groove, number), sounds, groove)


def _tuned(heard: Heard, n: int) -> Iterator[Item]:
    if not models.is_own_in_use():
        for pair in tuned.ready().pairs[:n]:
            yield material.item(pair.name, {"before": pair.before, "after": pair.after}, pair.original)
        return
    for number, groove in enumerate(_windows(heard.grooves)[:n]):
        sounds = {"before": caches.reconstruct(groove, shipped()), "after": caches.reconstruct(groove)}
        yield material.item(_name(groove, number), sounds, groove)


def _humanized(heard: Heard, n: int) -> Iterator[Item]:
    used, seed = models.in_use(), secrets.randbelow(2**20)
    if used.card.completion is None:  # an older model of one's own
        used = shipped()
    for number, groove in enumerate(_windows(heard.grooves)[:n]):
        stiff = material.stiff(groove)
        human = caches.completed(stiff, "humanized", {"seed": seed + number}, used)
        yield material.item(_name(groove, number), {"humanized": human, "stiff": stiff})


def _chosen(heard: Heard, _: int) -> Iterator[Item]:
    if heard.first is None:
        yield material.item("grooves", {groove.title or "Groove": groove for groove in heard.grooves})
        return
    for groove in heard.grooves:
        yield material.item(groove.title, {PLAYED: heard.first, f"not {PLAYED}": groove})


def _chosen_beside(heard: Heard, _: int) -> Iterator[Item]:
    yield material.item("grooves", {groove.title or "Groove": groove for groove in heard.grooves}, heard.first)


READY = {
    "real": Ready("Real against sampled by the model", ("played", "prefer", "rate", "words"), _real, _person),
    "rebuilt": Ready(
        "Original against rebuilt by the model", ("closer", "prefer", "rate"), _rebuilt, lambda _: "original"
    ),
    "tuned": Ready("Before against after fine-tuning", ("closer", "prefer", "rate"), _tuned),
    "humanized": Ready("Humanized against stiff", ("prefer", "rate", "words"), _humanized),
    "own": Ready("Grooves that I choose", ("prefer", "rate", "words"), _chosen),
    "own played": Ready("Grooves that I choose, one of them played", ("played",), _chosen, lambda _: PLAYED),
    "own closer": Ready("Grooves that I choose, beside an original", ("closer",), _chosen_beside),
}
FIRST = {"own played": "The one that a person played", "own closer": "The original"}  # of those chosen


def show() -> None:
    """The form, and the links of the review that was made last."""
    reviews = book()
    if reviews is None:
        st.warning("This server keeps nothing (`RHYTHMVAE_DATABASE`), so no review can be made here.")
        return
    _say_where()
    with errors_shown():
        _form(reviews)
    _links(reviews)
    with st.expander("Bring back a review from a file"):
        _take_back(reviews)


def _form(reviews: Reviews) -> None:
    title = st.text_input("Title, for you and for reviewers", max_chars=MAX_TITLE)
    kind = st.selectbox("What is asked", list(KINDS), format_func=lambda key: KINDS[key].title)
    chosen = st.selectbox(
        "What is heard",
        [key for key, ready in READY.items() if kind in ready.kinds],
        format_func=lambda key: READY[key].title,
        key=f"material {kind}",
    )
    heard = _heard(chosen)
    asks = _question(kind, heard)
    question = st.text_input(
        "The question, in your words", max_chars=MAX_QUESTION, placeholder=asks, key=f"question {kind}"
    )
    trials = st.slider("Trials", 1, MAX_TRIALS, TRIALS)
    minutes = designs.minutes(Design(kind, trials, n_repeats=_n_repeats(trials)))
    too_long = ": many people stop half-way" if minutes > LONG_MINUTES else ""
    st.caption(f"About {counted(minutes, 'minute')} for each reviewer{too_long}.")
    allows_none = KINDS[kind].n_sides == 2 and st.toggle("Allow “no preference”")
    right = READY[chosen].right(heard) if KINDS[kind].has_right else ""
    shows_score = bool(right) and st.toggle("Tell reviewers at the end how many they had right", value=True)
    if st.button("Make the review", type="primary"):
        _made().check(visitor_address(), time.time())
        with st.spinner("Making the sounds"):
            items = list(READY[chosen].items(heard, trials))
            if not items:
                raise UsageError(
                    "Expected grooves to compare, and in 4/4 where samples are heard beside them, got none."
                )
            asked = Design(kind, 1, right, seed=secrets.randbelow(MAX_SEED))
            n = min(trials, len(designs.comparisons(asked, items)))
            if not n:
                raise UsageError("Expected two sounds or more to compare, got one: choose more grooves.")
            asked = Design(
                kind,
                n,
                right,
                n_repeats=_n_repeats(n),
                allows_none=allows_none,
                shows_score=shows_score,
                seed=asked.seed,
            )
            _, mark = reviews.make(title, question.strip() or asks, asked, items, _model_of(chosen))
        st.session_state[_MADE] = mark
        if n < trials:
            st.info(f"There is material for {counted(n, 'trial')}: with more grooves there can be more.")


def _n_repeats(n_trials: int) -> int:
    return 2 if n_trials >= 8 else 1


def _question(kind: str, heard: Heard) -> str:
    """What is asked where its maker asks nothing else. Nobody played the built-in patterns."""
    if kind == "played" and not heard.are_own and heard.first is None:
        return "Which one was made by a person?"
    return KINDS[kind].question


def _model_of(chosen: str) -> str:
    """Digest of the model that made the material; "" where none did."""
    if chosen.startswith("own"):
        return ""
    return tuned.ready().after if chosen == "tuned" and not models.is_own_in_use() else models.in_use().digest


def _heard(chosen: str) -> Heard:
    """What the material is made of."""
    if chosen.startswith("own"):
        return _of_choice(chosen)
    if chosen == "tuned" and not models.is_own_in_use():
        st.caption(
            f"The app's own example: what the shipped model invents before and after it learned "
            f"{tuned.ready().n_learned} loops of trap, beside another such loop. With a model of yours in use, trained "
            "on the Train page, people hear what both rebuild of your files."
        )
        return Heard()
    own = []
    for file in files.own():
        try:
            own.append(files.read(file)[0])
        except MidiError:  # its sentence stands where files are shown
            continue
    if own:
        st.caption("Your files are heard as the real ones.")
        return Heard(own, are_own=True)
    st.caption(
        "Built-in patterns are heard, which a person wrote and nobody played, and the question says so: for playing, "
        "drop your own files under “Get a groove” first."
    )
    return Heard([example(key) for key in EXAMPLES])


def _of_choice(chosen: str) -> Heard:
    """Grooves in hand and kept, chosen one by one."""
    names = UniqueNames(list(hand.titles().values()))  # a browser knows a choice by its name alone
    kept_ones = {f"{_KEPT}{key}": names.add(f"Kept: {groove.title or 'Groove'}") for key, groove in tray.kept().items()}
    titles = hand.titles() | kept_ones
    keys = st.multiselect(
        "Grooves, two to eight",
        list(titles),
        default=[hand.chosen()],
        format_func=titles.__getitem__,
        max_selections=designs.MAX_SOUNDS,
    )
    grooves = {key: _titled(_load(key), titles[key]) for key in keys}
    if chosen not in FIRST or not keys:
        return Heard(list(grooves.values()))
    first = st.selectbox(FIRST[chosen], keys, format_func=titles.__getitem__)
    others = [groove for key, groove in grooves.items() if key != first]
    return Heard(others, are_own=True, first=grooves[first or keys[0]])


def _load(key: str) -> Groove:
    kept_one = tray.kept().get(key.removeprefix(_KEPT)) if key.startswith(_KEPT) else None
    return hand.load(key) if kept_one is None else kept_one


def _windows(grooves: Sequence[Groove]) -> list[Groove]:
    """Two bars each, first one of each groove, then the next, so that few trials hear many grooves."""
    found: list[tuple[int, int, Groove]] = []
    for number, groove in enumerate(grooves):
        for bar in range(1, groove.n_bars + 1, material.BARS):
            part = groove.bars(bar, min(bar + material.BARS - 1, groove.n_bars))
            if len(part) and part.duration_seconds <= material.MAX_SECONDS and bar < 2 * MAX_TRIALS:
                found.append((bar, number, part))
    return [part for _, _, part in sorted(found, key=lambda entry: entry[:2])]


def _sampled(model: Opened, like: Groove, seed: int) -> Groove:
    bpm = like.tempos[0].bpm
    for again in range(4):  # silence is seldom drawn
        made = computed(tasks.sample, model, n_bars=like.n_bars, seed=seed + 1_000_003 * again, tempo_bpm=bpm)
        if len(made):
            return made
    raise UsageError("Expected a sample with hits in it, got silence four times: choose another model.")


def _name(groove: Groove, number: int) -> str:
    return f"{groove.title or 'Groove'} {number + 1}"


def _titled(groove: Groove, title: str) -> Groove:
    return replace(groove, title=title)


# -- links ---------------------------------------------------------------------


def _links(reviews: Reviews) -> None:
    mark = st.session_state.get(_MADE)
    review = reviews.by_results(mark) if isinstance(mark, str) else None
    if review is None:
        return
    with st.container(border=True):
        st.subheader("It is ready")
        st.markdown("**For reviewers.** Send them this link; it opens the trials and nothing else.")
        st.code(listen_link(review.record.listen), language=None, wrap_lines=True)
        st.markdown("**For you.** This link opens the results. Keep it: nobody can find it again.")
        st.code(_link("review", f"{RESULTS_QUERY}={mark}"), language=None, wrap_lines=True)


def listen_link(mark: str) -> str:
    """The reviewers' link."""
    return _link("listen", f"r={mark}")


def _link(page: str, query: str) -> str:
    base = (st.context.url or "").split("?")[0].rstrip("/").removesuffix("/review")
    return f"{base}/{page}?{query}"


def _say_where() -> None:
    from rhythmvae.store import database as databases

    if (databases.address() or "").startswith("sqlite") and _CLOUD.is_dir():
        st.warning(
            "Streamlit Community Cloud keeps no local files, and an app sleeps after 12 hours without traffic: without "
            "a database (`RHYTHMVAE_DATABASE` in the app's secrets) reviews and answers are lost then. Take them home "
            "as a file.",
            icon=":material/warning:",
        )
    elif (databases.address() or "").startswith("sqlite"):
        st.caption("Reviews are kept in a file on the computer that runs this app, if its host keeps local files.")


def _take_back(reviews: Reviews) -> None:
    from rhythmvae.review import files as review_files

    file = st.file_uploader("A review's JSON file", type="json", max_upload_size=review_files.MAX_BYTES >> 20)
    if file is not None and st.button("Take it back"):
        with errors_shown():
            _made().check(visitor_address(), time.time())
            review, n = review_files.take_back(reviews, file.getvalue())
            st.success(f"It is here, with {n:,} answers that were not. Its links are those of before.")
            st.code(listen_link(review.record.listen), language=None, wrap_lines=True)


@kept()
def _made() -> Recent:
    return Recent(MAX_MADE, f"You have made {MAX_MADE} reviews within an hour: try again later.")


def book() -> Reviews | None:
    """The reviews of this server; None where nothing is kept."""
    if (kept_in := database()) is None:
        return None
    from rhythmvae.review.book import Reviews  # not above: SQLAlchemy takes 0.3 s

    return Reviews(kept_in)
