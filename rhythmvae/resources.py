"""Where what is not code lies: the app's script and pages, its settings, the shipped checkpoints.

In a checkout these lie at the top of the tree; a wheel carries the same layout in `rhythmvae/_app`.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_app"

ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent
APP = ROOT / "app.py"
PAGES = ROOT / "pages"
CHECKPOINTS = ROOT / "checkpoints"
TRANSCRIBER = CHECKPOINTS / "transcriber.safetensors"
FIGURES = ROOT / "docs" / "figures"  # what was measured, a file for each table
TRAINING_LIMITS = ROOT / ".streamlit" / "training.toml"
