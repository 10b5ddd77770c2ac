"""What the weight of the KL term trades: python -m benchmarks.frontier DATA --out FOLDER [--minutes 4] [--seed 0]

Trains our model at five KL weights, each with the same processor time, judges them as `compare`
judges its rows, prints them as Markdown and plots docs/frontier.svg: how much of a take comes
back against how well samples are told from playing. DATA is the Groove MIDI Dataset in its
published layout, a folder or the zip. FOLDER keeps every row, and one that is there is not made
again.
"""

import argparse
import math
from pathlib import Path
from typing import Any

from rhythmvae.data.corpus import load
from rhythmvae.model.losses import Weights
from rhythmvae.model.vae import ModelConfig
from rhythmvae.training.compare import Comparison, Entrant, Settings, divide

DEFAULT_KL = Weights().kl
KL_WEIGHTS = tuple(factor * DEFAULT_KL for factor in (0.25, 0.5, 1.0, 2.0, 4.0))
PLOT = Path(__file__).parents[1] / "docs" / "frontier.svg"

HEADING = (
    *("KL weight", "Steps", "KL nats", "F1 50 ms", "F1 25 ms", "Timing ms", "Velocity"),
    *("Samples told", "Reconstructions told"),
)
WIDTH_PX, HEIGHT_PX = 640, 420
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 72, 120, 36, 64  # around the axes; labels stand on the right
INK, ACCENT = "#737b84", "#12a594"  # each seen as well on white as on black


def main() -> None:
    parser = argparse.ArgumentParser(description="What the weight of the KL term trades.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps the rows")
    parser.add_argument("--minutes", type=float, default=4.0, help="of processor time for each weight")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    options = parser.parse_args()
    settings = Settings(minutes=options.minutes, seed=options.seed, precision=options.precision)
    comparison = Comparison(divide(load([options.data]), seed=options.seed), settings, options.out)
    if not comparison.is_told:
        parser.error("expected enough takes in 4/4 to tell samples from, found too few")
    entrants = [Entrant(f"kl {kl:g}", ModelConfig(), Weights(kl=kl)) for kl in KL_WEIGHTS]
    comparison.check(entrants)
    print("|" + "|".join(f" {name} " for name in HEADING) + "|\n|" + "---:|" * len(HEADING))
    rows = []
    for entrant in entrants:
        rows.append(comparison.row(entrant))
        print(_line(entrant.weights.kl, rows[-1]), flush=True)
    control = comparison.control()
    print(f"\nTwo halves of the real takes: {_told(control)}. Told apart by descriptors, by the whole tensor.")
    points = [
        (kl, row["told_apart"]["samples"]["descriptors"], row["score"]["f1_25ms"])
        for kl, row in zip(KL_WEIGHTS, rows, strict=True)
    ]
    PLOT.write_text(plot(points), "utf-8")


def _line(kl: float, row: dict[str, Any]) -> str:
    score, told = row["score"], row["told_apart"]
    cells = [
        f"{kl:g}",
        f"{row['steps']:,}",
        f"{row['kl_nats']:.0f}",
        f"{score['f1']:.3f}",
        f"{score['f1_25ms']:.3f}",
        f"{score['timing_mae_ms']:.1f}",
        f"{score['velocity_mae']:.1f}",
        _told(told["samples"]),
        _told(told["reconstructions"]),
    ]
    return "| " + " | ".join(cells) + " |"


def _told(views: dict[str, Any] | None) -> str:
    return "-" if views is None else ", ".join(f"{views[view]['mean']:.3f}" for view in ("descriptors", "tensor"))


# -- plot ----------------------------------------------------------------------


def plot(points: list[tuple[float, dict[str, float], float]]) -> str:
    """An SVG of (KL weight, how well samples are told apart: mean and interval, onset F1)."""
    x_ticks = ticks([told["mean"] + side * told["interval"] for _, told, _ in points for side in (-1, 1)])
    y_ticks = ticks([f1 for *_, f1 in points])

    def x(value: float) -> float:
        return LEFT_PX + (value - x_ticks[0]) / (x_ticks[-1] - x_ticks[0]) * (WIDTH_PX - LEFT_PX - RIGHT_PX)

    def y(value: float) -> float:
        return (
            HEIGHT_PX - BOTTOM_PX - (value - y_ticks[0]) / (y_ticks[-1] - y_ticks[0]) * (HEIGHT_PX - TOP_PX - BOTTOM_PX)
        )

    floor, middle = HEIGHT_PX - BOTTOM_PX, (LEFT_PX + WIDTH_PX - RIGHT_PX) / 2
    grid = [f'<path d="M{x(value):.1f} {TOP_PX}V{floor}"/>' for value in x_ticks]
    grid += [f'<path d="M{LEFT_PX} {y(value):.1f}H{WIDTH_PX - RIGHT_PX}"/>' for value in y_ticks]
    texts = [f'<text x="{x(value):.1f}" y="{floor + 20}" text-anchor="middle">{value:.2f}</text>' for value in x_ticks]
    texts += [
        f'<text x="{LEFT_PX - 8}" y="{y(value) + 5:.1f}" text-anchor="end">{value:.2f}</text>' for value in y_ticks
    ]
    texts += [
        f'<text x="{middle:.0f}" y="{HEIGHT_PX - 16}" text-anchor="middle">'
        "samples told from playing by descriptors (balanced accuracy; 0.5: not at all)</text>",
        f'<text x="{LEFT_PX - 56}" y="{TOP_PX - 16}">onset F1 within 25 ms (0 to 1), whole takes rebuilt</text>',
        f'<text x="{WIDTH_PX - 8}" y="{TOP_PX - 16}" text-anchor="end">β: weight of the KL term</text>',
    ]
    marks = []
    for kl, told, f1 in points:
        low, high = x(told["mean"] - told["interval"]), x(told["mean"] + told["interval"])
        label = f"β {kl:g}" + (" (default)" if kl == DEFAULT_KL else "")
        marks.append(
            f'<path d="M{low:.1f} {y(f1):.1f}H{high:.1f}" stroke="{ACCENT}" stroke-width="2" stroke-opacity="0.5"/>'
            f'<circle cx="{x(told["mean"]):.1f}" cy="{y(f1):.1f}" r="5" fill="{ACCENT}"/>'
        )
        texts.append(f'<text x="{high + 8:.1f}" y="{y(f1) + 5:.1f}">{label}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" width="{WIDTH_PX}" '
        f'height="{HEIGHT_PX}" role="img" aria-label="Fidelity against samples told apart, by KL weight">\n'
        f'<g stroke="{INK}" stroke-opacity="0.3">{"".join(grid)}</g>\n'
        f"{''.join(marks)}\n"
        f'<g fill="{INK}" font-family="system-ui, sans-serif" font-size="14">\n{chr(10).join(texts)}\n</g>\n</svg>\n'
    )


def ticks(values: list[float]) -> list[float]:
    """Two to eight round numbers, evenly spaced, that take in all values, as shares of 1."""
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if max(values) - min(values) <= 6 * step)
    first, last = math.floor(min(values) / step), math.ceil(max(values) / step)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


if __name__ == "__main__":
    main()
