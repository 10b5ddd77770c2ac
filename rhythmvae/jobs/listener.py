"""What a process says: its output as it comes, in lines, and the messages of its journal, bounded."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from rhythmvae.training import journal
from rhythmvae.training.journal import Message, Training

MAX_LINE_BYTES = 2**20  # a card that names 500 files in any script
MAX_STAGES = 32  # kept, but for those that the journal knows
MAX_TRAINING = 2000  # `training` objects kept of a run
MAX_TRAINING_BYTES = 4 * 2**20  # and the lines they came in, together
MAX_ERROR_BYTES = 4096  # of what a run wrote to stderr, for the log
MAX_JOURNAL_BYTES = 8 * 2**20  # in a run's folder
BEGUN_ANEW = "begun anew"  # stage of the line in a run's folder that stands before what another attempt says


def listen(
    process: subprocess.Popen[bytes], on_line: Callable[[bytes], None], on_errors: Callable[[bytes], None]
) -> None:
    """Take in what a process writes until it writes no more; the call blocks until then and closes both pipes.

    Args:
        on_line: gets each line of stdout that is not too long, without its end.
        on_errors: gets the bytes of stderr as they come.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    lines = Lines()
    with process.stdout, process.stderr, selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                chunk = os.read(key.fd, 2**16)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    for line in lines.fed(chunk):
                        on_line(line)
                else:
                    on_errors(chunk)


class Transcript:
    """The messages of a run, bounded."""

    def __init__(self) -> None:
        self.stages: dict[str, Message] = {}
        self.last = ""  # stage
        self._training: list[tuple[Training, int]] = []  # every n-th, with the bytes of its line
        self._n_training = 0
        self._every = 1
        self._last_training: Training | None = None

    def add(self, message: Message, n_bytes: int) -> None:
        stage = message.stage
        if stage == BEGUN_ANEW:  # the curves stay
            self.stages.clear()
            return
        if stage not in self.stages and stage not in journal.KINDS and len(self.stages) >= MAX_STAGES:
            return
        self.stages[stage] = message
        self.last = stage
        if not isinstance(message, Training):
            return
        self._last_training = message
        while self._training and self._training[-1][0].step >= message.step:  # a run that goes on from its last state
            self._training.pop()
        if not self._training or self._n_training % self._every == 0:  # a run that begins anew has none left
            self._training.append((message, n_bytes))
        self._n_training += 1
        while len(self._training) > 1 and (
            len(self._training) >= MAX_TRAINING or sum(n for _, n in self._training) > MAX_TRAINING_BYTES
        ):
            del self._training[1::2]
            self._every *= 2

    def copy(self) -> Transcript:
        """One that stays as it is."""
        same = Transcript()
        same.stages, same.last, same._training = dict(self.stages), self.last, list(self._training)
        same._last_training = self._last_training
        return same

    def training(self) -> tuple[Training, ...]:
        kept = tuple(message for message, _ in self._training)
        last = self._last_training
        return kept if last is None or kept[-1] is last else (*kept, last)


class JournalFile:
    """The lines of a run's journal in its folder, up to a size; a full disk is passed over."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.jsonl"
        self._is_begun = False
        self._n_read = 0  # bytes

    def add(self, line: bytes) -> None:
        # The first one begins a line: a server that was killed, or a full disk, may have left half of one.
        is_begun, self._is_begun = self._is_begun, False
        with contextlib.suppress(OSError):
            with self._path.open("ab") as file:
                if file.tell() + len(line) <= MAX_JOURNAL_BYTES:
                    file.write((b"" if is_begun else b"\n") + line + b"\n")
                    is_begun = True
            self._is_begun = is_begun  # once the file is closed: only then all of it is written

    def begin_anew(self) -> None:
        """What follows is said by another attempt."""
        self.add(json.dumps({"stage": BEGUN_ANEW}).encode())

    def messages(self) -> Iterator[tuple[Message, int]]:
        """Those that can be read, each with the bytes of its line; from the second call on those that came since."""
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            file.seek(self._n_read)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # half of one, so far
                self._n_read += len(line)
                if (message := journal.read(line)) is not None:
                    yield message, len(line)


class Lines:
    """Bytes as they come -> whole lines, without those that are too long.

    >>> lines = Lines()
    >>> [*lines.fed(b"a"), *lines.fed(b"b\\nc"), *lines.fed(b"\\n")]
    [b'ab', b'c']
    """

    def __init__(self) -> None:
        self._begun = b""
        self._is_too_long = False

    def fed(self, chunk: bytes) -> Iterator[bytes]:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = self._begun + end
            if not self._is_too_long and len(line) <= MAX_LINE_BYTES:
                yield line
            self._begun, self._is_too_long = b"", False
        self._begun += rest
        if len(self._begun) > MAX_LINE_BYTES:
            self._begun, self._is_too_long = b"", True
