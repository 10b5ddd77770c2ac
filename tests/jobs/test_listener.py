"""What a process says is taken in, within bounds."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from rhythmvae.jobs import listener
from rhythmvae.jobs.listener import JournalFile, Lines, Transcript
from rhythmvae.training import journal
from rhythmvae.training.journal import Ready, Training


def training(step: int) -> Training:
    return Training(step, 100, 0.0, 0.0, {}, None, False)


def test_lines_that_are_too_long_are_left_out() -> None:
    lines = Lines()
    long = b"x" * listener.MAX_LINE_BYTES
    assert [*lines.fed(b"a\n" + long), *lines.fed(b"x"), *lines.fed(b"x\nb\n"), *lines.fed(long + b"\n")] == [
        b"a",
        b"b",
        long,
    ]


def test_a_transcript_keeps_the_last_message_of_a_stage_and_the_order_of_stages() -> None:
    transcript = Transcript()
    for message in (training(1), Ready(), training(2)):
        transcript.add(message, 10)
    assert list(transcript.stages.items()) == [("training", training(2)), ("ready", Ready())]
    assert transcript.last == "training"
    assert transcript.training() == (training(1), training(2))


def test_training_messages_are_bounded_in_bytes_too() -> None:
    transcript = Transcript()
    for step in range(100):
        transcript.add(training(step), 200_000)
    assert len(transcript.training()) * 200_000 <= listener.MAX_TRAINING_BYTES + 200_000
    assert transcript.training()[0].step == 0
    assert transcript.training()[-1].step == 99


def test_a_run_that_begins_anew_after_very_many_steps_has_its_first_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_TRAINING", 4)
    for n_before in range(4, 30):
        transcript = Transcript()
        for step in range(1, n_before):
            transcript.add(training(step), 10)
        transcript.add(training(0), 10)
        assert transcript.training() == (training(0),), n_before


@pytest.mark.skipif(not psutil.LINUX, reason="a process is given a limit while it runs")
def test_a_journal_on_a_full_disk_loses_what_had_no_room_and_nothing_after_it(tmp_path: Path) -> None:
    lines = [journal.write(training(step)).encode() for step in range(4)]
    file, process = JournalFile(tmp_path), psutil.Process()
    file.add(lines[0])
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (len(lines[0]) + 20, before[1]))  # of the next there is room for a part
    try:
        file.add(lines[1])
        file.add(lines[1])
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, before)
    for line in lines[2:]:
        file.add(line)
    assert [message for message, _ in JournalFile(tmp_path).messages()] == [training(0), training(2), training(3)]
