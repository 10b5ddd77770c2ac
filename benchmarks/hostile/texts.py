"""Texts from outside: links, latents documents, run.toml and what a browser held."""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from random import Random
from typing import Any

import tomli_w

from benchmarks.hostile import midi, trees
from benchmarks.hostile.bytestrings import SMALL, share, spoiled
from rhythmvae import share as links
from rhythmvae.cli import latents
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.model.latent import encode
from rhythmvae.ui.parts import belongings
from tests import toys
from tests.grooves import random_groove

# -- links ---------------------------------------------------------------------


def link(rng: Random, room: int) -> str:
    """A link; most have the right checksum, for whoever makes one has it too."""
    groove = example(rng.choice(list(EXAMPLES)))
    settings = {"seed": 3, "temperature": 0.8, "keep": ["kick"]} if rng.random() < 0.5 else {}
    text = links.to_text(groove, settings, "abc" if settings else "")
    data = base64.urlsafe_b64decode(text[4:] + "=" * (-len(text[4:]) % 4))[4:]
    match rng.randrange(6) if room <= SMALL else 2:
        case 0:
            return spoiled(text.encode(), rng).decode(rng.choice(("latin-1", "utf-8")), "surrogateescape")
        case 1:
            return _sealed(spoiled(data, rng))
    head, columns, packed = links._inflated(data)
    if rng.random() < 0.9:
        head = trees.spoil(head, rng)
    if rng.random() < 0.3:
        columns = spoiled(columns, rng)
    if rng.random() < 0.3:
        packed = spoiled(packed, rng)
    return _sealed(_deflated(_head(head, rng) + b"\0" + columns, room, rng) + packed)


def _head(head: Any, rng: Random) -> bytes:
    return trees.written(head, rng).replace(" ", "").encode("utf-8", rng.choice(("surrogatepass", "replace")))


def _deflated(plain: bytes, room: int, rng: Random) -> bytes:
    if share(rng, room) > 0.98:
        plain += bytes(room)  # a thousand times as large unpacked
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS, zdict=links.DICTIONARY)
    return deflater.compress(plain) + deflater.flush()


def _sealed(body: bytes) -> str:
    return links._PREFIX + base64.urlsafe_b64encode(links._crc(body) + body).rstrip(b"=").decode()


# -- latents -------------------------------------------------------------------


@cache
def _document() -> dict[str, Any]:
    model = toys.model()
    files = [
        {"input": f"{name}.mid", **latents.encoded_to_dict(encode(model, example(name)))} for name in list(EXAMPLES)[:2]
    ]
    return {"version": 1, "command": "encode", "checkpoint": "0" * 16, "files": files}


def latents_document(rng: Random, room: int) -> str:
    """What `decode` is given."""
    document, kind = _document(), share(rng, room)
    if kind < 0.6:
        entry = trees.spoil(document["files"][0], rng)
        return trees.written({**document, "files": [entry]}, rng)
    if kind < 0.85:
        return trees.written({**document, "files": [_long_entry(rng)]}, rng)
    if kind < 0.98:
        return trees.written(trees.spoil(document, rng), rng)
    return _much(rng, room)


def _long_entry(rng: Random) -> dict[str, Any]:
    """Much of what costs little to write: steps, meters, tempos, windows."""
    n_steps = rng.choice((1, 31, 33, 1_000, 50_000, 50_001, 2**31, 10**18))
    n = rng.choice((1, 2, 500, 5_000))
    return {
        "input": "a.mid",
        "n_steps": n_steps,
        "tempos": [[i, rng.choice((0, 1, 120, 1e8, 1e-300))] for i in range(rng.choice((1, n)))],
        "meters": [
            [i * rng.choice((1, 0.5, 1e-9)), rng.choice((0, 1, 4, 255)), rng.choice((1, 4, 64))] for i in range(n)
        ],
        "windows": [{"start": i * 32, "n_steps": 32, "latent": [0.0] * 32} for i in range(rng.choice((0, 1, n)))],
    }


def _much(rng: Random, room: int) -> str:
    piece = rng.choice(("0,", "[],", "{},", '"",', "[[[[]]]],", "0.1,", '{"a":1},', "1e5,", '"\\ud800",'))
    inner = piece * (room // len(piece)) + "0"
    entry = f'{{"input": "a", "n_steps": 32, "tempos": [[0, 120]], "meters": [[0, 4, 4]], "windows": [{inner}]}}'
    return f'{{"version": 1, "command": "encode", "checkpoint": "", "files": [{entry}]}}'


# -- run.toml ------------------------------------------------------------------

_RUN: dict[str, Any] = {
    **{"arch": "cnn", "epochs": 4, "seed": 3, "learning_rate": 0.001, "about": "mine", "meter": "7/8", "width": 64},
    **{"latent_size": 32, "max_minutes": 2.5, "no_augmentation": True, "map": {"44": "kick"}},
}
_LINES = (
    *(
        "a",
        "=",
        "a=",
        "=1",
        "[",
        "]",
        "[[",
        "[a]",
        "[[a]]",
        "[a.b]",
        "[map]",
        '""=1',
        "a.b.c=1",
        "epochs=1",
        "seed=0x1F",
    ),
    *("seed=9_9", "kl=nan", "kl=-inf", "kl=1e400", "steps=" + "9" * 4_000, "steps=" + "9" * 5_000, "width=-0"),
    *("about='''", 'about="""', "about='\\'", 'about="\\ud800"', 'about="\\UFFFFFFFF"', "about=1979-05-27T07:32:00Z"),
    *("a=1979-13-45", "a=25:61:61", "a=[1,", "a={b=1", "a={b={c=1}}", "map={44='kick'}", "map.44='kick'", "map=1"),
    *(
        "map.x=1",
        "#\x00",
        "a=\x00",
        "\ufeff",
        "folds=1e3",
        "l2=1e308",
        "threads=0",
        "arch='attention '",
        "\r",
        "\ud800",
    ),
)


def run_toml(rng: Random, room: int) -> bytes:
    """A configuration of a run."""
    kind = share(rng, room)
    if kind < 0.3:
        return spoiled(tomli_w.dumps(_RUN).encode(), rng)
    if kind < 0.6:
        tree = trees.spoil(_RUN, rng)
        try:
            return tomli_w.dumps(tree).encode("utf-8", "surrogatepass")
        except (AttributeError, TypeError, ValueError, RecursionError):  # TOML has no null and no other roots
            return trees.written(tree, rng).encode("utf-8", "surrogatepass")
    lines = rng.choices(_LINES, k=rng.choice((1, 2, 8)))
    if kind > 0.95:
        lines.insert(rng.randrange(len(lines) + 1), _deep(rng, min(room, 1 << 20)))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _deep(rng: Random, room: int) -> str:
    """Keys or values in each other without end, or many of them."""
    n = rng.choice((50, 1_000, room // 8))
    deep = rng.choice(("arch." + "a." * n + "a=1", "[" + "a." * n + "a]", "arch=" + "[" * n, "arch=" + "{a=" * n))
    wide = rng.choice(
        ("arch=[" + "1," * n + "]", "\n".join(f"[a{i}]" for i in range(n)), "[[a]]\n" * n, "about='" + "." * n)
    )
    nested = rng.choice(("arch=" + "[" * 400 + "]" * 400, "arch=" + "{a=" * 300 + "1" + "}" * 300))
    return rng.choice((deep, wide, nested))


# -- what a browser held -------------------------------------------------------


@cache
def _belongings() -> dict[str, Any]:
    return {
        "version": belongings.VERSION,
        "models": ["mine"],
        "choice": "built-in funk",
        "lost": [["file", 2]],
        "edits": [["0" * 16, belongings._plain(example("funk"))]],
        "tray": [belongings._plain(example("rock"))],
        "held": [belongings._plain(random_groove(0))],
        "uploads": [belongings._file("a.mid", midi.valid()[0])],
        "dropped": [belongings._file("b.mid", midi.valid()[1])],
    }


def belongings_text(rng: Random, room: int) -> str:
    """What a browser gives back of a session."""
    tree = _belongings()
    if rng.random() < 0.7:
        name = rng.choice(("edits", "tray", "held", "uploads", "lost"))
        return trees.written({**tree, name: trees.spoil(tree[name], rng)}, rng)
    if rng.random() < 0.4:
        return json.dumps({**tree, "tray": [_odd_groove(rng)]})
    return trees.written(trees.spoil(tree, rng), rng)


def _odd_groove(rng: Random) -> dict[str, Any]:
    frame = _long_entry(rng)
    return {
        **belongings._plain(example("rock")),
        **{name: frame[name] for name in rng.sample(("n_steps", "tempos", "meters"), rng.choice((1, 2, 3)))},
    }
