"""Sound files to mono blocks at RATE, bounded before and while they are decoded.

What is sound is known by content. A file is decoded by another process (`decoder`), within MAX_DECODER_MEGABYTES and
MAX_DECODER_SECONDS: a file that the decoder cannot bear ends the decoder and nobody else, and nothing of a file is held
but the block at hand. A file that was cut off is read as far as it goes, and that is said.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import BinaryIO

import numpy as np

from rhythmvae.audio import decoder
from rhythmvae.audio.formats import HEAD_BYTES, HOW_TO_INSTALL, READABLE, Loop, loop_of, sound_format
from rhythmvae.audio.resampling import resampled
from rhythmvae.errors import AudioError
from rhythmvae.groove import FloatArray
from rhythmvae.text import clean_text, counted

MAX_MINUTES = 10
MAX_SECONDS = 60.0 * MAX_MINUTES
MIN_SECONDS = 0.1  # less holds no groove
MAX_SOUND_BYTES = 256 << 20  # ten minutes in stereo, 48 kHz and 24 bit are 173 MB
MAX_VALUES = 600 * 96_000 * 4  # samples of all channels: ten minutes of four at 96 kHz, some seconds of work
RATES = (2_000, 768_000)
MAX_CHANNELS = 64
MAX_AMPLITUDE = 1e6  # of float samples, which may go beyond 1; larger ones are taken for damage
MAX_DECODER_MEGABYTES, MAX_DECODER_SECONDS = 1024, 120
MAX_PART_BYTES = 8 * decoder.BLOCK_VALUES
LEAST_KEPT = 0.5  # of the samples have to be numbers


class Sound:
    """A file of sound that is read when its blocks are asked for.

    Args:
        source: its path, or its bytes.
        name: for messages.

    Attributes:
        format: WAV, FLAC, OGG, MP3 or AIFF. loop: what it says of itself as a loop. remarks: sentences for people on
        what was read; complete when the last block is.

    Raises:
        AudioError: no sound, one of another kind, too large, or soundfile is not installed.
    """

    def __init__(self, source: Path | bytes, name: str) -> None:
        self.source, self.name = source, clean_text(name) or "sound"
        self.remarks: list[str] = []
        try:
            with self._open() as file:
                found = sound_format(file.read(HEAD_BYTES))
                n_bytes = file.seek(0, io.SEEK_END)
                file.seek(0)
                self.loop: Loop | None = loop_of(file, found) if found in READABLE else None
        except OSError as error:
            raise self._error(f"a readable file, got {error.strerror or error}") from None
        if found not in READABLE:
            got = f"{found}; save it as one of these" if found else "a file that is none of these"
            raise self._error(f"a sound as {', '.join(READABLE[:-1])} or {READABLE[-1]}, got {got}")
        if n_bytes > MAX_SOUND_BYTES:
            raise self._error(f"a file of at most {MAX_SOUND_BYTES >> 20} MB, got {n_bytes >> 20:,} MB; cut it")
        self.format: str = found
        if find_spec("soundfile") is None:
            raise self._error(f"the package soundfile to read sounds, which is not installed; {HOW_TO_INSTALL}")

    def blocks(self) -> Iterator[FloatArray]:
        """Blocks (N,) float32, mono at RATE, of some seconds at most.

        Raises:
            AudioError: it cannot be decoded, or is too short, too long, or no sound at all.
        """
        self.remarks.clear()
        with self._decoder() as process:
            parts = self._parts(process)
            said = json.loads(next(parts))
            rate, n_channels, n_frames = said["rate"], said["channels"], said["frames"]
            if not RATES[0] <= rate <= RATES[1] or not 1 <= n_channels <= MAX_CHANNELS:
                raise self._error(
                    f"1 to {MAX_CHANNELS} channels at {RATES[0]:,} to {RATES[1]:,} Hz, "
                    f"got {counted(n_channels, 'channel')} at {rate:,} Hz"
                )
            self._check_length(n_frames if self.format != "MP3" else 0, rate, n_channels)  # there it is a guess
            yield from resampled(self._mono(parts, rate, n_channels, n_frames), rate)

    # -- decoding -----------------------------------------------------------------

    def _open(self) -> BinaryIO:
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")

    @contextmanager
    def _decoder(self) -> Iterator[subprocess.Popen[bytes]]:
        limits = [str(MAX_DECODER_MEGABYTES), str(MAX_DECODER_SECONDS)]
        path = [] if isinstance(self.source, bytes) else [str(self.source.resolve())]
        # -P: of the modules beside the decoder none takes the place of one that it imports.
        process = subprocess.Popen(
            [sys.executable, "-P", decoder.__file__, *limits, *path],
            stdin=subprocess.DEVNULL if path else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # numpy's threads, one a core, would each take of the memory.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        try:
            if isinstance(self.source, bytes):
                Thread(target=_feed, args=(process.stdin, self.source), daemon=True).start()
            yield process
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _parts(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        """What the decoder writes, part by part; that of the file which is broken is the last."""
        assert process.stdout is not None
        is_first = True
        while True:
            header = process.stdout.read(decoder.LENGTH.size)
            length = decoder.LENGTH.unpack(header)[0] if len(header) == decoder.LENGTH.size else None
            if length == 0:
                return
            if length is not None and abs(length) > MAX_PART_BYTES:
                length = None
            data = process.stdout.read(abs(length)) if length is not None else b""
            if length is None or len(data) < length:
                if process.wait() == decoder.NO_LIBRARY:
                    raise self._error(f"the package soundfile to read sounds, which cannot be loaded; {HOW_TO_INSTALL}")
                reason = "the decoder could not bear it"
            elif length > 0:
                is_first = False
                yield data
                continue
            else:
                reason = clean_text(data.decode("utf-8", "replace")).rstrip(".")
            if is_first:
                raise self._error(f"a sound, got a damaged {self.format} file ({reason})")
            self.remarks.append(f"The file is damaged ({reason}); it was read up to there.")
            return

    def _mono(self, parts: Iterator[bytes], rate: int, n_channels: int, n_said: int) -> Iterator[FloatArray]:
        """Blocks at the file's own rate, all channels mixed, every sample a number; and at the end what was odd."""
        n_read = n_bad = 0
        for part in parts:
            values = np.frombuffer(part, "<f4").reshape(-1, n_channels)
            is_bad = ~(np.abs(values) <= MAX_AMPLITUDE)
            if is_bad.any():
                n_bad += int(is_bad.sum())
                values = np.where(is_bad, np.float32(0), values)
            n_read += len(values)
            self._check_length(n_read, rate, n_channels)
            yield values.mean(1, dtype=np.float32)
        if n_read < MIN_SECONDS * rate:
            raise self._error(f"at least {MIN_SECONDS:g} seconds of sound, got {counted(n_read, 'sample')}")
        if n_bad > (1 - LEAST_KEPT) * n_read * n_channels:
            raise self._error("a sound, got samples of which most are no numbers; export it again")
        if n_bad:
            self.remarks.append(f"{counted(n_bad, 'sample')} no numbers; silence stands for them.")
        if self.format != "MP3" and n_read < n_said and not self.remarks:
            self.remarks.append(f"The file ends early: {n_read / rate:.1f} of {n_said / rate:.1f} s were read.")

    def _check_length(self, n_frames: int, rate: int, n_channels: int) -> None:
        if n_frames > MAX_SECONDS * rate:
            raise self._error(f"at most {MAX_MINUTES} minutes of sound, got more; cut it")
        if n_frames * n_channels > MAX_VALUES:
            raise self._error(
                f"at most {MAX_VALUES // 1_000_000} million samples, got more "
                f"({counted(n_channels, 'channel')} at {rate:,} Hz); mix it to stereo at 48,000 Hz"
            )

    def _error(self, expected: str) -> AudioError:
        return AudioError(f"{self.name}: expected {expected}.")


def _feed(stdin: BinaryIO, data: bytes) -> None:
    with suppress(OSError, ValueError), stdin:  # the decoder may have ended
        stdin.write(data)


def blocks_of(source: Path | bytes, name: str) -> Iterator[FloatArray]:
    """The blocks of a sound, as `Sound.blocks`."""
    return Sound(source, name).blocks()
