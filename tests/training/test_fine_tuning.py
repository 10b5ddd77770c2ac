"""Fine-tuning: what is rehearsed, what a batch is made of, what comes after, and how it is judged."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from grooves import groove, random_groove, take
from toys import TOY, checkpoint_file, checkpoint_of, latent_map, model

from rhythmvae import cli
from rhythmvae.analysis.descriptors import TRAITS
from rhythmvae.analysis.metrics import score
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.cli.commands import train
from rhythmvae.data.augmentation import Augmentation
from rhythmvae.data.corpus import Take
from rhythmvae.data.splits import MIN_HELD_OUT
from rhythmvae.evaluation import reconstruction
from rhythmvae.groove import Groove
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, latent
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import Before, Card, Metrics, Nearness, Reading, from_json
from rhythmvae.model.config import Weights
from rhythmvae.training import completion as completion_training
from rhythmvae.training import fine_tuning, folds
from rhythmvae.training import prior as prior_training
from rhythmvae.training.config import RunConfig
from rhythmvae.training.run import TrainingRun
from rhythmvae.training.settings import TrainConfig
from rhythmvae.training.trainer import Trainer

TAKES = [take(seed, n_hits=30) for seed in range(6)]
QUICK = {"steps": 6, "evaluate_every": 3, "batch_size": 8}


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for seed in range(6):
        (folder / f"{seed}.mid").write_bytes(write_midi(random_groove(seed, 32, 40)))
    return folder


def finished(tmp_path: Path, data: Path, **options: object) -> TrainingRun:
    start = checkpoint_file(tmp_path / "start.safetensors")
    usual = RunConfig(init=str(start)).settings()
    settings = replace(usual, train=replace(usual.train, **QUICK | options))
    own = TrainingRun([data], tmp_path / "m.safetensors", ReadOptions(), settings, init=str(start))
    list(own.steps())
    own.finish()
    return own


@pytest.fixture(autouse=True)
def quick(monkeypatch, brief_feel):
    for training in (prior_training, completion_training):
        monkeypatch.setattr(training, "TUNING_STEPS", 2)
        monkeypatch.setattr(training, "MAX_STEPS", 2)
        monkeypatch.setattr(training, "MIN_STEPS", 2)
    monkeypatch.setattr(reconstruction, "N_COPYING", 4)


# -- what is rehearsed ---------------------------------------------------------


def test_what_a_model_knew_comes_back_from_its_map():
    known = checkpoint_of()
    found = fine_tuning.rehearsal(known)
    assert len(found.takes) == len(latent_map()) == 3
    for row, own in enumerate(found.takes):
        there = latent_maps.decode_point(known.model, latent_map(), row)
        assert np.array_equal(own.groove.position, there.position)
        assert np.array_equal(own.groove.velocity, there.velocity)
        assert own.groove.title == latent_map().origin(row).title
    assert found.takes[0].labels == {"style": "funk/fast", "drummer": "d1", "beat_type": "fill"}
    assert found.bars.tolist() == latent_map().bars.tolist()
    assert len(fine_tuning.rehearsal(known, n=2).takes) == 2
    assert fine_tuning.rehearsal(replace(known, latent_map=None)).takes == []


def test_a_batch_is_half_new_and_half_rehearsed():
    config = TrainConfig(batch_size=8, rehearsal=0.5, augmentation=Augmentation.none(), device="cpu")
    new = [Take("new", groove((0, "kick"), (8, "snare")))]
    known = [Take("known", groove((4, "ride"), (12, "crash")))]
    own = Trainer(TOY, config, new, [], rehearsed=known)
    x, _ = own._batch()
    rides = x[:, 4, 8, 0, 0]
    assert (own.n_new, own.n_rehearsed, own.batch_size, own.steps_per_epoch) == (4, 4, 8, 1)
    assert rides.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert Trainer(TOY, config, new, []).batch_size == 1  # nothing to rehearse: as without


def test_rehearsal_keeps_what_was_known():
    """The same steps with and without it: the old grooves fit better with it."""
    torch.manual_seed(0)
    common = {"batch_size": 16, "learning_rate": 3e-3, "steps": 60, "weights": Weights(kl_warmup=0), "device": "cpu"}
    old, new = [take(seed) for seed in range(8)], [take(seed) for seed in range(20, 24)]
    first = Trainer(TOY, TrainConfig(**common, augmentation=Augmentation.none()), old, [])
    list(first.fit())
    losses = {}
    for share in (0.0, 0.5):
        config = TrainConfig(**common, rehearsal=share, augmentation=Augmentation.none())
        own = Trainer(TOY, config, new, old, first.present(), rehearsed=old)
        list(own.fit())
        losses[share] = own._validation_loss(own.validation_windows)
    assert losses[0.5] < losses[0.0]


def test_the_start_is_kept_where_training_makes_it_worse():
    start = model()
    config = TrainConfig(steps=4, learning_rate=1.0, evaluate_every=2, device="cpu", weights=Weights(kl_warmup=0))
    own = Trainer(TOY, config, TAKES[:3], TAKES[3:], start)
    first, *_, last = own.fit()
    assert (first.step, first.is_best, last.is_best) == (0, True, False)
    kept = own.best_so_far().state_dict()
    assert all(torch.equal(kept[name], value) for name, value in start.state_dict().items())


# -- how much is kept ------------------------------------------------------------


def test_between_two_models_every_weight_lies_between():
    before, tuned = model(), model()
    tuned.load_state_dict({name: weight + 1.0 for name, weight in before.state_dict().items()})
    tuned.config = replace(TOY, velocity_levels=(92,))
    for share in fine_tuning.SHARES:
        made = fine_tuning.between(before, tuned, share)
        assert made.config == tuned.config
        for name, weight in made.state_dict().items():
            assert torch.allclose(weight, before.state_dict()[name] + share, rtol=2e-3, atol=2e-3)


class Way(float):
    """In place of a model: how far on it lies on the way from 0, the model before, to 1."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {"way": torch.tensor(float(self))}


def played(n: int) -> Groove:
    return groove(*((i, "kick") for i in range(n)))


def furthest(
    monkeypatch,
    own: list[int],
    known: list[int],
    lost: Callable[[int, float], int],
    on_progress: Callable[[int, int], object] | None = None,
) -> float:
    """How far on a model is kept that loses `lost(n, way)` of a groove's n hits."""

    def reconstruct(way: float, own: Groove) -> Groove:
        n = len(own) - lost(len(own), way)
        return own.with_hits(own.position[:n], own.voice[:n], own.velocity[:n])

    monkeypatch.setattr(fine_tuning, "between", lambda before, tuned, share: Way(share))
    monkeypatch.setattr(latent, "reconstruct", reconstruct)
    monkeypatch.setattr(latent, "reconstruct_each", lambda way, each: [reconstruct(way, own) for own in each])
    grooves = [played(n) for n in own], [played(n) for n in known]
    kept, share = fine_tuning.furthest(Way(0), Way(1), *grooves, on_progress)
    assert kept == share
    return share


@pytest.mark.parametrize(
    ("lost", "share"),
    [
        (lambda n, way: 0, 1.0),
        (lambda n, way: n == 5 and way > 0.8, 0.75),  # one hit of one file
        (lambda n, way: n == 5 and way > 0.6, 0.5),
        (lambda n, way: n == 6 and way > 0.3, 0.25),
        (lambda n, way: n == 5 and way > 0, 0.0),
        (lambda n, way: (n == 5) * (way > 0.6) + (n == 6) * 2 * (way < 0.6), 0.5),  # what another gains is no excuse
        (lambda n, way: n == 30 and way > 0.6, 0.5),  # of what was known, a hit of thirty is too much,
        (lambda n, way: n == 30, 1.0),  # but not one that was lost before
    ],
)
def test_as_much_is_kept_as_makes_nothing_worse(monkeypatch, lost, share):
    assert furthest(monkeypatch, [5, 6], [30], lost) == share


def test_what_was_known_may_lose_a_little_together(monkeypatch):
    assert furthest(monkeypatch, [5], [30] * 20, lambda n, way: n == 30 and way > 0.6) == 0.5
    lost = iter([0] * 20 + [1] + [0] * 19)  # one hit of 600, by the first that is tried
    assert furthest(monkeypatch, [5], [30] * 20, lambda n, way: next(lost) if n == 30 else 0) == 1.0


def test_how_far_looking_is_is_told(monkeypatch):
    """The second model is kept: the first was refused at its second file."""
    told: list[tuple[int, int]] = []
    furthest(monkeypatch, [5, 6], [30], lambda n, way: n == 6 and way > 0.8, lambda *what: told.append(what))
    assert told == [*((n, 6) for n in range(1, 6)), *((n, 8) for n in range(6, 9))]


def test_what_learned_nothing_is_the_model_before():
    start = model()
    kept, share = fine_tuning.furthest(start, start, [TAKES[0].groove], [TAKES[1].groove])
    assert share == 0.0
    assert all(
        torch.equal(weight, start.half().float().state_dict()[name]) for name, weight in kept.state_dict().items()
    )


def test_a_run_keeps_nothing_that_makes_one_of_its_files_worse(tmp_path, data):
    own = finished(tmp_path, data, learning_rate=0.3)
    loaded = checkpoint.load(own.out)
    assert own.known is not None
    for each in [*own.train_takes, *own.validation_takes]:
        now, was = (score(each.groove, latent.reconstruct(by, each.groove)) for by in (loaded.model, own.known.model))
        assert now.matched.sum() >= was.matched.sum()
        assert now.f1 >= was.f1
    assert loaded.card.before is not None
    assert loaded.card.before.share in fine_tuning.SHARES
    assert loaded.card.before.sentence


def test_without_rehearsal_a_run_goes_on_where_the_other_ended(tmp_path, data, monkeypatch):
    """All of what it becomes is kept, and the prior is fitted to it as a whole."""
    starts = []
    fit = prior_training.fit

    def watched(*args, start=None, **named):
        starts.append(start)
        return fit(*args, start=start, steps=2, **named)

    monkeypatch.setattr(prior_training, "fit", watched)
    monkeypatch.setattr(fine_tuning, "furthest", lambda *_: pytest.fail("what it got worse at was looked for"))
    own = finished(tmp_path, data, rehearsal=0.0)
    assert starts == [None]
    assert own.rehearsed.takes == []
    card = checkpoint.load(own.out).card
    assert card.before is not None
    assert (card.before.share, card.data.rehearsed_grooves) == (None, 0)


# -- levels of a machine -------------------------------------------------------


def test_levels_of_machines_and_of_players():
    machine = [Take("m", groove(*((i, "kick", 92 if i % 4 else 118) for i in range(0, 32, 2)))) for _ in range(3)]
    config = fine_tuning.levelled(TOY, machine)
    assert (config.velocity_levels, config.offset_levels) == ((92, 118), (0.0,))
    player = fine_tuning.levelled(config, TAKES)
    assert (player.velocity_levels, player.offset_levels) == ((), ())
    # One stroke of its own is no level, and a few are no machine.
    odd = groove(*((i, "kick", 92) for i in range(32)), *((i, "snare", 40 + i) for i in range(3)))
    assert fine_tuning.levelled(TOY, [Take("o", odd)]).velocity_levels == ()


# -- what comes after ----------------------------------------------------------


def test_the_prior_goes_on_and_draws_from_the_new_loops():
    known = checkpoint_of()
    rehearsed = fine_tuning.rehearsal(known).takes
    start = prior_training.Start(known.prior, known.quantiles, rehearsed)
    prior, quantiles = prior_training.fit(known.model, TAKES, 0, start=start)
    assert prior.config.n_own == len(TAKES)  # two bars of each
    generator = torch.Generator().manual_seed(0)
    drawn = {prior.conditioning(0.0, generator).traits for _ in range(3)}
    own = (prior.bank * prior.bank_known)[: len(TAKES)].sum(0) / prior.bank_known[: len(TAKES)].sum(0).clamp(min=1.0)
    assert all(torch.allclose(traits, own) for traits in drawn)  # none of what was known, unless asked for by style
    assert torch.equal(prior.mean, known.prior.mean)
    assert torch.equal(prior.std, known.prior.std)
    moved = [
        (a - b).abs().max() for a, b in zip(prior.blocks.parameters(), known.prior.blocks.parameters(), strict=True)
    ]
    assert 0 < max(map(float, moved)) < 0.1  # it went on, it did not begin anew
    alone = prior_training.fit(known.model, TAKES, 0)[1]
    assert set(quantiles.knots) >= set(alone.knots)
    assert quantiles.knots["density"].shape[1] > alone.knots["density"].shape[1]  # what was known counts too


def column(scales: Quantiles) -> int:
    """Where a bank has density."""
    return [name for name in TRAITS if name in scales.knots].index("density")


def test_styles_that_were_known_can_still_be_asked_for():
    known = checkpoint_of()
    start = prior_training.Start(known.prior, known.quantiles, fine_tuning.rehearsal(known).takes)
    new = [*TAKES, replace(take(9), labels={"style": "bossa/fast"}), replace(take(10), labels={"style": "funk"})]
    prior, quantiles = prior_training.fit(known.model, new, 0, start=start)
    assert prior.config.styles == ("bossa", "funk", "jazz")
    before = known.prior
    n_known = (before.bank_style < 2).sum()
    assert prior.config.n_bank == prior.config.n_own + n_known
    was, now = (
        [scales.at_score("density", float(row[column(scales)])) for row in own.bank[own.bank_style == jazz]]
        for own, scales, jazz in ((before, known.quantiles, 1), (prior, quantiles, 2))
    )
    lowest, *_, highest = quantiles.knots["density"][0]
    assert now == pytest.approx(np.clip(was, lowest, highest), rel=0.02)  # the same, on the scale of now
    assert torch.allclose(prior.style.weight[2], before.style.weight[1], atol=0.02)  # moved by its training alone
    again, _ = prior_training.fit(known.model, TAKES, 0, start=replace(start, prior=prior, quantiles=quantiles))
    assert again.config.styles == prior.config.styles


def test_the_map_has_the_new_grooves_among_those_that_were_known():
    known = checkpoint_of()
    rehearsed = fine_tuning.rehearsal(known)
    new = [*TAKES[:2], replace(take(9), labels={"style": "bossa"})]
    drawn = fine_tuning.mapped(known.model, new, rehearsed)
    assert drawn.labels("style") == ["yours", "yours", "bossa", "funk", "funk", "yours"[:0]]
    assert drawn.bars[3:].tolist() == latent_map().bars.tolist()
    alone = fine_tuning.mapped(known.model, new, fine_tuning.rehearsal(replace(known, latent_map=None)))
    assert len(alone) == 3


def test_a_fine_tuned_file_says_where_it_comes_from(tmp_path, data):
    start = checkpoint_file(tmp_path / "start.safetensors")
    out = tmp_path / "m.safetensors"
    options = ["--steps", "4", "--no-judging", "--json", "--map", "44=kick", "--map", "39=none"]
    assert cli.main(["train", str(data), "--init", str(start), "--out", str(out), *options]) == 0
    loaded = checkpoint.load(out)
    assert loaded.card.training.init == "start.safetensors"
    assert loaded.card.before is not None
    assert replace(loaded.card.before, share=None) == Before(checkpoint.load(start).digest, "a toy")
    assert loaded.card.data.rehearsed_grooves == 3
    assert loaded.kit_map.overrides == {44: 0, 39: None}
    assert loaded.latent_map is not None
    assert len(loaded.latent_map) == 5 + 3
    assert loaded.card.held_out is None


def test_a_model_reads_files_by_the_kit_map_that_it_learned_with(tmp_path, capsys):
    own = checkpoint_of()
    path = tmp_path / "m.safetensors"
    card = Card(reading=Reading({"38": "kick", "36": "ride"}))
    checkpoint.save(path, own.model, own.prior, own.quantiles, card, own.latent_map)
    loop = tmp_path / "loop.mid"
    loop.write_bytes(write_midi(groove((0, "kick"), (4, "snare"), (8, "snare"))))

    def voices(*more: str) -> dict[str, str]:
        assert cli.main(["encode", str(loop), "--checkpoint", str(path), "--json", *more]) == 0
        [entry] = json.loads(capsys.readouterr().out)["files"]
        return {row["pitch"]: row["voice"] for row in entry["report"]["notes"]}

    assert voices() == {36: "ride", 38: "kick"}
    assert voices("--map", "38=snare") == {36: "ride", 38: "snare"}


# -- judging -------------------------------------------------------------------


def test_nothing_is_judged_by_what_it_learned_from(tmp_path, data, monkeypatch):
    own = finished(tmp_path, data)
    learned: list[set[str]] = []
    fold_model = TrainingRun._fold_model

    def watched(run: TrainingRun, takes: list[Take], *more):
        learned.append({own.name for own in takes})
        return fold_model(run, takes, *more)

    monkeypatch.setattr(TrainingRun, "_fold_model", watched)
    judged: list[set[str]] = []
    held_out = reconstruction.held_out

    def asked(pairs, models, before):
        judged.extend({own.name for own in side} for _, side in pairs)
        return held_out(pairs, models, before)

    monkeypatch.setattr(reconstruction, "held_out", asked)
    told: list[tuple[int, int]] = []
    card = own.judge(lambda *what: told.append(what))
    assert card.held_out is not None
    assert len(learned) == len(judged) == card.held_out.folds == 5
    assert not any(a & b for a, b in zip(learned, judged, strict=True))
    assert set().union(*judged) == {f"{seed}.mid" for seed in range(6)}
    assert told == [(n, 6) for n in range(7)]
    rows = {row.name: row.score for row in card.held_out.rows}
    assert {"this model", "the model before", "PCA", "mean pooling", "standard-deviation pooling"} <= set(rows)
    assert rows["this model"].n_hits == rows["PCA"].n_hits == 6 * 40
    assert None not in {figure for row in card.held_out.files for figure in (row.f1, row.before)}
    assert len(card.held_out.files) == 6
    assert card.held_out.kept_out == tuple(own.name for own in own.validation_takes)
    assert [own.name for own in card.completed] == ["this model", "the model before"]
    assert card == checkpoint.load(tmp_path / "m.safetensors").card


@pytest.mark.parametrize("killed_at", [(0, 0), (0, 2), (2, 1)], ids=["at once", "in the first fold", "in the third"])
def test_figures_that_were_killed_go_on_to_the_same_digits(tmp_path, data, monkeypatch, killed_at):
    class Killed(BaseException):
        pass

    for seed in range(3, 6):  # three files make three folds
        (data / f"{seed}.mid").unlink()
    own = finished(tmp_path, data)
    before, steps = own.out.read_bytes(), []
    train_step, save = Trainer._train_step, folds._write
    monkeypatch.setattr(Trainer, "_train_step", lambda trainer: steps.append(0) or train_step(trainer))
    whole = own.judge()
    n_whole = len(steps)
    assert not [path for path in tmp_path.iterdir() if ".fold" in path.name]

    own.out.write_bytes(before)
    fold, n_saved = killed_at
    left = iter(range(n_saved))

    def saved(path, *more):
        if path == folds.path_of(own.out, fold) and next(left, None) is None:
            raise Killed
        save(path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(folds, "_write", saved)
        patch.setattr(folds, "clear", lambda _: None)
        with pytest.raises(Killed):
            own.judge()
    steps.clear()
    assert own.judge() == whole
    assert len(steps) == n_whole - QUICK["steps"] * fold - (
        0 if n_saved == 0 else QUICK["evaluate_every"] * (n_saved - 1)
    )
    assert not [path for path in tmp_path.iterdir() if ".fold" in path.name]


def test_a_fold_of_other_work_or_that_is_damaged_counts_for_nothing(tmp_path):
    def trainer(takes):
        return Trainer(TOY, TrainConfig(**QUICK), takes, TAKES[:1])

    path, steps = tmp_path / "m.fold0", []
    made = folds.trained(trainer(TAKES[1:4]), path, "mine")
    again = trainer(TAKES[1:4])
    again._train_step = lambda: pytest.fail("it is there")
    assert all(
        torch.equal(a, b)
        for a, b in zip(made.parameters(), folds.trained(again, path, "mine").parameters(), strict=True)
    )
    for prepared in ("another's", "damaged"):
        if prepared == "damaged":
            path.write_bytes(b"x" * 99)
        anew = trainer(TAKES[1:4])
        step = anew._train_step
        anew._train_step = lambda step=step: steps.append(0) or step()
        folds.trained(anew, path, "mine" if prepared == "damaged" else "another's")
    assert len(steps) == 2 * QUICK["steps"]


def test_many_held_out_takes_need_no_folds(tmp_path, data, monkeypatch):
    own = finished(tmp_path, data)
    monkeypatch.setattr("rhythmvae.data.splits.MIN_HELD_OUT", 1)
    before = checkpoint.load(own.out)
    card = own.judge()
    assert MIN_HELD_OUT > 1
    assert card.held_out is not None
    assert card.held_out.folds == 0
    assert tuple(row.name for row in card.held_out.files) == card.held_out.kept_out
    after = checkpoint.load(own.out)
    assert after.digest == before.digest  # the same model, with figures


def test_one_pattern_has_no_figures(tmp_path, data):
    for path in sorted(data.iterdir())[1:]:
        path.unlink()
    own = finished(tmp_path, data)
    card = own.judge()
    assert (card.held_out, card.copying, card.metrics) == (None, None, Metrics())


def test_copying_is_seen(monkeypatch):
    """A model whose samples are its training loops, and one whose samples are far from them."""
    seen, judged = TAKES[:3], TAKES[3:]
    loops = reconstruction.full_windows(seen)
    monkeypatch.setattr(reconstruction, "sampled_windows", lambda *_: loops)
    found = reconstruction.copying(checkpoint_of(), seen, judged)
    assert found is not None
    assert found.samples == Nearness(cells=0.0, exact_duplicates=1.0)
    assert found.held_out.cells > 10
    assert found.held_out.exact_duplicates == 0.0
    silent = [Take("s", groove(n_steps=32))]
    assert reconstruction.copying(checkpoint_of(), seen, silent) is None


# -- the journal ---------------------------------------------------------------


def test_the_journal_tells_all_that_happens(tmp_path, data, capsys):
    start = checkpoint_file(tmp_path / "start.safetensors")
    out = tmp_path / "m.safetensors"
    options = ["--steps", "4", "--journal", "--seed", "3"]
    assert cli.main(["train", str(data), "--init", str(start), "--out", str(out), *options]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    stages = list(dict.fromkeys(line["stage"] for line in lines))
    made = ["checking", "prior", "completion", "map"]
    assert stages == ["reading", "training", "preview", *made, "ready", "judging", "done"]
    trained = [line for line in lines if line["stage"] == "training"]
    assert trained[0]["step"] == 0
    assert trained[0]["validation"]["loss"] < 1e9
    assert trained[-1]["step"] == trained[-1]["n_steps"] == 4
    assert from_json(lines[-1]["card"]) == checkpoint.load(out).card
    preview = next(line for line in lines if line["stage"] == "preview")
    from rhythmvae import share

    rebuilt, between = (share.from_text(text).groove for text in preview["grooves"])
    assert rebuilt.n_bars == between.n_bars == 2

    first = out.read_bytes()
    again = tmp_path / "again.safetensors"
    assert cli.main(["train", str(data), "--init", str(start), "--out", str(again), *options, "--no-judging"]) == 0
    assert checkpoint.load(again).digest == checkpoint.loads(first, "first").digest


def test_a_failure_is_in_the_journal(tmp_path, capsys):
    (tmp_path / "a.mid").write_bytes(b"MThd nothing")
    assert cli.main(["train", str(tmp_path), "--out", str(tmp_path / "m"), "--journal"]) == 2
    out, err = capsys.readouterr()
    failed = [json.loads(line) for line in out.splitlines()][-1]
    assert failed["stage"] == "failed"
    assert failed["sentence"] in " ".join(err.split())


def test_a_folder_and_a_zip_of_it_make_the_same_model(tmp_path, data):
    """As the Train page has a zip, and the command line the visitor's folder."""
    start = checkpoint_file(tmp_path / "start.safetensors")
    packed = tmp_path / "data.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(data.iterdir(), reverse=True):
            archive.write(path, path.name)
    digests = set()
    for source in (data, packed):
        out = tmp_path / f"{source.name}.safetensors"
        options = ["--steps", "4", "--no-judging", "--journal"]
        assert cli.main(["train", str(source), "--init", str(start), "--out", str(out), *options]) == 0
        digests.add(checkpoint.load(out).digest)
    assert len(digests) == 1


def test_figures_can_be_made_by_a_process_of_their_own(tmp_path, data, capsys):
    start = checkpoint_file(tmp_path / "start.safetensors")
    made: dict[str, Card] = {}
    for name, parts in (("once", [[]]), ("twice", [["--no-judging"], ["--only-judging"]])):
        out = tmp_path / f"{name}.safetensors"
        for options in parts:
            arguments = ["--init", str(start), "--out", str(out), "--steps", "4", "--journal", *options]
            assert cli.main(["train", str(data), *arguments]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert lines[-1]["stage"] == "done"
        made[name] = checkpoint.load(out).card
        assert from_json(lines[-1]["card"]) == made[name]
    for part in ("held_out", "copying", "metrics", "data"):
        assert getattr(made["once"], part) == getattr(made["twice"], part)


def test_a_pause_takes_nothing_from_a_limit_of_time(monkeypatch):
    wall, processor = [100.0], [1.0]
    monkeypatch.setattr(train.time, "monotonic", lambda: wall[0])
    monkeypatch.setattr(train.time, "process_time", lambda: processor[0])
    clock = train.Awake()
    wall[0], processor[0] = 105.0, 3.0  # at work, beside others
    assert clock() == 5.0
    wall[0] += 600.0  # stopped
    assert clock() == 7.0


@pytest.mark.parametrize("folds", ["1", "-1", "101"])
def test_folds_that_cannot_be_are_refused_before_training(tmp_path, data, capsys, folds):
    assert cli.main(["train", str(data), "--out", str(tmp_path / "m"), f"--folds={folds}"]) == 2
    assert "Expected 2 to 100 folds, or 0 for none" in capsys.readouterr().err
