"""The app with trainings that end soon, so that a visit from files to a model takes no minutes.

As a script: with `run` and what else `streamlit` is given it is the app, with `worker` what trains for it; both start
this file anew, as the program `rhythmvae`, for each training. These are whole but short: prior and completion are
fitted in two steps, few samples are compared with what was learned, and a training does not make way for all that a
busy machine does beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def from_the_tree(port: int) -> list[str]:
    """The command that serves this checkout."""
    return [sys.executable, __file__, *serving.from_the_tree(port)[3:]]


def make_brief() -> None:
    """What is started to train is this file."""
    from rhythmvae.jobs import process

    process.COMMAND = (sys.executable, __file__)
    process.LAUNCH = process.LAUNCH.replace(f"os.nice({process.NICE})", "")


def serve() -> None:
    from streamlit.web import cli

    make_brief()
    cli.main(prog_name="streamlit")


def work() -> int:
    from rhythmvae import cli

    make_brief()
    return cli.main()


def train() -> int:
    from rhythmvae import cli
    from rhythmvae.evaluation import reconstruction
    from rhythmvae.training import completion, prior

    for training in (prior, completion):
        training.MIN_STEPS = training.MAX_STEPS = training.TUNING_STEPS = 2
    reconstruction.N_COPYING = 4
    return cli.main()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit({"run": serve, "worker": work}.get(sys.argv[1], train)())
else:
    import serving
