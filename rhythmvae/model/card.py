"""The card of a checkpoint: what the header of its file says, read without its weights and without torch.

A safetensors file begins with the length of its header in 8 bytes, then the header: JSON that
gives each tensor's name, type and shape, and texts. One of these texts is the card, a JSON object.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rhythmvae.errors import CheckpointError
from rhythmvae.kit import VOICE_INDEX, VOICES, KitMap
from rhythmvae.resources import CHECKPOINTS

SHIPPED = CHECKPOINTS / "rhythmvae.safetensors"
FORMAT = "rhythmvae"
FORMAT_VERSION = 4  # 2: the prior is a network, scales came; 3: and the map, which may lack; 4: levels of a machine
READABLE = (2, 3, 4)
MAX_HEADER_BYTES = 8 << 20  # a map of many takes with long names has five
MAX_CARD_DEPTH, MAX_CARD_NUMBER = 16, 1e100
LEFT_OUT = "none"  # in a kit map, the voice of a note that plays nothing
_NOTES = {str(note) for note in range(128)}


def read_header(path: Path = SHIPPED) -> dict[str, Any]:
    """The header of a checkpoint file.

    Raises:
        CheckpointError: a file that is missing, cannot be read or is of another kind.
    """
    if not path.is_file():
        place = path.name if path == SHIPPED else str(path)  # where we are installed is no visitor's business
        raise CheckpointError(f"Expected the checkpoint {place}, found no such file; give one that exists.")
    try:
        with path.open("rb") as file:
            return parse_header(file.read(8 + MAX_HEADER_BYTES), path.name)
    except OSError as error:
        raise CheckpointError(f"Expected a readable checkpoint at {path}, got {error.strerror}.") from error


def read_card(path: Path = SHIPPED) -> dict[str, Any]:
    """The card of a checkpoint file. Raises as `read_header` and `card_of` do."""
    return card_of(read_header(path), path.name)


def parse_header(data: bytes, name: str) -> dict[str, Any]:
    """The header of a file that begins with `data`; `name` is for messages.

    Raises:
        CheckpointError: another kind of file.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise CheckpointError(f"Expected a rhythmvae checkpoint (.safetensors), {name} is another kind of file.")
    try:
        header = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"Expected a rhythmvae checkpoint (.safetensors), {name} has no header.") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"Expected a rhythmvae checkpoint (.safetensors), {name} has another header.")
    return header


def card_of(header: dict[str, Any], name: str) -> dict[str, Any]:
    """The card in a header.

    Raises:
        CheckpointError: a header that rhythmvae did not write, of another version or damaged.
    """
    try:
        card = json.loads(header["__metadata__"][FORMAT])
        version = card["version"]
        known = card["format"] == FORMAT and isinstance(card["model"], dict)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{name} is a safetensors file, but not one that rhythmvae wrote.") from error
    if not known or version not in READABLE:
        readable = f"{', '.join(map(str, READABLE[:-1]))} or {READABLE[-1]}"
        raise CheckpointError(
            f"Expected a rhythmvae checkpoint of version {readable}, {name} has version {str(version)[:20]}."
        )
    if card.get("kit") != kit_card():
        raise CheckpointError(f"{name} was trained on another kit than this version of rhythmvae plays.")
    if not _is_plain(card):
        raise CheckpointError(f"The card in {name} holds what no card holds: it is damaged.")
    return dict(card)


def _is_plain(value: Any, depth: int = 0) -> bool:
    """True for what pages can show: numbers within reason, text that is text, and not nested without end."""
    if isinstance(value, dict | list):
        children = [*value, *value.values()] if isinstance(value, dict) else value
        return depth < MAX_CARD_DEPTH and all(_is_plain(child, depth + 1) for child in children)
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return not isinstance(value, int | float) or abs(value) < MAX_CARD_NUMBER  # refuses what is no number, too


def kit_card() -> list[dict[str, Any]]:
    """The voices and the pitch that each is written with, as a card lists them."""
    return [{"voice": v.key, "pitch": v.pitch} for v in VOICES]


def kit_map_of(card: dict[str, Any]) -> KitMap:
    """Which drum each note played in the training files, where their reader was told: `reading` in the card,
    {"map": {"44": "kick", "39": "none"}}. Rules that make no sense are left out."""
    reading = card.get("reading")
    rules = reading.get("map") if isinstance(reading, dict) else None
    if not isinstance(rules, dict):
        return KitMap()
    return KitMap(
        {
            int(note): VOICE_INDEX.get(voice)
            for note, voice in rules.items()
            if note in _NOTES and isinstance(voice, str) and (voice == LEFT_OUT or voice in VOICE_INDEX)
        }
    )


def styles_of(card: dict[str, Any]) -> tuple[str, ...]:
    """The styles that can be asked for."""
    prior = card.get("prior")
    styles = prior.get("styles") if isinstance(prior, dict) else None
    return tuple(style for style in styles if isinstance(style, str)) if isinstance(styles, list) else ()


def sliders_of(header: dict[str, Any]) -> set[str]:
    """The sliders and traits that the training data defines: those with quantiles among the tensors."""
    return {name.removeprefix("scale.") for name in header if name.startswith("scale.")}
