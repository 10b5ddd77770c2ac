"""The transcriber's dynamics: velocities judged within the take, fitted and checked.

    python -m benchmarks.dynamics GROOVE.zip --folder DIR [--checkpoint FILE] [--out FILE]

GROOVE is the Groove MIDI Dataset, DIR the folder of `benchmarks.transcriber train` and of `benchmarks.second_look`,
whose recordings are taken. Beside them stand as many strokes on the whole kits among those to choose by, which the
networks never heard: on kits that they know they hear too well how hard a stroke was. Whether it bears other kits is
seen on those to choose by that are drawn out of single drums. The file has the checkpoint's networks and thresholds
to the bit. Scored on what is held out, by which nothing is chosen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks import second_look, transcriber
from benchmarks.transcriber import N_TO_CHOOSE_BY, SEED, Sound
from rhythmvae.audio.transcriber import Transcriber
from rhythmvae.data.corpus import load
from rhythmvae.evaluation import hearing
from rhythmvae.resources import TRANSCRIBER
from rhythmvae.training.hearing import dynamics, looking, scenes, stock
from rhythmvae.training.hearing.scenes import Studio

FIRST = 11  # beside SEED: of the recordings on whole kits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=TRANSCRIBER)
    parser.add_argument("--out", type=Path, default=TRANSCRIBER)
    parser.add_argument("--recordings", type=int, default=1440, help="of the second look's")
    parser.add_argument("--unheard", type=int, default=600, help="recordings on whole kits to choose by")
    parser.add_argument("--processes", type=int, default=1, help="that make recordings")
    options = parser.parse_args()
    torch.set_num_threads(1)
    stock.gather(options.folder)
    before = replace(Transcriber.load(options.checkpoint), dynamics=None)
    if before.look is None:
        parser.error("Expected a checkpoint with a second look, got one without.")
    first = replace(before, look=None)
    kits = stock.choosing(options.folder)
    whole = [kit for kit in kits if not kit.name.startswith("pool-")]
    lines = [scenes.line(take) for take in stock.takes(options.data, held_out=False)]
    others = stock.others(options.folder, held_out=False)
    studio = Studio(whole, [1 / len(whole)] * len(whole), lines, others, looking.SECONDS)
    sets = [
        dynamics.known(before.look, before.thresholds, own)
        for own in (
            second_look.recordings(first, options),
            looking.examples(first, studio, SEED + FIRST, options.unheard),
        )
    ]
    takes = looking.validation_takes(load([options.data]).takes)
    drawn = [kit for kit in kits if kit.name.startswith("pool-")]
    sounds = list(transcriber.played(drawn, takes, N_TO_CHOOSE_BY))
    unknown = list(transcriber.played(kits, takes, N_TO_CHOOSE_BY))
    known_alone, after = (replace(before, dynamics=dynamics.fit(own)) for own in (sets[:1], sets))
    checked = {
        "drawn_before": velocities(before, sounds),
        "drawn": velocities(after, sounds),
        "all_before": velocities(before, unknown),
        "all_known_alone": velocities(known_alone, unknown),
    }
    print(json.dumps(checked), flush=True)
    card = dict(before.card) | {
        "dynamics": {"strokes": [len(own.voice) for own in sets], "seed": SEED, "chosen_by": checked},
    }
    card["metrics"] = transcriber.figures(after, list(transcriber.rendered(options.folder, options.data))[1::2])
    replace(after, card=card).save(options.out)
    print(json.dumps(card["metrics"], indent=1))


def velocities(own: Transcriber, sounds: Sequence[Sound]) -> dict[str, float | None]:
    """Correlation of played and heard velocity, by group."""
    pairs = [(truth, own.hear([sound])) for sound, truth in sounds]
    found = {name: hearing.velocities(pairs, voices) for name, voices in hearing.FIVE.items()}
    return {name: None if value is None else round(value, 3) for name, value in found.items()}


if __name__ == "__main__":
    main()
