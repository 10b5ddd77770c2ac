"""The decoder of sound files, a program of its own: what a foreign file does to it, it does to nobody else.

`python decoder.py MEGABYTES SECONDS [PATH]` decodes the file at PATH, or all that comes by stdin, within so much memory
and processor time (where the system can hold it to them). stdout has parts, each with its length before it:
the first is JSON with `rate`, `channels` and `frames` (as the file says, which may be wrong), the others are float32,
little-endian, channels interleaved. An empty part ends them; a part with a negative length is the error's text.
What the decoder's libraries print on stderr is for nobody.
"""

from __future__ import annotations

import io
import json
import struct
import sys
from typing import Any, BinaryIO

LENGTH = struct.Struct("<i")  # before each part
BLOCK_VALUES = 1 << 13  # of a part, all channels together: 32 kB; of a broken file the last one is lost
NO_LIBRARY = 3  # exit status where soundfile is not installed


def main(arguments: list[str]) -> int:
    """Decode as the module says; returns the exit status."""
    megabytes, seconds, *path = arguments
    _limit(int(megabytes) << 20, int(seconds))
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: without the library that it is a door to
        return NO_LIBRARY
    out = sys.stdout.buffer
    try:
        with soundfile.SoundFile(path[0] if path else io.BytesIO(sys.stdin.buffer.read())) as file:
            _put(out, json.dumps({"rate": file.samplerate, "channels": file.channels, "frames": file.frames}).encode())
            _decode(file, out)
        _put(out, b"")
    except BrokenPipeError:
        return 0
    # AssertionError: soundfile's own, of a file that goes back behind its beginning.
    except (soundfile.SoundFileError, RuntimeError, OSError, ValueError, AssertionError, MemoryError) as error:
        said = str(getattr(error, "error_string", "") or error or "it cannot be decoded")
        reason = said.encode("utf-8", "replace")[:500]
        out.write(LENGTH.pack(-len(reason)) + reason)
        out.flush()
    return 0


def _decode(file: Any, out: BinaryIO) -> None:
    n_frames = max(1, BLOCK_VALUES // file.channels)
    while data := bytes(file.buffer_read(n_frames, dtype="float32")):
        _put(out, data)


def _put(out: BinaryIO, data: bytes) -> None:
    out.write(LENGTH.pack(len(data)) + data)
    out.flush()


def _limit(n_bytes: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
