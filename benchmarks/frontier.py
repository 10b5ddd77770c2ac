"""What the weight of the KL term trades: python -m benchmarks.frontier DATA --out FOLDER [--minutes 4] [--seed 0]

Trains our model at five KL weights, each with the same processor time, judges them as `compare`
judges its rows, and prints them as Markdown; the About page draws them. DATA is the Groove MIDI Dataset in its
published layout, a folder or the zip. FOLDER keeps every row, and one that is there is not made
again.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from rhythmvae.data.corpus import load
from rhythmvae.model.config import ModelConfig, Weights
from rhythmvae.training.compare import Comparison, divide
from rhythmvae.training.entrants import Entrant, Settings

DEFAULT_KL = Weights().kl
KL_WEIGHTS = tuple(factor * DEFAULT_KL for factor in (0.25, 0.5, 1.0, 2.0, 4.0))

HEADING = (
    *("KL weight", "Steps", "KL nats", "F1 50 ms", "F1 25 ms", "Timing ms", "Velocity"),
    *("Two-sample, samples", "Two-sample, rebuilt"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the weight of the KL term trades.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps the rows")
    parser.add_argument("--minutes", type=float, default=4.0, help="of processor time for each weight")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    settings = Settings(minutes=options.minutes, seed=options.seed, precision=options.precision)
    comparison = Comparison(divide(load([options.data]), seed=options.seed), settings, options.out)
    if not comparison.has_two_sample:
        parser.error("expected enough takes in 4/4 to tell samples from, found too few")
    entrants = [Entrant(f"kl {kl:g}", ModelConfig(), Weights(kl=kl)) for kl in KL_WEIGHTS]
    comparison.check(entrants)
    found = {f"{entrant.weights.kl:g}": comparison.row(entrant) for entrant in entrants}
    rows = [_cells(kl, row) for kl, row in found.items()]
    control = comparison.control()
    if options.json:
        intervals = {kl: _interval(row) for kl, row in found.items()}
        print(json.dumps({"rows": rows, "intervals": intervals, "control": control}))
        return
    print("|" + "|".join(f" {name} " for name in HEADING) + "|\n|" + "---:|" * len(HEADING))
    print(*(f"| {' | '.join(cells)} |" for cells in rows), sep="\n")
    print(f"\nTwo halves of the real takes: {_accuracy(control)}. By descriptors, by the whole tensor.")


def _cells(kl: str, row: dict[str, Any]) -> list[str]:
    score, accuracy = row["score"], row["two_sample_accuracy"]
    return [
        kl,
        f"{row['steps']:,}",
        f"{row['kl_nats']:.0f}",
        f"{score['f1']:.3f}",
        f"{score['f1_25ms']:.3f}",
        f"{score['timing_mae_ms']:.1f}",
        f"{score['velocity_mae']:.1f}",
        _accuracy(accuracy["samples"]),
        _accuracy(accuracy["reconstructions"]),
    ]


def _interval(row: dict[str, Any]) -> float:
    """95 % interval of the accuracy on samples by descriptors, either way."""
    interval: float = row["two_sample_accuracy"]["samples"]["descriptors"]["interval"]
    return round(interval, 4)


def _accuracy(views: dict[str, Any] | None) -> str:
    return "-" if views is None else ", ".join(f"{views[view]['mean']:.3f}" for view in ("descriptors", "tensor"))


if __name__ == "__main__":
    main()
