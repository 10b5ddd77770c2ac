"""Valid bytes spoiled: bits, lengths, pieces."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Spoil = Callable[[bytearray, Random], None]
FIELD_SIZES = (1, 2, 4, 8)
SMALL, LARGE = 3_000, 8 << 20  # bytes that much of one thing may take


def share(rng: Random, room: int) -> float:
    """Which kind of input to make, 0 to 1; the last, which is much of one thing, where there is room for it."""
    return rng.random() if room <= SMALL else 1.0


def spoiled(data: bytes, rng: Random, other: bytes = b"") -> bytes:
    """One to eight changes; `other` is what pieces are taken from."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if rng.random() < 0.1:
            _splice(found, other or data, rng)
        else:
            rng.choice(SPOILS)(found, rng)
    return bytes(found)


def extreme(rng: Random, n_bytes: int) -> bytes:
    """A field with a value at the end of a range, in either order of bytes."""
    top = 1 << (8 * n_bytes)
    value = rng.choice((0, 1, top - 1, top - 2, top // 2, top // 2 - 1, rng.randrange(top)))
    return value.to_bytes(n_bytes, rng.choice(("big", "little")))


def _place(data: bytearray, rng: Random) -> int:
    """Anywhere; headers and tails more often."""
    n = max(len(data), 1)
    return rng.choice((rng.randrange(n), rng.randrange(min(n, 64)), max(n - 1 - rng.randrange(min(n, 64)), 0)))


def _flip(data: bytearray, rng: Random) -> None:
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _field(data: bytearray, rng: Random) -> None:
    at, size = _place(data, rng), rng.choice(FIELD_SIZES)
    data[at : at + size] = extreme(rng, size)


def _cut(data: bytearray, rng: Random) -> None:
    del data[_place(data, rng) :]


def _drop(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 64, 1024))]


def _double(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.choice((1, 4, 64, 1024))] * rng.choice((1, 2, 16))


def _insert(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.choice((rng.randbytes(rng.choice((1, 3, 50))), bytes(64), b"\xff" * 64, b"\r\n"))


def _splice(data: bytearray, other: bytes, rng: Random) -> None:
    start = rng.randrange(max(len(other), 1))
    piece = other[start : start + rng.choice((4, 64, 1024))]
    at = _place(data, rng)
    data[at : at + len(piece)] = piece


SPOILS: tuple[Spoil, ...] = (_flip, _field, _field, _cut, _drop, _double, _insert)
