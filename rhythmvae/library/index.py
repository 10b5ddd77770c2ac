"""From folders to a library: what is new is read, described and encoded, by as many processes as asked for.

The first process walks, compares sizes and times with what is known, takes digests of what differs, and writes; others
read and encode batches of files (`readers`, or an engine's workers). Only as many batches are under way as keep these
busy, so that memory does not grow with the collection. They are written in the order in which they were met: a library
is the same, row for row, whoever reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from rhythmvae.data.files import Source, found_at
from rhythmvae.errors import CorpusError, LibraryError, RhythmVAEError
from rhythmvae.library import columns, connection, walk
from rhythmvae.library.engine import Engine
from rhythmvae.library.readers import Processes, Readers, Reads
from rhythmvae.library.store import Row, Store
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.smf import MAX_FILE_BYTES
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.library.reading import Given

BATCH_FILES, BATCH_BYTES = 64, 1 << 19  # read by one process at a time
MAX_SOUND_BYTES = 1 << 30
FEW_BATCHES = 6  # that are read here: to start other processes takes as long
LOCK = "writing.lock"
_DIGEST_BYTES = 20

OnProgress = Callable[[int, int], None]  # (files done, files that were met)


@dataclass(frozen=True)
class Indexed:
    """What a run over folders did.

    Args:
        n_files: MIDI files and sounds that there are: n_read and n_unchanged of them, and the failed ones.
        n_read: whose content is new. n_unchanged: whose content the library had: unchanged, moved, or copies.
        n_removed: that are there no more, moved ones not among them.
        failed: path and sentence of each that cannot be read.
    """

    n_files: int
    n_read: int
    n_unchanged: int
    n_removed: int
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A file for another process to read: its bytes, or where it lies."""

    row: Row
    digest: bytes
    data: bytes | Path

    @property
    def given(self) -> Given:
        return self.row.path, self.row.kind == "sound", self.data


@dataclass
class _Run:
    """What is under way."""

    root: int = 0
    round: int = 0
    n_read: int = 0
    n_done: int = 0
    n_met: int = 0
    batch: list[Task] = field(default_factory=list)
    n_bytes: int = 0
    rows: list[Row] = field(default_factory=list)  # whose content is known
    held: list[tuple[int, list[Task]]] = field(default_factory=list)  # batches, until it is known whether they are few
    pending: dict[Future[Reads], tuple[int, list[Task]]] = field(default_factory=dict)  # in the order of their sending
    waiting: dict[bytes, list[tuple[int, Row]]] = field(default_factory=dict)  # copies of what is being read
    arrived: set[int] = field(default_factory=set)  # contents that were met under a new path
    fresh: set[int] = field(default_factory=set)  # contents that were read in this run


def index(
    folders: Sequence[Path],
    library: Path,
    checkpoint: Path,
    digest: str,
    options: ReadOptions | None = None,
    *,
    n_processes: int = 1,
    engine: str | None = None,
    on_progress: OnProgress | None = None,
) -> Indexed:
    """Bring a library up to date with folders, zips or files; it is made where there is none.

    Args:
        checkpoint, digest: the file of the model, and what the library knows it by.
        options: how files are read; other options than before have every file read anew.
        engine: address of a Dask scheduler whose workers read, in place of n_processes.

    Raises:
        LibraryError: a library of another model or version, one that another process writes, or that cannot be
            written; an engine that is not there, or lacks something.
        CorpusError: a folder that does not exist.
    """
    for path in folders:
        if not path.exists():
            raise CorpusError(
                f"Expected a folder, a zip or a file to index, found nothing at {clean_text(str(path), 200)}; "
                "check the path."
            )
    options = ReadOptions() if options is None else options
    readers = None if engine is None else Engine(engine, checkpoint, digest, options)
    try:
        return _written(folders, library, digest, _Start(checkpoint, options, n_processes, readers), on_progress)
    finally:
        if readers is not None:
            readers.close()


@dataclass(frozen=True)
class _Start:
    """How a run reads: in n_processes, unless there are readers."""

    checkpoint: Path
    options: ReadOptions
    n_processes: int
    readers: Readers | None


def _written(
    folders: Sequence[Path], library: Path, digest: str, start: _Start, on_progress: OnProgress | None
) -> Indexed:
    store = Store(library, create=True, checkpoint=digest)
    try:
        lock = FileLock(library / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise LibraryError(
                f"Expected a library that nobody writes, but another process is indexing into "
                f"{clean_text(str(library), 200)}; wait until it has ended."
            ) from None
        except OSError as error:
            raise LibraryError(connection.why(library, error, writes=True)) from error
        with lock:
            check_model(store, digest)
            done = _Indexing(store, start, on_progress).run(folders)
            columns.made(store)
            return done
    finally:
        store.close()


def check_model(store: Store, digest: str) -> None:
    """Raise LibraryError for a library of another model's latents."""
    if store.checkpoint != digest:
        raise LibraryError(
            f"Expected the model {clean_text(store.checkpoint, 32)} that the library was made with, got {digest}: "
            "give that one by --checkpoint, or index into a new library."
        )


class _Indexing:
    def __init__(self, store: Store, start: _Start, on_progress: OnProgress | None) -> None:
        self.store, self.start, self.options = store, start, start.options
        self.readers = start.readers
        self.on_progress = on_progress or (lambda done, in_all: None)
        self.now = _Run()

    def run(self, folders: Sequence[Path]) -> Indexed:
        self.now.round = self.store.new_round()
        roots: list[int] = []
        try:
            for folder in folders:
                root, is_same = self.store.root(folder.resolve(), repr(self.options))
                self.store.set_reading(root, self.options)
                self.now.root = root
                roots.append(root)
                for below, entries in walk.folders(folder.resolve()):
                    self._folder(below, entries, is_same)
                self._send()  # what is collected is of this folder
            self._finish()
        finally:
            if self.readers is not None and self.readers is not self.start.readers:
                self.readers.close()
        roots = list(dict.fromkeys(roots))
        n_removed = self.store.sweep(roots, self.now.round, lambda content: content in self.now.arrived)
        failed = tuple(self.store.failed(roots))
        n_files = self.store.n_files(roots)
        return Indexed(n_files, self.now.n_read, n_files - self.now.n_read - len(failed), n_removed, failed)

    # -- what there is --------------------------------------------------------------

    def _folder(self, below: str, entries: Sequence[walk.Entry], is_same: bool) -> None:
        known = self.store.known(self.now.root, below)
        unchanged: list[str] = []
        new: list[walk.Entry] = []
        for entry in entries:
            had = known.get(entry.path)
            if had is not None and is_same and (had.size, had.mtime_ns) == (entry.size, entry.mtime_ns):
                unchanged.append(entry.path)
            else:
                new.append(entry)
        if unchanged:
            with self.store.transaction():
                self.store.seen(self.now.root, self.now.round, unchanged)
        self._met(len(entries), len(unchanged))
        for entry in new:
            self._entry(entry)

    def _met(self, n_met: int, n_done: int) -> None:
        self.now.n_met += n_met
        self.now.n_done += n_done
        self.on_progress(self.now.n_done, self.now.n_met)

    def _entry(self, entry: walk.Entry) -> None:
        kind = walk.kind_of(entry)
        row = Row(entry.path, kind, entry.size, entry.mtime_ns)
        if kind == "zip":
            self._zip(entry, row)
        elif kind == "midi":
            self._one(row, Source(entry.path, "", lambda: _bytes(entry.place)))
        elif kind == "sound" and self.options.audio:
            self._sound(row, entry.place)
        else:
            self._known(row)

    def _one(self, row: Row, source: Source) -> None:
        """A MIDI file, or a sound in a zip: known by its digest, or to be read."""
        try:
            data = source.sound() if callable(source.sound) else source.read()
        except RhythmVAEError as error:
            self._known(_with(row, error=str(error)))
            return
        except OSError as error:
            why = clean_text(error.strerror or str(error))
            self._known(_with(row, error=f"{clean_text(row.path)}: expected a readable file, got {why}."))
            return
        self._task(Task(row, self._digest(data), data), len(data))

    def _sound(self, row: Row, place: Path) -> None:
        try:
            with place.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: self._hash()).digest()
        except OSError as error:
            why = clean_text(error.strerror or str(error))
            self._known(_with(row, error=f"{clean_text(row.path)}: expected a readable file, got {why}."))
            return
        self._task(Task(row, digest, place), BATCH_BYTES)

    def _zip(self, entry: walk.Entry, row: Row) -> None:
        """The MIDI files of a zip, each a file of its own below the zip's name."""
        try:
            found = found_at(entry.place, audio=self.options.audio)
        except RhythmVAEError as error:
            self._known(_with(row, error=str(error)))
            return
        self._met(len(found), 0)
        for source in found:
            kind = "midi" if source.sound is None else "sound"
            path = f"{entry.path}/{source.name.strip('/')}"
            self._one(Row(path, kind, entry.size, entry.mtime_ns, container=entry.path), source)
        # Behind its members: where the run ends among them, the zip is looked through again.
        self._finish()
        self._known(row)

    def _hash(self) -> Any:
        # What is in a file depends on how it is read.
        own = repr(self.options).encode() if self.options != ReadOptions(audio=self.options.audio) else b""
        return hashlib.blake2b(own, digest_size=_DIGEST_BYTES)

    def _digest(self, data: bytes) -> bytes:
        own = self._hash()
        own.update(data)
        digest: bytes = own.digest()
        return digest

    # -- batches ----------------------------------------------------------------------

    def _known(self, row: Row) -> None:
        self.now.rows.append(row)
        if len(self.now.rows) >= 8 * BATCH_FILES:
            self._write_known()

    def _write_known(self) -> None:
        if self.now.rows:
            with self.store.transaction():
                for row in self.now.rows:
                    self.store.add_file(self.now.root, self.now.round, row)
                self.store.change()
            self._met(0, len(self.now.rows))
            self.now.rows = []

    def _task(self, task: Task, n_bytes: int) -> None:
        if (content := self.store.content_of(task.digest)) is not None:
            self.now.arrived.add(content)
            self.now.n_read += content in self.now.fresh
            self._known(_with(task.row, content=content))
            return
        if task.digest in self.now.waiting:
            self.now.waiting[task.digest].append((self.now.root, task.row))
            return
        self.now.waiting[task.digest] = []
        self.now.batch.append(task)
        self.now.n_bytes += n_bytes
        if len(self.now.batch) == BATCH_FILES or self.now.n_bytes >= BATCH_BYTES:
            self._send()

    def _send(self) -> None:
        """Have the batch read, and wait while too many are under way."""
        self._write_known()
        if not self.now.batch:
            return
        batch, self.now.batch, self.now.n_bytes = self.now.batch, [], 0
        if self.readers is None and self.start.n_processes <= 1:
            self._here(self.now.root, batch)
        elif self.readers is None and len(self.now.held) < FEW_BATCHES:
            self.now.held.append((self.now.root, batch))
        else:
            held, self.now.held = self.now.held, []
            for root, own in [*held, (self.now.root, batch)]:
                self._elsewhere(root, own)

    def _here(self, root: int, batch: list[Task]) -> None:
        from rhythmvae.library import reading  # needs torch, which a run over what is known does without

        reading.begin(self.start.checkpoint, self.options)
        self._write(root, batch, reading.read([task.given for task in batch]))

    def _elsewhere(self, root: int, batch: list[Task]) -> None:
        if self.readers is None:
            self.readers = Processes(self.start.n_processes, self.start.checkpoint, self.options)
        while len(self.now.pending) >= self.readers.most:
            self._receive(self.readers)
        self.now.pending[self.readers.submit([task.given for task in batch])] = (root, batch)

    def _finish(self) -> None:
        """Have all that was met read and written."""
        self._send()
        held, self.now.held = self.now.held, []
        for root, batch in held:
            self._here(root, batch)
        while self.readers is not None and self.now.pending:
            self._receive(self.readers)
        self._write_known()

    def _receive(self, readers: Readers) -> None:
        """Write the oldest batch that is under way. Others that are there before it wait: a library's rows have the
        same order whoever is quicker."""
        future = next(iter(self.now.pending))
        results = readers.result(future)
        self._write(*self.now.pending.pop(future), results)

    def _write(self, root: int, batch: Sequence[Task], results: Reads) -> None:
        n = 0
        with self.store.transaction():
            for task, result in zip(batch, results, strict=True):
                copies = self.now.waiting.pop(task.digest)
                if isinstance(result, str):
                    content, error = None, result
                else:
                    content, error = self.store.add_content(task.digest, result), None
                    self.now.fresh.add(content)
                    self.now.n_read += 1 + len(copies)
                for place, row in [(root, task.row), *copies]:
                    self.store.add_file(place, self.now.round, _with(row, content=content, error=error))
                    n += 1
            self.store.change()
        self._met(0, n)


def _with(row: Row, content: int | None = None, error: str | None = None) -> Row:
    return Row(row.path, row.kind, row.size, row.mtime_ns, content, error, row.container)


def _bytes(place: Path) -> bytes:
    with place.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)
