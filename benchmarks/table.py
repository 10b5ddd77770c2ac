"""The README's table of figures: python -m benchmarks.table DATA [--checkpoint FILE]

DATA is the Groove MIDI Dataset in its published layout, a folder or the zip. Runs the
`evaluate` command and prints its rows as Markdown.
"""

import json
import subprocess
import sys

HEADING = ("Model", "Numbers", "F1 50 ms", "F1 25 ms", "Timing ms", "Velocity", "Ghost recall", "Exact takes")


def main() -> None:
    command = [sys.executable, "-m", "rhythmvae", "evaluate", *sys.argv[1:], "--json"]
    table = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(f"Checkpoint {table['checkpoint']}, {table['split']} split, seed {table['seed']}.\n")
    print("| " + " | ".join(HEADING) + " |")
    print("|---|" + "---:|" * (len(HEADING) - 1))
    for row in table["rows"]:
        score = row["score"]
        cells = [
            row["name"],
            str(row["numbers"]),
            f"{score['f1']:.3f}",
            f"{score['f1_25ms']:.3f}",
            f"{score['timing_mae_ms']:.1f}",
            f"{score['velocity_mae']:.1f}",
            f"{score['ghost_recall']:.3f}",
            f"{score['exact_rate']:.3f}",
        ]
        print("| " + " | ".join(cells) + " |")
    kl = next(row["kl_nats"] for row in table["rows"] if "kl_nats" in row)
    print(f"\nKL {kl:.0f} nats a window.")


if __name__ == "__main__":
    main()
