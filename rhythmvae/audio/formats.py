"""What a file of sound is, by its first bytes, and what it says of itself as a loop in chunks or tags."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import BinaryIO

from rhythmvae.audio.tags import id3_tempo, tempo_of

HEAD_BYTES = 512  # that tell what a file is
HOW_TO_INSTALL = "python -m pip install 'rhythmvae[audio]'"  # what reads them
READABLE = ("WAV", "FLAC", "OGG", "MP3", "AIFF")
M4A = "M4A or MP4"
SAYING = (*READABLE, M4A)  # what may say of itself that it is a loop
CHUNKED = ("WAV", "AIFF")
MAX_CHUNKS = 64  # that are looked through for what is said of a loop
MAX_CHUNK_BYTES = 4096  # of one
MAX_LOOP_BEATS = 1024
LOOP_BPM = (20.0, 500.0)  # tempos outside are none
_RATES = (44_100, 48_000, 32_000)
_BIT_RATES = {  # kbit/s of MP3 frames: of MPEG 1, and of MPEG 2 and 2.5
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def sound_format(head: bytes) -> str | None:
    """One of READABLE, or the name of another kind of sound, or None for what is none.

    >>> sound_format(b"RIFF\\x24\\x00\\x00\\x00WAVEfmt "), sound_format(b"MThd\\x00\\x00\\x00\\x06")
    ('WAV', None)
    """
    magic, kind = head[:4], head[8:12]
    if magic in (b"RIFF", b"RIFX", b"RF64") and kind == b"WAVE":
        return "WAV"
    if magic == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return "AIFF"
    if head[4:8] == b"ftyp":
        return M4A
    others = {b"fLaC": "FLAC", b"OggS": "OGG", b"caff": "CAF", b"\x30\x26\xb2\x75": "WMA", b"\x1a\x45\xdf\xa3": "WebM"}
    if magic in others:
        return others[magic]
    return "MP3" if magic[:3] == b"ID3" or _begins_with_mp3_frames(head) else None


def _begins_with_mp3_frames(head: bytes) -> bool:
    """Whether bytes begin with the header of a layer III frame, and the next one follows where it should."""
    length = _mp3_frame_bytes(head[:4])
    following = head[length : length + 4]
    return length > 0 and (len(following) < 4 or _mp3_frame_bytes(following) > 0)


def _mp3_frame_bytes(header: bytes) -> int:
    """Length of the layer III frame that such a header begins; 0 where it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2 or header[1] >> 3 & 3 == 1:
        return 0
    version, bits, rate, padding = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if bits in (0, 15) or rate == 3:
        return 0
    is_one = version == 3
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    return (144 if is_one else 72) * 1000 * _BIT_RATES[is_one][bits - 1] // hertz + padding


# -- loops ---------------------------------------------------------------------


@dataclass(frozen=True)
class Loop:
    """What a file says of itself as a loop; 0 beats, or None, where it does not say."""

    n_beats: int = 0
    bpm: float | None = None
    meter: tuple[int, int] | None = None


def loop_of(file: BinaryIO, format: str) -> Loop | None:
    """What a file of a format, one of SAYING, says of itself; None where it says nothing, or is a one-shot.

    The `acid` chunk of a WAV and the `basc` chunk of an AIFF speak of a loop; a tempo alone stands in the tags of the
    others, and in a chunk of tags (`id3 `).

    Args:
        file: at its first byte; its length may be any, and its bytes anybody's.
    """
    if format not in CHUNKED:
        return _loop(0, 0, 0, tempo_of(file, format))
    found = tagged = None
    for kind, data in _chunks(file):
        with suppress(struct.error):  # too short for what it should hold
            if kind == b"acid":
                found = _acid(data)
            elif kind == b"basc":
                found = _apple(data)
            elif kind.lower() == b"id3 ":
                tagged = _loop(0, 0, 0, id3_tempo(io.BytesIO(data)))
    if found is not None and tagged is not None:
        return replace(found, bpm=found.bpm or tagged.bpm)
    return found or tagged


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Names of a RIFF or FORM file's chunks, each with the first of its bytes."""
    head = file.read(12)
    length = struct.Struct("<I" if head[:4] in (b"RIFF", b"RF64") else ">I")
    for _ in range(MAX_CHUNKS):
        name, size = file.read(4), file.read(4)
        if len(size) < 4:
            return
        n_bytes = length.unpack(size)[0]
        data = file.read(min(n_bytes, MAX_CHUNK_BYTES))
        yield name, data
        file.seek(n_bytes + n_bytes % 2 - len(data), 1)


def _acid(data: bytes) -> Loop | None:
    """Sony's chunk: flags (1 for a one-shot), root note, two unknown, beats, denominator, numerator, tempo."""
    flags, n_beats, denominator, numerator, bpm = struct.unpack_from("<I8xIHHf", data)
    return None if flags & 1 else _loop(n_beats, numerator, denominator, bpm)


def _apple(data: bytes) -> Loop | None:
    """Apple's chunk: version, beats, root note, scale, numerator, denominator, 1 for a loop and 2 for a one-shot."""
    n_beats, numerator, denominator, kind = struct.unpack_from(">4xI4xHHH", data)
    return None if kind == 2 else _loop(n_beats, numerator, denominator, None)


def _loop(n_beats: int, numerator: int, denominator: int, bpm: float | None) -> Loop | None:
    """What of it can be true; None where nothing is left."""
    is_meter = 1 <= numerator <= 32 and denominator in (2, 4, 8, 16)
    found = Loop(
        n_beats if n_beats <= MAX_LOOP_BEATS else 0,
        bpm if bpm is not None and LOOP_BPM[0] <= bpm <= LOOP_BPM[1] else None,
        (numerator, denominator) if is_meter else None,
    )
    return found if found != Loop() else None
