"""How long a page's JavaScript works in each frame, by the browser's own trace: for benchmarks of what a hand feels.

All handlers of events and all that was asked for a frame are counted, whosever they are. Other work on the machine
stretches the time of a frame, and not its time of the processor. A processor that is slowed by the browser counts as
slow in both.
"""

import json
from collections.abc import Collection
from typing import Any

CATEGORIES = ["devtools.timeline"]
FRAME, EVENT = "FireAnimationFrame", "EventDispatch"
APART_US = 4_000  # callbacks of one frame follow each other sooner


def frames_ms(trace: bytes) -> tuple[list[float], list[float]]:
    """Milliseconds of each frame, in time and of the processor, of a trace of CATEGORIES.

    A frame ends with the last of its callbacks; what hands say before is part of it.
    """
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    kept = [event for event in events if event.get("ph") == "X" and event["name"] in (FRAME, EVENT)]
    wall, own, sums, last = [], [], [0.0, 0.0], None
    for event in sorted(kept, key=lambda event: event["ts"]):
        is_next = last is not None and (event["name"] == EVENT or event["ts"] - last > APART_US)
        if is_next:
            wall.append(sums[0])
            own.append(sums[1])
            sums, last = [0.0, 0.0], None
        sums = [sums[0] + event.get("dur", 0) / 1_000, sums[1] + event.get("tdur", 0) / 1_000]
        if event["name"] == FRAME:
            last = event["ts"] + event.get("dur", 0)
    return wall, own


def handlers_ms(trace: bytes, kinds: Collection[str]) -> list[float]:
    """Milliseconds of the processor that all handlers of each event of some kinds took together.

    The first of them to ask for the page's layout pays for what changed before it.
    """
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    found = [event for event in events if event.get("ph") == "X" and event["name"] == EVENT]
    return [event.get("tdur", 0) / 1_000 for event in found if event["args"]["data"]["type"] in kinds]
