"""The transcriber, from sounds to figures: what is made, trained, chosen and scored.

    python -m benchmarks.transcriber train GROOVE.zip --folder DIR [--minutes 120] [--init FILE] [--out FILE]
    python -m benchmarks.transcriber pack GROOVE.zip --folder DIR [--out FILE]
    python -m benchmarks.transcriber score GROOVE.zip --folder DIR [--checkpoint FILE]
    python -m benchmarks.transcriber stems MDB.zip [--checkpoint FILE]

GROOVE is the Groove MIDI Dataset; DIR keeps what the first command makes (kits as one-shots, sounds that are no drums)
and the state of the training, from which the same command goes on. The kits are those of Debian's packages
hydrogen-drumkits, hydrogen-data, avldrums.lv2-soundfont, fluid-soundfont-gm, musescore-general-soundfont-small,
csound-soundfont, timgm6mb-soundfont and opl3-soundfont, soundfonts played by fluidsynth; single drums are those of
sonic-pi-samples, lmms-common and freepats, and what is in DIR/oneshots (Sonic Pi's newer ones: the npm package
supersonic-scsynth-samples). `train` packs what it has at its end; `pack` does it in between, with thresholds chosen on
kits and takes that are neither trained on nor judged by. `score` is on kits and drummers that neither training nor
thresholds have heard, `stems` on real recordings (MDB Drums, Southall et al. 2017): each once a version.
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhythmvae.audio.hits import RATE, Heard
from rhythmvae.audio.network import HearingConfig, HearingNetwork
from rhythmvae.audio.read import blocks_of
from rhythmvae.audio.transcriber import Transcriber
from rhythmvae.data.corpus import Take, load
from rhythmvae.evaluation import hearing
from rhythmvae.evaluation.hearing import FIVE, TOLERANCES_SECONDS, Truth
from rhythmvae.groove import FloatArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.resources import TRANSCRIBER
from rhythmvae.training.hearing import fit, looking, samples, scenes, stock
from rhythmvae.training.hearing.scenes import Strokes

SEED = 20
N_SOUNDS, N_TO_CHOOSE_BY, LONGEST_SECONDS = 72, 48, 24.0
LOWEST = 0.05  # threshold that is tried
CANDIDATES = np.round(np.arange(0.1, 0.85, 0.025), 3).tolist()
MDB = {  # five classes alone: OT is a side stick, and whatever else
    "KD": VOICE_INDEX["kick"],
    "SD": VOICE_INDEX["snare"],
    "HH": VOICE_INDEX["closed_hat"],
    "TT": VOICE_INDEX["mid_tom"],
    "CY": VOICE_INDEX["crash"],
}
DATA = {
    "grooves": "Groove MIDI Dataset 1.0.0, train takes (CC BY 4.0, Gillick et al. 2019)",
    "kits": [
        "Debian hydrogen-drumkits and hydrogen-data: Audiophob (CC0), BJA_Pacific (CC BY-SA 3.0 US), "
        "ColomboAcousticDrumkit, ElectricEmpireKit, ForzeeStereo, Gimme A Hand, GMRockKit, HardElectro1, Millo-Drums, "
        "Millo_MultiLayered2 and 3, The Black Pearl, TR808EmulationKit, VariBreaks (GPL), rumpf_kit_z01 (CC BY 3.0)",
        "Debian avldrums.lv2-soundfont: Black Pearl and Red Zeppelin, Glen MacArthur (CC BY-SA 3.0)",
        "Debian fluid-soundfont-gm: FluidR3 GM, Frank Wen (MIT)",
        "Debian musescore-general-soundfont-small: MuseScore General Lite (MIT)",
        "Debian csound-soundfont: sf_GMbank (public domain)",
        "Debian timgm6mb-soundfont: TimGM6mb, Tim Brechbill (GPL 2)",
        "Debian opl3-soundfont: OPL-3 FM, Zandro Reveille (CC BY-SA 4.0)",
        f"{stock.N_MADE} kits made by rule",
        f"{stock.N_POOL} kits drawn out of single drums: Debian sonic-pi-samples and npm supersonic-scsynth-samples "
        "(CC0), Debian lmms-common with DrumSynth's patches (GPL 2); of Debian freepats (GPL 2) those to choose by",
    ],
    "kits_to_choose_by": list(stock.CHOOSING_KITS),
    "held_out_kits": list(stock.HELD_OUT_KITS),
    "held_out_drummers": list(stock.HELD_OUT_DRUMMERS),
    "note": "Sounds of GPL and CC BY-SA kits were used to train; none of them is given on. No real recording was used.",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("train", "pack", "score", "stems"):
        own = commands.add_parser(name)
        own.add_argument("data", type=Path)
        own.add_argument("--checkpoint", type=Path, default=TRANSCRIBER)
        if name != "stems":
            own.add_argument("--folder", type=Path, required=True)
        if name in ("train", "pack"):
            own.add_argument("--out", type=Path, default=TRANSCRIBER)
            own.add_argument("--minutes", type=float, default=120.0)
            own.add_argument("--init", type=Path, help="a transcriber whose weights a new training begins with")
            own.add_argument("--rate", type=float, default=fit.PEAK_RATE, help="of learning, at its highest")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps(COMMANDS[options.command](options), indent=1))


def train(options: argparse.Namespace) -> dict[str, Any]:
    stock.gather(options.folder)
    init = Transcriber.load(options.init).network if options.init else None
    run, state = fit.Run.new(HearingConfig(), SEED, init), options.folder / "transcriber.state"
    if state.exists():
        run.restore(state)
    make = partial(stock.studio, options.folder, options.data)
    lately: list[float] = []
    for terms in fit.descend(run, make, 60 * options.minutes, state, SEED, options.rate):
        lately.append(sum(terms.values()))
        if run.step % 100 == 0:
            print(f"step {run.step}, {run.seconds / 60:.1f} min, loss {np.mean(lately):.3f}", flush=True)
            lately.clear()
    return pack(options)


def pack(options: argparse.Namespace) -> dict[str, Any]:
    """Averaged weights, thresholds and a card in one file."""
    run = fit.Run.new(HearingConfig(), SEED)
    run.restore(options.folder / "transcriber.state")
    network: HearingNetwork = run.averaged.eval().requires_grad_(False)
    low = Transcriber(network, np.full(N_VOICES, LOWEST))
    sounds = list(to_choose_by(options.folder, options.data))
    outputs = [(truth, low.hear([sound])) for sound, truth in sounds]
    own = [(truth, heard.seconds, heard.voice, heard.confidence) for truth, heard in outputs]
    chosen = replace(low, thresholds=hearing.thresholds(own, CANDIDATES))
    card = {"data": DATA, "seed": SEED, "steps": run.step, "minutes": round(run.seconds / 60, 1)}
    if options.init:
        card["init"] = dict(Transcriber.load(options.init).card) | {"metrics": None, "data": None}
    found = hearing.figures([(truth, heard.above(chosen.thresholds)) for truth, heard in outputs])
    parameters = sum(tensor.numel() for tensor in network.parameters())
    replace(chosen, card=card | {"parameters": parameters, "chosen_by": found}).save(options.out)
    return found | {"thresholds": np.round(chosen.thresholds, 3).tolist()}


def score(options: argparse.Namespace) -> dict[str, Any]:
    return figures(Transcriber.load(options.checkpoint), list(rendered(options.folder, options.data))[1::2])


Sound = tuple[FloatArray, Truth]


def rendered(folder: Path, data: Path) -> Iterator[Sound]:
    """Takes of held-out drummers on held-out kits as they are, at most LONGEST_SECONDS of each."""
    yield from played(stock.kits(folder, held_out=True), stock.takes(data, held_out=True), N_SOUNDS)


def to_choose_by(folder: Path, data: Path) -> Iterator[Sound]:
    """Validation takes of drummers that are not held out, on kits that are neither trained on nor judged by."""
    yield from played(stock.choosing(folder), looking.validation_takes(load([data]).takes), N_TO_CHOOSE_BY)


def played(kits: Sequence[samples.Kit], takes: Sequence[Take], n: int) -> Iterator[Sound]:
    """Drawn takes on one kit after another as they are, two on each, at most LONGEST_SECONDS of each."""
    rng = np.random.default_rng(SEED)
    for number, place in enumerate(rng.permutation(len(takes))[:n]):
        line = scenes.line(takes[place])
        seconds = min(line.duration_seconds + 1.0, LONGEST_SECONDS)
        start = rng.uniform(0, max(line.duration_seconds - LONGEST_SECONDS, 0.0))
        at = line.strokes.seconds - start
        inside = (at >= 0) & (at < seconds - 0.1)
        strokes = Strokes(at[inside], line.strokes.voice[inside], line.strokes.velocity[inside])
        sound, struck = scenes.plain(rng, kits[(number // 2) % len(kits)], strokes, seconds)
        if len(struck.seconds):
            order = np.argsort(struck.seconds, kind="stable")
            velocity = np.rint(struck.velocity[order]).astype(np.int64)
            yield sound, Truth(struck.seconds[order], struck.voice[order], velocity)


def figures(transcriber: Transcriber, sounds: list[Sound]) -> dict[str, Any]:
    began = time.process_time()
    heard = [transcriber.hear([sound]) for sound, _ in sounds]
    seconds = time.process_time() - began
    length = sum(len(sound) for sound, _ in sounds) / RATE
    alone = [each.drums_alone for each in heard]
    return hearing.figures([(truth, each) for (_, truth), each in zip(sounds, heard, strict=True)]) | {
        "seconds_for_a_minute": round(60 * seconds / length, 2),
        "drums_alone_least": round(min(alone), 3),
        "drums_alone_below_half": sum(each < 0.5 for each in alone),
    }


def stems(options: argparse.Namespace) -> dict[str, Any]:
    """Five classes on real recordings, each stem by itself and all together."""
    transcriber = Transcriber.load(options.checkpoint)
    out: dict[str, dict[str, float | None]] = {}
    pairs: dict[str, tuple[Truth, Heard]] = {}
    with zipfile.ZipFile(options.data) as archive:
        for name in sorted(each for each in archive.namelist() if each.endswith(".flac")):
            pairs[Path(name).stem] = stem(archive, name, transcriber)
    for name, pair in pairs.items():
        by_class = hearing.counts([pair], FIVE, TOLERANCES_SECONDS[0])
        shown = {key: None if count.f1 is None else round(count.f1, 3) for key, count in by_class.items()}
        out[name] = {"f1": round(hearing.micro(by_class).f1 or 0.0, 3), "drums_alone": round(pair[1].drums_alone, 3)}
        out[name] |= shown
    together = hearing.counts(list(pairs.values()), FIVE, TOLERANCES_SECONDS[0])
    said = {
        key: {"f1": count.f1, "precision": count.precision, "recall": count.recall} for key, count in together.items()
    }
    strict = hearing.micro(hearing.counts(list(pairs.values()), FIVE, TOLERANCES_SECONDS[1])).f1
    return {"stems": out, "classes": said, "f1_50_ms": hearing.micro(together).f1, "f1_20_ms": strict}


def stem(archive: zipfile.ZipFile, name: str, transcriber: Transcriber) -> tuple[Truth, Heard]:
    """What its annotation says and what is heard; strokes of no class of ours are left out of the annotation."""
    text = archive.read(name.replace(".flac", ".class.txt")).decode()
    rows = [line.split() for line in text.splitlines() if line.strip()]
    known = sorted((float(at), MDB[kind]) for at, kind in rows if kind in MDB)
    truth = Truth(np.array([at for at, _ in known]), np.array([v for _, v in known]), np.zeros(len(known), np.int64))
    return truth, transcriber.hear(blocks_of(archive.read(name), name))


COMMANDS = {"train": train, "pack": pack, "score": score, "stems": stems}

if __name__ == "__main__":
    main()
