"""A groove and the settings beside it <-> the text of a link.

A text is ``rv1-`` and then base64url without padding, so a URL query takes it as it is.
The base64 holds three parts, in this order:

1. CRC-32 of the rest, 4 bytes: an accident in the text is noticed, not played. It is no
   signature: anyone can make a link, and everything in one is checked like a file.
2. Deflated: a JSON list (see `_HEAD`) in UTF-8, a zero byte, then columns of N bytes: step
   deltas (high bytes, then low) and velocities. Hits are ordered by voice, then position,
   velocity; deltas start anew with every voice. So columns repeat where the music does.
3. Packed bits, not deflated since they do not repeat: every hit's offset, in `width` bits.

Offsets count in units of 1 / `resolution` of a step, the coarsest that is exact for the
groove as rounded to 1 / RESOLUTION. A hit keeps its nearest step, and so its cell of the
grid; its position is off by less than 1 / RESOLUTION. Positions of files with 96, 120,
192, 240, 384, 480, 768, 960, 1024 or 1920 ticks a quarter are exact. Tempos and meters
are exact always. A groove out of a link gives the same text again.

The version counts the layout, the dictionary and the kit: voices are told by their place in it.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, NoReturn

import numpy as np

from rhythmvae.errors import ShareError
from rhythmvae.groove import (
    FASTEST_US,
    SLOWEST_US,
    STEPS_PER_QUARTER,
    US_PER_MINUTE,
    Groove,
    IntArray,
    changes_from_lists,
    changes_to_lists,
    is_meter,
    nearest_step,
)
from rhythmvae.kit import N_VOICES
from rhythmvae.text import clean_text, counted

VERSION = 1
MAX_TEXT = 8_000  # characters; browsers, proxies and chats carry as much
MAX_STEPS = 512  # 32 bars of 4/4
MAX_HITS = 2_000
MAX_CHANGES = 128  # tempos, and as many meters
MAX_SETTINGS_BYTES = 2_000  # as JSON in UTF-8
MAX_SETTINGS_DEPTH = 4  # the mapping itself is the first level
MAX_WHOLE = 2**64 - 1  # of whole numbers in settings; a seed has at most 64 bits
MAX_PLAIN_BYTES = 24 * 1024  # inflated; more than all of the above take together
RESOLUTION = 7_680  # units a step: a multiple of 120 and 240, the ticks a step of usual files

_MARK = re.compile(r"rv([0-9]{1,3})-")
_PREFIX = f"rv{VERSION}-"
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")
_MODEL = re.compile(r"[A-Za-z0-9_.-]{0,64}")
_CRC_BYTES = 4
_MAX_WIDTH = (RESOLUTION - 1).bit_length()
_BPM = (US_PER_MINUTE / SLOWEST_US, US_PER_MINUTE / FASTEST_US)  # what a MIDI file can hold
# What heads and step deltas often hold, for deflate to point at: saves some 30 characters a
# link. Part of the layout, as the kit is: a link opens only with the bytes it was made with.
DICTIONARY = (
    b'"seed":"","temperature":0.,"amount":true,false,null},32,[[0,100]],[[0,3,4]],[[0,6,8]],128,'
    b'"",{},64,[[0,120]],[[0,4,4]],[0,0,0,0,0,0],7680,10]\0' + bytes([2] * 12 + [1] * 8 + [4, 8] * 4 + [4] * 8)
)
_HEAD = ("title", "model", "settings", "n_steps", "tempos", "meters", "hits a voice", "resolution", "width")


@dataclass(frozen=True)
class Shared:
    """What a link holds.

    groove: its `source` is ``shared link``. settings: fresh JSON values, checked for kind and
    size alone; what they mean is the page's to check. model: digest of the checkpoint that the
    settings refer to, "" for none.
    """

    groove: Groove
    settings: dict[str, Any] = field(default_factory=dict)
    model: str = ""


# -- writing -------------------------------------------------------------------


def to_text(groove: Groove, settings: Mapping[str, Any] | None = None, model: str = "") -> str:
    """Groove and settings as a text of at most MAX_TEXT characters, safe in a URL.

    >>> from rhythmvae.data.examples import example
    >>> text = to_text(example("funk"), {"temperature": 0.8})
    >>> from_text(text).settings, from_text(text).groove.title
    ({'temperature': 0.8}, 'Funk')

    The same content gives the same text, whatever the order of the settings. The title is cut
    to what can be shown (`smf.clean_text`); changes of tempo or meter behind the groove's end
    and its source are left out.

    Args:
        groove: up to MAX_STEPS steps, MAX_HITS hits, MAX_CHANGES tempos and as many meters, as
            long as they fit MAX_TEXT. A hit takes 2.5 to 6 characters, more the freer its timing;
            silence in 4/4 takes 30, a few settings and a digest 60.
        settings: str, int to MAX_WHOLE either way, finite float, bool, None, and lists and dicts of them, to
            MAX_SETTINGS_DEPTH levels and MAX_SETTINGS_BYTES bytes of JSON.
        model: digest of the checkpoint, up to 64 letters, digits or ``_.-``.

    Raises:
        ShareError: more than a link holds, or settings of another kind.
    """
    tempos, meters = (
        [[_short(number) for number in row] for row in rows if row[0] < groove.n_steps]
        for rows in changes_to_lists(groove).values()
    )
    sizes = (groove.n_steps, len(groove), max(len(tempos), len(meters)))
    if any(size > limit for size, limit in zip(sizes, (MAX_STEPS, MAX_HITS, MAX_CHANGES), strict=True)):
        _too_long(f"{counted(sizes[0], 'step')}, {counted(sizes[1], 'hit')} and up to {sizes[2]:,} of either change")
    try:
        plain_settings = _checked_settings(dict(settings or {}))
        _frame(int(groove.n_steps), tempos, meters)
        _checked_model(model)
    except ValueError as error:
        raise ShareError(f"Expected a groove and settings that a link can hold, got {error}.") from error

    step = nearest_step(groove.position)
    units = _units(groove)
    order = np.lexsort((groove.velocity, units, step, groove.voice))
    step, units, voice, velocity = step[order], units[order], groove.voice[order], groove.velocity[order]
    coarsest = int(np.gcd.reduce(units, initial=RESOLUTION))
    offset = units // coarsest
    codes = np.where(offset < 0, -2 * offset - 1, 2 * offset)  # small whatever the sign
    width = int(codes.max(initial=0)).bit_length()
    delta = np.diff(step, prepend=0)
    starts = np.flatnonzero(np.diff(voice, prepend=-1))
    delta[starts] = step[starts]

    counts = np.bincount(voice, minlength=N_VOICES).tolist()
    head = [
        clean_text(groove.title),
        model,
        plain_settings,
        int(groove.n_steps),
        tempos,
        meters,
        counts,
        RESOLUTION // coarsest,
        width,
    ]
    columns = np.stack([delta >> 8, delta & 255, velocity]).astype(np.uint8).tobytes()
    plain = _json(head) + b"\0" + columns
    # Negative: no header and checksum of zlib's own.
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS, zdict=DICTIONARY)
    body = deflater.compress(plain) + deflater.flush() + _packed(codes, width)
    text = _PREFIX + base64.urlsafe_b64encode(_crc(body) + body).rstrip(b"=").decode("ascii")
    if len(text) > MAX_TEXT or len(plain) > MAX_PLAIN_BYTES:
        _too_long(f"{counted(len(groove), 'hit')} that take {counted(len(text), 'character')}")
    return text


def rounded(groove: Groove) -> Groove:
    """The groove with its hits where a link has them.

    >>> from rhythmvae.data.examples import example
    >>> rounded(example("funk")) == from_text(to_text(example("funk"))).groove
    True
    """
    return groove.with_hits(
        (nearest_step(groove.position) * RESOLUTION + _units(groove)) / RESOLUTION, groove.voice, groove.velocity
    )


def _units(groove: Groove) -> IntArray:
    """Offsets (N,) in units of 1 / RESOLUTION of a step."""
    # A hit just below the middle between two steps would round up into the next cell.
    return np.clip(np.rint(groove.offset * RESOLUTION).astype(np.int64), -RESOLUTION // 2, RESOLUTION // 2 - 1)


def _too_long(what: str) -> NoReturn:
    bars = MAX_STEPS // (4 * STEPS_PER_QUARTER)
    raise ShareError(
        f"A link holds up to {MAX_STEPS} steps ({bars} bars of 4/4), {MAX_HITS:,} hits, {MAX_CHANGES} changes of tempo "
        f"or meter and {MAX_TEXT:,} characters; this groove has {what}: choose fewer bars, or download the MIDI file."
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def _short(number: float) -> int | float:
    """98 is shorter than 98.0 and reads back as the same float."""
    number = float(number)
    return int(number) if number.is_integer() else number


def _crc(body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(_PREFIX.encode())).to_bytes(_CRC_BYTES, "big")


def _packed(codes: IntArray, width: int) -> bytes:
    """Codes (N,) as N x `width` bits, the low bit first, filled up to whole bytes."""
    return np.packbits((codes[:, None] >> np.arange(width) & 1).astype(np.uint8)).tobytes()


def _unpacked(data: bytes, n: int, width: int) -> IntArray:
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=n * width).reshape(n, width)
    return np.asarray(bits.astype(np.int64) @ (1 << np.arange(width)))


# -- reading -------------------------------------------------------------------


def from_text(text: str) -> Shared:
    """What `to_text` put into a text, from wherever the text comes; white space around it is no matter.

    Raises:
        ShareError: a text that is foreign, too long, damaged, of another version, or that
            holds what no groove has. Nothing else is raised, and it takes milliseconds.
    """
    if len(text) > MAX_TEXT:
        raise ShareError(
            f"Expected a link of up to {MAX_TEXT:,} characters, got {len(text):,}: ask for the MIDI file instead."
        )
    text = text.strip()
    mark = _MARK.match(text)
    if not mark:
        got = repr(clean_text(text, 12)) if text else "nothing"
        raise ShareError(
            f"Expected the text of a shared groove, which begins with {_PREFIX}, got {got}: open the whole link."
        )
    if mark[0] != _PREFIX:
        raise ShareError(
            f"Expected a link of version {VERSION}, got version {mark[1]}: open it where it was made, "
            "and download the MIDI file there."
        )
    encoded = text[len(_PREFIX) :]
    try:
        if not _BASE64.fullmatch(encoded):  # b64decode would skip what is not base64
            raise ValueError("other characters than base64url")
        data = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        if data[:_CRC_BYTES] != _crc(data[_CRC_BYTES:]):
            raise ValueError("another checksum")
    except ValueError as error:
        raise ShareError(
            "Expected a link as it was made, got one that is cut short or changed on the way: "
            "copy the whole link again."
        ) from error
    try:
        return _opened(data[_CRC_BYTES:])
    except ValueError as error:
        raise ShareError(
            f"Expected a groove in this link, got {error}: ask for the link again, or for the MIDI file."
        ) from error


def _inflated(body: bytes) -> tuple[Any, bytes, bytes]:
    """The parts 2 and 3 of a text: head, not checked yet, columns and packed bits. Raises ValueError."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS, zdict=DICTIONARY)
    try:
        plain = inflater.decompress(body, MAX_PLAIN_BYTES + 1)
        is_short = len(plain) <= MAX_PLAIN_BYTES
        head, _, columns = plain.partition(b"\0")
        parsed = json.loads(head.decode()) if is_short and inflater.eof else None
    except (zlib.error, ValueError, RecursionError) as error:  # UTF-8, JSON and endless digits: ValueError
        raise ValueError("content that cannot be read") from error
    if not is_short:
        raise ValueError(f"more than {MAX_PLAIN_BYTES:,} bytes of content")
    return parsed, columns, inflater.unused_data


def _opened(body: bytes) -> Shared:
    """Raises ValueError that says in a few words what is wrong."""
    head, columns, packed = _inflated(body)
    if not isinstance(head, list) or len(head) != len(_HEAD):
        raise ValueError("content of another layout")
    title, model, settings, n_steps, tempos, meters, counts, resolution, width = head
    if not isinstance(title, str):
        raise ValueError("a title that is no text")
    settings = _checked_settings(settings)
    frame = _frame(n_steps, tempos, meters)
    if not isinstance(counts, list) or len(counts) != N_VOICES or not all(_is_whole(c, 0, MAX_HITS) for c in counts):
        raise ValueError("hits of other voices")
    n = sum(counts)
    if n > MAX_HITS:
        raise ValueError(f"{n:,} hits where a link holds {MAX_HITS:,}")
    if not _is_whole(resolution, 1, RESOLUTION) or not _is_whole(width, 0, _MAX_WIDTH):
        raise ValueError("another resolution")
    if len(columns) != 3 * n or len(packed) != (n * width + 7) // 8:
        raise ValueError(f"other content than {counted(n, 'hit')}")

    high, low, velocity = np.frombuffer(columns, np.uint8).reshape(3, n).astype(np.int64)
    codes = _unpacked(packed, n, width)
    offset = np.where(codes % 2, -(codes + 1) // 2, codes // 2)
    if not ((-resolution <= 2 * offset) & (2 * offset < resolution)).all():
        raise ValueError("offsets of more than half a step")
    delta = high * 256 + low
    step = np.concatenate([np.cumsum(part) for part in np.split(delta, np.cumsum(counts)[:-1])])
    groove = replace(
        frame,
        # One division of whole numbers, so that a tick comes back as the float it was.
        position=(step * resolution + offset) / resolution,
        voice=np.repeat(np.arange(N_VOICES), counts),
        velocity=velocity,
        title=clean_text(title),
        source="shared link",
    )
    return Shared(groove, settings, _checked_model(model))


# -- what both sides hold to ---------------------------------------------------


def _frame(n_steps: Any, tempos: Any, meters: Any) -> Groove:
    """A groove without hits; tempos as [[step, bpm], ...], meters as [[step, numerator, denominator], ...].

    Raises:
        ValueError: not of these shapes, or out of range.
    """
    if not _is_whole(n_steps, 1, MAX_STEPS):
        raise ValueError(f"a length other than 1 to {MAX_STEPS} steps")
    for name, events, size in (("tempos", tempos, 2), ("meters", meters, 3)):
        if not isinstance(events, list) or not 1 <= len(events) <= MAX_CHANGES:
            raise ValueError(f"{name} other than a list of 1 to {MAX_CHANGES}")
        if not all(isinstance(e, list) and len(e) == size and all(map(_is_number, e)) for e in events):
            raise ValueError(f"{name} that are no numbers")
        if not all(0 <= e[0] < n_steps for e in events):
            raise ValueError(f"{name} outside the groove")
    if not all(_BPM[0] <= bpm <= _BPM[1] for _, bpm in tempos):
        raise ValueError(f"a tempo other than {_BPM[0]:.1f} to {_BPM[1]:,.0f} BPM")
    if not all(isinstance(n, int) and isinstance(d, int) and is_meter(n, d) for _, n, d in meters):
        raise ValueError("a meter that no bar can have")
    return Groove.silent(n_steps, *changes_from_lists(tempos, meters))


def _checked_model(model: Any) -> str:
    if not isinstance(model, str) or not _MODEL.fullmatch(model):
        raise ValueError("a model's digest other than up to 64 letters and digits")
    return model


def _checked_settings(settings: Any) -> dict[str, Any]:
    """Raises ValueError unless settings are a dict as `to_text` takes it."""
    if not isinstance(settings, dict):
        raise ValueError("settings without names")
    _check_value(settings, MAX_SETTINGS_DEPTH)
    size = len(_json(settings))
    if size > MAX_SETTINGS_BYTES:
        raise ValueError(f"settings of {size:,} bytes where {MAX_SETTINGS_BYTES:,} fit")
    return settings


def _check_value(value: Any, levels: int) -> None:
    if isinstance(value, dict | list):
        if levels == 0:
            raise ValueError(f"settings nested deeper than {MAX_SETTINGS_DEPTH} levels")
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str):
                    raise ValueError("settings whose names are no text")
                _check_value(key, levels - 1)
        for part in value.values() if isinstance(value, dict) else value:
            _check_value(part, levels - 1)
    elif isinstance(value, str):
        if any("\ud800" <= c <= "\udfff" for c in value):  # half a character: UTF-8 has no such thing
            raise ValueError("settings that are no text")
    elif not (value is None or isinstance(value, bool | int | float)):
        raise ValueError(f"a setting of type {type(value).__name__}")
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError(f"a setting that is {value}")
    elif isinstance(value, int) and abs(value) > MAX_WHOLE:
        raise ValueError("a setting of more than 64 bits")


def _is_number(value: Any) -> bool:
    """Not NaN, not infinite, and no whole number that a float could not hold."""
    return not isinstance(value, bool) and isinstance(value, int | float) and abs(value) <= _BPM[1]


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
