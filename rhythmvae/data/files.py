"""Files, folders and zips to named MIDI bytes, bounded.

Conventions. A `Source` is one MIDI file wherever it lies. Its name is its path below the
folder or zip that was given, with forward slashes, or the file's own name; it is data,
made safe where it is shown or written (`output_names`). What is MIDI is known by content.
A file that is not, in a folder or zip, is counted and passed over, unless its suffix says
that it should be MIDI: then it stays a source, and reading it says what is wrong. A single
file that was given is always a source.

Nothing is unpacked to disk, sizes in a zip's own headers are not believed, and whoever
gives a zip cannot make us read more than the limits below. A zip inside a folder or zip
is not opened, and said. What is wrong with one file is a `MidiError` when that file is
read, so that the others go on; what is wrong with a whole input is raised at once.

A sound is known by content too. One that is named alone is a source; those in folders and zips are where that is asked
for, else they are counted.
"""

from __future__ import annotations

import codecs
import io
import os
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from encodings import cp437
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import overload

from rhythmvae.audio.formats import sound_format
from rhythmvae.errors import AudioError, CorpusError, MidiError, UsageError, check_type
from rhythmvae.midi.smf import HEADER_WINDOW, MAX_FILE_BYTES, looks_like_midi
from rhythmvae.outputs import unique_files
from rhythmvae.text import Names, clean_text, counted

MAX_FILES = 20_000  # MIDI files, and entries of a zip
MAX_ZIP_BYTES = 256 * 1024 * 1024  # of a zip held in memory; one on disk may be larger
MAX_SOUND_BYTES_IN_ZIP = 128 * 1024 * 1024  # is held while it is decoded
MAX_TOTAL_BYTES = 256 * 1024 * 1024  # MIDI read from one zip
MAX_DIRECTORY_BYTES = 6 * 1024 * 1024  # of a zip's table of contents
MAX_SHOWN = 3  # names listed in a remark

MIDI_SUFFIXES = (".mid", ".midi", ".smf", ".rmi", ".kar")
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_ZIP_UTF8, _ZIP_ENCRYPTED = 0x800, 0x1  # flags of a member: its name is UTF-8, its bytes are encrypted
_ZIP_PLAIN = _ZIP_UTF8 | 0xE  # with how hard it was deflated, and whether its sizes follow its bytes
MAX_PEEKED_BYTES = 4096  # of a member that is read without zipfile: nearly every loop, at a third of the time
_DOS = codecs.charmap_build(cp437.decoding_table)  # ten times as fast as str.encode
APPLE_DOUBLE = b"\x00\x05\x16\x07"  # the "._name.mid" that macOS puts beside name.mid in a zip
_TABLE_ENTRY = b"PK\x01\x02"  # begins each member's entry in a zip's table of contents
ZipBytes = io.BytesIO | io.BufferedReader
_LOCAL_HEADER = struct.Struct("<4s2xH18xHH")  # before a member's bytes: magic, flags, lengths of its name and more


@dataclass(frozen=True)
class Source:
    """One MIDI file, read when asked.

    Args:
        name: its path below what was given.
        origin: what was given: a path, or an upload's name.
        sound: where a sound lies on disk, or what gives its bytes; None for MIDI.

    >>> Source("a/loop.mid", "a", lambda: b"MThd").read()
    b'MThd'
    """

    name: str
    origin: str
    _load: Callable[[], bytes] = field(repr=False)
    sound: Path | Callable[[], bytes] | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Its bytes, at most MAX_FILE_BYTES.

        Raises:
            MidiError: it cannot be read, or is larger.
        """
        data = self._load()
        if len(data) > MAX_FILE_BYTES:
            raise MidiError(
                f"{clean_text(self.name)}: expected a file of at most {MAX_FILE_BYTES // 2**20} MB, got a larger one; "
                "export the drum track alone."
            )
        return data


@dataclass(frozen=True)
class Found(Sequence[Source]):
    """The sources that inputs hold, as a sequence.

    n_skipped: files that are not MIDI. n_sounds: of them, sounds. remarks: sentences for people.

    >>> len(Found((), n_skipped=2))
    0
    """

    sources: tuple[Source, ...]
    n_skipped: int = 0
    remarks: tuple[str, ...] = ()
    n_sounds: int = 0

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Source: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Source, ...]: ...
    def __getitem__(self, index: int | slice) -> Source | tuple[Source, ...]:
        return self.sources[index]


def find_sources(paths: str | Path | Iterable[str | Path], *, audio: bool = False) -> Found:
    """MIDI in a file, folder (searched below, sorted) or zip, or in several of them in the order given.

    With `audio` sounds in folders and zips too.

    Raises:
        UsageError: a path that does not exist, or is none.
        CorpusError: a zip that cannot be opened, more than the limits, or no MIDI at all.

    >>> from rhythmvae import example, find_sources, write_midi
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "funk.mid").write_bytes(write_midi(example("funk")))
    ...     find_sources(folder)[0].name
    'funk.mid'
    >>> find_sources(["no such folder"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    rhythmvae.errors.UsageError: Expected ...
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    check_type(paths, Iterable, "the path of a MIDI file, folder or zip, or a list of them")
    paths = list(paths)
    for path in paths:
        check_type(path, (str, Path), "the path of a MIDI file, folder or zip")
    if not paths:
        raise UsageError("Expected at least one MIDI file, folder or zip, got none.")
    found = [_find(Path(path), audio) for path in paths]
    result = Found(
        tuple(s for f in found for s in f.sources),
        sum(f.n_skipped for f in found),
        tuple(r for f in found for r in f.remarks),
        sum(f.n_sounds for f in found),
    )
    if not result.sources:
        raise CorpusError(
            f"Expected MIDI files in {', '.join(clean_text(str(p)) for p in paths[:MAX_SHOWN])}, found none "
            f"({_others(result)}).{''.join(' ' + r for r in result.remarks)}"
        )
    return result


def _others(found: Found) -> str:
    others = counted(found.n_skipped, "other file")
    return f"{others}, {found.n_sounds:,} of them sounds: --audio reads them" if found.n_sounds else others


def found_at(path: Path, *, audio: bool = False) -> Found:
    """`find_sources` of one path; what holds no MIDI gives none.

    Raises:
        UsageError, CorpusError: as `find_sources`.
    """
    return _find(path, audio)


def find_texts(paths: Sequence[Path], filename: str, limit: int) -> list[str]:
    """The text of every file of this name: at the top of a folder or one below, and anywhere in a zip.

    At most `limit` bytes of each, as UTF-8. What cannot be read is passed over.
    """
    texts: list[bytes] = []
    for path in paths:
        try:
            if path.is_dir():
                places = sorted(path.glob(filename)) + sorted(path.glob(f"*/{filename}"))
                texts += [_read_file(place, filename, limit) for place in places]
            elif zipfile.is_zipfile(path):
                with path.open("rb") as file, open_zip(file, path.name) as archive:
                    members = [m for m in archive.infolist() if PurePosixPath(m.filename).name == filename]
                    texts += [_read_member(archive, member, limit) for member in members]
        except Exception:  # as in `open_zip`
            continue
    return [text.decode("utf-8", "replace") for text in texts]


def is_zip(data: bytes) -> bool:
    """Whether bytes begin as a zip does."""
    return data[:4] in ZIP_MAGIC


def sources_from_bytes(data: bytes, name: str) -> Found:
    """An upload: a zip by its content, or else one file."""
    if is_zip(data):
        return sources_from_zip(data, name)
    return Found((Source(name, name, lambda: data),))


def check_unpacked(data: bytes, name: str, limit: int) -> None:
    """Refuse a zip that says it holds more than `limit` bytes; zipfile reads no more of a member than it says.

    Raises:
        CorpusError: such a zip. Any other bytes pass.
    """
    n_bytes = 0
    with suppress(CorpusError):  # whoever reads it says what is wrong
        if data[:4] in ZIP_MAGIC:
            with open_zip(io.BytesIO(data), name) as archive:
                n_bytes = sum(member.file_size for member in archive.infolist())
    if n_bytes > limit:
        raise CorpusError(
            f"{name}: expected a zip of at most {limit >> 20} MB unpacked, got {n_bytes >> 20:,} MB; "
            "put the MIDI files alone into one."
        )


def sources_from_zip(data: bytes, name: str, *, audio: bool = False) -> Found:
    """MIDI in the bytes of a zip; with `audio` its sounds too.

    Raises:
        CorpusError: it cannot be opened, or holds more than the limits.
    """
    if len(data) > MAX_ZIP_BYTES:
        raise CorpusError(
            f"{clean_text(name)}: expected a zip of at most {MAX_ZIP_BYTES // 2**20} MB, got a larger one; split it."
        )
    return _search_zip(io.BytesIO(data), name, (lambda: io.BytesIO(data)) if audio else None)


def _find(path: Path, audio: bool) -> Found:
    try:
        if path.is_dir():
            return _search_folder(path, audio)
        if path.is_file():
            with path.open("rb") as file:
                head = file.read(HEADER_WINDOW)
                file.seek(0)
                if head[:4] in ZIP_MAGIC:
                    return _search_zip(file, str(path), (lambda: path.open("rb")) if audio else None)
                if sound_format(head):
                    return Found((_sound_of_file(path, path.name, str(path)),))
        else:
            path.stat()  # a pipe is a file to read, what does not exist is none
    except FileNotFoundError:
        raise UsageError(
            f"Expected a MIDI file, a folder or a zip, got {clean_text(str(path), 200)}, which does not exist; "
            "check the path."
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UsageError(
            f"Expected a readable file, folder or zip, got {clean_text(str(path), 200)} "
            f"({clean_text(getattr(error, 'strerror', None) or str(error))}); check the path and its permissions."
        ) from None
    return Found((_file_source(path, path.name, str(path)),))


# -- folders -------------------------------------------------------------------


def _search_folder(root: Path, audio: bool) -> Found:
    sources: list[Source] = []
    passed_over = _PassedOver(audio)
    for path in _files_below(root):
        name = path.relative_to(root).as_posix()
        source = _file_source(path, name, str(root))
        try:
            head = _read_file(path, name, HEADER_WINDOW)
        except MidiError:
            head = b""
        if passed_over.wants_sound(head):
            source = _sound_of_file(path, name, str(root))
        if source.sound is not None or _is_wanted(head, name, passed_over):
            sources.append(source)
            if len(sources) > MAX_FILES:
                raise CorpusError(
                    f"Expected at most {MAX_FILES:,} MIDI files in {clean_text(str(root))}, got more; "
                    "give a folder further down."
                )
    return Found(tuple(sources), passed_over.n, passed_over.remarks(), passed_over.n_sounds)


def _files_below(root: Path) -> Iterator[Path]:
    """Regular files, sorted; no link is followed out of the folder, and no folder twice."""
    real_root = root.resolve()
    for folder, subfolders, names in os.walk(root):  # does not follow links to folders
        subfolders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(real_root)):
                yield path


def _file_source(path: Path, name: str, origin: str) -> Source:
    return Source(name, origin, lambda: _read_file(path, name, MAX_FILE_BYTES + 1))


def sound_at(path: Path) -> Source | None:
    """The sound that a path names; None where it is none, or cannot be read. Of a pipe nothing is taken."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return _sound_of_file(path, path.name, str(path)) if sound_format(file.read(HEADER_WINDOW)) else None
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None


def _sound_of_file(path: Path, name: str, origin: str) -> Source:
    return Source(name, origin, lambda: _read_file(path, name, MAX_FILE_BYTES + 1), path)


def _read_file(path: Path, name: str, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise MidiError(f"{clean_text(name)}: expected a readable file, got {error.strerror}.") from None


# -- zips ----------------------------------------------------------------------


class _BoundedFile(io.BufferedReader):
    """Refuses what zipfile would read of a table of contents that is too large, or has too many entries."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its table of contents is too large")
        data = super().read(size)
        # What a zip says of their number is not believed. No member is read in pieces that hold so many.
        if (n := data.count(_TABLE_ENTRY)) > MAX_FILES:
            raise zipfile.BadZipFile(f"it lists {n:,} files, at most {MAX_FILES:,} are read")
        return data


@contextmanager
def open_zip(file: ZipBytes, shown: str) -> Iterator[zipfile.ZipFile]:
    """A zip, its table of contents within the limits. `shown` is its name for messages.

    Raises:
        CorpusError: it cannot be opened.
    """
    raw = file.raw if isinstance(file, io.BufferedReader) else file
    try:
        archive = zipfile.ZipFile(_BoundedFile(raw))
    except Exception as error:  # over foreign bytes zipfile raises almost anything
        raise CorpusError(
            f"{clean_text(shown)}: expected a zip, got one that cannot be opened ({_reason(error)})."
        ) from error
    with archive:
        yield archive


@contextmanager
def members(path: Path, *, audio: bool = False) -> Iterator[Callable[[str], Source | None]]:
    """Looks into a zip on disk: called with a name as `find_sources` has it, it gives that file, or None where there is
    none. Nothing else in the zip is read; a MIDI file is to be read while the zip is open.

    Raises:
        CorpusError: it cannot be opened. OSError: it cannot be read.
    """
    shown = clean_text(path.name) or "zip"
    with path.open("rb") as file, open_zip(file, shown) as archive:
        names = Names()
        in_order = sorted((m for m in archive.infolist() if not m.filename.endswith("/")), key=lambda m: m.filename)
        own: dict[str, zipfile.ZipInfo] = {}
        for member in in_order:  # in the order in which their names were told first
            own.setdefault(_name_of(member, names), member)

        def found(name: str) -> Source | None:
            member = own.get(name)
            if member is None:
                return None
            head, _ = _peek(archive, member, 0) if audio else (None, None)
            if sound_format(head or b""):
                return _sound_of_zip(lambda: path.open("rb"), member, name, str(path), shown)
            return Source(name, str(path), lambda: _bytes_of(archive, member, name, shown))

        yield found


def _bytes_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, shown: str) -> bytes:
    try:
        return _read_member(archive, member, MAX_FILE_BYTES + 1)
    except Exception as error:  # as in `open_zip`
        return _broken(name, shown, _reason(error)).read()


def _search_zip(file: ZipBytes, origin: str, again: Callable[[], ZipBytes] | None = None) -> Found:
    """What a zip holds, with its sounds where `again` opens it once more to read one: none is held."""
    sources: list[Source] = []
    passed_over = _PassedOver(again is not None)
    names = Names()
    n_bytes = 0
    shown = clean_text(PurePosixPath(origin.replace("\\", "/")).name) or "zip"
    with open_zip(file, shown) as archive:
        # Some archives have members without a name.
        members = [m for m in archive.infolist() if not m.filename.endswith("/")]
        ends = _ends(archive)
        for member in sorted(members, key=lambda m: m.filename):
            name = _name_of(member, names)
            head, whole = _peek(archive, member, ends.get(member.header_offset, 0))
            if again is not None and passed_over.wants_sound(head or b""):
                sources.append(_sound_of_zip(again, member, name, origin, shown))
                continue
            if head is not None and not _is_wanted(head, name, passed_over):
                continue
            try:
                data = _read_member(archive, member, MAX_FILE_BYTES + 1) if whole is None else whole
            except Exception as error:  # as in `open_zip`
                n_bytes += min(member.file_size, MAX_FILE_BYTES)  # it may be the end that is broken
                _check_total(n_bytes, shown)
                if head is not None or _is_wanted(b"", name, passed_over):
                    sources.append(_broken(name, shown, _reason(error)))
                continue
            n_bytes += len(data)
            _check_total(n_bytes, shown)
            if head is None and not _is_wanted(data[:HEADER_WINDOW], name, passed_over):
                continue
            sources.append(Source(name, origin, lambda data=data: data))  # type: ignore[misc]
    return Found(tuple(sources), passed_over.n, passed_over.remarks(), passed_over.n_sounds)


def _sound_of_zip(again: Callable[[], ZipBytes], member: zipfile.ZipInfo, name: str, origin: str, shown: str) -> Source:
    """A sound in a zip, read from it when it is asked for."""

    def load() -> bytes:
        try:
            with again() as file, open_zip(file, shown) as archive:
                data = _read_member(archive, member, MAX_SOUND_BYTES_IN_ZIP + 1)
        except CorpusError:
            raise
        except Exception as error:  # as in `open_zip`
            raise AudioError(
                f"{clean_text(name)}: expected a readable file in {shown}, got one that is not ({_reason(error)})."
            ) from error
        if len(data) > MAX_SOUND_BYTES_IN_ZIP:
            raise AudioError(
                f"{clean_text(name)}: expected a sound of at most {MAX_SOUND_BYTES_IN_ZIP >> 20} MB in a zip, got a "
                "larger one; unpack it."
            )
        return data

    return Source(name, origin, load, load)


def _ends(archive: zipfile.ZipFile) -> dict[int, int]:
    """Where the next member begins, or the table, by where one begins; nothing where two are at one place."""
    starts = sorted(member.header_offset for member in archive.infolist())
    return dict(pairwise([*starts, archive.start_dir])) if len(set(starts)) == len(starts) else {}


def _check_total(n_bytes: int, shown: str) -> None:
    if n_bytes > MAX_TOTAL_BYTES:
        raise CorpusError(
            f"{shown}: expected at most {MAX_TOTAL_BYTES // 2**20} MB of MIDI in a zip, got more; split it."
        )


def _peek(archive: zipfile.ZipFile, member: zipfile.ZipInfo, end: int) -> tuple[bytes | None, bytes | None]:
    """The first bytes of a member, and all of them where it is small, sooner than zipfile opens it.

    None where only zipfile can tell. All of them are there only where length and checksum are right and nothing about
    the member is odd: what zipfile would give. Of others, what shows to be MIDI is read by zipfile, with its checks.

    Args:
        end: where the member's bytes end at the latest.
    """
    file = archive.fp
    if file is None or member.flag_bits & _ZIP_ENCRYPTED:
        return None, None
    try:
        file.seek(member.header_offset)
        magic, flags, n_name, n_more = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        if magic != ZIP_MAGIC[0]:
            return None, None
        name = file.read(n_name) if n_name <= MAX_PEEKED_BYTES else b""
        file.seek(n_more if name else n_name + n_more, io.SEEK_CUR)
        is_small = max(member.compress_size, member.file_size) <= MAX_PEEKED_BYTES
        data = file.read(member.compress_size if is_small else min(member.compress_size, 2 * HEADER_WINDOW))
        n_most = member.file_size + 1 if is_small else HEADER_WINDOW
        if member.compress_type == zipfile.ZIP_DEFLATED:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, n_most)
        elif member.compress_type != zipfile.ZIP_STORED:
            return None, None
        stop = member.header_offset + _LOCAL_HEADER.size + n_name + n_more + member.compress_size
        is_whole = is_small and stop <= end and _is_as_said(member, name.decode(_encoding(flags)), data)
        return data[:HEADER_WINDOW], data if is_whole else None
    except (OSError, ValueError, struct.error, zlib.error):
        return None, None


def _encoding(flags: int) -> str:
    return "utf-8" if flags & _ZIP_UTF8 else "cp437"


def _is_as_said(member: zipfile.ZipInfo, name: str, data: bytes) -> bool:
    """Whether a member's bytes and the name before them are those of the table of contents."""
    is_plain = not member.flag_bits & ~_ZIP_PLAIN and name == member.orig_filename
    return is_plain and len(data) == member.file_size and zlib.crc32(data) == member.CRC


def _name_of(member: zipfile.ZipInfo, names: Names) -> str:
    """A member's path. Without the zip's mark for UTF-8 its bytes, which zipfile takes for DOS's, may be anything."""
    name = member.filename
    if not member.flag_bits & _ZIP_UTF8 and not name.isascii():
        with suppress(UnicodeEncodeError):
            name = names.decoded(codecs.charmap_encode(name, "strict", _DOS)[0])
    return name.replace("\\", "/")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    """At most `limit` bytes; reading to the end checks the checksum."""
    if member.flag_bits & _ZIP_ENCRYPTED:
        raise zipfile.BadZipFile("it is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("its compression is not deflate")
    parts, n = [], 0
    with archive.open(member) as stream:
        while n < limit and (part := stream.read(min(limit - n, 1 << 16))):
            parts.append(part)
            n += len(part)
    return b"".join(parts)


def _broken(name: str, archive: str, reason: str) -> Source:
    def load() -> bytes:
        raise MidiError(f"{clean_text(name)}: expected a readable file in {archive}, got one that is not ({reason}).")

    return Source(name, archive, load)


def _reason(error: BaseException) -> str:
    return clean_text(str(error)) or type(error).__name__


# -- what is wanted ------------------------------------------------------------


class _PassedOver:
    """Counts what is not MIDI, sounds among it, and remembers archives inside."""

    def __init__(self, audio: bool) -> None:
        self.audio = audio
        self.n = self.n_sounds = 0
        self.archives: list[str] = []

    def wants_sound(self, head: bytes) -> bool:
        """Whether it is a sound, and sounds are wanted."""
        return self.audio and sound_format(head) is not None

    def remarks(self) -> tuple[str, ...]:
        if not self.archives:
            return ()
        names = ", ".join(clean_text(a) for a in self.archives[:MAX_SHOWN])
        more = f" and {len(self.archives) - MAX_SHOWN} more" if len(self.archives) > MAX_SHOWN else ""
        return (f"Archives inside are not opened: {names}{more}; give them by themselves.",)


def _is_wanted(head: bytes, name: str, passed_over: _PassedOver) -> bool:
    """MIDI by content, or by a suffix that content belies."""
    if looks_like_midi(head):
        return True
    if head[:4] in ZIP_MAGIC:
        passed_over.archives.append(name)
    elif head[:4] != APPLE_DOUBLE and name.lower().endswith(MIDI_SUFFIXES):
        return True
    elif sound_format(head):
        passed_over.n_sounds += 1
    passed_over.n += 1
    return False


# -- names of outputs ----------------------------------------------------------

MAX_COMPONENT_BYTES = 200  # a file system takes 255
MAX_DEPTH = 16
_RESERVED = frozenset('\\<>:"|?*' if os.name == "nt" else "\\")


def output_names(sources: Sequence[Source]) -> list[str]:
    """A path below the output folder for each source: its own, with the suffix .mid.

    Nothing points out of the folder. Sources that would meet, also where upper and lower
    case are one, get ``~2``, ``~3``... in the order of their names.
    """
    paths = [_safe_path(source.name) for source in sources]
    order = sorted(range(len(paths)), key=lambda i: (sources[i].name, i))
    # Where one source is a folder's name and another lies in that folder, the file gives way.
    unique = unique_files(str(parent) for path in paths for parent in path.parents)
    names = {i: unique.add(str(paths[i])) for i in order if unique.is_free(str(paths[i]))}
    names |= {i: unique.add(str(paths[i]).removesuffix(".mid"), ".mid") for i in order if i not in names}
    return [names[i] for i in range(len(paths))]


def _safe_path(name: str) -> PurePosixPath:
    components = [c for c in name.replace("\\", "/").split("/") if c.strip() not in ("", ".", "..")]
    *folders, file_name = components[-MAX_DEPTH:] or ["unnamed"]
    stem = PurePosixPath(file_name).stem
    return PurePosixPath(*(_safe_component(f) for f in folders), _safe_component(stem) + ".mid")


def _safe_component(text: str) -> str:
    """Without control characters, lone surrogates and separators, and short enough."""
    text = "".join("_" if c in _RESERVED or unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return text.encode()[:MAX_COMPONENT_BYTES].decode(errors="ignore")
