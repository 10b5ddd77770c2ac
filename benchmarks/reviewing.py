"""A reviewer without a browser, who takes a listening test over the wire; for benchmarks that send visitors."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from rhythmvae.review.book import LEAST_HEARD_MS
from rhythmvae.ui.parts import listening
from tests.e2e.wire import WAIT_SECONDS

_TRIAL = f"-{listening.KEY}"  # how the id of the trial ends
_EVENTS = "$$STREAMLIT_INTERNAL_KEY_{}__events"  # what Streamlit calls what happens in a component


def cookie() -> str:
    """Of a browser that has never taken one."""
    return f"{listening.COOKIE}={secrets.token_hex(16)}"


class Listener:
    """Somebody at the page of a review.

    Args:
        socket: of a visit that has sent the cookie of one browser.
        mark: of the review, as its link has it.
    """

    def __init__(self, socket: ClientConnection, mark: str) -> None:
        self.socket, self.mark = socket, mark
        self.buttons: dict[str, str] = {}  # label -> id, of the page as it stands
        self.trial: tuple[str, int] | None = None  # id and place
        self.alerts: list[str] = []
        self.page = ""
        self._run()

    @property
    def has_ended(self) -> bool:
        """Whether the page has nothing more to ask."""
        return self.trial is None and not self.buttons

    def begin(self) -> None:
        self._press("Start")

    def answer(self) -> None:
        """Answer the trial that is there, twice, as an impatient thumb does; until the next one is there.

        Raises:
            RuntimeError: the page refuses it.
        """
        assert self.trial is not None
        component, place = self.trial
        said = {"place": place, "answer": "left", "confidence": 2, "comment": "", "milliseconds": 3_000}
        heard = {"plays": [1, 1], "heard": [True, True], "heard_ms": [LEAST_HEARD_MS, LEAST_HEARD_MS]}
        event = {"event": "answer", "value": {**said, **heard, "at": round(1000 * time.time())}}
        for _ in range(2):
            self._run(id=_EVENTS.format(component), json_trigger_value=json.dumps([event]))
        if self.alerts or (self.trial is not None and self.trial[1] == place):
            raise RuntimeError(f"the answer of trial {place} was not taken: {self.alerts}")

    def end(self) -> None:
        """Send the last screen."""
        self._press("Finish")

    def _press(self, label: str) -> None:
        self._run(id=self.buttons[label], trigger_value=True)

    def _run(self, **state: Any) -> None:
        """Have the page's script run, with something pressed, and hear what is on it then."""
        message = BackMsg()
        message.rerun_script.query_string = f"{listening.QUERY}={self.mark}"
        if self.page:  # by its name it would be another page, on which nothing has been pressed
            message.rerun_script.page_script_hash = self.page
        else:
            message.rerun_script.page_name = "listen"
        if state:
            message.rerun_script.widget_states.widgets.add(**state)
        self.socket.send(message.SerializeToString())
        while True:
            data = self.socket.recv(timeout=WAIT_SECONDS)
            assert isinstance(data, bytes)
            found = ForwardMsg.FromString(data)
            kind = found.WhichOneof("type")
            if kind == "new_session":
                self.buttons, self.trial, self.alerts = {}, None, []
                self.page = found.new_session.page_script_hash
            elif kind == "navigation":  # what a page's name led to
                self.page = found.navigation.page_script_hash
            elif kind == "delta":
                self._take(found.delta.new_element)
            elif kind == "script_finished" and found.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    def _take(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise RuntimeError(element.exception.message)
        if kind == "alert":
            self.alerts.append(element.alert.body)
        elif kind == "button" and element.button.label in ("Start", "Finish"):
            self.buttons[element.button.label] = element.button.id
        elif kind == "bidi_component" and element.bidi_component.id.endswith(_TRIAL):
            component = element.bidi_component
            data = json.loads(component.json)[0]
            self.trial = component.id, int(data["place"])
            if data["problem"]:
                self.alerts.append(data["problem"])
