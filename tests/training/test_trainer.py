"""Training: downhill, repeatable, and it can be stopped anywhere."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from grooves import groove, random_groove, take
from helpers import is_near
from toys import TOY, model

from rhythmvae.data.augmentation import Augmentation
from rhythmvae.data.corpus import Take
from rhythmvae.errors import CheckpointError, CorpusError, TrainingError, UsageError
from rhythmvae.evaluation.reconstruction import latent_figures
from rhythmvae.model.config import TERMS, Weights
from rhythmvae.training import trainer
from rhythmvae.training.settings import TrainConfig
from rhythmvae.training.trainer import Progress, Trainer

TAKES = [take(seed, n_steps=64, n_hits=60) for seed in range(6)]
QUICK = TrainConfig(epochs=2, batch_size=16, evaluate_every=3, device="cpu", weights=Weights(kl_warmup=0))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(config: TrainConfig = QUICK, takes: list[Take] = TAKES[:4], held_out: list[Take] = TAKES[4:], **more: Any):
    return Trainer(TOY, config, takes, held_out, **more)


def weights(own: Trainer) -> dict[str, torch.Tensor]:
    return {k: v for k, v in own.state().items() if k != "progress"}


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def near(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """The same training but for rounding: Adam moves a weight whose gradient is rounding alone by a whole step."""
    return a.keys() == b.keys() and all(is_near(a[k], b[k], 1e-4, QUICK.learning_rate) for k in a)


def test_the_loss_falls():
    config = dataclasses.replace(QUICK, epochs=60, learning_rate=1e-2, augmentation=Augmentation.none())
    own = made(config, [take(1, n_hits=12)], [])
    losses = [sum(own._train_step().values()) for _ in range(own.n_steps)]
    assert own.n_steps == 60
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


def test_one_seed_gives_one_result():
    first, second, other = (made(dataclasses.replace(QUICK, seed=seed)) for seed in (1, 1, 2))
    for own in (first, second, other):
        list(own.fit())
    assert near(weights(first), weights(second))
    assert not near(weights(first), weights(other))


def test_training_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(made(dataclasses.replace(QUICK, epochs=1)).fit())
    assert torch.equal(torch.rand(3), expected)


@pytest.fixture
def few_programmed(monkeypatch):
    monkeypatch.setattr(trainer, "N_PROGRAMMED", 12)


@pytest.mark.usefixtures("few_programmed")
def test_a_share_of_a_batch_is_made_by_rule():
    own = made(dataclasses.replace(QUICK, programmed=0.25, augmentation=Augmentation.none()))
    assert (own.n_new, own.n_programmed, own.batch_size) == (12, 4, 16)
    x, n_steps = own._batch()
    known, _ = own.programmed.gather(np.arange(len(own.programmed)))
    found = [any(np.allclose(row, window, atol=1e-4) for window in known) for row in x.numpy()]
    assert len(n_steps) == 16
    assert found == [False] * 12 + [True] * 4


@pytest.mark.usefixtures("few_programmed")
def test_without_a_share_nothing_is_made_by_rule(monkeypatch):
    monkeypatch.setattr(trainer.programmed, "takes", None)
    assert len(made(dataclasses.replace(QUICK, programmed=0.0)).programmed) == 0


@pytest.mark.usefixtures("few_programmed")
def test_a_run_with_programmed_windows_ends_where_an_uninterrupted_one_does():
    config = dataclasses.replace(QUICK, programmed=0.5)
    straight, interrupted, resumed = made(config), made(config), made(config)
    for own in (straight, straight, straight, interrupted):
        own._train_step()
    resumed.restore(interrupted.state())
    for _ in range(2):
        resumed._train_step()
    assert near(weights(resumed), weights(straight))
    with pytest.raises(CheckpointError, match="other data"):
        made().restore(straight.state())


@pytest.mark.parametrize("stop_at", [1, 3, 4, 5])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(stop_at):
    straight = made()
    list(straight.fit())
    interrupted = made()
    while interrupted.step < stop_at:
        interrupted._train_step()
        if interrupted.step % QUICK.evaluate_every == 0:
            interrupted._validate()
    resumed = made()
    resumed.restore(interrupted.state())
    assert resumed.step == stop_at
    list(resumed.fit())
    assert resumed.step == straight.step
    assert resumed.best_loss == pytest.approx(straight.best_loss, rel=1e-4)
    assert near(weights(resumed), weights(straight))


def test_progress_tells_terms_by_name_and_figures_when_due():
    seen = list(made().fit())
    n_steps = seen[-1].n_steps
    due = [p.step for p in seen if p.validation is not None]
    assert due == [*range(3, n_steps, 3), n_steps]
    for progress in seen:
        assert tuple(progress.terms) == TERMS
        assert all(math.isfinite(v) for v in progress.terms.values())
    assert set(seen[-1].validation) == {"loss", "f1", "f1_25ms", "timing_mae_ms", "velocity_mae"}
    assert seen[-1].epoch == 2


def test_the_best_on_validation_is_kept(monkeypatch):
    own = made(dataclasses.replace(QUICK, epochs=4))
    losses = iter([3.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0])
    monkeypatch.setattr(own, "_validation_loss", lambda _: next(losses))
    seen: list[Progress] = []
    kept = {}
    for progress in own.fit():
        if progress.is_best:
            kept = {k: v.clone() for k, v in own.average.state_dict().items()}
        seen.append(progress)
    assert [p.is_best for p in seen if p.validation is not None][:3] == [True, True, False]
    assert own.best_loss == 1.0
    best = own.best_so_far()
    assert equal(best.state_dict(), kept)
    assert not equal(best.state_dict(), dict(own.average.state_dict()))


def test_without_validation_the_latest_is_kept():
    own = made(held_out=[])
    seen = list(own.fit())
    assert all(p.is_best and p.validation == {} for p in seen if p.validation is not None)
    assert equal(own.best_so_far().state_dict(), dict(own.average.state_dict()))


def test_before_the_first_validation_the_present_weights_are_what_there_is():
    own = made()
    own._train_step()
    assert equal(own.best_so_far().state_dict(), dict(own.average.state_dict()))


def test_fewer_windows_than_a_batch_still_step():
    own = made(dataclasses.replace(QUICK, batch_size=1000, epochs=3))
    assert own.steps_per_epoch == 1
    list(own.fit())
    assert own.step == 3


def test_every_window_is_met_once_an_epoch(monkeypatch):
    own = made(dataclasses.replace(QUICK, augmentation=Augmentation.none()))
    met: list[int] = []
    gather = own.windows.gather
    monkeypatch.setattr(type(own.windows), "gather", lambda _, index: met.extend(index.tolist()) or gather(index))
    for _ in range(own.steps_per_epoch):
        own._batch()
        own.step += 1
    assert set(met) == set(range(len(own.windows)))
    assert len(met) - len(own.windows) < QUICK.batch_size


def test_a_single_short_loop_trains():
    loop = Take("loop.mid", groove((0, "kick"), (4, "snare"), n_steps=12))
    own = made(takes=[loop], held_out=[])
    list(own.fit())
    assert latent_figures(own.best_so_far(), [loop.groove]).latent_size == TOY.latent_size


def test_silence_teaches_nothing():
    with pytest.raises(CorpusError, match="found only silence"):
        made(takes=[Take("silent.mid", groove())])


def test_time_runs_out():
    own = made(dataclasses.replace(QUICK, epochs=10_000, max_minutes=1e-6))
    [progress] = own.fit()
    assert progress.step == 1
    assert progress.validation is not None


def rate(config: TrainConfig, step: int, seconds: float) -> float:
    """The learning rate after the warm-up, of its peak."""
    own = made(config)
    own.step, own.seconds = step, seconds
    return own._learning_rate() / config.learning_rate


def test_the_learning_rate_ends_with_the_steps():
    config = dataclasses.replace(QUICK, epochs=1000)
    n_steps = made(config).n_steps
    for done, expected in ((0.5, 0.51), (1.0, 0.02)):
        assert rate(config, round(done * n_steps), 1e9) == pytest.approx(expected)


def test_the_learning_rate_ends_with_the_time_if_that_is_sooner():
    config = dataclasses.replace(QUICK, epochs=1000, max_minutes=10.0)
    n_steps = made(config).n_steps
    assert rate(config, n_steps // 4, 300.0) == pytest.approx(0.51)
    assert rate(config, n_steps // 2, 150.0) == pytest.approx(0.51)
    assert rate(config, n_steps // 4, 600.0) == rate(config, n_steps // 4, 700.0) == pytest.approx(0.02)
    rates = [rate(config, n_steps // 4, seconds) for seconds in range(0, 700, 50)]
    assert rates == sorted(rates, reverse=True)


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """A step takes a second, a validation ten."""
    clock = Clock()

    def slowly(name: str, seconds: float) -> None:
        quick = getattr(Trainer, name)

        def slow(self: Trainer) -> Any:
            clock.now += seconds
            return quick(self)

        monkeypatch.setattr(Trainer, name, slow)

    slowly("_train_step", 1.0)
    slowly("_validate", 10.0)
    return clock


def test_time_is_all_that_passes(clock):
    own = made(clock=clock)
    seconds = []
    for progress in own.fit():
        seconds.append((progress.step, progress.seconds, own.seconds))
        clock.now += 100.0  # whoever looks on takes time, too
    assert seconds[:4] == [(1, 1, 1), (2, 102, 102), (3, 213, 213), (4, 314, 314)]
    assert own.seconds == clock.now
    resumed = made(dataclasses.replace(QUICK, epochs=3), clock=clock)
    resumed.restore(own.state())
    clock.now += 5000.0  # not while nothing ran
    assert next(iter(resumed.fit())).seconds == own.seconds + 1


def test_time_may_run_out_anywhere(clock):
    def steps(minutes: float) -> list[tuple[int, bool]]:
        own = made(dataclasses.replace(QUICK, epochs=100, max_minutes=minutes), clock=clock)
        return [(p.step, p.validation is not None) for p in own.fit()]

    assert steps(2 / 60) == [(1, False), (2, True)]
    assert steps(3 / 60) == steps(8 / 60) == [(1, False), (2, False), (3, True)]  # the last in a validation
    assert steps(14 / 60) == [(1, False), (2, False), (3, True), (4, True)]


def test_a_run_past_its_time_is_over():
    own = made(dataclasses.replace(QUICK, max_minutes=1.0))
    own.seconds = 60.0
    assert list(own.fit()) == []
    assert own.step == 0


def test_what_diverges_is_said():
    own = made()
    with torch.no_grad():
        next(own.model.decoder.parameters()).fill_(math.nan)
    with pytest.raises(TrainingError, match="diverged at step 1"):
        list(own.fit())


def test_fine_tuning_starts_from_a_copy():
    start = model()
    before = {k: v.clone() for k, v in start.state_dict().items()}
    own = made(init=start)
    assert equal(dict(own.model.state_dict()), before)
    own._train_step()
    assert equal(dict(start.state_dict()), before)
    assert not any(p.requires_grad for p in start.parameters())


def test_low_precision_trains_too():
    own = made(dataclasses.replace(QUICK, precision="bfloat16", epochs=1))
    list(own.fit())
    assert all(torch.isfinite(v).all() for v in weights(own).values())


@pytest.mark.parametrize(
    "damage",
    [
        lambda s: s.clear(),
        lambda s: s.pop("progress"),
        lambda s: s.update(progress=torch.zeros(2)),
        lambda s: s.update(progress=torch.full((3,), math.nan)),
        lambda s: s.pop("best.scale"),
        lambda s: s.update({"model.scale": torch.zeros(3)}),
        lambda s: s.update({"optimizer.x": torch.zeros(1)}),
        lambda s: s.update({"optimizer.0.exp_avg": torch.zeros(1)}),
    ],
    ids=range(8),
)
def test_a_state_of_another_run(damage):
    own = made()
    own._train_step()
    state = own.state()
    damage(state)
    with pytest.raises(CheckpointError, match="another model or data"):
        made().restore(state)


@pytest.mark.parametrize(
    ("takes", "held_out"),
    [(TAKES[:3], TAKES[4:]), (TAKES[:4], TAKES[5:]), (TAKES[:4], []), (TAKES[3::-1], TAKES[4:])],
    ids=["fewer", "fewer held out", "none held out", "another order"],
)
def test_a_state_of_other_data(takes, held_out):
    own = made()
    own._train_step()
    other = made(takes=takes, held_out=held_out)
    before = weights(other)
    with pytest.raises(CheckpointError, match="learned from other data; give the same files"):
        other.restore(own.state())
    assert equal(weights(other), before)


def test_a_state_that_does_not_name_its_data_is_taken():
    own = made()
    own._train_step()
    state = own.state()
    del state["data"]
    resumed = made()
    resumed.restore(state)
    assert equal(weights(resumed), weights(own))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"epochs": 0}, "epochs from 1 to"),
        ({"max_minutes": 0.0}, "time limit"),
        ({"max_minutes": math.nan}, "time limit"),
        ({"seed": -1}, "seed from 0"),
        ({"seed": 2**32}, "seed from 0"),
        ({"learning_rate": -1.0}, "learning rate"),
        ({"learning_rate": math.nan}, "learning rate"),
        ({"l2": -0.1}, "l2"),
        ({"programmed": 0.91}, "programmed from 0"),
        ({"programmed": math.nan}, "programmed from 0"),
        ({"programmed": 0.5, "rehearsal": 0.5}, "rehearsal and programmed of at most 0.9 together"),
        ({"batch_size": 0}, "batch size"),
        ({"evaluate_every": 0}, "evaluate every"),
        ({"precision": "float16"}, "precision"),
        ({"device": "tpu"}, "device"),
    ],
    ids=str,
)
def test_configurations_that_cannot_be(change, match):
    with pytest.raises(UsageError, match=match):
        dataclasses.replace(QUICK, **change)


def test_latent_figures_count_what_is_used():
    silenced = model()
    with torch.no_grad():
        for parameter in silenced.encoder.leave.parameters():
            parameter.zero_()
    figures = latent_figures(silenced, [random_groove(1)])
    assert (figures.kl_nats, figures.active_units) == (0, 0)
    assert latent_figures(model(), [random_groove(1)]).kl_nats > 0


def test_a_limit_that_is_not_reached_changes_nothing():
    """Or a page, which has a limit, would make other weights than the command line."""
    seconds = iter(range(10_000))
    limited = made(dataclasses.replace(QUICK, max_minutes=60.0), clock=lambda: float(next(seconds)))
    free = made()
    for each in (free, limited):
        list(each.fit())
    assert near(weights(free), weights(limited))


# -- style -----------------------------------------------------------------------


def styled(*names: str) -> list[Take]:
    return [dataclasses.replace(take, labels={"style": name}) for take, name in zip(TAKES, names, strict=True)]


def test_styles_count_by_what_is_before_the_slash():
    own = made(takes=styled("jazz/swing", "", "funk", "jazz", "rock/shuffle", "rock"))
    assert own.styles.tolist() == [1, -1, 0, 1, 2, 2]


def test_the_style_term_weighs_where_takes_name_one_and_nowhere_else():
    config = dataclasses.replace(QUICK, weights=Weights(kl_warmup=0, style=5.0))
    names = ("jazz", "funk", "jazz", "funk", "jazz", "funk")

    def after_a_step(config: TrainConfig, takes: list[Take]) -> torch.Tensor:
        own = made(config, takes, [])
        own._train_step()
        return torch.cat([parameter.detach().flatten() for parameter in own.model.parameters()])

    plain = after_a_step(QUICK, styled(*names))
    assert not torch.equal(after_a_step(config, styled(*names)), plain)
    assert torch.equal(after_a_step(config, TAKES), after_a_step(QUICK, TAKES))
