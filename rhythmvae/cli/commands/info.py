"""info: what a checkpoint says of itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from rhythmvae.cli.batch import OutputFile
from rhythmvae.cli.cards import print_card
from rhythmvae.cli.parser import Commands
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import UsageError
from rhythmvae.model.card import SHIPPED, file_named, read_card
from rhythmvae.training.config import config_of


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "info", info, "print what a checkpoint says of itself: size, figures, styles, data", "mine.safetensors"
    )
    parser.add_argument("file", type=file_named, nargs="?", metavar="FILE.safetensors", help="default: the shipped one")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print the card as JSON (docs/json.md)")
    shown.add_argument("--toml", action="store_true", help="print the options of its training, for `train --config`")
    parser.add_argument("--map", type=Path, metavar="FILE.html", help="write its latent map as one page for a browser")
    parser.add_argument("--force", action="store_true", help="overwrite an existing FILE.html")


def info(options: argparse.Namespace, terminal: Terminal) -> int:
    path = options.file or SHIPPED
    card = read_card(path)
    if options.map is not None:
        _write_map(path, OutputFile(options.map, "--map", force=options.force))
    if options.toml:
        print(config_of(card, path.name).to_toml(), end="")
        return 0
    print_card(path, options.json)
    return 0


def _write_map(checkpoint: Path, page: OutputFile) -> None:
    """The latent map of a checkpoint as one HTML file."""
    from rhythmvae import plots
    from rhythmvae.model.checkpoint import load

    latent_map = load(checkpoint).latent_map
    if latent_map is None:
        raise UsageError(f"Expected a checkpoint with a latent map, {checkpoint.name} has none; `map` draws one.")
    page.write(plots.latent_map_page(latent_map, checkpoint.stem).encode())
