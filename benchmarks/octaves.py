"""Learns which octave of a tempo is felt: python -m benchmarks.octaves GROOVE.zip LOOPS.zip

GROOVE and LOOPS as `benchmarks.beats` takes them: loops are cut from the training rows, and made of the half of the
drum machine's patterns that is not judged, each once as it is and once faster or slower by up to STRETCH, with the
octave that its file says. Writes rhythmvae/analysis/octaves.npz.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import beats
from benchmarks.beats import Loop
from rhythmvae.analysis import octaves
from rhythmvae.analysis.forest import planted
from rhythmvae.analysis.octaves import LENGTHS, MAX_HITS, SHORTEST_SPAN, Played
from rhythmvae.data import corpus
from rhythmvae.groove import MAX_VELOCITY, FloatArray, IntArray

STRETCH = 0.15  # of one
N_TREES, FEWEST_IN_LEAF, FEATURES = 40, 4, 0.3


def material(loops: Sequence[Loop]) -> tuple[FloatArray, IntArray]:
    """(G, F) what the trees are shown, the one of each loop known, and (G,) the class of each."""
    kept = [loop.heard.seconds[:MAX_HITS] for loop in loops]
    voice = np.concatenate([loop.heard.voice[:MAX_HITS] for loop in loops])
    loudness = np.sqrt(np.concatenate([loop.heard.velocity[:MAX_HITS] for loop in loops]) / MAX_VELOCITY)
    true = np.array([loop.beat for loop in loops])
    beat = octaves.usual(true)
    whole = [loop.is_exact and len(loop.heard) <= MAX_HITS for loop in loops]
    sounding = [max(float(np.ptp(seconds)), SHORTEST_SPAN) for seconds in kept]
    span = np.where(whole, [loop.heard.duration_seconds for loop in loops], sounding)
    groove = np.repeat(np.arange(len(loops)), [len(seconds) for seconds in kept])
    one = np.array([loop.downbeat for loop in loops])
    played = Played(groove, np.concatenate(kept), voice, loudness, beat, one, span)
    length = np.clip(true / beat, LENGTHS[0], LENGTHS[-1])
    return octaves.numbers(played), np.rint(np.log2(length / LENGTHS[0])).astype(np.int64)


def learned(loops: Sequence[Loop], seed: int = 0) -> dict[str, IntArray]:
    """The forest, as arrays of a file. A take counts by the root of its loops' number."""
    from sklearn.ensemble import ExtraTreesClassifier

    rng = np.random.default_rng(seed)
    more = [beats.stretched(loop, float(np.exp(rng.uniform(-STRETCH, STRETCH)))) for loop in loops]
    rows, classes = material([*loops, *more])
    _, take, n_loops = np.unique([loop.name for loop in loops], return_inverse=True, return_counts=True)
    weight = np.tile(1 / np.sqrt(n_loops[take]), 2)
    kept = {"min_samples_leaf": FEWEST_IN_LEAF, "max_features": FEATURES, "random_state": seed}
    trees = ExtraTreesClassifier(N_TREES, **kept).fit(rows, classes, sample_weight=weight)
    found = []
    for tree in (each.tree_ for each in trees.estimators_):
        said = trees.classes_[tree.value[:, 0].argmax(1)].astype(np.float64)
        found.append((tree.children_left, tree.children_right, tree.feature, tree.threshold, said))
    return planted(found).kept()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groove", type=Path)
    parser.add_argument("loops", type=Path)
    options = parser.parse_args()
    loops = beats.learned_from(corpus.load([options.groove]), beats.patterns_in(options.loops))
    found = learned(loops)
    feature, value, right, first = (found[name] for name in ("feature", "value", "right", "first"))
    np.savez_compressed(octaves.TABLE, feature=feature, value=value, right=right, first=first)


if __name__ == "__main__":
    main()
