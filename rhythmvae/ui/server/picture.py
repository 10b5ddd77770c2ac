"""The picture of a link: a groove's grid as a PNG, drawn without fonts, so that it is the same everywhere.

The format is that of the PNG specification (W3C, third edition): one palette image, one chunk of data.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from rhythmvae.groove import Groove
from rhythmvae.kit import N_VOICES, VOICES

WIDTH, HEIGHT = 1200, 630  # px, the size that chats and networks show whole
MOST_STEPS = 32  # two bars of 4/4: more would be too fine to see
_MARGIN, _GAP = 60, 5  # px
_GROUND, _CELL, _BEAT = 0, 1, 2  # in the palette; the voices follow, each soft and loud
_GROUND_COLORS = ("#16171b", "#212329", "#33363d")
_LOUD = 80  # velocity from which a hit has its voice's full colour
_SOFT = 0.45  # share of its colour that a softer one has

Pixels = NDArray[np.uint8]


def png(groove: Groove) -> bytes:
    """The first two bars of a groove, kick at the bottom; the same groove gives the same bytes."""
    return _encoded(_drawn(groove))


def _drawn(groove: Groove) -> Pixels:
    """Numbers of colours in the palette, (HEIGHT, WIDTH)."""
    n_steps = min(groove.n_steps, MOST_STEPS)
    pixels = np.full((HEIGHT, WIDTH), _GROUND, np.uint8)
    columns = np.linspace(_MARGIN, WIDTH - _MARGIN, n_steps + 1).astype(int)
    rows = np.linspace(_MARGIN, HEIGHT - _MARGIN, N_VOICES + 1).astype(int)

    def fill(step: int, voice: int, color: int) -> None:
        row = N_VOICES - 1 - voice
        pixels[rows[row] + _GAP : rows[row + 1] - _GAP, columns[step] + _GAP : columns[step + 1] - _GAP] = color

    beats = {round(step) for step in groove.beat_lines.tolist()}
    for step in range(n_steps):
        for voice in range(N_VOICES):
            fill(step, voice, _BEAT if step in beats else _CELL)
    for step, voice, velocity in zip(groove.step, groove.voice, groove.velocity, strict=True):
        if step < n_steps:
            fill(int(step), int(voice), len(_GROUND_COLORS) + 2 * int(voice) + int(velocity >= _LOUD))
    return pixels


def _palette() -> bytes:
    ground = np.array(_rgb(_GROUND_COLORS[_CELL]))
    colors = [np.array(_rgb(color)) for color in _GROUND_COLORS]
    for voice in VOICES:
        full = np.array(_rgb(voice.color))
        colors += [np.rint(_SOFT * full + (1 - _SOFT) * ground), full]
    return np.concatenate(colors).astype(np.uint8).tobytes()


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def _encoded(pixels: Pixels) -> bytes:
    height, width = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels], axis=1)  # 0: a line without a filter
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits a pixel, 3: of a palette
    chunks = ((b"IHDR", header), (b"PLTE", _palette()), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
