"""The app with trainings that end soon, so that a visit from files to a model takes no minutes.

As a script: with `run` and what else `streamlit` is given it is the app; that starts it anew, as the program
`rhythmvae`, for each training. These are whole but short: prior and completion are fitted in two steps, few samples are
compared with what was learned, and a training does not make way for all that a busy machine does beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def from_the_tree(port: int) -> list[str]:
    """The command that serves this checkout."""
    return [sys.executable, __file__, *serving.from_the_tree(port)[3:]]


def serve() -> None:
    from streamlit.web import cli

    from rhythmvae.jobs import process

    process.COMMAND = (sys.executable, __file__)
    process.LAUNCH = process.LAUNCH.replace("os.nice(15)", "")
    cli.main(prog_name="streamlit")


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
    sys.exit(serve() if sys.argv[1] == "run" else train())
else:
    import serving
