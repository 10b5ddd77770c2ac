"""What a visitor has in his session, packed for his browser to hold, and given back to another session.

A reload of the page and a new server both begin a session that knows nothing. What the browser held comes back:
files, grooves that were made, found or kept, edits. Models are too large for it; they are named, and asked for. Sounds
are too: their grooves come back. What comes back has been in a stranger's hands: it is read as any upload is.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rhythmvae.groove import Groove, changes_to_lists, frame_from_numbers
from rhythmvae.text import clean_text, counted
from rhythmvae.ui.components import memory
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.session import edits, files, hand, models, packs, settings, sounds, tray
from rhythmvae.ui.shared import fingerprint

VERSION = 1
MAX_HITS = 50_000  # of a groove that comes back
MAX_MODELS = 8
KEY = "belongings"
_SESSION, _PACKED, _IS_ASKED, _NOTICE = "belongings session", "belongings packed", "belongings asked", "belongings news"
_PUT_AWAY = "belongings put away"
_WAS_OPEN = "page was open before its session"


def is_begun_anew() -> bool:
    """Whether this is the first run of a session for a page that was open before it: the server was started anew.

    Such a run brings the states of widgets, a pressed button's among them, that this server has never shown.
    """
    context = get_script_run_ctx()
    state = getattr(getattr(context, "session_state", None), "_state", None)
    widgets = getattr(getattr(state, "_new_widget_state", None), "states", {})
    return bool(widgets)


def note_new_server() -> None:
    """The page was open before its session; its visitor will be told what is left."""
    st.session_state[_WAS_OPEN] = True


def keep() -> None:
    """Have the browser hold what there is now. Call it once in every run, behind what changes it."""
    session = st.session_state.setdefault(_SESSION, secrets.token_hex(8))
    is_asked = st.session_state.setdefault(_IS_ASKED, True)
    memory.tell(
        KEY,
        session,
        _packed(),
        _take_back if is_asked else None,
        mark=hand.mark(hand.now()),
        is_put_away=bool(st.session_state.get(_PUT_AWAY)),
    )


def notice() -> None:
    """What came back to a new session, and what did not; until it is closed."""
    if (text := st.session_state.get(_NOTICE)) is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(text, icon=":material/restart_alt:", width="stretch")
        st.button("Close", key="close belongings", on_click=_close, type="tertiary", icon=":material/close:")


def _close() -> None:
    st.session_state.pop(_NOTICE, None)


# -- starting over -------------------------------------------------------------


def start_over() -> None:
    """Put away all that the visitor has made, brought or changed; his models stay, and one step leads back.

    Where there is nothing of that any more, as at a second press, what was put away before can still be had back.
    """
    state = (*files.STATE, *packs.STATE, *sounds.STATE, *hand.STATE, *edits.STATE, *tray.STATE)
    found = {name: st.session_state.pop(name) for name in state if name in st.session_state}
    if any(value and not isinstance(value, str) for value in found.values()):  # more than what was chosen
        st.session_state[_PUT_AWAY] = found


def undo() -> None:
    """All that was put away is here again, as it was."""
    st.session_state.update(st.session_state.pop(_PUT_AWAY, {}))


def start_over_button() -> None:
    """Starts over; the way back stands before it."""
    if st.session_state.get(_PUT_AWAY):
        st.button("Undo starting over", on_click=undo, icon=":material/undo:", key="undo start over")
    st.button(
        "Start over",
        on_click=start_over,
        icon=":material/restart_alt:",
        key="start over",
        help="Puts away your files, edits and kept grooves. Your models stay.",
    )


# -- packing -------------------------------------------------------------------


def _packed() -> str | None:
    """The text for the browser; made again only when something has changed."""
    signature = (
        tuple(file.key for file in files.own()),
        tuple(tray.kept()),
        tuple(hand.held()),
        tuple((sound.key, sounds.asked(sound)) for sound in sounds.own()),
        id(hand.tapped()) if hand.tapped() else None,
        tuple((digest, id(groove)) for digest, groove in edits.all_edited().items()),
        tuple(named.name for named in models.own().values()),
        hand.chosen(),
        hand.in_address(),
        _span(),
    )
    known = st.session_state.get(_PACKED)
    if known is None or known[0] != signature:
        known = signature, _as_text() if any(signature[:-3]) else None
        st.session_state[_PACKED] = known
    text: str | None = known[1]
    return text


def _span() -> tuple[int, int]:
    held = hand.now()
    return held.first, held.last


def _as_text() -> str:
    """As much as fits, in the order of what would be missed most."""
    heard = sounds.grooves()  # a sound is too large: its groove stays, as one that was made
    choice = hand.chosen()
    found: dict[str, Any] = {
        "version": VERSION,
        "models": [named.name for named in models.own().values()],
        "choice": f"held {fingerprint(heard[choice])}" if choice in heard else choice,
        "address": hand.in_address(),
        "bars": _span(),
        "lost": [["sound that you dropped or recorded", len(heard)]] if heard else [],
    }
    room = memory.MAX_TEXT - 10_000
    for name, what, values in (
        ("edits", "edit", [[digest, _plain(groove)] for digest, groove in edits.all_edited().items()]),
        ("tray", "groove that you kept", [_plain(groove) for groove in tray.kept().values()]),
        ("taps", "rhythm that you tapped", [_plain(groove) for groove in (hand.tapped(),) if groove is not None]),
        ("held", "groove that you made", [_plain(groove) for groove in (*heard.values(), *hand.held().values())]),
        ("uploads", "file", [_file(file.name, file.data) for file in files.own()]),
    ):
        size = len(json.dumps(values))
        if size <= room:
            found[name] = values
            room -= size
        else:
            found["lost"].append([what, len(values)])
    return json.dumps(found)


def _plain(groove: Groove) -> dict[str, Any]:
    """All that a groove holds, exactly."""
    return {
        "hits": [groove.position.tolist(), groove.voice.tolist(), groove.velocity.tolist()],
        "n_steps": groove.n_steps,
        **changes_to_lists(groove),
        "title": groove.title,
        "source": groove.source,
    }


def _file(name: str, data: bytes) -> list[str]:
    return [name.encode("utf-8", "replace").decode(), base64.b64encode(data).decode()]


# -- what comes back -----------------------------------------------------------


def _take_back(text: str) -> None:
    """Fill the session from what its browser held; nothing of another kind is believed."""
    st.session_state[_IS_ASKED] = False
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict) and found.get("version") == VERSION:
        _fill(found)


def _fill(found: dict[str, Any]) -> None:
    kept = [groove for groove in map(_groove, _list(found, "tray", tray.MAX_KEPT)) if groove is not None]
    held = [groove for groove in map(_groove, _list(found, "held", hand.MAX_HELD)) if groove is not None]
    taps = [groove for groove in map(_groove, _list(found, "taps", 1)) if groove is not None]
    uploads = [file for file in map(_named_bytes, _list(found, "uploads", files.MAX_FILES)) if file]
    n_edits = 0
    for row in _list(found, "edits", edits.MAX_KEPT):
        if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and (groove := _groove(row[1])):
            edits.give_back(row[0][:64], groove)
            n_edits += 1
    for groove in kept:
        if not tray.holds(groove):
            tray.toggle(groove)
    for groove in taps:
        hand.take_taps(groove)
    choice, link = (text if isinstance(text := found.get(name), str) else None for name in ("choice", "address"))
    files.give_back(uploads)
    hand.give_back(held, choice, link, _bars(found.get("bars")))
    settings.bring_back()
    back = [
        *_counts(("file", len(uploads)), ("groove that you made", len(held))),
        *_counts(("groove that you kept", len(kept)), ("edited pattern", n_edits)),
        *_counts(("rhythm that you tapped", len(taps))),
    ]
    lost = [
        _plural(row[1], row[0])
        for row in _list(found, "lost", 8)
        if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and type(row[1]) is int
    ]
    names = [name for name in _list(found, "models", MAX_MODELS) if isinstance(name, str)]
    lost += [f"your model {clean_text(name, models.MAX_NAME)}" for name in names]
    _say(back, [clean_text(each, 200) for each in lost])


def _bars(span: Any) -> tuple[int, int] | None:
    match span:
        case [int(first), int(last)] if 1 <= first <= last < 1 << 31:
            return first, last
    return None


def _counts(*rows: tuple[str, int]) -> list[str]:
    return [_plural(n, what) for what, n in rows if n]


def _plural(n: int, what: str) -> str:
    """`counted`, where what is counted may be followed by more words."""
    first, _, rest = what.partition(" that ")
    return counted(n, first) + (f" that {rest}" if rest else "")


def _say(back: Sequence[str], lost: Sequence[str]) -> None:
    was_open = st.session_state.pop(_WAS_OPEN, False)
    if not lost and not was_open:
        return  # after a reload everything is as it was: nothing to say
    why = "The server was restarted while this page was open." if was_open else "This page was loaded again."
    here = f" Here again: {', '.join(back)}." if back else ""
    gone = f" Gone: {', '.join(lost)}; drop or load again what you need." if lost else ""
    st.session_state[_NOTICE] = literal(f"{why}{here}{gone}")


def _list(found: dict[str, Any], name: str, most: int) -> list[Any]:
    values = found.get(name)
    return values[:most] if isinstance(values, list) else []


def _groove(plain: Any) -> Groove | None:
    """A groove, if it can be one."""
    try:
        position, voice, velocity = (np.asarray(values)[:MAX_HITS] for values in plain["hits"])
        frame = frame_from_numbers(plain["n_steps"], plain["tempos"], plain["meters"])
        with np.errstate(invalid="ignore"):  # what is no number becomes one that no voice has
            voice, velocity = voice.astype(np.int64), velocity.astype(np.int64)
        return replace(
            frame,
            position=position.astype(np.float64),
            voice=voice,
            velocity=velocity,
            title=clean_text(str(plain["title"])),
            source=clean_text(str(plain["source"])),
        )
    except Exception:  # whatever a stranger's JSON leads to
        return None


def _named_bytes(row: Any) -> tuple[str, bytes] | None:
    match row:
        case [str(name), str(text)]:
            with suppress(ValueError):
                return name[:1000], base64.b64decode(text, validate=True)
    return None
