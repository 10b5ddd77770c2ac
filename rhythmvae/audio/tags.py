"""The tempo that somebody wrote into a file of sound: MP3's ID3 tags, Vorbis comments of FLAC and OGG, atoms of M4A.

Only names and lengths are walked, a bounded number of them, and of what is named a tempo the first bytes are read: how
large a tag says it is costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

MAX_FRAMES = 256  # of a tag, or comments, that are walked
MAX_TEXT_BYTES = 64  # of a tempo
MAX_HEAD_BYTES = 1 << 16  # of an OGG file, in which its comments begin
COMMENTS = ("BPM", "TEMPO")  # names of Vorbis comments that are a tempo
_ID3_UNSYNCHRONISED, _ID3_EXTENDED = 0x80, 0x40  # flags of a tag
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")  # of an ID3 text, by its first byte
_COMMENT_BLOCK, _LAST_BLOCK = 4, 0x80  # of FLAC's blocks of metadata
_LONGEST_NAME = max(map(len, COMMENTS)) + 1
_CONTAINERS = (b"moov", b"udta", b"meta", b"ilst")  # atoms of an M4A in which the one of its tempo lies
_FAR = 1 << 40  # bytes: behind any file's end, and no more than a seek takes
_WHOLE_NUMBERS = (0, 21)  # kinds of an atom's data that are a number


def tempo_of(file: BinaryIO, format: str) -> float | None:
    """The tempo in BPM that a file of MP3, FLAC, OGG or M4A says, whatever it is; None where it says none.

    Args:
        file: at its first byte.
    """
    reader = {"MP3": id3_tempo, "FLAC": _flac, "OGG": _ogg, "M4A or MP4": _m4a}.get(format)
    return reader(file) if reader else None


def id3_tempo(file: BinaryIO) -> float | None:
    """Of an ID3v2 tag (2.2 to 2.4) that begins here."""
    head = file.read(10)
    if len(head) < 10 or head[:3] != b"ID3" or head[3] not in (2, 3, 4):
        return None
    version, left = head[3], _seven_bits(head[6:10])
    if head[5] & _ID3_EXTENDED and version > 2:
        size = file.read(4)
        n_bytes = _seven_bits(size) - 4 if version == 4 else int.from_bytes(size, "big")
        file.seek(max(n_bytes, 0), 1)
        left -= 4 + max(n_bytes, 0)
    name_bytes, header_bytes = (3, 6) if version == 2 else (4, 10)
    for _ in range(MAX_FRAMES):
        header = file.read(header_bytes) if left > header_bytes else b""
        if len(header) < header_bytes or not header[0]:  # what follows the frames is padding
            return None
        size = header[name_bytes : name_bytes * 2]
        n_bytes = _seven_bits(size) if version == 4 else int.from_bytes(size, "big")
        left -= header_bytes + n_bytes
        if header[:name_bytes] in (b"TBP", b"TBPM"):
            text = file.read(min(n_bytes, MAX_TEXT_BYTES))
            if head[5] & _ID3_UNSYNCHRONISED:
                text = text.replace(b"\xff\x00", b"\xff")
            encoding = _ENCODINGS[text[0]] if text and text[0] < len(_ENCODINGS) else "latin-1"
            return _number(text[1:].decode(encoding, "ignore"))
        file.seek(n_bytes, 1)
    return None


def _flac(file: BinaryIO) -> float | None:
    file.seek(4, 1)
    for _ in range(MAX_FRAMES):
        header = file.read(4)
        if len(header) < 4:
            return None
        if header[0] & ~_LAST_BLOCK == _COMMENT_BLOCK:
            return _comments(file)
        if header[0] & _LAST_BLOCK:
            return None
        file.seek(int.from_bytes(header[1:], "big"), 1)
    return None


def _ogg(file: BinaryIO) -> float | None:
    """Of the second packet, which begins within MAX_HEAD_BYTES."""
    packet = bytearray()
    n_ended = 0
    for lacing, data in _segments(file.read(MAX_HEAD_BYTES)):
        if n_ended == 1:
            packet += data
        n_ended += lacing < 255
        if n_ended > 1:
            break
    for begin in (b"\x03vorbis", b"OpusTags"):
        if packet.startswith(begin):
            return _comments(BytesIO(bytes(packet[len(begin) :])))
    if packet[:1] == b"\x84":  # FLAC in OGG: a block of metadata
        return _comments(BytesIO(bytes(packet[4:])))
    return None


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Of an OGG's pages their segments, each with the length that its page says; one of 255 goes on in the next."""
    at = 0
    while data[at : at + 4] == b"OggS" and at + 27 < len(data):
        table = data[at + 27 : at + 27 + data[at + 26]]
        at += 27 + len(table)
        for lacing in table:
            yield lacing, data[at : at + lacing]
            at += lacing


def _m4a(file: BinaryIO) -> float | None:
    """Of `moov.udta.meta.ilst.tmpo.data`. Atoms are walked in a row: one that holds others is entered by going on."""
    for _ in range(MAX_FRAMES):
        header = file.read(8)
        if len(header) < 8:
            return None
        n_bytes, name = int.from_bytes(header[:4], "big") - 8, header[4:]
        if n_bytes == 1 - 8:  # the length stands behind the name
            n_bytes = int.from_bytes(file.read(8), "big") - 16
        if n_bytes < 0:  # 0: to the file's end
            return None
        if name == b"tmpo":
            data = file.read(min(n_bytes, MAX_TEXT_BYTES))  # length, "data", kind, language, value
            is_number = data[4:8] == b"data" and int.from_bytes(data[8:12], "big") in _WHOLE_NUMBERS
            return float(int.from_bytes(data[16:24], "big")) if is_number else None
        if name == b"meta" and not int.from_bytes(version := file.read(4), "big"):
            continue  # a version, which QuickTime's own has not
        if name == b"meta":
            file.seek(-len(version), 1)
        elif name not in _CONTAINERS:
            file.seek(min(n_bytes, _FAR), 1)
    return None


def _comments(file: BinaryIO) -> float | None:
    """Of a list of comments: the length of the maker's name and that name, how many, each with its length."""
    file.seek(_four_bytes(file), 1)
    for _ in range(min(_four_bytes(file), MAX_FRAMES)):
        n_bytes = _four_bytes(file)
        text = file.read(min(n_bytes, _LONGEST_NAME + MAX_TEXT_BYTES))
        name, _, value = text.decode("utf-8", "ignore").partition("=")
        if name.upper() in COMMENTS and (found := _number(value)) is not None:
            return found
        file.seek(n_bytes - min(n_bytes, _LONGEST_NAME + MAX_TEXT_BYTES), 1)
        if not text:
            return None
    return None


def _four_bytes(file: BinaryIO) -> int:
    return int.from_bytes(file.read(4), "little")


def _seven_bits(data: bytes) -> int:
    """A number of which each byte holds seven bits."""
    found = 0
    for byte in data:
        found = found << 7 | byte & 0x7F
    return found


def _number(text: str) -> float | None:
    found = re.match(r"\s*(\d{1,4}(?:[.,]\d{1,6})?)", text)
    return float(found[1].replace(",", ".")) if found else None
