"""What there is to train on and to judge by: kits, drummers and other sounds, whole ones held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rhythmvae.data.corpus import Take, load
from rhythmvae.groove import IntArray
from rhythmvae.training.hearing import made, samples
from rhythmvae.training.hearing.scenes import Line, Studio, line

HELD_OUT_KITS = ("hydrogen-BJA_Pacific", "hydrogen-Audiophob", "hydrogen-VariBreaks")
HELD_OUT_DRUMMERS = ("drummer3", "drummer6", "drummer9")
N_MADE = 120
# How often a kit is taken, beside the others: those of real drums in layers most.
WEIGHTS = {
    "hydrogen-ForzeeStereo": 4.0,
    "hydrogen-The_Black_Pearl_1_0": 3.0,
    "hydrogen-ColomboAcousticDrumkit": 3.0,
    "hydrogen-Millo_MultiLayered2": 3.0,
    "hydrogen-Millo_MultiLayered3": 3.0,
    "hydrogen-Millo_Drums_v_1": 2.0,
    "hydrogen-rumpf_kit_z01_h2": 1.0,
    "hydrogen-Gimme_A_Hand_1_0": 0.3,
    "sf-Red_Zeppelin_4_LV2-0": 4.0,
    "sf-Black_Pearl_4_LV2-0": 4.0,
    "sf-FluidR3_GM-0": 2.0,
    "sf-MuseScore_General_Lite-0": 2.0,
}
MADE_WEIGHT, OTHER_WEIGHT = 0.12, 0.8
SEED = 20


def gather(folder: Path) -> None:
    """Fill a folder with all there is to mix: kits/*.npz and others.npy. What is there already is left alone."""
    samples.gather(folder / "kits")
    for i in range(N_MADE):
        path = folder / "kits" / f"made-{i:03}.npz"
        if not path.exists():
            samples.save(path, list(made.kit(np.random.default_rng(1000 + i))))
    if not (folder / "others.npy").exists():
        np.save(folder / "others.npy", made.others(np.random.default_rng(SEED)))


def kits(folder: Path, held_out: bool) -> list[samples.Kit]:
    """The kits to judge by, or those to train on."""
    paths = sorted((folder / "kits").glob("*.npz"))
    return [samples.load(path) for path in paths if (path.stem in HELD_OUT_KITS) == held_out]


def takes(data: Path, held_out: bool) -> list[Take]:
    """The takes to judge by, of whole drummers, or the train takes of all others."""
    every = load([data]).takes
    if held_out:
        return [take for take in every if take.labels.get("drummer") in HELD_OUT_DRUMMERS and len(take.groove) > 3]
    return [
        take
        for take in every
        if take.split == "train" and take.labels.get("drummer") not in HELD_OUT_DRUMMERS and len(take.groove) > 3
    ]


def others(folder: Path, held_out: bool) -> IntArray:
    """Sounds that are no drums: every sixth to judge by, the rest to train on."""
    every = np.load(folder / "others.npy")
    return np.asarray(every[(np.arange(len(every)) % 6 == 0) == held_out])


def weights(own: Sequence[samples.Kit]) -> list[float]:
    """How often each kit is taken."""
    return [WEIGHTS.get(kit.name, MADE_WEIGHT if kit.name.startswith("made") else OTHER_WEIGHT) for kit in own]


def studio(folder: Path, data: Path) -> Studio:
    """What mixes scenes to train on."""
    own = kits(folder, held_out=False)
    lines: list[Line] = [line(take) for take in takes(data, held_out=False)]
    return Studio(own, weights(own), lines, others(folder, held_out=False))
