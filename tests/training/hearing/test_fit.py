"""The descent: what is asked for, that the loss falls, and that a run goes on from where it was kept."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rhythmvae.audio.frames import FRAMES_PER_SECOND, N_BANDS
from rhythmvae.audio.network import HearingConfig
from rhythmvae.audio.peaks import pick, seconds_of
from rhythmvae.kit import N_VOICES
from rhythmvae.training.hearing import fit
from rhythmvae.training.hearing.scenes import Scene, Strokes

TINY = HearingConfig((2, 2), 8, (1, 2))


def scene(*rows: tuple[float, int, float]) -> Scene:
    seconds, voice, velocity = zip(*rows, strict=True)
    return Scene(np.zeros(0), Strokes(np.array(seconds), np.array(voice), np.array(velocity)), 1.0)


def own_batch() -> fit.Batch:
    """Frames in which a voice is a band that lights up."""
    rng = np.random.default_rng(0)
    frames = rng.uniform(0, 0.2, (2, 60, N_BANDS)).astype(np.float32)
    target = np.zeros((2, 60, 3, N_VOICES), dtype=np.float32)
    for i in range(2):
        rows = [(float(t) / FRAMES_PER_SECOND, int(rng.integers(N_VOICES)), 90.0) for t in range(4, 56, 5)]
        target[i] = fit.targets(scene(*rows), 60)
        for seconds, voice, _ in rows:
            frames[i, round(seconds * FRAMES_PER_SECOND), 8 * voice : 8 * voice + 8] = 2.0
    return torch.from_numpy(frames), torch.from_numpy(target), torch.tensor([1.0, float("nan")])


def test_a_target_says_where_an_onset_is() -> None:
    rows = [(0.0, 0, 100.0), (0.1234, 1, 40.0), (0.31, 2, 127.0), (0.5, 8, 64.0)]
    target = fit.targets(scene(*rows), 60)
    frame, voice = pick(target[:, 0], np.full(N_VOICES, 0.5))
    assert voice.tolist() == [0, 1, 2, 8]
    np.testing.assert_allclose(seconds_of(target[:, 0], frame, voice), [row[0] for row in rows], atol=0.003)
    np.testing.assert_allclose(127 * target[frame, 1, voice], [row[2] for row in rows], rtol=1e-6)
    assert target[:, 2].all()


def test_what_nobody_hears_is_not_asked_for() -> None:
    target = fit.targets(scene((0.2, 3, 3.0)), 60)
    assert not target[:, 0].any()
    assert 2 <= (target[:, 2] == 0).sum() <= 3
    both = fit.targets(scene((0.2, 3, 3.0), (0.2, 3, 90.0)), 60)  # a stroke of the same voice on top is
    assert both[:, 0].max() > 0.6
    assert both[:, 2].all()


def test_strokes_at_the_edges_have_a_target() -> None:
    target = fit.targets(scene((0.0, 0, 90.0), (0.598, 1, 90.0)), 60)
    assert target[0, 0, 0] == 1.0
    assert target[59, 0, 1] > 0.3


def test_the_loss_falls() -> None:
    run, own = fit.Run.new(TINY, seed=0), own_batch()
    losses = [sum(run.take(own).values()) for _ in range(12)]
    assert losses[-1] < 0.95 * losses[0]
    assert run.step == 12


def test_what_does_not_count_does_not_matter() -> None:
    frames, target, alone = own_batch()
    logits = torch.randn(2, 60, 2 * N_VOICES + 1, requires_grad=True)
    target[:, :, 2, 3] = 0.0
    fit.loss(logits, target, alone, frames)["onset"].backward()
    assert logits.grad is not None
    assert not logits.grad[:, :, 3].any()
    assert logits.grad[:, :, 4].any()
    terms = fit.loss(logits, target, torch.full((2,), float("nan")), frames)
    assert not terms["alone"].isfinite() or float(terms["alone"]) == 0.0


def test_a_run_goes_on_from_where_it_was_kept(tmp_path: Path) -> None:
    own, run = own_batch(), fit.Run.new(TINY, seed=0)
    run.take(own)
    run.seconds = 12.0
    run.save(tmp_path / "state")
    again = fit.Run.new(TINY, seed=1)
    again.restore(tmp_path / "state")
    assert (again.step, again.seconds) == (1, 12.0)
    assert again.take(own) == run.take(own)
    for one, other in zip(run.averaged.state_dict().values(), again.averaged.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_the_rate_rises_and_falls() -> None:
    rates = [fit.rate(part) for part in (0.0, 0.01, 0.2, fit.FLAT, 0.8, 0.9, 1.0, 1.2)]
    assert rates[0] < rates[1] < rates[2] == rates[3] > rates[4] > rates[5] > rates[6] == rates[7] > 0
    assert max(fit.rate(part) for part in np.linspace(0, 1, 101)) == pytest.approx(fit.PEAK_RATE, rel=0.02)
