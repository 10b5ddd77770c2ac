"""The report of duplicates is that of `analysis.duplicates`, for any number of loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from grooves import random_groove
from toys import checkpoint_file, checkpoint_of

from rhythmvae.analysis.duplicates import likeness
from rhythmvae.data.examples import example
from rhythmvae.groove import Groove
from rhythmvae.library import duplicates, index
from rhythmvae.library.store import Store
from rhythmvae.library.windows import loop_of
from rhythmvae.midi.write import write_midi


def without(groove: Groove, n: int) -> Groove:
    return groove.with_hits(groove.position[n:], groove.voice[n:], groove.velocity[n:])


def test_near_duplicates_are_those_of_the_slow_rule() -> None:
    grooves: list[Groove] = []
    for seed in range(25):
        one = random_groove(seed, 16 * (1 + seed % 2), 20 + seed)
        grooves += [one, without(one, 1), without(one, 3)]
    grooves = list({loop_of(groove): groove for groove in grooves}.values())  # each pattern once
    slow = likeness(grooves)
    loops = [loop_of(groove) for groove in grooves]
    found = {frozenset(own) for own in duplicates.near_duplicates(loops)}
    expected = {frozenset(np.flatnonzero(slow.near == group).tolist()) for group in set(slow.near.tolist())}
    assert found == {own for own in expected if len(own) > 1}
    assert found


def test_the_report_names_what_could_go_and_leaves_it(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    rock, funk = example("rock"), example("funk")
    for name, groove in {
        "a.mid": rock,
        "b.mid": rock.looped(2),
        "c.mid": without(rock, 1),
        "d.mid": funk,
        "e.mid": rock.at_rate(1.5),
    }.items():
        (folder / name).write_bytes(write_midi(groove))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    toy = checkpoint_file(tmp_path / "toy.safetensors")
    index.index([folder], tmp_path / "lib", toy, checkpoint_of().digest)
    store = Store(tmp_path / "lib")
    exact, near = duplicates.report(store)
    store.close()
    assert (exact.kind, exact.keep, exact.could_go) == ("exact", "a.mid", ("b.mid", "e.mid"))
    assert (near.kind, near.keep, near.could_go) == ("near", "a.mid", ("c.mid",))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
