"""The server's log: a line of JSON for each event, without what visitors call their files."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

OURS = "rhythmvae"
# Chatty ones that name addresses of requests, and with them sessions.
QUIET = ("uvicorn.access", "watchdog", "httpx")


class JsonLines(logging.Formatter):
    """`{"time", "level", "logger", "event"}`, and `error` with `trace` (files and lines, no values) where one was
    raised. The words of an error from outside our package may quote a file's name: of it the type alone is said."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if record.exc_info is None else str(record.msg)[:200],
        }
        if record.exc_info is not None and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            line["trace"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
        return json.dumps(line, ensure_ascii=True)


def set_up() -> None:
    """Have everything that is logged in this process come as lines of JSON on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.root.handlers[:] = [handler]
    for name in list(logging.root.manager.loggerDict):
        if isinstance(logger := logging.root.manager.loggerDict[name], logging.Logger) and logger.handlers:
            logger.handlers.clear()  # Streamlit and uvicorn bring their own
            logger.propagate = True
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.INFO)
