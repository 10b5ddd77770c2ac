"""What a reviewer sees: a start, one trial a screen, an end. The address holds the review's mark and nothing else."""

from __future__ import annotations

import re
import secrets
import time
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rhythmvae.errors import RhythmVAEError
from rhythmvae.ui.components import assets, trial
from rhythmvae.ui.parts.feedback import Recent, visitor_address
from rhythmvae.ui.parts.sentences import errors_shown, literal, said
from rhythmvae.ui.shared import database, kept

if TYPE_CHECKING:
    from rhythmvae.review.book import Review, Reviews, Sitting

QUERY = "r"
COOKIE = "rhythmvae_listener"
KEEP_SECONDS = 90 * 86_400
MAX_BEGUN = 200  # reviews that are begun from one address an hour: a class behind one router
KEY = "trial"
_SECRET, _SOUNDS, _PROBLEM = "listener", "sounds of the trial", "problem of the answer"
_FORM = re.compile(r"[0-9a-f]{32}")
# No menu of Streamlit's, little above the trial, and buttons for a thumb.
_LOOKS = """<style>
[data-testid="stHeader"] { display: none; }
[data-testid="stMainBlockContainer"] { max-width: 600px; padding: 1rem 1rem 2rem; }
[data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primaryFormSubmit"] { min-height: 56px; }
</style>"""
_SCRIPT = """export default ({ data: [data] }) => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${data.name}=${data.value}; Max-Age=${data.seconds}; Path=/; SameSite=Lax${secure}`;
};"""


def show() -> None:
    """The whole page."""
    st.html(_LOOKS)
    with errors_shown():
        reviews = _reviews()
        review = None if reviews is None else reviews.by_listen(st.query_params.get(QUERY, "")[:64])
        if reviews is None or review is None:
            st.title("No review here")
            st.markdown("There is no review at this address. The link may be cut short, or the review was deleted.")
            return
        _remember()
        sitting = reviews.sitting(review, _person(review))
        if sitting is None:
            _start(reviews, review)
        elif sitting.trial is not None:
            _trial(sitting)
        elif not sitting.has_ended and review.is_open:
            _last(reviews, sitting)
        else:
            _thanks(reviews, sitting)


def _start(reviews: Reviews, review: Review) -> None:
    from rhythmvae.review import design as designs

    st.title(literal(review.record.title))
    if not review.is_open:
        st.markdown("This review is closed: it takes no more answers.")
        return
    n = designs.n_screens(review.design)
    st.markdown(literal(review.record.question))
    st.markdown(
        f"You will hear drums, {n} times, and answer one question each time: about {designs.minutes(review.design)} "
        "minutes. Use headphones if you can. You can stop, and go on later with this link in this browser."
    )
    st.caption(
        "Your answers are stored under a random number that a cookie in this browser keeps. Nothing else about you is."
    )
    if st.button("Start", type="primary", width="stretch"):
        _begun().check(visitor_address(), time.time())
        reviews.begin(review, _person(review))
        st.rerun()


def _trial(sitting: Sitting) -> None:
    from rhythmvae.review.book import LEAST_HEARD_MS

    review, place = sitting.review, sitting.place
    how = {"rate": "rate", "words": "words"}.get(review.design.kind, "pair")
    context = get_script_run_ctx()
    if not review.is_open:
        st.info("This review was closed meanwhile: it takes no more answers.")
        return
    trial.show(
        KEY,
        {
            "session": context.session_id if context else "",
            "review": review.record.listen,
            "place": place,
            "of": len(sitting.trials),
            "question": review.record.question,
            "how": how,
            "allows_none": review.design.allows_none,
            "least_ms": LEAST_HEARD_MS,
            "problem": st.session_state.pop(_PROBLEM, None),
            "sounds": [{"key": key, "address": _address(key, data)} for key, data in _sounds(sitting).items()],
        },
        partial(_take, review.record.listen),
    )


def _take(listen: str, found: Any) -> None:
    """Keep what the browser says of a trial."""
    from rhythmvae.review.book import Said

    try:
        reviews = _reviews()
        review = None if reviews is None else reviews.by_listen(listen)
        sitting = None if reviews is None or review is None else reviews.sitting(review, _person(review))
        if reviews is not None and sitting is not None:
            reviews.answer(sitting, Said.of(found))
    except RhythmVAEError as error:
        st.session_state[_PROBLEM] = said(error)


def _sounds(sitting: Sitting) -> dict[str, bytes]:
    """Of the trial that is next, the same until it is answered."""
    from rhythmvae.review import material, sound

    name = (sitting.review.record.id, sitting.place)
    held = st.session_state.get(_SOUNDS)
    if held is None or held[0] != name:
        trial_now = sitting.trials[sitting.place]
        grooves = material.grooves(trial_now, sitting.review.items, sitting.review.design.seed)
        # Of a mark that no reviewer sees, of who hears it and when: nobody else can draw the same hand.
        key = f"{sitting.review.record.id} {sitting.person} {sitting.place}"
        held = st.session_state[_SOUNDS] = (name, sound.wavs(grooves, key))
    found: dict[str, bytes] = held[1]
    return found


def _address(key: str, data: bytes) -> str:
    """Where the server gives out a sound; its name there is made of its bytes alone."""
    return assets.address(f"{key} sound", data, "audio/wav")


def _last(reviews: Reviews, sitting: Sitting) -> None:
    from rhythmvae.review.book import MAX_COMMENT

    st.title("All heard")
    with st.form("end of the review"):
        comment = st.text_area("Anything to say? You may leave it empty.", max_chars=MAX_COMMENT)
        is_sent = st.form_submit_button("Finish", type="primary", width="stretch")
    if is_sent:
        reviews.end(sitting, comment)
        st.rerun()


def _thanks(reviews: Reviews, sitting: Sitting) -> None:
    from rhythmvae.review.book import score

    st.title("Thank you")
    st.markdown("Your answers have arrived. You can close this page.")
    if sitting.review.design.shows_score:
        found = score(sitting.review, reviews.tables.answers(sitting.review.record.id, sitting.person))
        if found is not None:
            st.markdown(f"You had **{found[0]} of {found[1]}** right. Somebody who guesses has about half.")


# -- who -----------------------------------------------------------------------


def _person(review: Review) -> str:
    from rhythmvae.review.book import person_of

    return person_of(_secret(), review)


def _secret() -> str:
    """Of this browser: out of its cookie, or drawn now."""
    if (found := st.session_state.get(_SECRET)) is None:
        cookie = st.context.cookies.get(COOKIE)
        is_ours = isinstance(cookie, str) and _FORM.fullmatch(cookie) is not None
        found = st.session_state[_SECRET] = cookie if is_ours else secrets.token_hex(16)
    return str(found)


def _remember() -> None:
    """Have the browser keep it. It takes no room on the page."""
    data = [{"name": COOKIE, "value": _secret(), "seconds": KEEP_SECONDS}]
    _cookie()(key="listener cookie", data=data, height=1)


@cache
def _cookie() -> Any:
    return st.components.v2.component("rhythmvae_listener", js=_SCRIPT, html="<div></div>")


@kept()
def _begun() -> Recent:
    return Recent(MAX_BEGUN, f"Expected up to {MAX_BEGUN} reviews an hour from one place: try again later.")


def _reviews() -> Reviews | None:
    if (kept_in := database()) is None:
        return None
    from rhythmvae.review.book import Reviews  # not above: SQLAlchemy takes 0.3 s

    return Reviews(kept_in)
