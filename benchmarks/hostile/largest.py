"""The largest inputs that are read at all, each dense in what is dearest to read: by entry and name."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.hostile import archives, midi, texts
from benchmarks.hostile.archives import Member
from rhythmvae.analysis.descriptors import TRAITS
from rhythmvae.cli.documents import MAX_LATENTS_BYTES, MAX_LATENTS_FILES, MAX_LATENTS_VALUES, VALUES_A_BRACKET
from rhythmvae.data.examples import example
from rhythmvae.data.files import MAX_DIRECTORY_BYTES, MAX_FILES, MAX_TOTAL_BYTES, MAX_ZIP_BYTES
from rhythmvae.groove import MAX_CHANGES, MAX_STEPS
from rhythmvae.midi import read, smf
from rhythmvae.model import checkpoint
from rhythmvae.model.card import MAX_HEADER_BYTES, MAX_HEADER_VALUES, Card, MapFacts
from rhythmvae.model.config import ModelConfig
from rhythmvae.model.latent_map import MAX_LETTERS, MAX_POINTS
from rhythmvae.model.outline import MAX_FILE_BYTES
from rhythmvae.model.prior import Prior, PriorConfig
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.training.config import MAX_BYTES
from rhythmvae.ui.components.memory import MAX_TEXT
from tests import toys

Make = Callable[[], Any]


# -- MIDI ----------------------------------------------------------------------


def _one_track(events: Iterable[bytes]) -> bytes:
    body = (b"\x00\x99\x24\x64" + b"".join(events))[: smf.MAX_FILE_BYTES - 22]
    return midi.header(0, 1, 480) + midi.chunk(b"MTrk", body)


def _many_tracks(bodies: Sequence[bytes]) -> bytes:
    return midi.header(1, len(bodies), 480) + b"".join(midi.chunk(b"MTrk", body) for body in bodies)


def _drum(delta: int, i: int) -> bytes:
    return midi.number(delta) + bytes([0x99, 35 + i % 47, 1 + i % 127])


def _melody(delta: int, i: int) -> bytes:
    return midi.number(delta) + bytes([0x90 | (i % 16 if i % 16 != 9 else 0), i % 128, 90])


def _tempo(delta: int, i: int) -> bytes:
    return midi.number(delta) + b"\xff\x51\x03" + (300_000 + i % 99_991 * 7).to_bytes(3, "big")


def _meter(delta: int, i: int) -> bytes:
    return midi.number(delta) + b"\xff\x58\x04" + bytes([1 + i % 12, 2 + i % 3, 24, 8])


def _parts() -> bytes:
    """As many parts, which are channels of tracks, as there can be."""
    per_track = b"".join(bytes([0, 0x90 | channel, 36 + channel, 90]) for channel in range(16))
    return _many_tracks([b"\x00\xff\x03\x06kick %x" % (i % 16) + per_track for i in range(smf.MAX_PARTS // 16)])


def _everything() -> bytes:
    """Drums, melodies, tempos and meters, each up to its own bound."""
    hits = [_drum(30 * (i % 4), i) for i in range(read.MAX_HITS - 1)]
    melodies = [_melody(i % 2, i) for i in range(smf.MAX_EVENTS - read.MAX_HITS - smf.MAX_TEMPOS - 40_000)]
    tempos = [_tempo(240, i) for i in range(smf.MAX_TEMPOS - MAX_CHANGES)]
    meters = [_meter(960, i) for i in range(MAX_CHANGES - 1)]
    names = [b"\x00\xff\x03\x50" + b"\x83\x68" * 40 + _melody(0, i) for i in range(smf.MAX_PARTS - 20)]
    silent = [b"\x00\xff\x03\x50" + b"\x83\x68" * 40] * (smf.MAX_TRACKS - len(names) - 3)
    return _many_tracks([b"".join(each) for each in (tempos + meters, hits, melodies)] + names + silent)


def _each(make: Callable[[str], Any], pieces: Iterable[str], said: str) -> dict[str, Make]:
    """One for each piece."""
    return {said.format(piece): partial(make, piece) for piece in pieces}


MIDI: dict[str, Make] = {
    "drum notes": lambda: _one_track(_drum(30, i) for i in range(read.MAX_HITS - 1)),
    "drum notes at one moment": lambda: _one_track(_drum(0, i) for i in range(read.MAX_HITS - 1)),
    "drum notes in one 16th": lambda: _one_track(_drum(int(i % 2000 == 0), i) for i in range(read.MAX_HITS - 1)),
    "more drum notes than are read": lambda: _one_track(_drum(1, i) for i in range(smf.MAX_EVENTS)),
    "other notes": lambda: _one_track(_melody(1, i) for i in range(smf.MAX_EVENTS - 1)),
    "controllers": lambda: _one_track(b"\x00\xb0\x00\x7f" for _ in range(smf.MAX_EVENTS - 1)),
    "texts": lambda: _one_track(b"\x00\xff\x03\x04\x83\x68\x83\x80" for _ in range(smf.MAX_EVENTS)),
    "system exclusive": lambda: _one_track(
        b"\x00\xf0\x0a\x41\x10\x42\x12\x40\x1a\x15\x01\x00\xf7" for _ in range(smf.MAX_EVENTS)
    ),
    "tempos": lambda: _one_track(_tempo(30, i) for i in range(smf.MAX_TEMPOS)),
    "tempos at one moment": lambda: _one_track(_tempo(0, i) for i in range(smf.MAX_TEMPOS)),
    "tempos of many tracks": lambda: _many_tracks(
        [b"".join(_tempo(30, i + j) for j in range(5)) + _drum(0, i) for i in range(smf.MAX_PARTS - 1)]
    ),
    "meters": lambda: _one_track(_meter(60, i) for i in range(smf.MAX_TEMPOS)),
    "meters, as many as a groove has": lambda: _one_track(_meter(600, i) + _drum(0, i) for i in range(MAX_CHANGES - 1)),
    "short bars": lambda: _one_track(
        [b"\x00\xff\x58\x04\x01\x06\x18\x08", *(_drum(120, i) for i in range(MAX_STEPS - 2))]
    ),
    "tracks": lambda: _many_tracks([b"\x00\xff\x2f\x00"] * smf.MAX_TRACKS),
    "tracks with notes": lambda: _many_tracks([_drum(i, i) for i in range(smf.MAX_PARTS)]),
    "tracks with names": lambda: _many_tracks(
        [
            b"\x00\xff\x03\x50" + b"\x83\x68\x83\x80%02d%02d" % (i % 100, i // 100 % 100) * 10
            for i in range(smf.MAX_TRACKS)
        ]
    ),
    "parts": _parts,
    "tracks that are damaged": lambda: _many_tracks([b"\x00\x99\x24"] * smf.MAX_TRACKS),
    "everything": _everything,
    "a header at the end": lambda: (
        b"RIFF\0\0\0\0RMID" + b"MThd" * (smf.MAX_FILE_BYTES // 4 - 200) + midi.valid()[0][:700]
    ),
    "line ends": lambda: (midi.valid()[0] + b"\r\n" * smf.MAX_FILE_BYTES)[: smf.MAX_FILE_BYTES],
}


# -- zips ----------------------------------------------------------------------


class _Honest(Random):
    """Has `archives` tell the truth."""

    def random(self) -> float:
        return 1.0


def zip_of(members: list[Member]) -> bytes:
    """A zip that says what is in it, but for what members lie about."""
    return archives._built(members, _Honest())


def _long_name(i: int) -> bytes:
    return b"%05d" % i + b"\x83\x68\x83\x89\x83\x80" * ((MAX_DIRECTORY_BYTES // MAX_FILES - 60) // 6) + b".mid"


def _names_of_many_folders(i: int) -> bytes:
    return b"d/" * ((MAX_DIRECTORY_BYTES // MAX_FILES - 60) // 2) + b"%05d.mid" % i


def _bad_checksums() -> bytes:
    data = b"MThd\x00\x00\x00\x06" + bytes(smf.MAX_FILE_BYTES - 8)
    return zip_of([Member(b"%d.mid" % i, data, 8, lies={"crc": 1}) for i in range(100)])


def _stored(n_bytes: int) -> bytes:
    data = b"MThd\x00\x00\x00\x06" + bytes(smf.MAX_FILE_BYTES - 8)
    return zip_of([Member(b"%d.mid" % i, data, 0) for i in range(n_bytes // len(data))])


ZIP: dict[str, Make] = {
    "members": lambda: zip_of([Member(b"%d.mid" % i, midi.valid()[i % 9], 8) for i in range(MAX_FILES)]),
    "members that are stored": lambda: zip_of([Member(b"%d.mid" % i, midi.valid()[i % 9]) for i in range(MAX_FILES)]),
    "members with long names": lambda: zip_of([Member(_long_name(i), midi.valid()[0], 8) for i in range(MAX_FILES)]),
    "members in many folders": lambda: zip_of(
        [Member(_names_of_many_folders(i), midi.valid()[0], 8) for i in range(MAX_FILES)]
    ),
    "members that are no MIDI": lambda: zip_of([Member(b"%d.txt" % i, b"text " * 400, 8) for i in range(MAX_FILES)]),
    "members that are broken": lambda: zip_of([Member(b"%d.mid" % i, b"MThd\0", 99) for i in range(MAX_FILES)]),
    "members with another checksum": lambda: zip_of(
        [Member(b"%d.mid" % i, midi.valid()[0], 8, lies={"crc": 1}) for i in range(MAX_FILES)]
    ),
    "large members with another checksum": _bad_checksums,
    "as much as is unpacked": lambda: zip_of(
        [
            Member(b"%d.mid" % i, b"MThd\x00\x00\x00\x06" + bytes(smf.MAX_FILE_BYTES - 8), 8)
            for i in range(MAX_TOTAL_BYTES // smf.MAX_FILE_BYTES)
        ]
    ),
    "more than is unpacked": lambda: zip_of(
        [Member(b"%d.mid" % i, b"MThd\x00\x00\x00\x06" + bytes(smf.MAX_FILE_BYTES), 8) for i in range(40)]
    ),
    "as large as is read": lambda: _stored(MAX_ZIP_BYTES - 100_000),
    "larger than is read": lambda: _stored(MAX_ZIP_BYTES + smf.MAX_FILE_BYTES),
    "comments": lambda: (
        zip_of([Member(b"%d.mid" % i, midi.valid()[0]) for i in range(9)])[:-2]
        + struct.pack("<H", 65_535)
        + b"PK\x05\x06" * 16_383
        + b"PK\x05"
    ),
    "what zlib likes least": lambda: zip_of([Member(b"a.mid", _slow_to_inflate(), 8)]),
}


def _slow_to_inflate() -> bytes:
    return b"MThd\x00\x00\x00\x06" + Random(0).randbytes(smf.MAX_FILE_BYTES // 2)


# -- checkpoints ---------------------------------------------------------------


def _saved(config: ModelConfig, prior: PriorConfig | None, card: Card, latent_map: Any = None) -> bytes:
    torch.manual_seed(0)
    model = RhythmVAE(config)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        checkpoint.save(path, model, None if prior is None else Prior(prior), toys.quantiles(), card, latent_map)
        return path.read_bytes()


def _widest(name: str, widths: Iterable[int], build: Callable[[int], bytes]) -> bytes:
    """The largest that is not too large."""
    found = b""
    for width in widths:
        data = build(width)
        if len(data) > MAX_FILE_BYTES:
            break
        found = data
    assert len(found) > MAX_FILE_BYTES // 2, name
    return found


def _of_family(family: str) -> bytes:
    widths = {"dense": range(2048, 4097, 512), "attention": range(256, 4097, 64)}.get(family, range(256, 4097, 128))

    def build(width: int) -> bytes:
        return _saved(ModelConfig(encoder=family, decoder=family, width=width), None, Card())

    return _widest(family, widths, build)


def _deep_family(family: str) -> bytes:
    def build(width: int) -> bytes:
        return _saved(ModelConfig(encoder=family, decoder=family, width=width, depth=32), None, Card())

    return _widest(family, range(32, 4097, 32), build)


def _large_prior() -> bytes:
    n_traits = sum(name in toys.quantiles().knots for name in TRAITS)

    def build(width: int) -> bytes:
        return _saved(toys.TOY, PriorConfig(32, 8, 16_384, n_traits, width=width, depth=4), Card())

    return _widest("prior", range(256, 2049, 64), build)


def _large_map() -> bytes:
    own = toys.latent_map()
    n = MAX_POINTS
    arrays: dict[str, Any] = {
        name: np.resize(value, (n, *value.shape[1:]))
        for name, value in vars(own).items()
        if isinstance(value, np.ndarray) and len(value) == len(own.latents) and name not in ("components", "mean")
    }
    name = "\U0001f941" * MAX_LETTERS
    origins = tuple(replace(own.origins[0], **dict.fromkeys(asdict(own.origins[0]), name)) for _ in range(n))
    wide = replace(own, **arrays, origins=origins)
    return _saved(toys.TOY, None, Card(latent_map=MapFacts(n_points=n)), wide)


def _with_card_of(more: str) -> bytes:
    """A card with as much of a piece of JSON as the header may hold."""
    valid = _saved(toys.TOY, None, Card(about="#"))
    length = int.from_bytes(valid[:8], "little")
    head, tail = valid[8 : 8 + length], valid[8 + length :]
    quoted = json.dumps(more)[1:-1].encode()
    header = head.replace(b'\\"#\\"', b"[" + quoted * _n_pieces(more, head) + b"0]")
    assert len(header) <= MAX_HEADER_BYTES
    return len(header).to_bytes(8, "little") + header + tail


def _n_pieces(piece: str, head: bytes) -> int:
    n_values = sum(map(piece.count, ",[{"))
    return min((MAX_HEADER_BYTES - len(head) - 100) // len(json.dumps(piece)), (MAX_HEADER_VALUES - 3_000) // n_values)


def _with_header_of(piece: str) -> bytes:
    valid = _saved(toys.TOY, None, Card())
    length = int.from_bytes(valid[:8], "little")
    head, tail = valid[8 : 8 + length].rstrip(), valid[8 + length :]
    header = head[:-1] + b',"x":[' + (piece * _n_pieces(piece, head)).encode() + b"0]}"
    return len(header).to_bytes(8, "little") + header + tail


def _many_tensors() -> bytes:
    valid = _saved(toys.TOY, None, Card())
    length = int.from_bytes(valid[:8], "little")
    header = json.loads(valid[8 : 8 + length])
    for i in range(100_000):
        header[f"model.{i}"] = {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]}
    text = json.dumps(header, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text + valid[8 + length :]


CHECKPOINT: dict[str, Make] = {
    **_each(_of_family, ("attention", "cnn", "gru", "lstm"), "weights, {}"),
    **_each(_deep_family, ("attention", "cnn", "gru"), "deep, {}"),
    "a prior": _large_prior,
    "a map": _large_map,
    **_each(_with_card_of, ("[],", "{},", "1,", '"",', '{"a":[]},'), "a card of {}"),
    **_each(_with_header_of, ("[],", "{},", "1,", "1.5,"), "a header of {}"),
    "tensors": _many_tensors,
}


# -- texts ---------------------------------------------------------------------


def _latents_of(windows: str) -> str:
    entry = f'{{"input":"a","n_steps":32,"tempos":[[0,120]],"meters":[[0,4,4]],"windows":[{windows}]}}'
    return f'{{"version":1,"command":"encode","checkpoint":"","files":[{entry}]}}'


def _latents_flood(piece: str) -> str:
    n = min((MAX_LATENTS_BYTES - 1_000) // len(piece), MAX_LATENTS_VALUES - 200)
    return _latents_of(piece * n + "0")


def _latents_true() -> str:
    """What `encode` itself would write of a corpus that just fits."""
    n = MAX_STEPS // 32 - 1
    latent = json.dumps([-0.12345678] * 32, separators=(", ", ": "))
    windows = ", ".join(f'{{"start": {32 * i}, "n_steps": 32, "latent": {latent}}}' for i in range(n))
    frame = f'"input": "a.mid", "n_steps": {32 * n}, "tempos": [[0, 120]], "meters": [[0, 4, 4]]'
    entry = f'{{{frame}, "windows": [{windows}]}}'
    n_entries = min(
        (MAX_LATENTS_BYTES - 1_000) // (len(entry) + 2),
        (MAX_LATENTS_VALUES - 200) // (entry.count(",") + 1 + VALUES_A_BRACKET * (2 * n + 6)),
    )
    return f'{{"version": 1, "command": "encode", "checkpoint": "", "files": [{", ".join([entry] * n_entries)}]}}'


def _latents_changes() -> str:
    n = MAX_CHANGES
    tempos = ",".join(f"[{i},{100 + i % 7}]" for i in range(n))
    meters = ",".join(f"[{i},1,16]" for i in range(n))
    entry = f'{{"input":"a","n_steps":{MAX_STEPS},"tempos":[{tempos}],"meters":[{meters}],"windows":[]}}'
    return f'{{"version":1,"command":"encode","checkpoint":"","files":[{entry}]}}'


def _latents_lists() -> str:
    n = MAX_LATENTS_VALUES // (VALUES_A_BRACKET + 1) - 10
    return _latents_of("[]," * n + " " * (MAX_LATENTS_BYTES - 2_000 - 3 * n) + "0")


def _latents_entries(n: int) -> str:
    entries = ",".join([json.dumps({"input": "a" * 39}, separators=(",", ":"))] * n)
    return f'{{"version":1,"command":"encode","checkpoint":"","files":[{entries}]}}'


LATENTS: dict[str, Make] = {
    **_each(
        _latents_flood,
        ("0,", "0.1,", '"",', '"ab",', "-0.12345678, ", "1e5,", "12345,", '"\\u00e9",', "null,"),
        "windows of {}",
    ),
    "lists": _latents_lists,
    "entries": lambda: _latents_entries(MAX_LATENTS_FILES),
    "more entries than are read": lambda: _latents_entries(MAX_LATENTS_VALUES // (VALUES_A_BRACKET + 1) - 10),
    "what encode writes": _latents_true,
    "tempos and meters": _latents_changes,
}


def _toml(piece: str) -> bytes:
    n = MAX_BYTES // len(piece.format(100_000)) - 2
    return "".join(piece.format(i) for i in range(n)).encode()


TOML: dict[str, Make] = {
    "keys": lambda: _toml("a{}=1\n"),
    "tables": lambda: _toml("[a{}]\n"),
    "arrays of tables": lambda: _toml("[[a]]\n"),
    "lists": lambda: b"arch=[" + b"[]," * (MAX_BYTES // 3 - 10) + b"]",
    "inline tables": lambda: b"arch=[" + b"{}," * (MAX_BYTES // 3 - 10) + b"]",
    "deep keys": lambda: b"arch" + b".a" * 1_999 + b"=1\n",
    "many deep keys": lambda: b"".join(b"a%d" % i + b".a" * 199 + b"=1\n" for i in range(10)),
    "deep lists": lambda: b"arch=" + b"[" * 900 + b"]" * 900,
    "a text": lambda: b'about="' + b"\\u00e9" * (MAX_BYTES // 6 - 10) + b'"',
    "a comment": lambda: b"#" * MAX_BYTES,
    "empty lines": lambda: b"\n" * MAX_BYTES,
    "a number": lambda: b"steps=" + b"9" * 4_299,
    "a hexadecimal number": lambda: b"steps=0x" + b"F" * (MAX_BYTES - 10),
    "dates": lambda: b"arch=[" + b"1979-05-27T07:32:00Z," * (MAX_BYTES // 21 - 10) + b"]",
}


def _belongings_of(**rows: Any) -> str:
    text = json.dumps({"version": 1, **rows}, separators=(",", ":"))
    assert len(text) <= MAX_TEXT, len(text)
    return text


def _grooves(n: int, change: dict[str, Any]) -> list[dict[str, Any]]:
    from rhythmvae.ui.parts import belongings

    return [{**belongings._plain(example("rock")), **change} for _ in range(n)]


def _dense_groove() -> dict[str, Any]:
    n = 50_000
    return {"hits": [[0] * n, [0] * n, [9] * n], "n_steps": MAX_STEPS}


BELONGINGS: dict[str, Make] = {
    "hits": lambda: _belongings_of(tray=_grooves(5, _dense_groove())),
    "meters": lambda: _belongings_of(
        tray=_grooves(3, {"n_steps": MAX_STEPS, "meters": [[i, 1, 16] for i in range(MAX_STEPS - 1)]})
    ),
    "tempos": lambda: _belongings_of(
        tray=_grooves(3, {"n_steps": MAX_STEPS, "tempos": [[i, 99] for i in range(MAX_STEPS - 1)]})
    ),
    "short bars": lambda: _belongings_of(
        tray=_grooves(64, {"n_steps": MAX_STEPS, "meters": [[0, 1, 64]]}),
        held=_grooves(32, {"n_steps": MAX_STEPS, "meters": [[0, 1, 64]]}),
    ),
    "lists": lambda: '{"version":1,"tray":[' + "[]," * (MAX_TEXT // 3 - 20) + "0]}",
    "files": lambda: _belongings_of(uploads=[["a" * 1_000, "A" * 36_000]] * 50),
}


def _fullest_link() -> str:
    """As much of a groove as a link's text holds, hits at one moment."""
    columns = bytes([0, 0, 1]) * 2_000
    counts = [2_000] + [0] * 8
    head = ["a" * 80, "m" * 64, {}, 512, [[i, 120] for i in range(128)], [[i, 1, 16] for i in range(128)], counts, 1, 0]
    plain = json.dumps(head, separators=(",", ":")).encode() + b"\0" + columns
    return texts._sealed(texts._deflated(plain, 0, Random(0)))


LINK: dict[str, Make] = {
    "a groove": _fullest_link,
    "a bomb": lambda: texts._sealed(_raw_deflate(bytes(5_000_000))),
    "settings": lambda: texts._sealed(_raw_deflate(b"[" * 24_000)),
}


def _raw_deflate(plain: bytes) -> bytes:
    from rhythmvae import share as links

    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS, zdict=links.DICTIONARY)
    return deflater.compress(plain) + deflater.flush()


LARGEST: dict[str, dict[str, Make]] = {
    "midi": MIDI,
    "zip": ZIP,
    "checkpoint": CHECKPOINT,
    "link": LINK,
    "latents": LATENTS,
    "toml": TOML,
    "belongings": BELONGINGS,
}
