"""Two hundred reviewers of twelve trials, twenty at once, on SQLite and on PostgreSQL.

    python -m benchmarks.reviewers [--json]

Every answer is sent twice. What is counted is whether each is there exactly once, and how long storing one takes:
from the press of Next, as the page does it, to the answer in the database. PostgreSQL is Debian's own, started for it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from rhythmvae.review.book import Reviews, Said
from rhythmvae.review.design import LEFT, RIGHT
from rhythmvae.store.database import Database

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests import databases  # noqa: E402
from tests.review import making  # noqa: E402

N_PEOPLE, N_TRIALS, AT_ONCE = 200, 12, 20


def run(address: str) -> tuple[int, int, list[float]]:
    """(answers expected, answers there, seconds of each that was stored) of a fresh database."""
    database = Database(address)
    reviews = Reviews(database)
    items = [item for _ in range(3) for item in making.items(4)]
    design = making.design(n_trials=N_TRIALS, n_repeats=0, has_known=False)
    review, _ = reviews.make("Drums", "", design, items)

    def take(number: int) -> list[float]:
        rng = np.random.default_rng(number)
        sitting, seconds = reviews.begin(review, f"{number:032x}"), []
        while sitting.trial is not None:
            said = Said(sitting.place, (LEFT, RIGHT)[int(rng.integers(2))])
            began = time.perf_counter()
            after = reviews.answer(sitting, said)
            seconds.append(time.perf_counter() - began)
            reviews.answer(sitting, said)  # pressed twice
            sitting = after
        reviews.end(sitting, "")
        return seconds

    with ThreadPoolExecutor(AT_ONCE) as pool:
        seconds = [each for found in pool.map(take, range(N_PEOPLE)) for each in found]
    keys = {(a.person, a.place) for a in reviews.tables.answers(review.record.id)}
    n_rows = len(reviews.tables.answers(review.record.id))
    database.close()
    assert len(keys) == n_rows
    return N_PEOPLE * N_TRIALS, n_rows, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows.append(_row("SQLite", run(f"sqlite:///{folder}/a.sqlite")))
    if (programs := databases.programs()) is not None:
        with databases.postgresql(programs) as folder:
            rows.append(_row("PostgreSQL", run(databases.new_database(folder, "reviewers"))))
    if options.json:
        print(json.dumps({"rows": rows}))
        return
    for row in [["database", "answers sent", "there", "ms, median", "ms, 95 of 100", "ms, longest"], *rows]:
        print("  ".join(row))


def _row(name: str, found: tuple[int, int, list[float]]) -> list[str]:
    expected, there, seconds = found
    milliseconds = 1_000 * np.array(seconds)
    median, late = np.quantile(milliseconds, [0.5, 0.95])
    return [name, f"{expected:,}", f"{there:,}", f"{median:.0f}", f"{late:.0f}", f"{milliseconds.max():.0f}"]


if __name__ == "__main__":
    main()
