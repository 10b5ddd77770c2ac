"""The MIDI files of this folder made anew by today's code, from the link, the latents and the toy beside them.

    python tests/kept/make.py FOLDER

tests/test_kept.py compares them with the kept ones, which the code of README.md made: another processor may round
differently, and hits before the first step are held since at the loop's end.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rhythmvae import share
from rhythmvae.cli import main
from rhythmvae.data.examples import example
from rhythmvae.groove import Groove
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint, generate, latent
from rhythmvae.model.card import FIRST_EDITION

KEPT = Path(__file__).parent
LINKS = json.loads((KEPT / "links.json").read_text("utf-8"))
REBUILT = "funk"  # the pattern that the toy rebuilds


def variation() -> Groove:
    """What the fourth link plays, by the model that it names."""
    link = share.from_text(LINKS[3]["text"])
    [made] = generate.vary(checkpoint.load(FIRST_EDITION), link.groove, n=1, **link.settings["vary"])
    return made.groove


def rebuilt(toy: Path = KEPT / "toy.safetensors") -> Groove:
    return latent.reconstruct(checkpoint.load(toy).model, example(REBUILT))


def decode(folder: Path) -> int:
    """`rock.mid` and `seven.mid` out of the latents; gives the exit status of the command."""
    return main(["decode", str(KEPT / "latents.json"), "--out", str(folder)])


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if status := decode(folder):
        sys.exit(status)
    for stem in ("rock", "seven"):
        (folder / f"{stem}.mid").rename(folder / f"{stem}_decoded.mid")
    (folder / "variation.mid").write_bytes(write_midi(variation()))
    (folder / "toy_rebuilt.mid").write_bytes(write_midi(rebuilt()))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
