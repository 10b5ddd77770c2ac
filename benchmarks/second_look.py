"""The transcriber's second look: recordings made and heard, what is trained on them, and thresholds.

    python -m benchmarks.second_look GROOVE.zip --folder DIR [--checkpoint FILE] [--out FILE]

GROOVE is the Groove MIDI Dataset, DIR the folder of `benchmarks.transcriber train`, whose kits are taken. The first
network of the checkpoint hears recordings that are kept in DIR, and the second look is trained on them; that of an
older checkpoint (`--init`) learns on. How much of it is believed is chosen on the kits and takes that `pack` chooses
by, which neither was trained on, and by which `score` and `stems` do not judge. Thresholds lie in the middle between
those that are best there and those of the older checkpoint, or else of the first network, moved by as much as the best
ones move: single drums of machines ask for lower ones than real drums do. All is written to FILE. Recordings and steps
are counted, not timed: the same seed makes the same file but for the last bits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import transcriber
from benchmarks.transcriber import CANDIDATES, LOWEST, SEED, Sound
from rhythmvae.audio.second_look import LookConfig
from rhythmvae.audio.transcriber import Transcriber
from rhythmvae.evaluation import hearing
from rhythmvae.groove import FloatArray
from rhythmvae.kit import N_VOICES, VOICE_KEYS
from rhythmvae.resources import TRANSCRIBER
from rhythmvae.training.hearing import looking, stock
from rhythmvae.training.hearing.looking import Example

PART = 60  # recordings in one file
BELIEVED = (0.3, 0.5, 0.7, 1.0)  # of what it says: what is tried
PARTS = ("features", "struck", "velocity", "counts")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=TRANSCRIBER)
    parser.add_argument("--init", type=Path, help="an older checkpoint, whose second look learns on")
    parser.add_argument("--out", type=Path, default=TRANSCRIBER)
    parser.add_argument("--recordings", type=int, default=2400)
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--rate", type=float, default=looking.RATE_PEAK, help="of learning, at its highest")
    parser.add_argument("--processes", type=int, default=1, help="that make recordings")
    options = parser.parse_args()
    torch.set_num_threads(1)
    stock.gather(options.folder)
    looking.kits(options.folder)  # made before several processes want them
    first = replace(Transcriber.load(options.checkpoint), look=None)
    older = Transcriber.load(options.init) if options.init else first
    examples = recordings(first, options)
    if older.look is None:
        look = looking.fresh(LookConfig(first.network.config.channels), examples, SEED)
    else:
        look = looking.again(older.look, older.card["look"]["believed"])
    began, lately = time.monotonic(), []
    for step, terms in enumerate(looking.descend(look, examples, options.steps, SEED, options.rate), 1):
        lately.append(list(terms.values()))
        if step % 100 == 0:
            print(f"step {step}, {time.monotonic() - began:.0f} s, {np.mean(lately, 0).round(4).tolist()}", flush=True)
            lately.clear()
    sounds = list(transcriber.to_choose_by(options.folder, options.data))
    before, _ = chosen_by(older, sounds)
    tried = []
    for share in BELIEVED:
        own = looking.believed(looking.again(look, 1.0), share).eval().requires_grad_(False)
        best, figures = chosen_by(replace(first, look=own), sounds)
        tried.append((figures["five_50_ms"], share, own, best, figures))
        print(json.dumps({"believed": share, "thresholds": best.round(3).tolist()} | figures), flush=True)
    _, share, own, best, figures = max(tried, key=lambda each: each[0])
    thresholds = np.clip((older.thresholds + best - before + best) / 2, LOWEST, 1 - LOWEST)
    card = dict(first.card) | {
        "look": {"recordings": options.recordings, "steps": options.steps, "seed": SEED, "believed": share},
        "chosen_by": figures,
    }
    chosen = replace(first, look=own, thresholds=thresholds)
    card["parameters"] = sum(part.numel() for net in (first.network, own) for part in net.parameters())
    card["metrics"] = transcriber.figures(chosen, list(transcriber.rendered(options.folder, options.data))[1::2])
    replace(chosen, card=card).save(options.out)
    print(json.dumps({"believed": share, "thresholds": np.round(thresholds, 3).tolist()}, indent=1))


def chosen_by(own: Transcriber, sounds: Sequence[Sound]) -> tuple[FloatArray, dict[str, Any]]:
    """The best thresholds (V,), and what is found with them."""
    low = replace(own, thresholds=np.full(N_VOICES, LOWEST))
    outputs = [(truth, low.hear([sound])) for sound, truth in sounds]
    rows = [(truth, heard.seconds, heard.voice, heard.confidence) for truth, heard in outputs]
    best = hearing.thresholds(rows, CANDIDATES)
    return best, hearing.figures([(truth, heard.above(best)) for truth, heard in outputs])


def recordings(first: Transcriber, options: argparse.Namespace) -> list[Example]:
    """What is trained on, made where it is not there yet."""
    digest = hashlib.sha256()
    for tensor in first.network.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    place = options.folder / f"look-{digest.hexdigest()[:12]}"
    place.mkdir(exist_ok=True)
    paths = [place / f"{i:04}.npz" for i in range(-(-options.recordings // PART))]
    lacking = [(options, path, i) for i, path in enumerate(paths) if not path.exists()]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=spawn) as pool:
        for n, path in enumerate(pool.map(_make, lacking), 1):
            print(f"{path.name}: {n} of {len(lacking)}", flush=True)
    return [each for path in paths for each in _kept(path)]


_OWN: dict[str, Any] = {}  # of a process that makes: what is read once


def _make(task: tuple[argparse.Namespace, Path, int]) -> Path:
    options, path, number = task
    if not _OWN:
        torch.set_num_threads(1)
        _OWN["studio"] = looking.studio(options.folder, options.data)
        _OWN["first"] = replace(Transcriber.load(options.checkpoint), look=None)
    found = list(looking.examples(_OWN["first"], _OWN["studio"], SEED + number, PART))
    features, struck, velocity, counts = (np.concatenate([getattr(each, name) for each in found]) for name in PARTS)
    lengths = np.array([len(each.features) for each in found])
    new = path.with_suffix(".new.npz")
    np.savez(new, lengths=lengths, features=features, struck=struck, velocity=velocity, counts=counts)
    new.rename(path)
    return path


def _kept(path: Path) -> list[Example]:
    with np.load(path, allow_pickle=False) as arrays:
        ends = np.cumsum(arrays["lengths"])[:-1]
        parts = [np.split(arrays[name], ends) for name in PARTS]
    return [Example(*each) for each in zip(*parts, strict=True)]


def table(pairs: Sequence[hearing.Pair]) -> dict[str, dict[str, int]]:
    """What each voice was heard as, most often first; `nothing` played is invented, `nothing` heard is missed."""
    counts = hearing.confusion(pairs)
    names = [*VOICE_KEYS, "nothing"]
    return {
        name: {names[j]: int(row[j]) for j in np.argsort(-row, kind="stable") if row[j]}
        for name, row in zip(names, counts, strict=True)
    }


if __name__ == "__main__":
    main()
