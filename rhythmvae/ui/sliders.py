"""The measured sliders: what each means in plain words, what was asked and what came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rhythmvae.describe import SLIDERS, slider_values
from rhythmvae.groove import Groove
from rhythmvae.scales import Scales

if TYPE_CHECKING:
    from rhythmvae.generate import Setting

# Name on the page, how its value is written, what it means.
LABELS: dict[str, tuple[str, str, str]] = {
    "density": ("Density", "{:.1f} hits a beat", "How many hits there are."),
    "syncopation": ("Syncopation", "{:.2f}", "How much kick and snare play against the beat."),
    "swing": ("Swing", "{:.2f}", "How late the second eighth comes: 0 is straight, 1 a triplet shuffle."),
    "dynamics": ("Dynamics", "± {:.0f} of 127", "How much loudness varies from hit to hit."),
    "looseness": ("Looseness", "± {:.2f} of a 16th", "How much hits stray from the grid."),
    "loudness": ("Loudness", "{:.0f} of 127", "How hard it is played in the mean."),
    "density_kick": ("Kick", "{:.1f} hits a beat", "How busy the kick is."),
    "density_snare": ("Snare", "{:.1f} hits a beat", "How busy the snare is, ghost notes included."),
    "density_hats": ("Hats", "{:.1f} hits a beat", "How busy the hats are."),
    "density_toms": ("Toms", "{:.1f} hits a beat", "How busy the toms are."),
    "density_cymbals": ("Cymbals", "{:.1f} hits a beat", "How busy ride and crash are."),
}
MAIN = SLIDERS[:6]
GROUPS = SLIDERS[6:]
_ASKED = "sliders asked"


def asked() -> dict[str, float]:
    """Slider -> place, 0 to 1, of those that a hand has moved."""
    kept: dict[str, float] = st.session_state.setdefault(_ASKED, {})
    return kept


def ask(places: Mapping[str, float]) -> None:
    """Set sliders from a link: these, and no others."""
    st.session_state[_ASKED] = {name: min(max(float(place), 0.0), 1.0) for name, place in places.items()}


def bank(names: tuple[str, ...], scales: Scales, start: Groove) -> dict[str, DeltaGenerator]:
    """Draw sliders; those not asked for stand where the groove stands. Gives each one's line for what came."""
    own = slider_values(start)
    lines: dict[str, DeltaGenerator] = {}
    for name in names:
        label, _, meaning = LABELS[name]
        if name not in scales.knots:
            continue
        value = own[name]
        place = asked().get(name)
        rests_at = 0.5 if value is None else scales.place(name, value)
        key = f"slider {name}"
        st.session_state[key] = round(100 * (rests_at if place is None else place))
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.slider(
                label,
                0,
                100,
                key=key,
                format="%d%%",
                help=f"{meaning} 50 % is typical of the training grooves, 0 and 100 % are its ends.",
                on_change=_moved,
                args=(name, key),
            )
            st.button(
                "↺",
                key=f"reset {name}",
                help=f"Leave {label.lower()} as it comes",
                disabled=place is None,
                on_click=_leave,
                args=(name,),
            )
        lines[name] = st.empty()
    return lines


def tell(lines: Mapping[str, DeltaGenerator], settings: Mapping[str, Setting], came: Groove, scales: Scales) -> None:
    """Under each slider: asked and achieved, or where the variation stands."""
    values = slider_values(came)
    for name, line in lines.items():
        style = LABELS[name][1]
        if (setting := settings.get(name)) is not None:
            words = f"asked {setting.asked:.0%} ({style.format(setting.asked_value)})"
            if setting.achieved is None or setting.achieved_value is None:
                words += ", but this groove has none to measure"
            else:
                words += f", came {setting.achieved:.0%} ({style.format(setting.achieved_value)})"
                words += "" if setting.is_reached else ": as far as it goes here"
        elif (value := values[name]) is not None:
            words = f"came {scales.place(name, value):.0%} ({style.format(value)})"
        else:
            words = "none to measure"
        line.caption(words)


def _moved(name: str, key: str) -> None:
    asked()[name] = st.session_state[key] / 100


def _leave(name: str) -> None:
    asked().pop(name, None)
