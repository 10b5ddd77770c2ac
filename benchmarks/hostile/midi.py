"""MIDI files that no program should write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from random import Random

from benchmarks.hostile.bytestrings import extreme, share, spoiled
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.midi.write import write_midi

DIVISIONS = (0, 1, 2, 23, 24, 96, 480, 960, 32767, 0x8000, 0xE200, 0xE728, 0xE850, 0xE364, 0xE278, 0xFF01, 0xFFFF)
LENGTHS = (0, 1, 0x7F, 0x80, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000, 0x0FFFFFFF)
NAMES = (b"", b"Drums", b"\xff\xfe", b"\xff\xfeD\xd8", b"\xef\xbb\xbf", "ドラム".encode("cp932"), b"\xc3" * 700)


@cache
def valid() -> tuple[bytes, ...]:
    """The built-in patterns as files."""
    return tuple(write_midi(example(name)) for name in EXAMPLES)


def make(rng: Random, room: int) -> bytes:
    """A file of about `room` bytes at most."""
    kind = share(rng, room)
    if kind < 0.45:
        return spoiled(rng.choice(valid()), rng, rng.choice(valid()))
    if kind < 0.95:
        built = _built(rng, room)
        return spoiled(built, rng, rng.choice(valid())) if rng.random() < 0.2 else built
    return rng.choice(FLOODS)(rng, room)


def number(value: int) -> bytes:
    """A variable-length number."""
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(value & 0x7F | 0x80)
    return bytes(reversed(found))


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    return kind + (len(body) if length is None else length & 0xFFFFFFFF).to_bytes(4, "big") + body


def header(format_: int, n_tracks: int, division: int) -> bytes:
    return chunk(b"MThd", b"".join(value.to_bytes(2, "big") for value in (format_, n_tracks & 0xFFFF, division)))


def _meta(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + number(len(body)) + body


def _event(rng: Random) -> bytes:
    byte = rng.randrange(256)
    return rng.choice(
        (
            lambda: bytes([0x99, rng.choice((36, 38, 42, 127, 128, 255)), rng.choice((0, 1, 100, 127, 128, 255))]),
            lambda: bytes([0x90 | byte & 15, byte & 127, 90]),
            lambda: bytes([byte & 127, 90]),  # running status, at the start too
            lambda: bytes([byte]),
            lambda: _meta(0x51, extreme(rng, rng.choice((1, 2, 3, 4)))),
            lambda: _meta(0x58, bytes([rng.choice((0, 1, 4, 7, 255)), rng.choice((0, 1, 2, 6, 7, 16, 255)), 24, 8])),
            lambda: _meta(rng.choice((3, 4, 1, 0x21, byte)), rng.choice(NAMES)),
            lambda: bytes([0xFF, rng.choice((3, 0x51, 0x58, 0x7F))]) + number(rng.choice(LENGTHS)),
            lambda: bytes([rng.choice((0xF0, 0xF7))]) + number(rng.choice(LENGTHS)) + rng.randbytes(rng.randrange(20)),
            lambda: b"\xf0\x0a\x41\x10\x42\x12\x40" + bytes([0x10 | byte & 15, 0x15, byte >> 7]) + b"\x00\xf7",
            lambda: b"\xf0\x08\x43\x10\x4c\x08" + bytes([byte & 31, 7, byte >> 6]) + b"\xf7",
            lambda: bytes([0xB0 | byte & 15, 0, rng.choice((0, 120, 126, 127))]),
            lambda: _meta(0x2F, b""),
            lambda: b"\xff\xff\xff\xff",
        )
    )()


def _delta(rng: Random) -> bytes:
    value = rng.choice((0, 0, 0, 1, 24, 60, 120, 480, rng.choice(LENGTHS)))
    return number(value) if rng.random() < 0.98 else rng.choice((b"\x80\x80\x80\x80\x00", b"\x80\x00", b"\xff" * 4))


def _built(rng: Random, room: int) -> bytes:
    """Tracks of events, each likely enough by itself."""
    tracks = []
    for _ in range(rng.choice((0, 1, 1, 2, 3, 16))):
        n_events = rng.choice((0, 1, 8, 64, min(room // 40, 400)))
        body = b"".join(_delta(rng) + _event(rng) for _ in range(n_events)) + b"\x00\xff\x2f\x00" * rng.randrange(2)
        length = None if rng.random() < 0.85 else rng.choice((0, 1, len(body) - 1, len(body) + 1, 2**31, 2**32 - 1))
        tracks.append(chunk(rng.choice((b"MTrk",) * 9 + (b"XFIH",)), body, length))
    n_declared = len(tracks) if rng.random() < 0.8 else rng.choice((0, 1, 65_535))
    start = rng.choice((b"",) * 8 + (bytes(128), b"RIFF\x00\x00\x00\x00RMIDdata\xff\xff\xff\xff"))
    return start + header(rng.choice((0, 1, 1, 2, 3, 65_535)), n_declared, rng.choice(DIVISIONS)) + b"".join(tracks)


# -- much of one thing ---------------------------------------------------------


def _flood(event: Callable[[Random, int], bytes]) -> Callable[[Random, int], bytes]:
    def flooded(rng: Random, room: int) -> bytes:
        # One piece again and again, or pieces that differ.
        pieces = [event(rng, i) for i in range(rng.choice((1, 1_000)))]
        body = b"\x00\x99\x24\x64" + b"".join(pieces) * (room // max(len(b"".join(pieces)), 1)) + b"\x00\xff\x2f\x00"
        return header(rng.choice((0, 1, 2)), 1, rng.choice(DIVISIONS[1:9])) + chunk(b"MTrk", body)

    return flooded


def _tracks(body: Callable[[Random, int], bytes]) -> Callable[[Random, int], bytes]:
    def many(rng: Random, room: int) -> bytes:
        tracks: list[bytes] = []
        n_bytes = 0
        while n_bytes < room and len(tracks) < 65_535:
            tracks.append(chunk(b"MTrk", body(rng, len(tracks)), rng.choice((None, None, 0, 2**32 - 1))))
            n_bytes += len(tracks[-1])
        return header(rng.choice((1, 1, 2)), len(tracks), 480) + b"".join(tracks)

    return many


FLOODS: Sequence[Callable[[Random, int], bytes]] = (
    _flood(lambda rng, i: b"\x00\x24\x64"),
    _flood(lambda rng, i: b"\x01\x99" + bytes([35 + i % 40, 1 + i % 127])),
    _flood(lambda rng, i: number(i % 500) + _meta(0x51, (300_000 + i * 17).to_bytes(3, "big"))),
    _flood(lambda rng, i: b"\x00" + _meta(0x58, bytes([1 + i % 255, i % 7, 24, 8]))),
    _flood(
        lambda rng, i: number(1 + i % 96) + _meta(0x58, bytes([1 + i % 12, 2 + i % 3, 24, 8])) + b"\x00\x99\x24\x64"
    ),
    _flood(lambda rng, i: number(0x0FFFFFFF) + b"\x99\x24\x64"),
    _flood(lambda rng, i: b"\x00\xff\x01\x00"),
    _flood(lambda rng, i: b"\x00\xf0\x01\xf7"),
    _flood(lambda rng, i: b"\x81"),
    _flood(lambda rng, i: b"MTrk\x00\x00\x00\x04"),
    _flood(lambda rng, i: b"ABCD\x00\x00\x00\x00"),
    _flood(lambda rng, i: b"\r\n"),
    _tracks(lambda rng, i: b""),
    _tracks(lambda rng, i: b"\x00\x99\x24\x64"),
    _tracks(lambda rng, i: b"\x00\xff\x03\x20" + rng.randbytes(32).replace(b"\x00", b"\xc3") + b"\x00\x90\x24\x64"),
    _tracks(lambda rng, i: b"\x00" + _meta(3, b"kick %d" % i) + number(i) + bytes([0x90 | i % 16, i % 128, 100])),
    _tracks(lambda rng, i: b"\x00" + _meta(0x58, bytes([1 + i % 255, i % 7, 24, 8])) + b"\x00\x99\x24\x64"),
    _tracks(lambda rng, i: number(i) + _meta(0x51, (i + 1).to_bytes(3, "big")) + b"\x00\x99\x24\x64\x00\xff\x2f\x00"),
)
