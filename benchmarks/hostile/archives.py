"""Zips whose tables lie."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from random import Random

from benchmarks.hostile import midi
from benchmarks.hostile.bytestrings import extreme, share, spoiled

NAMES = (
    *(b"a.mid", b"", b"/", b"//", b".mid", b"a/", b"../../a.mid", b"C:\\a.mid", b"a\x00.mid", b"\x00", b"._a.mid"),
    *(b"d/" * 500 + b"a.mid", b"x" * 5_000 + b".mid", "ドラム.mid".encode("cp932"), b"\xff\xfe.mid", b"\x80" * 300),
    *(b"a.zip", b"info.csv", b"A.MID", b"a.mid\n", b" ", b".", b"..", b"CON.mid", b"\xed\xa0\x80.mid"),
)


@dataclass
class Member:
    """One file in a zip as its headers describe it, true or not. Header fields by their name in APPNOTE.TXT."""

    name: bytes
    data: bytes
    method: int = 0
    flags: int = 0
    lies: dict[str, int] = field(default_factory=dict)
    extra: bytes = b""


def make(rng: Random, room: int) -> bytes:
    """A zip of about `room` bytes at most; unpacked it may be a thousand times as large."""
    kind = share(rng, room)
    if kind < 0.4:
        return spoiled(_valid(rng), rng, rng.choice(midi.valid()))
    if kind < 0.95:
        built = _built([_member(rng) for _ in range(rng.choice((0, 1, 2, 5, 30)))], rng)
        return spoiled(built, rng) if rng.random() < 0.2 else built
    return _many(rng, room) if rng.random() < 0.7 else _bomb(rng, room)


def _valid(rng: Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for i in range(rng.choice((1, 2, 6))):
            archive.writestr(f"kit {i}/ü{i}.mid", rng.choice(midi.valid()))
        archive.writestr("read me.txt", "MThd " * 9)
        archive.comment = b"PK\x05\x06" * rng.randrange(3)
    return file.getvalue()


def _member(rng: Random) -> Member:
    data = rng.choice((midi.make(rng, 2_000), b"", b"text", bytes(100_000), rng.choice(midi.valid())))
    member = Member(
        rng.choice(NAMES), data, rng.choice((0, 8, 8, 8, 9, 12, 14, 99)), rng.choice((0, 0, 0x800, 1, 8, 0xFFFF))
    )
    if rng.random() < 0.4:
        keys = ("packed", "unpacked", "crc", "offset", "n_name", "n_extra", "n_comment", "disk", "version", "magic")
        key = rng.choice(keys)
        size = 4 if key in ("packed", "unpacked", "crc", "offset") else 2
        member.lies[rng.choice(("local ", "")) + key] = int.from_bytes(extreme(rng, size), "little")
    if rng.random() < 0.2:  # zip64, true and cut short, and Unicode paths
        sizes = b"".join(extreme(rng, 8) for _ in range(rng.randrange(4)))
        member.extra = struct.pack("<HH", rng.choice((1, 0x7075)), rng.choice((len(sizes), 0, 65_535))) + sizes
    return member


def _fields(member: Member, where: str, **true: int) -> dict[str, int]:
    lies = {key.removeprefix(where): value for key, value in member.lies.items() if key.startswith(where)}
    return true | {key: value for key, value in lies.items() if key in true}


def _packed(member: Member) -> bytes:
    if member.method != zipfile.ZIP_DEFLATED:
        return member.data
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return deflater.compress(member.data) + deflater.flush()


def _built(members: list[Member], rng: Random) -> bytes:
    """The zip of members; one in ten lie over each other's bytes."""
    body, table = bytearray(), bytearray()
    is_overlapping = rng.random() < 0.1
    for member in members:
        packed = _packed(member)
        true = {
            "version": 20,
            "packed": len(packed),
            "unpacked": len(member.data),
            "crc": zlib.crc32(member.data),
            "n_name": len(member.name),
            "n_extra": len(member.extra),
        }
        offset = 0 if is_overlapping else len(body)
        local = _fields(member, "local ", **true)
        said = _fields(member, "", **true, offset=offset, n_comment=0, disk=0, magic=0x4B50)
        body += _local(member, local) + member.name + member.extra + packed
        table += _entry(member, said) + member.name + member.extra
    n, at = len(members), len(body)
    end = [0, 0, n & 0xFFFF, n & 0xFFFF, len(table), at, 0]
    if rng.random() < 0.15:
        place = rng.randrange(7)
        end[place] = int.from_bytes(extreme(rng, 4 if place in (4, 5) else 2), "little")
    zip64 = _zip64(n, len(table), at, rng) if rng.random() < 0.1 else b""
    return bytes(body + table + zip64) + b"PK\x05\x06" + struct.pack("<4H2LH", *end)


def _local(member: Member, f: dict[str, int]) -> bytes:
    head = (f["version"], member.flags, member.method, 0, 0x21, f["crc"], f["packed"], f["unpacked"])
    return b"PK\x03\x04" + struct.pack("<5H3L2H", *head, f["n_name"], f["n_extra"])


def _entry(member: Member, f: dict[str, int]) -> bytes:
    head = (f["magic"], 0x0201, 20, f["version"], member.flags, member.method, 0, 0x21)
    sizes = (f["crc"], f["packed"], f["unpacked"], f["n_name"], f["n_extra"], f["n_comment"], f["disk"], 0, 0)
    return struct.pack("<8H3L5H2L", *head, *sizes[:7], *sizes[7:], f["offset"])


def _zip64(n: int, n_bytes: int, at: int, rng: Random) -> bytes:
    fields = [44, 45, 45, 0, 0, n, n, n_bytes, at]
    place = rng.randrange(9)
    if place not in (1, 2, 3, 4):
        fields[place] = int.from_bytes(extreme(rng, 8), "little")
    end = b"PK\x06\x06" + struct.pack("<Q2H2L4Q", *fields)
    return end + b"PK\x06\x07" + struct.pack("<LQL", 0, at + n_bytes, 1)


def _many(rng: Random, room: int) -> bytes:
    """As many members as fit, up to more than are read."""
    name = rng.choice((b"%d.mid", b"%d.txt", "ドラム%d.mid".encode("cp932"), b"\x80\xfe%d\x91\xa3.mid", b"d/%d/"))
    data, method = rng.choice((b"", b"MThd\x00", rng.choice(midi.valid()))), rng.choice((0, 8, 9))
    n = min(rng.choice((1_000, 19_999, 20_001, 100_000)), room // (2 * len(name) + 80 + len(data)))
    return _built([Member(name % i, data, method) for i in range(n)], rng)


def _bomb(rng: Random, room: int) -> bytes:
    """Members that are a thousand times as large unpacked."""
    size = min(9 << 20, room)
    data = rng.choice((b"MThd\x00\x00\x00\x06", b"")) + bytes(size)
    return _built([Member(b"%d.mid" % i, data, 8) for i in range(rng.choice((1, 8, 40)))], rng)
