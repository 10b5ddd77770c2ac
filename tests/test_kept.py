"""Links, latents and checkpoints of earlier versions open, and play what they played (tests/kept/README.md)."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from kept import make
from kept.make import KEPT, LINKS

from rhythmvae import load, share
from rhythmvae.cli import main
from rhythmvae.data.examples import example
from rhythmvae.errors import CheckpointError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.midi.read import read_file, read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate, latent
from rhythmvae.model.card import FIRST_EDITION, FIRST_EDITION_DIGEST

# Offsets in steps that the toy checkpoint gives its hits on the first step: pushed, they stand that much before the end
# of the loop. Version 0.1.0 put them before its start, which a file cannot hold, and wrote them at 0.
TOY_PUSHED = {
    "kick": -0.327,
    "closed_hat": -0.426,
    "mid_tom": -0.214,
    "high_tom": -0.473,
    "crash": -0.484,
    "ride": -0.382,
}


def plays(groove: Groove, name: str, pushed: dict[str, float] | None = None) -> None:
    """Assert that a groove is that of a kept file, but for what another processor rounds differently.

    pushed: offsets by voice of the hits that the file has at 0 and the groove before its end.
    """
    kept, _ = read_file(KEPT / name)
    groove, _ = read_midi(write_midi(groove), name)
    position = kept.position.copy()
    for voice, offset in (pushed or {}).items():
        [at] = np.flatnonzero((kept.position == 0) & (kept.voice == VOICE_INDEX[voice]))
        position[at] = kept.n_steps + offset
    kept = kept.with_hits(position, kept.voice, kept.velocity)
    order, kept_order = (np.lexsort((g.position, g.velocity, g.voice, g.step)) for g in (groove, kept))
    np.testing.assert_array_equal(groove.voice[order], kept.voice[kept_order])
    np.testing.assert_allclose(groove.position[order], kept.position[kept_order], atol=0.02)  # of a step: 2.5 ms
    np.testing.assert_allclose(groove.velocity[order], kept.velocity[kept_order], atol=1)
    assert (groove.n_steps, groove.meters) == (kept.n_steps, kept.meters)


@pytest.mark.parametrize("link", LINKS, ids=[link["what"] for link in LINKS])
def test_a_link_opens_as_it_was_sent(link):
    opened = share.from_text(link["text"])
    assert hashlib.sha256(write_midi(opened.groove)).hexdigest() == link["midi_sha256"]
    assert (opened.settings, opened.model) == (link["settings"], link["model"])


def test_a_link_of_the_variations_page_plays_its_variation():
    link = share.from_text(LINKS[3]["text"])
    edition = checkpoint.load(FIRST_EDITION)
    assert edition.digest == FIRST_EDITION_DIGEST
    assert edition.is_named(link.model)
    plays(make.variation(), "variation.mid")


def test_latents_decode_to_the_same_midi(tmp_path):
    assert make.decode(tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rock.mid", "seven.mid"]
    for stem in ("rock", "seven"):
        plays(read_file(tmp_path / f"{stem}.mid")[0], f"{stem}_decoded.mid")


def test_a_checkpoint_loads_rebuilds_and_is_written_again(tmp_path):
    loaded = checkpoint.load(KEPT / "toy.safetensors")
    assert loaded.digest == "bbb357ba7d2472fa"
    assert loaded.kit_map.overrides == {39: None}
    assert loaded.card.about == "Built-in patterns"
    assert loaded.latent_map is not None
    assert len(loaded.latent_map) == 3
    plays(make.rebuilt(), "toy_rebuilt.mid", TOY_PUSHED)
    again = tmp_path / "again.safetensors"
    checkpoint.save(again, loaded.model, loaded.prior, loaded.quantiles, loaded.card, loaded.latent_map)
    written = checkpoint.load(again)
    assert written.contents == loaded.contents
    assert written.is_named("bbb357ba7d2472fa")  # in links and latents from before


def test_a_checkpoint_of_version_1_rebuilds_as_it_did_and_says_what_it_cannot_do(tmp_path):
    path = KEPT / "toy_1.safetensors"
    loaded = checkpoint.load(path)
    assert loaded.digest == "ff14c1d20061260c"
    assert (loaded.card.version, loaded.card.about, loaded.card.data.train_takes) == (1, "Built-in patterns", 3)
    assert (loaded.styles, loaded.latent_map) == ((), None)
    played = example("funk")
    plays(make.rebuilt(path), "toy_rebuilt.mid", TOY_PUSHED)
    [unchanged] = generate.vary(loaded, played, amount=0.0)
    assert unchanged.groove == latent.reconstruct(loaded.model, played)
    for draw in (
        lambda: generate.sample(loaded),
        lambda: generate.vary(loaded, played, amount=0.5),
        lambda: generate.interpolate(loaded, played, example("rock"), 3),
    ):
        with pytest.raises(CheckpointError, match=r"from a file of version 1.*fine-tune it") as caught:
            draw()
        assert "\n" not in str(caught.value)
    again = tmp_path / "again.safetensors"
    checkpoint.save(again, loaded.model, loaded.own_prior, loaded.quantiles, loaded.card)
    rewritten = checkpoint.load(again)
    assert rewritten.own_prior is None
    assert latent.reconstruct(rewritten.model, played) == latent.reconstruct(loaded.model, played)


@pytest.mark.usefixtures("brief_prior")
def test_a_checkpoint_of_version_1_can_be_fine_tuned(tmp_path):
    loop = tmp_path / "loop.mid"
    loop.write_bytes(write_midi(example("funk")))
    out = tmp_path / "m.safetensors"
    options = ["--steps", "1", "--no-judging"]
    assert main(["train", str(loop), "--init", str(KEPT / "toy_1.safetensors"), "--out", str(out), *options]) == 0
    assert generate.sample(checkpoint.load(out), n_bars=1).n_bars == 1


def test_a_link_of_the_first_edition_is_played_by_it(monkeypatch):
    """By the pages; `edition-1` names it on the command line and in `rhythmvae.load`."""
    import streamlit as st

    from rhythmvae.ui.session import models

    monkeypatch.setattr(st, "session_state", {})
    another = replace(models.shipped(), digest="of another", contents="of another")
    monkeypatch.setattr(models, "shipped", lambda: another)
    digest = share.from_text(LINKS[3]["text"]).model
    assert models.is_to_choose(digest)
    assert models.choose(digest)
    assert models.in_use().digest == digest == load("edition-1").checkpoint.digest
    models.use_shipped()
    assert models.in_use() is another
    assert models.choose(digest)  # one of the visitor's by now
    assert models.in_use().is_named(digest)
