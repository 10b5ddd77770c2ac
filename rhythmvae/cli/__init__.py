"""python -m rhythmvae COMMAND: everything the app does, for scripts and terminals.

May import everything but ui, which it starts as a program of its own. torch is imported only
once there is something for a model to do.
"""

from rhythmvae.cli.entry import main

__all__ = ["main"]
