"""The journal of a training run: what is written is read back, whatever else comes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from rhythmvae.training import journal
from rhythmvae.training.journal import KINDS, Message, Reading, Training, Unknown

ROOT = Path(__file__).parents[2]
SCORES = {"loss": 9.5, "f1": 0.9, "f1_25ms": 0.8, "timing_mae_ms": 4.5, "velocity_mae": 6.0}
LINES = {
    '{"stage": "reading", "done": 1, "of": 12}': Reading(1, 12),
    '{"stage": "training", "step": 5, "n_steps": 150, "epoch": 0.5, "seconds": 1, "terms": {"kl": 100.0}, '
    '"validation": null, "is_best": false}': Training(5, 150, 0.5, 1, {"kl": 100.0}, None, False),
    f'{{"stage": "training", "step": 0, "n_steps": 150, "epoch": 0.0, "seconds": 0.0, "terms": {{}}, '
    f'"validation": {json.dumps(SCORES)}, "is_best": true}}': Training(0, 150, 0.0, 0.0, {}, SCORES, True),
    '{"stage": "preview", "step": 5, "grooves": ["a", "b"]}': journal.Preview(5, ("a", "b")),
    '{"stage": "checking", "done": 3, "of": 352}': journal.Checking(3, 352),
    '{"stage": "prior", "done": 0, "of": 1}': journal.Prior(0, 1),
    '{"stage": "completion", "done": 1, "of": 40}': journal.Completion(1, 40),
    '{"stage": "map", "done": 1, "of": 1}': journal.Map(1, 1),
    '{"stage": "ready", "kept_out": ["a.mid"]}': journal.Ready(("a.mid",)),
    '{"stage": "judging", "done": 2, "of": 5}': journal.Judging(2, 5),
    '{"stage": "done", "card": {"held_out": {}}}': journal.Done({"held_out": {}}),
    '{"stage": "failed", "sentence": "Expected MIDI, got a poem."}': journal.Failed("Expected MIDI, got a poem."),
    '{"stage": "tuning", "cents": 3}': Unknown("tuning", {"cents": 3}),
}


@pytest.mark.parametrize(("line", "message"), LINES.items())
def test_lines_and_messages(line: str, message: Message) -> None:
    assert journal.write(message) == line
    assert journal.read(line) == journal.read(line.encode() + b"\n") == message


def test_every_kind_is_tried() -> None:
    assert {type(message) for message in LINES.values()} == {*KINDS.values(), Unknown}


@pytest.mark.parametrize(
    "line",
    [b"", b"no JSON", b"[1]", b"3", b"null", b'{"stage": 3}', b'{"done": 1}', b'{"stage"', b"\xff", b"[" * 100_000],
)
def test_other_lines_are_no_messages(line: bytes) -> None:
    assert journal.read(line) is None


@pytest.mark.parametrize(
    "content",
    [
        {"stage": "reading", "done": 1},
        {"stage": "reading", "done": "1", "of": 2},
        {"stage": "reading", "done": True, "of": 2},
        {"stage": "preview", "step": 1, "grooves": "ab"},
        {"stage": "preview", "step": 1, "grooves": [1]},
        {"stage": "done", "card": "x"},
        {"stage": "failed", "sentence": None},
        {"stage": "training", "epoch": 3},
    ],
)
def test_a_message_with_other_fields_passes_through(content: dict[str, object]) -> None:
    message = journal.read(json.dumps(content))
    assert isinstance(message, Unknown)
    assert message.stage == content["stage"]
    assert message.content == {name: value for name, value in content.items() if name != "stage"}


def test_what_is_usual_may_be_missing() -> None:
    assert journal.read('{"stage": "ready"}') == journal.Ready(())


def test_more_fields_are_dropped() -> None:
    assert journal.read('{"stage": "map", "done": 1, "of": 4, "left": 3}') == journal.Map(1, 4)


def test_shares() -> None:
    assert (Reading(1, 4).share, Reading(5, 4).share, Reading(0, 0).share) == (0.25, 1.0, None)


def test_messages_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Reading(1, 2).done = 2  # type: ignore[misc]


def test_the_page_of_json_describes_every_message() -> None:
    text = (ROOT / "docs" / "json.md").read_text("utf-8")
    table = text[text.index("## The journal of train") : text.index("## A score")]
    described = {}
    for line in table.splitlines():
        if line.startswith("| `") and not line.startswith("| `stage`"):
            names, beside = line.strip("| ").split(" | ")
            described |= dict.fromkeys(re.findall(r"`(\w+)`", names), beside)
    assert described.keys() == KINDS.keys()
    for stage, kind in KINDS.items():
        for field in fields(kind):
            assert f"`{field.name}`" in described[stage], (stage, field.name)


def test_readers_need_no_torch() -> None:
    code = "import sys, rhythmvae.training.journal; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
