"""What shapes a variation, as short text in the address: a reload, a bookmark or another page leave it as it is.

    40*7*jazz*density-50.swing-30*kick.snare*1.3

Amount in percent, seed, style, sliders with the percentile that they were asked for, and the drums and bars that are
locked. All six may be empty. What is made of several grooves at once stands beside it: how many cards were dealt with
these settings, and a step of an interpolation, with the key of the groove that it leads to.

    8*rock*5

Whatever comes in an address is a stranger's: what makes no sense is left out.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, replace

import streamlit as st

from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.model.limits import MAX_PAGE_SEED
from rhythmvae.ui.session import address
from rhythmvae.ui.session.caches import Settings

QUERY, MANY_QUERY = "v", "m"
MAX_TEXT = 400
MAX_BARS = 32
MAX_CARDS, MAX_STEPS = 16, 99
_NOW, _FRESH, _IS_READ = "variation settings", "variation settings of the address", "address was read for settings"
_MANY, _FRESH_MANY = "cards and interpolation", "cards and interpolation of the address"
_KEY = re.compile(r"[\w ]{1,80}")  # of a groove
_STYLE = re.compile(r"[\w &/'+-]{1,40}")


def to_text(settings: Settings) -> str | None:
    """As the address carries them; None where nothing was asked for.

    >>> to_text(Settings(amount=0.5, seed=7, asked=(("swing", 0.3),), keep=("kick",), keep_bars=(1, 3)))
    '50*7**swing-30*kick*1.3'
    """
    if settings == Settings():
        return None
    asked = ".".join(f"{name}-{round(100 * place)}" for name, place in settings.asked)
    amount, bars = round(100 * settings.amount), ".".join(map(str, settings.keep_bars))
    return "*".join([str(amount), str(settings.seed), settings.style or "", asked, ".".join(settings.keep), bars])


def from_text(text: str) -> Settings:
    """What `to_text` wrote, as far as it makes sense.

    >>> from_text("250*x**swing-30.nothing-5*kick.cowbell*0.2.99")
    Settings(n=1, amount=1.0, seed=0, asked=(('swing', 0.3),), keep=('kick',), keep_bars=(2,), style=None)
    """
    usual = Settings()
    amount, seed, style, asked, keep, bars = [*text[:MAX_TEXT].split("*"), *[""] * 6][:6]
    pairs = [pair.rpartition("-")[::2] for pair in asked.split(".")]
    return Settings(
        amount=usual.amount if (percent := _whole(amount, 100)) is None else percent / 100,
        seed=_whole(seed, MAX_PAGE_SEED) or 0,
        style=style if _STYLE.fullmatch(style) else None,
        asked=tuple(
            (name, place / 100)
            for name, number in sorted(dict(pairs).items())
            if name in SLIDERS and (place := _whole(number, 100)) is not None
        ),
        keep=tuple(key for key in VOICE_KEYS if key in keep.split(".")),
        keep_bars=tuple(bar for bar in range(1, MAX_BARS + 1) if str(bar) in bars.split(".")),
    )


@dataclass(frozen=True)
class Many:
    """Cards that were dealt, none where 0; and a step of an interpolation to the groove of a key, none where empty."""

    n_cards: int = 0
    other: str = ""
    step: int = 0


def many_to_text(many: Many) -> str | None:
    """As the address carries it; None where there is nothing of the kind.

    >>> many_to_text(Many(8, "rock", 5))
    '8*rock*5'
    """
    return None if many == Many() else f"{many.n_cards}*{many.other}*{many.step}"


def many_from_text(text: str) -> Many:
    """What `many_to_text` wrote, as far as it makes sense.

    >>> many_from_text("8*<b>*2")
    Many(n_cards=8, other='', step=0)
    """
    n_cards, other, step = [*text[:MAX_TEXT].split("*"), *[""] * 3][:3]
    known = bool(_KEY.fullmatch(other))
    return Many(_whole(n_cards, MAX_CARDS) or 0, other if known else "", (_whole(step, MAX_STEPS) or 0) if known else 0)


def _whole(text: str, most: int) -> int | None:
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 20 else None


# -- in a session --------------------------------------------------------------


def open_address() -> None:
    """Read what the address carries, once in a session and before any page is drawn."""
    if st.session_state.setdefault(_IS_READ, False):
        return
    st.session_state[_IS_READ] = True
    if text := st.query_params.get(QUERY):
        st.session_state[_NOW] = st.session_state[_FRESH] = from_text(text)
    if text := st.query_params.get(MANY_QUERY):
        st.session_state[_MANY] = st.session_state[_FRESH_MANY] = many_from_text(text)


def fresh() -> Settings | None:
    """What the address brought, the first time somebody asks: for the page of variations to set its widgets by."""
    found: Settings | None = st.session_state.pop(_FRESH, None)
    return found


def bring_back() -> None:
    """A browser gave back what it held: what the address brought of cards is of that, and is asked for once more."""
    if _MANY in st.session_state:
        st.session_state[_FRESH_MANY] = st.session_state[_MANY]


def fresh_cards() -> int:
    """How many cards the address brought, the first time somebody asks; else 0."""
    found: Many = st.session_state.get(_FRESH_MANY, Many())
    st.session_state[_FRESH_MANY] = replace(found, n_cards=0)
    return found.n_cards


def fresh_step(known: Container[str]) -> tuple[str, int] | None:
    """The interpolation that the address brought, once its other groove is known: a file comes back after the page."""
    found: Many = st.session_state.get(_FRESH_MANY, Many())
    if not found.other or found.other not in known:
        return None
    st.session_state[_FRESH_MANY] = replace(found, other="")
    return found.other, found.step


def keep(settings: Settings, many: Many = Many()) -> None:
    """These are set now; what the address brought of `many` stays until it was asked for."""
    st.session_state[_NOW] = settings
    waits: Many = st.session_state.get(_FRESH_MANY, Many())
    step = waits if waits.other and not many.other else many
    st.session_state[_MANY] = Many(waits.n_cards or many.n_cards, step.other, step.step)


def tell_address(page: str | None = None) -> None:
    """Have the address carry them. Call it once in a run, in a part of a page that runs whenever they change.

    Args:
        page: that stands around it; None where it is told in a part of the page itself.
    """
    settings, many = st.session_state.get(_NOW, Settings()), st.session_state.get(_MANY, Many())
    # With the page: a browser runs nothing where it is told the same again, and another page's address has none yet.
    address.tell({QUERY: to_text(settings), MANY_QUERY: many_to_text(many)}, page, key="address of settings")
