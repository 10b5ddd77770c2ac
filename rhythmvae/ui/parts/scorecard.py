"""The scorecard: what is claimed, how it was measured, what stands beside it, and where it fails, to be heard."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import streamlit as st

from rhythmvae.errors import CheckpointError, StoreError
from rhythmvae.evaluation import claim as of_claims
from rhythmvae.evaluation import claims as all_claims
from rhythmvae.evaluation import failures
from rhythmvae.evaluation.claim import FAILS, HOLDS, HOLDS_IN_PART, Claim, Measure
from rhythmvae.model.card import FIRST_EDITION_DIGEST
from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Lane
from rhythmvae.ui.parts import yardsticks
from rhythmvae.ui.parts.sentences import counted, literal
from rhythmvae.ui.session.opened import shipped
from rhythmvae.ui.shared import database, kept

if TYPE_CHECKING:
    from rhythmvae.review.ears import Ears

BADGES: dict[str, tuple[str, Literal["green", "orange", "red"]]] = {
    HOLDS: (":material/check_circle:", "green"),
    HOLDS_IN_PART: (":material/adjust:", "orange"),
    FAILS: (":material/cancel:", "red"),
}
EAR = "ear"  # the network that a table is of, where it is not the model
MADE = {"ear": "What was heard", "library": "What was found first"}  # else "What the model made"
EARS_SECONDS = 60  # between looks into the reviews of this server


def show() -> None:
    """All claims, one below the other, and what reviews on this server say."""
    st.subheader("What is claimed, and whether it holds")
    st.markdown(
        "You need not believe any of it: every figure is read from a table that a command makes, and beside it stands "
        "what a plain method gets and what the best could be. A claim **holds** where it beats every plain method and "
        "reaches the best; it **holds in part** where it beats them and stays short of the best, or nobody knows that; "
        "it **does not hold yet** where one of its figures is no better than a plain method's. Open “Where it fails” "
        "to hear the worst that was found."
    )
    for claim in claims():
        with st.container(border=True, key=f"claim {claim.key}"):
            _claim(claim)


def claims() -> tuple[Claim, ...]:
    """All of them, beside what an ear notices."""
    return all_claims.claims(yardsticks.EAR_MS, yardsticks.EAR_VELOCITY)


def _claim(claim: Claim) -> None:
    icon, colour = BADGES[claim.verdict]
    st.markdown(f"#### {claim.title}")
    st.badge(claim.verdict.capitalize(), icon=icon, color=colour)
    st.markdown(claim.words)
    st.markdown("\n".join(f"- {measure_words(measure)}" for measure in claim.measures))
    if claim.key == "invent":
        st.markdown(ears_words())
    st.caption("\n\n".join([f"**Measured on** {claim.data}", *map(_source, claim.sources)]))
    box = st.expander("Where it fails", key=f"fails {claim.key}", icon=":material/hearing:", on_change="rerun")
    if box.open:
        with box:
            _failures(claim)


def measure_words(measure: Measure) -> str:
    """A figure with what stands beside it, as a sentence."""
    beside = [f"{words} {measure.shown(number)}" for words, number in measure.beside]
    if measure.best is not None:
        beside.append(f"{measure.best[0]} {measure.shown(measure.best[1])}")
    else:
        beside.append("the best there can be: nobody knows")
    return f"**{measure.shown(measure.ours)}** {measure.name}. Beside it: {'; '.join(beside)}."


def _source(figure: dict[str, str]) -> str:
    """Command, date and model of a table."""
    model = figure.get("model", "")
    if not model:
        of = "of models that it trained itself"
    elif figure.get("network") == EAR:
        is_shipped = model == of_claims.ear()
        of = f"of the shipped ear (`{model}`)" if is_shipped else f"of an earlier ear (`{model}`)"
    elif model == FIRST_EDITION_DIGEST:
        of = f"of the first edition's model (`{model}`): not measured on the shipped one since"
    else:
        of = f"of the shipped model (`{model}`)"
    return f"`{figure['command']}`, {figure['date']}, {of}."


def _failures(claim: Claim) -> None:
    st.markdown(claim.fails)
    found = failures.shipped()
    for failure in found.of(claim.key):
        why = failure.why[:1].upper() + failure.why[1:]
        st.markdown(f"**The worst of what is built in:** {literal(failure.what)}. {literal(why)}.")
        sides = [
            ("given", "What it was given", failure.original),
            ("made", MADE.get(claim.key, "What the model made"), failure.made),
        ]
        lanes = [
            Lane(f"{claim.key} {key}", label, groove, is_another=True, note=failure.what)
            for key, label, groove in sides
            if groove is not None
        ]
        deck.cards(lanes, key=f"failure {claim.key}")
    st.caption(f"Press a picture, and the deck plays it. Found by `{failures.COMMAND}`, {found.date}, `{found.model}`.")


# -- what ears say -----------------------------------------------------------------


def ears_words() -> str:
    """What reviews on this server come to, beside the classifier."""
    from rhythmvae.review import words

    try:
        found = _ears(shipped().digest, int(time.time() // EARS_SECONDS))
    except (StoreError, CheckpointError) as error:  # no database, no shipped model
        return f"**By ear:** {literal(str(error))}"
    if found is None:
        return "**By ear:** no review on this server has asked people yet; the Review page makes one in a minute."
    who = f"{counted(found.n_people, 'person')}, {counted(found.n_judged, 'answer')}".replace("persons", "people")
    return (
        f"**By ear:** in reviews on this server, which anybody may make and take, people recognise the played one in "
        f"{words.percent(found.right)} of trials ({who}; 50 % is guessing). {words.chance_words(found.chance)}"
    )


@kept(max_entries=2)
def _ears(model: str, minute: int) -> Ears | None:
    """Of all reviews here, looked at once a minute."""
    from rhythmvae.review.ears import ears
    from rhythmvae.store.reviews import ReviewTables

    kept_in = database()
    return None if kept_in is None else ears(ReviewTables(kept_in), model)
