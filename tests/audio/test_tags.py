"""Tempos in tags: as encoders and editors write them, and as nobody should."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.audio.formats import SAYING, Loop, loop_of, sound_format
from rhythmvae.audio.hits import RATE
from rhythmvae.audio.read import Sound

soundfile = pytest.importorskip("soundfile")


def sound(kind: str, **more: str) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.zeros(RATE), RATE, format=kind, **more)
    return out.getvalue()


def seven_bits(n: int) -> bytes:
    return bytes(n >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(version: int, *frames: tuple[bytes, bytes], flags: int = 0, extended: bytes = b"") -> bytes:
    body = extended
    for name, text in frames:
        n = len(text)
        size = {2: n.to_bytes(3, "big"), 3: n.to_bytes(4, "big"), 4: seven_bits(n)}[version]
        body += name + size + (b"" if version == 2 else b"\0\0") + text
    body += bytes(20)  # padding
    return b"ID3" + bytes([version, 0, flags]) + seven_bits(len(body)) + body


def comments(*pairs: str, maker: bytes = b"somebody") -> bytes:
    found = struct.pack("<I", len(maker)) + maker + struct.pack("<I", len(pairs))
    return found + b"".join(struct.pack("<I", len(each.encode())) + each.encode() for each in pairs)


def flac(*pairs: str) -> bytes:
    """A FLAC whose comments are these, behind a picture."""
    plain = sound("FLAC")
    info = plain[4:42]
    blocks = [(6, bytes(300)), (4, comments(*pairs)), (1, bytes(10))]
    made = b"".join(bytes([kind]) + len(data).to_bytes(3, "big") + data for kind, data in blocks[:-1])
    return plain[:4] + bytes([info[0] & 0x7F]) + info[1:] + made + b"\x81" + (10).to_bytes(3, "big") + bytes(10)


def ogg(packet: bytes) -> bytes:
    """Two pages: the first packet, and the second."""
    found = b""
    for number, data in enumerate((b"\x01vorbis" + bytes(23), packet)):
        lacing = bytes([255] * (len(data) // 255) + [len(data) % 255])
        found += b"OggS" + bytes(14) + bytes([number, 0, 0, 0]) + bytes(4) + bytes([len(lacing)]) + lacing + data
    return found


def atom(name: bytes, *parts: bytes, is_long: bool = False) -> bytes:
    body = b"".join(parts)
    if is_long:
        return (1).to_bytes(4, "big") + name + (16 + len(body)).to_bytes(8, "big") + body
    return (8 + len(body)).to_bytes(4, "big") + name + body


def bpm_atom(value: bytes, kind: int = 21) -> bytes:
    return atom(b"tmpo", atom(b"data", kind.to_bytes(4, "big"), bytes(4), value))


def m4a(*tags: bytes, version: bytes = bytes(4), sound_first: bool = True) -> bytes:
    """An M4A whose tags are these; its samples lie before or behind them."""
    listed = atom(b"ilst", atom(b"\xa9nam", bytes(300)), *tags)
    meta = atom(b"meta", version, atom(b"hdlr", bytes(25)), listed)
    moov = atom(b"moov", atom(b"mvhd", bytes(100)), atom(b"trak", atom(b"meta", b"none")), atom(b"udta", meta))
    sound = atom(b"mdat", bytes(5_000), is_long=True)
    parts = (sound, moov) if sound_first else (moov, sound)
    return atom(b"ftyp", b"M4A \0\0\0\0") + b"".join(parts)


def said(data: bytes) -> Loop | None:
    kind = sound_format(data[:512])
    assert kind in SAYING
    return loop_of(io.BytesIO(data), kind)


@pytest.mark.parametrize(
    "data",
    [
        id3(3, (b"TIT2", b"\0Loop"), (b"TBPM", b"\x00128")),
        id3(4, (b"APIC", bytes(5_000)), (b"TBPM", b"\x03128.0\0")),
        id3(2, (b"TT2", b"\0Loop"), (b"TBP", b"\x00128")),
        id3(3, (b"TBPM", b"\x01" + "128".encode("utf-16"))),
        id3(4, (b"TBPM", b"\x02" + "128".encode("utf-16-be"))),
        id3(4, (b"TBPM", b"\x03128"), flags=0x40, extended=seven_bits(6) + bytes(2)),
        id3(3, (b"TBPM", b"\x01\xff\x00\xfe" + "128".encode("utf-16-le")), flags=0x80),
        flac("ARTIST=somebody", "bpm=128"),
        flac("TITLE=" + "long " * 500, "Tempo= 128.00 BPM"),
        ogg(b"\x03vorbis" + comments("TITLE=" + "x" * 600, "TEMPO=128")),
        ogg(b"OpusTags" + comments("BPM=128,0")),
        ogg(b"\x84" + (40).to_bytes(3, "big") + comments("BPM=128")),
        m4a(bpm_atom((128).to_bytes(2, "big"))),
        m4a(bpm_atom((128).to_bytes(4, "big"), 0), version=b"", sound_first=False),
        m4a()[:16] + bpm_atom(b"\x80"),  # as a browser sends it: what a file is, and its tempo alone
    ],
    ids=range(15),
)
def test_a_tag_says_a_tempo(data: bytes) -> None:
    assert said(data) == Loop(0, 128.0, None)


@pytest.mark.parametrize(
    "data",
    [
        sound("MP3"),
        sound("FLAC"),
        sound("OGG"),
        id3(3, (b"TBPM", b"\x00fast")),
        id3(3, (b"TBPM", b"\x0012")),  # no tempo that drums have
        id3(3, (b"TBPM", b"\x009999")),
        id3(3, (b"TBPM", b"")),
        id3(3, (b"TIT2", b"\0TBPM 128")),
        id3(5 - 1, (b"TBPM", b"\x09128"))[:15],
        flac("SUBTEMPO=128", "COMMENT=BPM=128"),
        ogg(b"\x05vorbis" + comments("BPM=128")),
        ogg(b"\x03vorbis" + b"\xff\xff\xff\xff"),
        b"fLaC" + b"\x06\xff\xff\xff" * 400,
        b"OggS" * 100,
        b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + b"PRIV\xff\xff\xff\xff\0\0" * 30,
        m4a(),
        m4a(bpm_atom(b"128", 1)),  # a text
        m4a(bpm_atom(b"")),
        m4a(bpm_atom(b"\0\x80"))[:-4_000],
        m4a()[:16] + b"\0\0\0\x07moov" * 9,
        m4a()[:16] + b"\0\0\0\x01mdat" + b"\xff" * 8 + bpm_atom(b"\0\x80"),
        m4a()[:16] + b"\0\0\0\0mdat" + bpm_atom(b"\0\x80"),
    ],
    ids=range(22),
)
def test_what_is_no_tempo_says_none(data: bytes) -> None:
    assert said(data) is None


def test_a_chunk_of_tags_is_read_beside_a_loops_own() -> None:
    tags = id3(3, (b"TBPM", b"\x0096"))
    acid = struct.pack("<IHHfIHHf", 2, 60, 0, 0.0, 8, 4, 4, 0.0)
    wav = sound("WAV") + b"id3 " + struct.pack("<I", len(tags)) + tags + bytes(len(tags) % 2)
    assert said(wav) == Loop(0, 96.0, None)
    assert said(wav + b"acid" + struct.pack("<I", len(acid)) + acid) == Loop(8, 96.0, (4, 4))
    assert Sound(wav, "a.wav").loop == Loop(0, 96.0, None)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        (
            *(b"ID3\x02\0\0", b"ID3\x03\0\xff", b"ID3\x04\0\xff", b"fLaC", b"OggS"),
            *(b"RIFF0000WAVE", b"FORM0000AIFF", b"\0\0\0\x10ftypM4A 0000"),
        )
    ),
    st.lists(
        st.sampled_from(
            (
                *(
                    b"TBPM",
                    b"TBP",
                    b"acid",
                    b"basc",
                    b"id3 ",
                    b"OggS",
                    b"\x03vorbis",
                    b"\x84",
                    b"BPM=1",
                    b"\x01\xff\xfe",
                ),
                *(b"\0\0\0\x20moov", b"\0\0\0\x01ilst", b"\0\0\0\x18tmpo", b"\0\0\0\x10data\0\0\0\x15"),
            )
        )
        | st.binary(max_size=24)
        | st.integers(0, 255).map(lambda n: bytes([n]) * 30),
        max_size=12,
    ),
)
def test_any_bytes_are_read_to_a_tempo_or_none(begin: bytes, rest: list[bytes]) -> None:
    data = begin + b"".join(rest)
    for kind in SAYING:
        found = loop_of(io.BytesIO(data), kind)
        assert found is None or found.bpm is None or 20 <= found.bpm <= 500
