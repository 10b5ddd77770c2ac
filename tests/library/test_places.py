"""Where windows of a library lie on the model's map: placed once each, and remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

from rhythmvae.library import places
from rhythmvae.library.places import EXTENT, keys_of, placed
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.latent_map import LatentMap


@pytest.fixture(scope="module")
def drawn() -> LatentMap:
    return toys.latent_map()


def some_latents(drawn: LatentMap, n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    like = drawn.latents[rng.integers(0, len(drawn), n)]
    return np.asarray((like + rng.normal(0, 0.3, like.shape)).astype(np.float16))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many were placed in each batch."""
    found: list[int] = []
    place = latent_maps.place

    def counted(on: LatentMap, latents: Any, spread: float = 0.0) -> Any:
        found.append(len(latents))
        return place(on, latents, spread)

    monkeypatch.setattr(latent_maps, "place", counted)
    return found


def test_a_place_is_that_of_the_map_from_the_left_and_from_the_top(drawn: LatentMap, tmp_path: Path) -> None:
    latents = some_latents(drawn, 50)
    found = placed(tmp_path, drawn, latents)
    assert (found.dtype, found.shape) == (np.uint16, (50, 2))
    true = latent_maps.place(drawn, latents.astype(np.float32), places.SPREAD)
    low, high = drawn.tsne.min(0), drawn.tsne.max(0)
    width = float((high - low).max()) * (1 + 2 * places.MARGIN)
    back = (found / EXTENT - 0.5) * (1, -1) * width + (low + high) / 2
    assert back == pytest.approx(true, abs=1.1 * width / EXTENT)


def test_only_what_is_new_is_placed(drawn: LatentMap, tmp_path: Path, work: list[int]) -> None:
    latents = some_latents(drawn, 60)
    first = placed(tmp_path, drawn, latents[:40])
    assert sum(work) == 40
    told: list[tuple[int, int]] = []
    second = placed(tmp_path, drawn, latents[::-1], lambda done, of: told.append((done, of)))
    assert (sum(work), told) == (60, [(20, 20)])
    assert (second[::-1][:40] == first).all()
    placed(tmp_path, drawn, np.concatenate([latents, latents]))
    assert sum(work) == 60


def test_what_was_placed_before_it_was_stopped_is_remembered(
    drawn: LatentMap, tmp_path: Path, work: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "BATCH", 4)
    monkeypatch.setattr(places, "SAVED_EVERY", 2)
    latents = some_latents(drawn, 40)

    def stop(done: int, of: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        placed(tmp_path, drawn, latents, stop)
    placed(tmp_path, drawn, latents)
    assert sum(work) == 20 + 24  # of the 20 the last whole two batches were written
    assert not list((tmp_path / places.FOLDER).glob("*.new"))


@pytest.mark.parametrize("content", [b"", b"no table", b"\x93NUMPY\x01\x00v\x00", b"PK\x03\x04"])
def test_a_damaged_memory_is_made_anew(drawn: LatentMap, tmp_path: Path, content: bytes) -> None:
    latents = some_latents(drawn, 10)
    true = placed(tmp_path, drawn, latents)
    [path] = (tmp_path / places.FOLDER).iterdir()
    path.write_bytes(content)
    assert (placed(tmp_path, drawn, latents) == true).all()
    np.save(path, np.zeros((3, 3)))
    assert (placed(tmp_path, drawn, latents) == true).all()


def test_where_nothing_can_be_written_it_is_placed_all_the_same(drawn: LatentMap, tmp_path: Path) -> None:
    latents = some_latents(drawn, 10)
    (tmp_path / "file").write_text("no folder")
    assert (placed(tmp_path / "file", drawn, latents) == placed(tmp_path, drawn, latents)).all()


def test_no_windows_have_no_places(drawn: LatentMap, tmp_path: Path) -> None:
    assert placed(tmp_path, drawn, some_latents(drawn, 0)).shape == (0, 2)


def test_unlike_latents_have_unlike_keys() -> None:
    latents = np.random.default_rng(0).normal(size=(20_000, 16)).astype(np.float16)
    assert len(np.unique(keys_of(latents))) == len(np.unique(latents, axis=0))
    assert (keys_of(latents[7:9]) == keys_of(latents)[7:9]).all()
    assert keys_of(latents[:1, ::-1])[0] != keys_of(latents[:1])[0]
