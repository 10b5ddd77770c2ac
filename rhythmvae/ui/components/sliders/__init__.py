"""The measured sliders: what each means in plain words, what was asked and what was achieved.

A component of our own, because Streamlit's slider tells Python only when the hand lets go, and eleven of them with
their buttons and lines are some fifty messages before a groove is heard. `sliders.js` sends while the hand moves,
`sliders.css` is for looks. Python keeps in the session what was asked; a component holds no more than what Python has
not answered yet, by serial number.

A slider has its lane, all grooves along it (`model.lanes`), soon after the page is at rest, or when it is touched
(`lanes.js` asks the server for it; where there is no such address, a touch asks the page). From then on the browser
answers a hand by itself, and Python hears of the place where it rests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import Groove
from rhythmvae.ui.components import assets
from rhythmvae.ui.shared import kept

if TYPE_CHECKING:
    from rhythmvae.model.variation import Setting

COMPONENT = assets.Component(Path(__file__).parent, ("lanes.js", "sliders.js"))
# Name on the page, how its value is written, what it means.
LABELS: dict[str, tuple[str, str, str]] = {
    "density": ("Density", "{:.1f} hits a beat", "How many hits there are."),
    "syncopation": ("Syncopation", "{:.2f}", "How much kick and snare play against the beat."),
    "swing": ("Swing", "{:.2f}", "How late the second eighth comes: 0 is straight, 1 a triplet shuffle."),
    "dynamics": ("Dynamics", "± {:.0f} of 127", "How much loudness varies from hit to hit."),
    "looseness": ("Looseness", "± {:.2f} of a 16th", "How much hits stray from the grid."),
    "loudness": ("Loudness", "{:.0f} of 127", "How hard it is played on average."),
    "density_kick": ("Kick", "{:.1f} hits a beat", "How busy the kick is."),
    "density_snare": ("Snare", "{:.1f} hits a beat", "How busy the snare is, ghost notes included."),
    "density_hats": ("Hats", "{:.1f} hits a beat", "How busy the hats are."),
    "density_toms": ("Toms", "{:.1f} hits a beat", "How busy the toms are."),
    "density_cymbals": ("Cymbals", "{:.1f} hits a beat", "How busy ride and crash are."),
}
MAIN = SLIDERS[:6]
GROUPS = SLIDERS[6:]
_ASKED, _SEEN, _TOUCHED = "sliders asked", "sliders seen", "slider touched"
TOUCH = "touch"  # in the place of a place: a hand is at a slider and has not moved it
_NUMBER = re.compile(r"{:.*?}")
_STOPS = range(101)  # where a slider can stand, in percent


@dataclass(frozen=True)
class Bank:
    """Sliders that share a component, and their place on the page, which `tell` fills.

    Args:
        key: of the component in the session.
    """

    key: str
    names: tuple[str, ...]
    slot: DeltaGenerator


def asked() -> dict[str, float]:
    """Slider -> place, 0 to 1, of those that a hand has moved."""
    kept: dict[str, float] = st.session_state.setdefault(_ASKED, {})
    return kept


def ask(places: Mapping[str, float]) -> None:
    """Set sliders from a link: these, and no others."""
    st.session_state[_ASKED] = {name: min(max(float(place), 0.0), 1.0) for name, place in places.items()}


def bank(key: str, names: tuple[str, ...], quantiles: Quantiles) -> Bank:
    """Keep a place for sliders, those that the scales have. What a hand did to them is asked already."""
    return Bank(key, tuple(name for name in names if name in quantiles.knots), st.container())


def touched(bases: Mapping[str, str]) -> str | None:
    """The slider that a hand is at and has not moved: its lane is asked for, unless what it depends on has changed.

    Args:
        bases: as for `tell`.
    """
    name, base = st.session_state.get(_TOUCHED) or ("", None)
    if name not in bases or base not in (None, bases[name]):
        return None
    st.session_state[_TOUCHED] = name, bases[name]
    return str(name)


def tell(
    banks: Sequence[Bank],
    settings: Mapping[str, Setting],
    made: Groove,
    quantiles: Quantiles,
    bases: Mapping[str, str],
    lane: Mapping[str, Any] | None = None,
    stand: str = "",
) -> None:
    """Draw the sliders; under each that is asked, asked and achieved.

    Args:
        bases: by slider, what names all that its lane depends on.
        lane: of the slider that is touched, as `played.lane` has it.
        stand: token by which a browser asks for lanes (session/lanes.py).
    """
    values = slider_values(made)
    for each in banks:
        if not each.names:
            continue
        with each.slot:
            COMPONENT.tell(
                each.key,
                {
                    "serial": _seen().get(each.key, 0),
                    "stand": stand,
                    "lane": lane if lane is not None and lane["name"] in each.names else None,
                    "sliders": [
                        _slider_data(name, settings.get(name), values[name], quantiles) | {"base": bases.get(name, "")}
                        for name in each.names
                    ],
                },
                moved=partial(_moved, each.key, each.names),
            )


# -- what is sent --------------------------------------------------------------


def _slider_data(name: str, setting: Setting | None, now: float | None, quantiles: Quantiles) -> dict[str, Any]:
    """Places in whole percent. `values` has the numbers of all stops, so that a hand reads what it asks for."""
    label, style, meaning = LABELS[name]
    [number] = _NUMBER.findall(style)
    place = asked().get(name)
    asks, achieved = _words(style, setting, None if now is None else quantiles.quantile(name, now), now)
    return {
        "name": name,
        "label": label,
        "help": f"{meaning} 50 % is typical of the training grooves; 0 and 100 % are their extremes.",
        "rests_at": 50 if now is None else round(100 * quantiles.quantile(name, now)),
        "at": None if place is None else round(100 * place),
        "asked": asks,
        "achieved": achieved,
        "is_measured": now is not None,
        "unit": _NUMBER.sub("{}", style),
        "values": list(_values(quantiles.knots[name].tobytes(), quantiles, name, number)),
    }


@kept(max_entries=64)
def _values(knots: bytes, _quantiles: Quantiles, name: str, number: str) -> tuple[str, ...]:
    """What a slider means at each of its stops: the same at every move."""
    return tuple(number.format(_quantiles.value_at(name, stop / 100)) for stop in _STOPS)


def _words(style: str, setting: Setting | None, place: float | None, value: float | None) -> tuple[str, str]:
    """What was asked, if anything was, and achieved; where nothing was, what is there: at `place` with `value`."""
    asks = ""
    if setting is not None:
        asks = f"asked {setting.asked:.0%} ({style.format(setting.asked_value)})"
        place, value = setting.achieved, setting.achieved_value
    if place is None or value is None:
        return asks, "but this groove has nothing to measure" if asks else "nothing to measure"
    is_short = setting is not None and not setting.is_reached
    stands = "achieved" if asks else "now"
    return asks, f"{stands} {place:.0%} ({style.format(value)}){': as far as it goes here' if is_short else ''}"


# -- what comes back -----------------------------------------------------------


def _seen() -> dict[str, int]:
    """Key of a bank -> serial of the last move that came from it."""
    kept: dict[str, int] = st.session_state.setdefault(_SEEN, {})
    return kept


def _moved(key: str, names: tuple[str, ...]) -> None:
    """Take the moves that were not taken before. A browser repeats those that it had no answer to."""
    seen = _seen().get(key, 0)
    for name, serial, place in _moves(assets.said(key, "moved")):
        if serial <= seen or name not in names:
            continue
        _seen()[key] = max(_seen().get(key, 0), serial)
        st.session_state[_TOUCHED] = (name, None) if place == TOUCH else None
        if isinstance(place, str):
            continue
        if place is None:
            asked().pop(name, None)
        else:
            asked()[name] = place


def _moves(moves: Any) -> list[tuple[str, int, float | str | None]]:
    """Slider, serial, and the place it was moved to, None for a reset, or TOUCH; of what makes sense, in order."""
    found: list[tuple[str, int, float | str | None]] = []
    for move in moves if isinstance(moves, list) else ():
        match move:
            case [str(name), serial, place] if _is_serial(serial) and (place is None or _is_place(place)):
                found.append((name, serial, None if place is None else float(place)))
            case [str(name), serial, str(place)] if _is_serial(serial) and place == TOUCH:
                found.append((name, serial, place))
    return sorted(found, key=lambda move: move[1])


def _is_serial(value: object) -> bool:
    return type(value) is int and 0 < value < 1 << 53


def _is_place(value: object) -> bool:
    """0 to 1; comparing refuses NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
