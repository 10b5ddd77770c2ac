"""What a model answers to a part of a groove: continue, infill, tap, predict."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rhythmvae.cli import documents
from rhythmvae.cli.answers import answer_each, drawn, open_completing
from rhythmvae.cli.batch import Batch
from rhythmvae.cli.parser import Commands, bar_ranges, check_model, names
from rhythmvae.cli.tables import number, print_json, print_table
from rhythmvae.cli.terminal import Terminal
from rhythmvae.groove import Groove
from rhythmvae.kit import GROUPS, VOICE_KEYS
from rhythmvae.midi.report import ImportReport
from rhythmvae.model import limits
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.model.handle import Model
    from rhythmvae.model.verbs import Prediction

DEFAULT_NEW_BARS = 4
DRUMS = "DRUM,DRUM"


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "continue", continue_, "write grooves with new bars behind their last", "loop.mid --bars 4 --n 3 --out longer"
    )
    parser.add_inputs()
    parser.add_argument("--bars", type=int, default=DEFAULT_NEW_BARS, metavar="N", help="how many new bars")
    parser.add_argument(
        "--at", type=int, metavar="BAR", help="the first new bar, counted from 1 (default: the one behind the last)"
    )
    parser.add_argument("--only-new", action="store_true", help="write the new bars alone")
    parser.add_answers()

    parser = commands.add(
        "infill",
        infill,
        "play some drums or bars of grooves anew, and leave every other hit as it is",
        "loop.mid --drums hats,ride --bars 3-4 --n 8 --out filled",
    )
    parser.add_inputs()
    known = ", ".join(dict.fromkeys((*VOICE_KEYS, *GROUPS)))
    parser.add_argument(
        "--drums", type=names, default=(), metavar=DRUMS, help=f"drums to play anew (default: all): {known}"
    )
    parser.add_argument(
        "--keep", type=names, default=(), metavar=DRUMS, help="drums that stay, of all or of those that --drums names"
    )
    parser.add_argument(
        "--bars", type=bar_ranges, default=(), metavar="1,3-4", help="bars to play anew, from 1 (default: all)"
    )
    parser.add_answers()

    parser = commands.add(
        "tap", tap, "turn a rhythm that is tapped on anything into drums", "taps.mid --style funk --n 4 --out drums"
    )
    parser.add_inputs()
    parser.add_argument(
        "--hands",
        action="store_true",
        help="two hands tap two notes: the lower one plays kick and toms, the higher one snare, hats and cymbals",
    )
    parser.add_answers()

    parser = commands.add(
        "predict", predict, "say what the next bar will be, and how surprising each bar was", "loops/ --json"
    )
    parser.add_inputs()
    parser.add_argument("--style", help="a style that is played; `info` lists them (default: any)")
    parser.add_model()
    parser.add_json()


def continue_(options: argparse.Namespace, terminal: Terminal) -> int:
    limits.check_length(options.bars)

    def answer(model: Model, groove: Groove, seed: int) -> Groove:
        asked = {"at": options.at, "only_new": options.only_new, **drawn(options), "seed": seed}
        return model.continued(groove, options.bars, **asked)

    def check(groove: Groove) -> None:
        limits.check_continuation(groove, options.bars, options.at)

    return answer_each(options, terminal, answer, "Continuing", check)


def infill(options: argparse.Namespace, terminal: Terminal) -> int:
    limits.drums_anew(options.drums, options.keep, options.bars)

    def answer(model: Model, groove: Groove, seed: int) -> Groove:
        return model.infill(groove, options.drums, options.bars, keep=options.keep, **drawn(options), seed=seed)

    def check(groove: Groove) -> None:
        limits.check_bars_anew(groove, options.bars)

    return answer_each(options, terminal, answer, "Filling in", check)


def tap(options: argparse.Namespace, terminal: Terminal) -> int:
    def answer(model: Model, groove: Groove, seed: int) -> Groove:
        return model.tap(groove, hands=options.hands, **drawn(options), seed=seed)

    return answer_each(options, terminal, answer, "Drumming")


# -- predict -------------------------------------------------------------------


def predict(options: argparse.Namespace, terminal: Terminal) -> int:
    check_model(options)
    batch = Batch(options, terminal)
    model = open_completing(options)
    table = [["file", "bars", "bits a bar", "hits to come", "most surprising"]]

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        found = model.predict(groove, style=options.style)
        table.append([clean_text(report.name), *_cells(found)])
        return {**_to_dict(found), "report": report.to_dict()}

    entries = batch.each(work, "Predicting")
    if options.json:
        made = documents.made_with(options, model.checkpoint.digest)
        print_json(documents.document("predict", entries, **made))
    else:
        print_table(table)
    return batch.status


def _to_dict(found: Prediction) -> dict[str, Any]:
    bars = []
    for bar in found.bars:
        hits = [{"step": step, "voice": VOICE_KEYS[voice], "surprise": bits} for step, voice, bits in bar.hits]
        bars.append({"bits": bar.bits, "hits": hits})
    return {"next_bar": documents.next_bar(found), "bars": bars}


def _cells(found: Prediction) -> list[str]:
    surprise = "-"
    for bar, _, voice, bits in found.most_surprising(1):
        surprise = f"{VOICE_KEYS[voice]} in bar {bar}, {bits:.1f} bits"
    return [str(len(found.bars)), number(found.bits_a_bar, 1), number(found.n_expected, 1), surprise]
