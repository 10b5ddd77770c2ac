"""The transcriber: a sound in any blocks is heard the same, and only a whole file of its own is loaded."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from rhythmvae.audio import transcriber as module
from rhythmvae.audio.dynamics import N_NUMBERS, Dynamics
from rhythmvae.audio.frames import HOP, N_BANDS, n_frames
from rhythmvae.audio.hits import RATE, Heard
from rhythmvae.audio.network import MOST, HearingConfig, HearingNetwork
from rhythmvae.audio.second_look import LookConfig, SecondLook
from rhythmvae.audio.transcriber import CHUNK, FORMAT, MARGIN, Transcriber, chunks
from rhythmvae.errors import CheckpointError, UsageError
from rhythmvae.groove import FloatArray
from rhythmvae.kit import GROUPS, N_VOICES

TINY = HearingConfig((2, 2), 6, (1, 2))


def tiny(threshold: float = 0.5) -> Transcriber:
    torch.manual_seed(0)
    network = HearingNetwork(TINY).eval().requires_grad_(False)
    network.heads.weight *= 20  # as sure of itself as a trained one
    return Transcriber(network, np.full(N_VOICES, threshold), {"seed": 3})


def with_a_look(threshold: float = 0.5) -> Transcriber:
    own = tiny(threshold)
    torch.manual_seed(1)
    look = SecondLook(LookConfig(TINY.channels, 8, 1, 2)).eval().requires_grad_(False)
    look.heads.weight.normal_(0, 0.5)
    return replace(own, look=look)


def with_dynamics(threshold: float = 0.5) -> Transcriber:
    rng = np.random.default_rng(2)
    shape = (len(GROUPS), N_NUMBERS)
    weight = np.concatenate([rng.normal(0, 0.02, shape), np.full((len(GROUPS), 1), 0.5)], 1)
    return replace(with_a_look(threshold), dynamics=Dynamics(weight, rng.normal(0, 1, shape), np.full(shape, 2.0)))


def noise(seconds: float, seed: int = 0) -> FloatArray:
    """Bursts of noise."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    envelope = np.exp(-(np.arange(n) % 6000) / 900)
    return (0.3 * envelope * rng.standard_normal(n)).astype(np.float32)


def blocks(sound: FloatArray, size: int) -> list[FloatArray]:
    return [sound[i : i + size] for i in range(0, len(sound), size)]


def same(one: Heard, other: Heard) -> None:
    assert one.duration_seconds == other.duration_seconds
    assert one.voice.tolist() == other.voice.tolist()
    np.testing.assert_allclose(one.seconds, other.seconds, atol=1e-4)


@pytest.mark.parametrize("n_samples", [0, 1, 500, CHUNK * HOP, (CHUNK + MARGIN) * HOP + 1023, 3 * CHUNK * HOP + 77])
@pytest.mark.parametrize("size", [7_001, 10**7])
def test_chunks_hold_every_frame_once(n_samples: int, size: int) -> None:
    sound = np.arange(n_samples, dtype=np.float32)
    n_done = 0
    for piece, first, end, place in chunks(blocks(sound, size)):
        assert place == n_done
        assert first == min(place, MARGIN)
        begins = (place - first) * HOP
        assert piece.tolist() == sound[begins : begins + len(piece)].tolist()
        assert len(piece) == n_samples - begins or len(piece) >= (end + MARGIN) * HOP
        assert len(piece) <= (CHUNK + 2 * MARGIN) * HOP + 4096 or begins + len(piece) == n_samples
        n_done += end - first
    assert n_done == n_frames(n_samples)


def test_blocks_of_any_length_are_heard_the_same() -> None:
    sound = noise(15.0)
    whole = tiny().hear([sound])
    assert len(whole) > 50
    assert whole.duration_seconds == 15.0
    for size in (4_096, 99_999):
        same(tiny().hear(blocks(sound, size)), whole)


def test_with_a_second_look_blocks_of_any_length_are_heard_the_same() -> None:
    sound = noise(15.0)
    whole = with_a_look().hear([sound])
    assert len(whole) > 20
    assert whole.voice.tolist() != tiny().hear([sound]).voice.tolist()
    for size in (4_096, 99_999):
        same(with_a_look().hear(blocks(sound, size)), whole)
    same(with_a_look().hear([sound * np.float32(0.02)]), whole)


def test_with_dynamics_blocks_of_any_length_are_heard_the_same_and_nothing_but_velocities_is_new() -> None:
    sound = noise(15.0)
    whole = with_dynamics().hear([sound])
    same(with_a_look().hear([sound]), whole)
    assert whole.velocity.tolist() != with_a_look().hear([sound]).velocity.tolist()
    for own in (with_dynamics().hear(blocks(sound, 4_096)), with_dynamics().hear([sound * np.float32(0.02)])):
        same(own, whole)
        np.testing.assert_allclose(own.velocity, whole.velocity, atol=1)


def test_a_velocity_is_the_same_from_whatever_confidence_on_strokes_are_shown() -> None:
    sound = noise(10.0)
    usual, all_of_them = (with_dynamics().hear([sound], least) for least in (None, 0.1))
    assert len(all_of_them) > len(usual)
    rows = list(zip(all_of_them.seconds, all_of_them.voice, all_of_them.velocity, strict=True))
    assert all(row in rows for row in zip(usual.seconds, usual.voice, usual.velocity, strict=True))


def test_a_second_look_is_given_the_moments_of_a_sound() -> None:
    sound = noise(8.0)
    own = with_a_look(0.01)
    found = own.moments([sound])
    assert np.isin(own.hear([sound]).seconds.round(4), np.clip(found.seconds, 0, 8).round(4)).all()
    assert own.moments([]).seconds.shape[1] == N_VOICES


def test_a_second_look_at_silence_finds_nothing() -> None:
    assert len(with_a_look(0.999).hear([np.zeros(RATE, dtype=np.float32)])) == 0


def test_a_quiet_copy_is_heard_the_same() -> None:
    same(tiny().hear([noise(3.0) * np.float32(0.02)]), tiny().hear([noise(3.0)]))


@pytest.mark.parametrize("n_samples", [0, 1, 300, RATE])
def test_silence_holds_nothing(n_samples: int) -> None:
    heard = tiny(0.99).hear([np.zeros(n_samples, dtype=np.float32)])
    assert (len(heard), heard.drums_alone, heard.duration_seconds) == (0, 0.0, n_samples / RATE)


def test_no_block_is_no_sound() -> None:
    assert tiny(0.99).hear([]).duration_seconds == 0.0


def test_the_network_gives_all_of_every_frame() -> None:
    frames = torch.randn(2, 33, N_BANDS)
    assert tiny().network(frames).shape == (2, 33, 2 * N_VOICES + 1)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    tiny(0.25).save(tmp_path / "t.safetensors")
    loaded = Transcriber.load(tmp_path / "t.safetensors")
    assert loaded.card["seed"] == 3
    assert loaded.card["network"] == TINY.to_dict()
    assert loaded.thresholds.tolist() == [0.25] * N_VOICES
    sound = noise(2.0)
    np.testing.assert_allclose(loaded.frames(sound).logits, tiny().frames(sound).logits, atol=0.2)
    loaded.save(tmp_path / "again.safetensors")
    again = Transcriber.load(tmp_path / "again.safetensors")
    np.testing.assert_array_equal(again.frames(sound).logits, loaded.frames(sound).logits)


def test_a_second_look_is_kept_too(tmp_path: Path) -> None:
    with_a_look().save(tmp_path / "t.safetensors")
    loaded = Transcriber.load(tmp_path / "t.safetensors")
    assert loaded.look is not None
    sound = noise(4.0)
    loaded.save(tmp_path / "again.safetensors")
    same(Transcriber.load(tmp_path / "again.safetensors").hear([sound]), loaded.hear([sound]))


def test_dynamics_are_kept_too(tmp_path: Path) -> None:
    with_dynamics().save(tmp_path / "t.safetensors")
    loaded = Transcriber.load(tmp_path / "t.safetensors")
    assert loaded.dynamics is not None
    sound = noise(4.0)
    loaded.save(tmp_path / "again.safetensors")
    again = Transcriber.load(tmp_path / "again.safetensors").hear([sound])
    assert again.velocity.tolist() == loaded.hear([sound]).velocity.tolist()
    replace(loaded, dynamics=None).save(tmp_path / "without.safetensors")
    assert Transcriber.load(tmp_path / "without.safetensors").dynamics is None


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_older_versions_are_read(tmp_path: Path, version: int) -> None:
    path = tmp_path / "t.safetensors"
    (tiny() if version == 1 else with_a_look()).save(path)
    path.write_bytes(_with_card(path.read_bytes(), lambda card: card.update(version=version)))
    loaded = Transcriber.load(path)
    assert (loaded.look is not None, loaded.dynamics) == (version == 2, None)


def _with_card(data: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    card = json.loads(header["__metadata__"][FORMAT])
    change(card)
    return safetensors.torch.save(safetensors.torch.load(data), {FORMAT: json.dumps(card)})


def _with_tensors(data: bytes, change: Callable[[dict[str, torch.Tensor]], object]) -> bytes:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    tensors = safetensors.torch.load(data)
    change(tensors)
    return safetensors.torch.save(tensors, header["__metadata__"])


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "text": lambda data: b"no transcriber, but a text of some length",
    "half": lambda data: data[: len(data) // 2],
    "more": lambda data: data + b"1234",
    "no card": lambda data: safetensors.torch.save(safetensors.torch.load(data)),
    "a list for a card": lambda data: safetensors.torch.save({}, {FORMAT: "[]"}),
    "version 4": lambda data: _with_card(data, lambda card: card.update(version=4)),
    "no network": lambda data: _with_card(data, lambda card: card.pop("network")),
    "another network": lambda data: _with_card(data, lambda card: card["network"].update(channels=8)),  # type: ignore[attr-defined]
    "a huge network": lambda data: _with_card(data, lambda card: card["network"].update(channels=10**9)),  # type: ignore[attr-defined]
    "no second look": lambda data: _with_card(data, lambda card: card.pop("second_look")),
    "another second look": lambda data: _with_card(data, lambda card: card["second_look"].update(width=4)),  # type: ignore[attr-defined]
    "a second look of another network": lambda data: _with_card(
        data,
        lambda card: card["second_look"].update(n_hidden=7),  # type: ignore[attr-defined]
    ),
    "a huge second look": lambda data: _with_card(data, lambda card: card["second_look"].update(width=10**9)),  # type: ignore[attr-defined]
    "a second look of text": lambda data: _with_card(data, lambda card: card.update(second_look="all")),
    "no dynamics": lambda data: _with_card(data, lambda card: card.pop("dynamics")),
    "dynamics of a spread of 0": lambda data: _with_tensors(
        data, lambda tensors: tensors["dynamics.spread"].fill_(0.0)
    ),
    "dynamics of other numbers": lambda data: _with_tensors(
        data, lambda tensors: tensors.update({"dynamics.mean": torch.zeros(len(GROUPS), 3)})
    ),
    "sizes of text": lambda data: _with_card(data, lambda card: card["network"].update(planes=["2"])),  # type: ignore[attr-defined]
    "a tensor less": lambda data: _with_tensors(data, lambda tensors: tensors.pop("narrow.bias")),
    "a tensor more": lambda data: _with_tensors(data, lambda tensors: tensors.update(x=torch.zeros(1))),
    "not finite": lambda data: _with_tensors(data, lambda tensors: tensors["narrow.bias"].fill_(float("nan"))),
    "whole numbers": lambda data: _with_tensors(
        data, lambda tensors: tensors.update({"narrow.bias": torch.zeros(6, dtype=torch.int64)})
    ),
    "a threshold of 1": lambda data: _with_tensors(data, lambda tensors: tensors["thresholds"].fill_(1.0)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_no_transcriber_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "t.safetensors"
    with_dynamics().save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match=r"t\.safetensors"):
        Transcriber.load(path)


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        Transcriber.load(tmp_path / "t.safetensors")
    tiny().save(tmp_path / "t.safetensors")
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 100)
    with pytest.raises(CheckpointError, match="larger"):
        Transcriber.load(tmp_path / "t.safetensors")


@pytest.mark.parametrize("sizes", [((), 8, (1,)), ((2,), 0, (1,)), ((2,), MOST + 1, (1,)), ((2,), 8, (1,) * 13)])
def test_sizes_that_no_network_has_are_refused(sizes: tuple[tuple[int, ...], int, tuple[int, ...]]) -> None:
    with pytest.raises(UsageError, match="Expected"):
        HearingConfig(*sizes)


def test_a_margin_is_wider_than_the_network_sees() -> None:
    assert HearingConfig().reach < MARGIN
