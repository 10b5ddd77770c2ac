"""What the server computes once and keeps for all visitors.

Streamlit's own caches are emptied by any client that sends the message behind "Clear cache": everybody's model
would be read again, and the queue of training runs forgotten. Nothing that a client sends reaches what is kept here.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import update_wrapper
from inspect import signature
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from rhythmvae.errors import StoreError
from rhythmvae.groove import Groove

if TYPE_CHECKING:
    from rhythmvae.store.database import Database

P = ParamSpec("P")
R = TypeVar("R")

RETRY_SECONDS = 30.0  # after a database could not be opened
_LOG = logging.getLogger(__name__)


class _Entry:
    """One value, or the wait for it."""

    def __init__(self) -> None:
        self.lock = Lock()  # held while it is computed
        self.is_done = self.is_dropped = False
        self.value: Any = None


class Kept(Generic[P, R]):
    """A function whose last results are kept; made by `kept`. Safe for threads: equal calls at the same time compute
    once. What it gives is shared by all callers, so it is read-only. Errors are not kept."""

    def __init__(self, function: Callable[P, R], max_entries: int) -> None:
        self._function, self._max_entries = function, max_entries
        self._counted = [not name.startswith("_") for name in signature(function).parameters]
        self._lock = Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        key = self._key(args, kwargs)
        while True:
            entry = self._entry(key)
            with entry.lock:
                if entry.is_dropped:  # whom it waited for gave up: what comes now is to be kept
                    continue
                if not entry.is_done:
                    try:
                        entry.value = self._function(*args, **kwargs)
                    except BaseException:
                        self._drop(key, entry)
                        raise
                    entry.is_done = True
                value: R = entry.value
                return value

    def known(self, *args: P.args, **kwargs: P.kwargs) -> R | None:
        """The result where there is one already; else None."""
        with self._lock:
            entry = self._entries.get(self._key(args, kwargs))
        return entry.value if entry is not None and entry.is_done else None

    def clear(self) -> None:
        """Forget all results."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def _key(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Hashable:
        counted = tuple(digest_of(value) for value, counts in zip(args, self._counted, strict=False) if counts)
        return counted, tuple((name, digest_of(kwargs[name])) for name in sorted(kwargs) if not name.startswith("_"))

    def _entry(self, key: Hashable) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
            return entry

    def _drop(self, key: Hashable, entry: _Entry) -> None:
        with self._lock:
            entry.is_dropped = True
            if self._entries.get(key) is entry:
                del self._entries[key]


class Notes:
    """A sentence a session, left by the server for the next run of its page; the oldest go first."""

    MAX_SESSIONS = 1000

    def __init__(self) -> None:
        self._lock = Lock()
        self._notes: OrderedDict[str, str] = OrderedDict()

    def leave(self, session_id: str, sentence: str) -> None:
        with self._lock:
            self._notes.pop(session_id, None)
            self._notes[session_id] = sentence
            while len(self._notes) > self.MAX_SESSIONS:
                self._notes.popitem(last=False)

    def take(self, session_id: str) -> str | None:
        with self._lock:
            return self._notes.pop(session_id, None)


refused_uploads = Notes()  # why what was dropped is not here


def kept(max_entries: int = 1) -> Callable[[Callable[P, R]], Kept[P, R]]:
    """Keep the last results of a function by its arguments.

    Arguments differ where their contents do: grooves, bytes, dataclasses and mappings of these as well as what can
    be hashed. Those whose parameter begins with an underscore do not count.

    Args:
        max_entries: results that are kept; the one that was not asked for longest goes first.
    """

    def decorate(function: Callable[P, R]) -> Kept[P, R]:
        return Kept(function, max_entries)

    return decorate


_FAILED_AT: list[float] = []  # when opening the database failed last, by a clock that only goes forward


def database() -> Database | None:
    """What outlives this server; None where nothing is to be kept, or the database cannot be used.

    One that could not be opened is tried again after a while; not at once, for it may take seconds to fail.
    """
    if _FAILED_AT and time.monotonic() - _FAILED_AT[0] < RETRY_SECONDS:
        return None
    try:
        return _database()
    except StoreError as error:
        _FAILED_AT[:] = [time.monotonic()]
        _LOG.warning("training runs end with this server, and nobody can leave a word: %s", error)
        return None


@kept()
def _database() -> Database | None:
    from rhythmvae.store import database  # not above: SQLAlchemy takes 0.3 s

    address = database_address()
    return None if address is None else database.Database(address)


def database_address() -> str | None:
    """The address of the database; None where nothing is to be kept."""
    import streamlit

    from rhythmvae.store import database  # not above: SQLAlchemy takes 0.3 s

    streamlit.secrets.load_if_toml_exists()  # whose first level Streamlit puts into the environment
    return database.address()


def digest_of(value: Any) -> Hashable:
    """Something small and hashable that is equal where values are."""
    if isinstance(value, Groove):
        return fingerprint(value)
    if isinstance(value, bytes):  # an upload must not live on as a key
        return hashlib.sha256(value).digest()
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, *(digest_of(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return frozenset((key, digest_of(of)) for key, of in value.items())
    return value if isinstance(value, Hashable) else repr(value)


def fingerprint(groove: Groove) -> str:
    """Digest of all that a groove holds."""
    return hashlib.sha256(groove.to_bytes() + repr((groove.title, groove.source)).encode()).hexdigest()
