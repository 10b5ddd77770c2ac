"""python -m rhythmvae COMMAND: everything the app does, for scripts and terminals.

May import everything but ui, which it starts as a program of its own.
"""

from rhythmvae.cli.commands import main

__all__ = ["main"]
