"""Weights that the system shows to all who compute with them: the same answers, and nothing held by each."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import torch
from grooves import random_groove
from toys import checkpoint_file

from rhythmvae.data.examples import example
from rhythmvae.errors import CheckpointError
from rhythmvae.model import checkpoint, generate, latent, lent, mapped
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.completing import Completer
from rhythmvae.model.lent import NO_ROOM, ModelFile
from rhythmvae.model.verbs import continued

GROOVE = random_groove(3, n_hits=40, n_steps=32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return checkpoint_file(tmp_path_factory.mktemp("model") / "own").read_bytes()


def looked_at(data: bytes) -> tuple[Checkpoint, ModelFile]:
    """A model as whoever reads its file has it, and the file with its weights behind it."""
    file, found = ModelFile.of(data), checkpoint.loads(data, "own")
    file.has_weights = mapped.put(found, file)
    return found, file


def test_a_file_is_read_as_it_came_and_has_no_name(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lent.tempfile, "tempdir", str(tmp_path))
    file = ModelFile.of(data)
    assert file.read() == data
    assert ModelFile.of(b"").read() == b""
    assert list(tmp_path.iterdir()) == []
    descriptor = file.descriptor
    del file
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_full_disk_is_said(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(lent.tempfile, "TemporaryFile", full)
    with pytest.raises(CheckpointError, match=NO_ROOM):
        ModelFile.of(data)


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="nobody else computes with it there")
def test_mapped_weights_are_those_of_the_file_to_the_last_bit(data: bytes) -> None:
    found, file = looked_at(data)
    assert file.has_weights
    assert file.read() == data
    shown = mapped.opened(found.outline, file)
    for one, other in zip(mapped._parts(found), mapped._parts(shown), strict=True):
        ours, theirs = one.state_dict(), other.state_dict()
        assert list(ours) == list(theirs)
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert all(tensor.data_ptr() % mapped.ALIGNED == 0 for tensor in theirs.values())
    assert (shown.contents, shown.card, shown.latent_map) == (found.contents, found.card, found.latent_map)
    assert not any(parameter.requires_grad for parameter in shown.model.parameters())
    assert latent.reconstruct(shown.model, GROOVE) == latent.reconstruct(found.model, GROOVE)
    [one], [other] = (generate.vary(model, GROOVE, asked={"density": 0.7}, seed=2) for model in (found, shown))
    assert one.groove == other.groove
    bars = [continued(Completer.of(model), GROOVE, 1, seed=1) for model in (found, shown)]
    assert bars[0] == bars[1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a page is")
def test_nobody_who_computes_with_a_model_has_its_weights_for_himself() -> None:
    found, file = looked_at(checkpoint.SHIPPED.read_bytes())
    both = [mapped.opened(found.outline, file) for _ in range(2)]
    assert mapped.size_of(found) > 20 << 20
    for model in both:
        generate.vary(model, example("disco"), asked={"density": 0.9})
    first = next(both[0].model.parameters()).data_ptr()
    own, length = _own_bytes(first)
    assert own == 0
    assert length >= mapped.size_of(found)


def _own_bytes(address: int) -> tuple[int, int]:
    """Of the mapping that an address is in: those that this process has written to, and all."""
    for part in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())[1:]:
        low, high = (int(place, 16) for place in part.split()[0].split("-"))
        if low <= address < high:
            [own] = re.findall(r"(?m)^Anonymous:\s+(\d+) kB", part)
            return int(own) << 10, high - low
    raise AssertionError


def test_where_the_disk_is_full_a_model_is_read_by_each(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "pwrite", full, raising=False)
    found, file = looked_at(data)
    assert not file.has_weights
    assert os.fstat(file.descriptor).st_size == len(data)
    assert mapped.opened(found.outline, file).contents == found.contents
