"""Where the shipped model fails, looked for by rule, and kept to be heard on the About page.

    python -m benchmarks.failures [--list]

For each claim all candidates go through the model, and the worst is kept in `rhythmvae/evaluation/failures.json` as
texts of links. Candidates are the built-in patterns, two bars of each, and what `benchmarks.programmed` makes by rule,
so the file may be given on; the ear hears the patterns by the app's own kits. `--list` prints the figure of every
candidate and keeps nothing.
"""

from __future__ import annotations

import argparse
import datetime
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks import programmed
from rhythmvae import share
from rhythmvae.analysis import metrics
from rhythmvae.audio.resampling import resampled
from rhythmvae.data import recording
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.evaluation import failures, hearing
from rhythmvae.evaluation.hearing import Truth
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.library import asking, index
from rhythmvae.library.search import Library
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate, labels, latent, verbs
from rhythmvae.model.card import SHIPPED
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.completing import Completer
from rhythmvae.review import material, tuned
from rhythmvae.sound import synth
from rhythmvae.sound.kits import SAMPLE_RATE

N_SAMPLES = 12
SLID, ASKED = ("swing", "syncopation"), (0.1, 0.9)  # the two sliders that obey least, and quantiles asked for
HATS = tuple(VOICE_INDEX[key] for key in ("closed_hat", "open_hat"))
TAPPED = VOICE_INDEX["snare"]  # what taps are written for; no matter which
KITS = ("house", "acoustic", "electronic", "808")
STYLES = {"bossa": "latin", "samba": "latin"}  # GMD's names of those that are called otherwise here


@dataclass(frozen=True)
class Candidate:
    """What a model did with a groove: `badness` is larger the worse it is."""

    what: str
    why: str
    badness: float
    original: Groove | None
    made: Groove | None


@dataclass(frozen=True)
class Models:
    """The shipped model, as each job wants it."""

    loaded: Checkpoint
    completer: Completer


def patterns() -> Iterator[tuple[str, Groove]]:
    """The built-in patterns, two bars of each, by their titles."""
    for key, pattern in EXAMPLES.items():
        yield pattern.title, replace(material.first_bars(example(key)), title=pattern.title)


def by_rule() -> Iterator[tuple[str, Groove]]:
    """Rolls and ratchets that people program."""
    for name, grooves in programmed.families().items():
        if "blast" not in name:
            for groove in grooves:
                yield f"{name} at {groove.tempos[0].bpm:.0f} BPM", material.first_bars(groove)


def _cells(groove: Groove, start: int, stop: int) -> set[tuple[int, int]]:
    inside = (groove.step >= start) & (groove.step < stop)
    return set(zip((groove.step[inside] - start).tolist(), groove.voice[inside].tolist(), strict=True))


def _alike(one: set[tuple[int, int]], other: set[tuple[int, int]]) -> float:
    """Share of the cells of either that both have."""
    return len(one & other) / max(len(one | other), 1)


# -- a rule for each claim -------------------------------------------------------


def rebuilt(models: Models) -> Iterator[Candidate]:
    for what, groove in [*patterns(), *by_rule()]:
        made = latent.reconstruct(models.loaded.model, groove)
        f1 = metrics.score(groove, made).f1_strict
        yield Candidate(what, f"{f1:.0%} of its hits come back within 25 ms (F1)", 1 - f1, groove, made)


def touched(models: Models) -> Iterator[Candidate]:
    for what, groove in patterns():
        made = latent.reconstruct(models.loaded.model, groove)
        off = metrics.score(groove, made).velocity_mae or 0.0
        yield Candidate(what, f"loudness is off by {off:.0f} of 127 in the mean", off, groove, made)


def sampled(models: Models) -> Iterator[Candidate]:
    for seed in range(N_SAMPLES):
        made = generate.sample(models.loaded, n_bars=2, seed=seed)
        alike = _alike(_cells(made, 0, 16), _cells(made, 16, 32))
        why = f"its two bars share {alike:.0%} of their cells: a drummer who plays a groove repeats more"
        yield Candidate(f"Sample with seed {seed}", why, 1 - alike, None, made)


def slid(models: Models) -> Iterator[Candidate]:
    for what, groove in patterns():
        for name in SLID:
            for asked in ASKED:
                [varied] = generate.vary(models.loaded, groove, amount=0.0, asked={name: asked})
                achieved = varied.settings[name].achieved
                if achieved is not None:
                    why = f"{name} was set to {100 * asked:.0f} of 100, and {100 * achieved:.0f} was achieved"
                    yield Candidate(what, why, abs(achieved - asked), groove, varied.groove)


def humanized(models: Models) -> Iterator[Candidate]:
    for what, groove in patterns():
        made = verbs.humanized(models.completer, material.stiff(groove), temperature=0.0)
        off = metrics.score(groove, made).velocity_mae or 0.0
        why = f"from the bare grid, loudness is off by {off:.0f} of 127 from the pattern as it was written"
        yield Candidate(what, why, off, groove, made)


def continued(models: Models) -> Iterator[Candidate]:
    for what, groove in patterns():
        made = verbs.continued(models.completer, groove, 2)
        n = groove.n_steps
        alike = _alike(_cells(groove, 0, n), _cells(made, n, 2 * n))
        why = f"the two new bars share {alike:.0%} of their cells with the two given ones"
        yield Candidate(what, why, 1 - alike, groove, made)


def infilled(models: Models) -> Iterator[Candidate]:
    for what, groove in patterns():
        if not np.isin(groove.voice, HATS).any():
            continue
        made = verbs.infilled(models.completer, groove, verbs.cells(groove, HATS, None), temperature=0.0)
        f1 = metrics.score(_some(groove, HATS), _some(made, HATS)).f1
        why = f"its hats were taken away, and {f1:.0%} of them come back (F1)"
        yield Candidate(what, why, 1 - f1, groove, made)


def tapped(models: Models) -> Iterator[Candidate]:
    for what, groove in patterns():
        position = np.unique(np.round(groove.position, 1))
        taps = groove.with_hits(position, np.full(len(position), TAPPED), np.full(len(position), 90))
        made = verbs.tapped(models.completer, taps, temperature=0.0)
        f1 = metrics.score(groove, made).f1
        why = f"its rhythm was tapped, and {f1:.0%} of its drums are found (F1)"
        yield Candidate(what, why, 1 - f1, groove, made)


def named(_: Models) -> Iterator[Candidate]:
    """Built-in patterns are by nobody whom the labels' training knows."""
    for key, pattern in EXAMPLES.items():
        said = labels.describe(example(key))["style"]
        own = STYLES.get(key, key)
        if own not in said["probabilities"]:
            continue  # no style of the data set
        probability = said["probabilities"][own]
        answer = f"“{said['label']}”" if said["label"] else "that it does not know"
        why = f"it is called {pattern.title}, and the model says {answer}; {own} has {probability:.0%}"
        yield Candidate(pattern.title, why, 1 - probability, material.first_bars(example(key)), None)


def sounds_heard(_: Models) -> Iterator[Candidate]:
    """The built-in patterns as sound of every kit, through the ear."""
    for what, groove in patterns():
        order = np.argsort(groove.onset_seconds, kind="stable")
        truth = Truth(np.maximum(groove.onset_seconds[order], 0.0), groove.voice[order], groove.velocity[order])
        for kit in KITS:
            found = recording.of_blocks(resampled([synth.render(groove, kit=kit)], SAMPLE_RATE), what)
            by_class = hearing.counts([(truth, found.strokes())], hearing.NINE, hearing.TOLERANCES_SECONDS[0])
            f1 = hearing.micro(by_class).f1 or 0.0
            why = f"by the {kit} kit, {f1:.0%} of its hits are heard as what they are (F1, nine drums, 50 ms)"
            made = recording.read(found, anyway=True).groove if len(found.strokes()) else None
            yield Candidate(what, why, 1 - f1, groove, made)


def found(models: Models) -> Iterator[Candidate]:
    """Each built-in pattern looked for among the others."""
    with tempfile.TemporaryDirectory() as place:
        folder, own = Path(place) / "loops", Path(place) / "library"
        folder.mkdir()
        grooves = {key: groove for key, (_, groove) in zip(EXAMPLES, patterns(), strict=True)}
        for key, groove in grooves.items():
            (folder / f"{key}.mid").write_bytes(write_midi(groove))
        index.index([folder], own, SHIPPED, models.loaded.digest)
        library = Library(own)
        for key, groove in grooves.items():
            asked = asking.asked(groove, models.loaded.model.config.layers)
            others = [each for each in library.search(asked, models.loaded.model, n=3) if each.path != f"{key}.mid"]
            other = others[0].path.removesuffix(".mid")
            alike = _alike(_cells(groove, 0, 32), _cells(grooves[other], 0, 32))
            why = (
                f"of the other patterns “{EXAMPLES[other].title}” comes first, with {alike:.0%} of the cells in common"
            )
            yield Candidate(EXAMPLES[key].title, why, 1 - alike, groove, grooves[other])
        library.close()


def learned(_: Models) -> Iterator[Candidate]:
    """Samples of a model that has learned loops, beside a loop that was held out (`benchmarks.tuned`)."""
    for pair in tuned.ready().pairs:
        own = _cells(pair.original, 0, 32)
        before, after = (_alike(own, _cells(made, 0, 32)) for made in (pair.before, pair.after))
        why = (
            f"after {tuned.ready().n_learned} loops of trap were learned, what it invents shares {after:.0%} of its "
            f"cells with one that was held out, and {before:.0%} before"
        )
        yield Candidate(pair.name, why, before - after, pair.original, pair.after)


def _some(groove: Groove, voices: tuple[int, ...]) -> Groove:
    return groove.some(np.isin(groove.voice, voices))


RULES: dict[str, Callable[[Models], Iterator[Candidate]]] = {
    "rebuild": rebuilt,
    "touch": touched,
    "invent": sampled,
    "sliders": slid,
    "humanize": humanized,
    "continue": continued,
    "fill": infilled,
    "tap": tapped,
    "style": named,
    "ear": sounds_heard,
    "library": found,
    "learn": learned,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print all candidates and keep nothing")
    parser.add_argument("--only", choices=RULES, help="one claim: the others stay as they are")
    options = parser.parse_args()
    torch.set_num_threads(1)
    loaded = checkpoint.load(SHIPPED)
    models = Models(loaded, Completer.of(loaded))
    kept = json.loads(failures.FILE.read_text("utf-8")) if failures.FILE.is_file() else {"failures": []}
    by_claim = {said["claim"]: said for said in kept["failures"]}
    for claim, rule in RULES.items():
        if options.only not in (None, claim):
            continue
        found = sorted(rule(models), key=lambda each: -each.badness)
        for each in found if options.list else found[:3]:
            print(f"{claim:10} {each.badness:8.3f}  {each.what}: {each.why}", flush=True)
        worst = found[0]
        by_claim[claim] = {
            "claim": claim,
            "what": worst.what,
            "why": worst.why,
            "original": _text(worst.original),
            "made": _text(worst.made),
        }
    if not options.list:
        document = {
            "model": loaded.digest,
            "date": datetime.date.today().isoformat(),
            "failures": [by_claim[claim] for claim in RULES if claim in by_claim],
        }
        failures.FILE.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _text(groove: Groove | None) -> str:
    return "" if groove is None else share.to_text(replace(groove, title="", source=""))


if __name__ == "__main__":
    main()
