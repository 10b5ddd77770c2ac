"""The JSON that the command line prints and takes. docs/json.md describes it for readers.

Every document has `version`, `command` and `files`; each entry of `files` has the `input` it
answers and either an `error` or its results. What generates also says all that it was asked, so
that the same set can be made again. A latents document (`encode`) is read back by `decode`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmvae import __version__
from rhythmvae.errors import LatentsError
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint
    from rhythmvae.model.verbs import Prediction

VERSION = 1
FIGURES_VERSION = 2  # of evaluate and compare
MAX_LATENTS_BYTES = 64 << 20
MAX_LATENTS_VALUES = 3_000_000  # 26 hours of 4/4 at 120 BPM by the shipped model; each takes 32 bytes, or more
MAX_LATENTS_FILES = 85_000  # which have as many values at the very least; each takes 4 microseconds, or more
VALUES_A_BRACKET = 4  # that a list or an object takes the room of
_NOT_ASKED = {"command", "run", "json", "quiet", "force"}  # these change nothing about what is made


def document(command: str, files: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"version": VERSION, "command": command, **more, "files": files}


def made_with(options: argparse.Namespace, digest: str) -> dict[str, Any]:
    """The program, the model by its digest, and every option with its value: enough to make a set again."""
    asked = {name: _plain(value) for name, value in vars(options).items() if name not in _NOT_ASKED}
    if "map" in options:
        asked["map"] = dict(rule.split("=", 1) for rule in options.map)
    if "set" in options:
        asked["set"] = dict(options.set)
    return {"rhythmvae": __version__, "checkpoint": digest, "options": asked}


def _plain(value: Any) -> Any:
    """An option's value for JSON: paths as text."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def next_bar(found: Prediction) -> dict[str, Any]:
    """The bar after the last as `predict` says it."""
    return {
        "n_steps": len(found.hit),
        "voices": list(VOICE_KEYS),
        "hit": found.hit.astype(float).round(6).tolist(),
        "velocity": found.velocity.astype(float).round(3).tolist(),
    }


def parse_latents(text: str) -> tuple[str, list[dict[str, Any]]]:
    """The digest of the model that a latents document was made with, and the document's entries.

    Raises:
        LatentsError: another kind of JSON or another version.
    """
    try:
        if text.count(",") + VALUES_A_BRACKET * (text.count("[") + text.count("{")) > MAX_LATENTS_VALUES:
            raise LatentsError(
                f"Expected at most {MAX_LATENTS_VALUES:,} latents in a document, got more; encode fewer files."
            )
        parsed = json.loads(text)
        version, command, digest, files = (parsed[k] for k in ("version", "command", "checkpoint", "files"))
        some = files[: MAX_LATENTS_FILES + 1] if isinstance(files, list) else []
        known = command == "encode" and isinstance(files, list) and all(isinstance(f["input"], str) for f in some)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LatentsError("Expected the JSON that `encode --json` prints, got something else.") from error
    if not known or version != VERSION:
        raise LatentsError(
            f"Expected the JSON of `encode --json`, version {VERSION}, "
            f"got {str(command)[:20]!r}, {clean_text(str(version), 8)}."
        )
    if len(files) > MAX_LATENTS_FILES:
        raise LatentsError(f"Expected latents of at most {MAX_LATENTS_FILES:,} files, got more; encode fewer files.")
    return str(digest), list(files)


def check_model(made_with: str, checkpoint: Checkpoint) -> None:
    """Raise LatentsError for latents that were made with another model than this one."""
    if not checkpoint.is_named(made_with):
        raise LatentsError(
            f"These latents belong to the model {clean_text(made_with, 16)}, this is {checkpoint.digest}: "
            "give the one they were made with by --checkpoint."
        )
