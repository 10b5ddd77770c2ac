"""What came later: a review taken home, sounds, and the file of a library."""

from __future__ import annotations

import io
import json
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.hostile import trees
from benchmarks.hostile.bytestrings import SMALL, share, spoiled
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.library import index
from rhythmvae.library.store import NAME
from rhythmvae.midi.write import write_midi
from rhythmvae.review import files
from rhythmvae.review.book import Reviews
from rhythmvae.store.database import Database
from tests import toys
from tests.review import making

# -- reviews -------------------------------------------------------------------


@cache
def _review() -> dict[str, Any]:
    """One that somebody has taken."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/a.sqlite")
        reviews = Reviews(database)
        review, _ = making.made(reviews)
        making.taken(reviews, review, "a" * 32)
        tables, name = reviews.tables, review.record.id
        text = files.to_json(review, tables.people(name), tables.answers(name))
        database.close()
    found: dict[str, Any] = json.loads(text)
    found["review"] |= {"id": "b" * 32, "listen": "c" * 32, "results": "d" * 64}  # the same in every process
    for row in (found["review"], *found["people"], *found["answers"]):
        row |= {key: 1.7e9 for key, value in row.items() if key.endswith("_at") and value is not None}
    return found


def review(rng: Random, room: int) -> bytes:
    """What a review's results page takes back."""
    tree, kind = _review(), share(rng, room)
    if kind < 0.7:
        name = rng.choice(("review", "people", "answers"))
        tree = {**tree, name: trees.spoil(tree[name], rng)}
    elif kind < 0.8:
        part = rng.choice(("design", "items"))
        tree = {**tree, "review": {**tree["review"], part: trees.spoil(tree["review"][part], rng)}}
    elif kind < 0.98:
        tree = trees.spoil(tree, rng)
    else:
        part = rng.choice(("people", "answers"))
        rows = tree[part] * (room // 400 + 1)
        tree = {**tree, part: [{**row, "number": n, "person": f"{n:032x}"} for n, row in enumerate(rows)]}
    return trees.written(tree, rng).encode("utf-8", "surrogatepass")


# -- sounds --------------------------------------------------------------------


@cache
def valid_sounds() -> list[bytes]:
    """Two seconds of clicks in every format and with every kind of sample."""
    import soundfile

    rate = 8_000
    clicks = (
        0.3 * np.random.default_rng(0).standard_normal(2 * rate) * np.exp(-40 * (np.arange(2 * rate) / rate % 0.25))
    )
    found = []
    for kind, subtype in (
        *(("WAV", subtype) for subtype in ("PCM_16", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM")),
        *(("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("AIFF", "PCM_16"), ("MP3", "MPEG_LAYER_III")),
    ):
        for shape in (clicks, np.tile(clicks[:, None], 2)):
            out = io.BytesIO()
            soundfile.write(out, shape, rate, format=kind, subtype=subtype)
            found.append(out.getvalue())
    return found


def sound(rng: Random, room: int) -> bytes:
    """A sound whose head, or anything of it, is spoiled."""
    whole = valid_sounds()
    data = rng.choice(whole)
    if room > SMALL:
        data += (data[44:] or data) * (room // len(data))
    head = rng.choice((len(data), 60, 200))
    return spoiled(data[:head], rng, rng.choice(whole)) + data[head:]


# -- libraries -----------------------------------------------------------------


@cache
def valid_library() -> bytes:
    """The file of a library with three loops."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "in").mkdir()
        for name in list(EXAMPLES)[:3]:
            (place / "in" / f"{name}.mid").write_bytes(write_midi(example(name)))
        toy = toys.checkpoint_file(place / "toy.safetensors")
        index.index([place / "in"], place / "lib", toy, toys.checkpoint_of().digest)
        connection = sqlite3.connect(place / "lib" / NAME, isolation_level=None)
        connection.execute(
            "UPDATE roots SET path = ?, beside = ?", (b"/loops", b"../loops")
        )  # the same in every process
        connection.execute("UPDATE files SET mtime_ns = 0")
        connection.execute("UPDATE meta SET value = '0123456789abcdef' WHERE key = 'state'")
        connection.execute("PRAGMA journal_mode = DELETE")  # all of it in one file
        connection.execute("VACUUM")
        connection.close()
        return (place / "lib" / NAME).read_bytes()


_TABLES = {
    "meta": ("key", "value"),
    "roots": ("path", "beside", "reading"),
    "files": ("folder", "path", "container", "kind", "size", "content", "error"),
    "contents": ("digest", "loop", "n_bars", "n_hits", "tempo", "meter", "style", "plays", "feel", "density", "said"),
    "windows": ("content", "first", "last", "bits", "latent"),
}


def library(rng: Random, room: int) -> bytes:
    """A library's file: bytes of it spoiled, or values that SQLite keeps and no library has."""
    if rng.random() < 0.5:
        return spoiled(valid_library(), rng)
    with sqlite3.connect(":memory:") as connection:
        connection.deserialize(valid_library())
        for _ in range(rng.choice((1, 1, 2, 4))):
            table = rng.choice(list(_TABLES))
            column = rng.choice(_TABLES[table])
            one = f"rowid = (SELECT rowid FROM {table} LIMIT 1)" if rng.random() < 0.5 else "1"
            try:
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {one}", (_cell(rng, room),))
            except sqlite3.IntegrityError:  # no two the same, and none empty
                continue
        connection.commit()
        return connection.serialize()


def _cell(rng: Random, room: int) -> Any:
    return rng.choice(
        (
            *(
                None,
                0,
                -1,
                1,
                2**31,
                -(2**63),
                2**63 - 1,
                0.5,
                float("inf"),
                -1e308,
                "",
                "x",
                "a\x00b",
                "\u202e",
                "9" * 40,
            ),
            *(
                b"",
                b"\xff" * 16,
                rng.randbytes(40),
                b"{}",
                "[]",
                '{"map": {"1": "x"}}',
                '{"a": 1}',
                "x" * room,
                bytes(room),
            ),
        )
    )
