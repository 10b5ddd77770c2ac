"""What there is to train on and to judge by: kits, drummers and other sounds, whole ones held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rhythmvae.data.corpus import Take, load
from rhythmvae.groove import IntArray
from rhythmvae.training.hearing import made, oneshots, samples
from rhythmvae.training.hearing.scenes import Line, Studio, line

HELD_OUT_KITS = ("hydrogen-BJA_Pacific", "hydrogen-Audiophob", "hydrogen-VariBreaks")
HELD_OUT_DRUMMERS = ("drummer3", "drummer6", "drummer9")
# Kits to choose by, which neither the network nor its second look hears in training.
CHOOSING_KITS = (
    *("hydrogen-GMRockKit", "hydrogen-TR808EmulationKit", "sf-TimGM6mb-0", "sf-TimGM6mb-16", "sf-TimGM6mb-32"),
    *(f"pool-choose-{i:03}" for i in range(7)),
)
N_MADE = 120
N_POOL = 160  # kits drawn out of single sounds
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
    "sf-sf_GMbank-0": 2.0,
}
MADE_WEIGHT, POOL_WEIGHT, OTHER_WEIGHT = 0.1, 0.18, 0.5
SEED = 20


def gather(folder: Path) -> None:
    """Fill a folder with all there is to mix: kits/*.npz and others.npy. What is there already is left alone."""
    samples.gather(folder / "kits")
    for i in range(N_MADE):
        path = folder / "kits" / f"made-{i:03}.npz"
        if not path.exists():
            samples.save(path, list(made.kit(np.random.default_rng(1000 + i))))
    _pool(folder)
    if not (folder / "others.npy").exists():
        np.save(folder / "others.npy", made.others(np.random.default_rng(SEED)))


def _pool(folder: Path) -> None:
    """Kits drawn out of single sounds: those to train on, and, of other sounds, those to choose by."""
    names = [(f"pool-{i:03}", 2000 + i, False) for i in range(N_POOL)]
    names += [(name, 9000 + i, True) for i, name in enumerate(CHOOSING_KITS) if name.startswith("pool-")]
    paths = [(folder / "kits" / f"{name}.npz", seed, choosing) for name, seed, choosing in names]
    if all(path.exists() for path, *_ in paths):
        return
    own = oneshots.pieces(folder / "oneshots")
    for path, seed, choosing in paths:
        if not path.exists():
            drawn = [piece for piece in own if piece.for_choosing == choosing]
            samples.save(path, list(oneshots.kit(drawn, np.random.default_rng(seed))))


def kits(folder: Path, held_out: bool) -> list[samples.Kit]:
    """The kits to judge by, or those to train on."""
    paths = sorted((folder / "kits").glob("*.npz"))
    paths = [path for path in paths if path.stem not in CHOOSING_KITS]
    return [samples.load(path) for path in paths if (path.stem in HELD_OUT_KITS) == held_out]


def choosing(folder: Path) -> list[samples.Kit]:
    """The kits to choose by."""
    return [samples.load(path) for name in CHOOSING_KITS if (path := folder / "kits" / f"{name}.npz").exists()]


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
    by_kind = {"made": MADE_WEIGHT, "pool": POOL_WEIGHT}
    return [WEIGHTS.get(kit.name, by_kind.get(kit.name.partition("-")[0], OTHER_WEIGHT)) for kit in own]


def studio(folder: Path, data: Path) -> Studio:
    """What mixes scenes to train on."""
    own = kits(folder, held_out=False)
    lines: list[Line] = [line(take) for take in takes(data, held_out=False)]
    return Studio(own, weights(own), lines, others(folder, held_out=False))
