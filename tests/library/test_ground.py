"""A map of a library's own: what it is drawn of, when it is drawn anew, and what else may lie in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhythmvae.library import ground, places
from rhythmvae.model import latent_map as latent_maps


def latents(n: int, seed: int = 0) -> np.ndarray:
    """Three groups of latents (n, 8) float16."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(0, 3, (3, 8))
    return (middles[np.arange(n) % 3] + rng.normal(0, 1, (n, 8))).astype(np.float16)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "MOST_DRAWN", 60)
    monkeypatch.setattr(latent_maps, "ITERATIONS", (50, 100))


def test_what_is_alike_lies_together(tmp_path: Path) -> None:
    of = ground.drawn(tmp_path, latents(60))
    where = places.placed(tmp_path, of, latents(60)).astype(float)
    own = np.linalg.norm(where[0] - where[3::3], axis=1)
    others = np.linalg.norm(where[0] - where[1::3], axis=1)
    assert np.median(own) < np.median(others) / 2


def test_it_is_kept_while_it_is_of_this_library(tmp_path: Path) -> None:
    assert ground.known(tmp_path, latents(60)) is None
    made = ground.drawn(tmp_path, latents(60))
    kept = ground.known(tmp_path, latents(60))
    assert kept is not None
    assert kept.digest == made.digest
    assert ground.known(tmp_path, np.concatenate([latents(60), latents(9_000, 1)])) is not None  # grown, and full
    assert ground.known(tmp_path, latents(60)[:40]) is not None  # some are gone
    assert ground.known(tmp_path, np.concatenate([latents(60)[:20], latents(60, 1)])) is None  # most are
    assert ground.known(tmp_path, latents(60)[:, :4]) is None  # of another model


def test_a_library_outgrows_it_while_there_is_room(tmp_path: Path) -> None:
    ground.drawn(tmp_path, latents(20))
    assert ground.known(tmp_path, latents(39)) is not None
    assert ground.known(tmp_path, latents(60)) is None


@pytest.mark.parametrize("what", ["text", "nan", "shape", "missing", "large"])
def test_another_file_in_its_place_is_none(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = ground.drawn(tmp_path, latents(60))
    path = tmp_path / places.FOLDER / ground.NAME
    arrays = {name: np.array(getattr(of, name)) for name in ("latents", "mean", "components", "tsne")}
    if what == "nan":
        arrays["tsne"][3] = np.nan
    elif what == "shape":
        arrays["mean"] = arrays["mean"][:3]
    elif what == "missing":
        del arrays["components"]
    elif what == "large":
        monkeypatch.setattr(ground, "MAX_BYTES", 10)
    if what == "text":
        path.write_text("no arrays")
    else:
        np.savez(path, **arrays)
    assert ground.known(tmp_path, latents(60)) is None


def test_a_library_that_cannot_be_written_to_has_one_all_the_same(tmp_path: Path) -> None:
    (tmp_path / places.FOLDER).write_text("in the way")
    assert len(ground.drawn(tmp_path, latents(60))) == 60
    assert ground.known(tmp_path, latents(60)) is None
