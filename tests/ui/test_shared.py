"""What the server keeps for all visitors: computed once, bounded, and out of every client's reach."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import streamlit as st
from grooves import random_groove

from rhythmvae.kit import KitMap
from rhythmvae.midi.report import ReadOptions
from rhythmvae.ui import shared
from rhythmvae.ui.parts import training
from rhythmvae.ui.session import caches
from rhythmvae.ui.session.opened import shipped
from rhythmvae.ui.shared import digest_of, kept


def test_equal_calls_at_the_same_time_compute_once():
    calls = []

    @kept()
    def slow(n: int) -> list[int]:
        calls.append(n)
        time.sleep(0.05)
        return [n]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(slow, [3] * 8))
    assert calls == [3]
    assert all(each is found[0] for each in found)


def test_one_that_computes_holds_up_no_other():
    may_end = Event()

    @kept(2)
    def waits(n: int) -> int:
        assert n or may_end.wait(30)
        return n

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(waits, 0)
        assert waits(1) == 1
        may_end.set()
        assert slow.result() == 0


def test_the_one_not_asked_for_longest_goes_first():
    calls = []

    @kept(max_entries=2)
    def noted(n: int) -> None:
        calls.append(n)

    for n in (1, 2, 1, 3, 1, 2):
        noted(n)
    assert calls == [1, 2, 3, 2]
    assert len(noted) == 2
    noted.clear()
    noted(2)
    assert calls == [1, 2, 3, 2, 2]


def test_who_waits_for_one_that_gives_up_computes_what_is_kept():
    may_fail, calls = Event(), []

    @kept()
    def gives_up_once() -> str:
        calls.append(1)
        if len(calls) == 1:
            assert may_fail.wait(30)
            raise KeyError("gives up")
        return "well"

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(gives_up_once) for _ in range(4)]
        while not calls:
            time.sleep(0.005)
        may_fail.set()
        found = [each.exception(30) or each.result() for each in waiting]
    assert sorted(map(str, found)) == ["'gives up'", "well", "well", "well"]
    assert gives_up_once() == "well"
    assert len(calls) == 2


def test_errors_are_not_kept():
    @kept()
    def fails_once() -> str:
        if not failed:
            failed.append(True)
            raise KeyError("no")
        return "well"

    failed: list[bool] = []
    with pytest.raises(KeyError):
        fails_once()
    assert fails_once() == "well"


def test_what_begins_with_an_underscore_does_not_count():
    @kept()
    def loaded(digest: str, _checkpoint: object, *, _more: object = None) -> object:
        return _checkpoint

    first = loaded("a", [1])
    assert loaded("a", [2], _more=3) is first
    assert loaded("b", [2]) == [2]


def test_arguments_are_told_apart_by_their_contents():
    assert digest_of(random_groove(1)) == digest_of(random_groove(1)) != digest_of(random_groove(2))
    options = [
        ReadOptions(kit=KitMap({44: 0})),
        ReadOptions(kit=KitMap({44: 1})),
        ReadOptions(channel=3),
        ReadOptions(),
    ]
    assert len({digest_of(each) for each in options}) == 4
    assert digest_of(ReadOptions(kit=KitMap({44: 0}))) == digest_of(options[0])
    assert digest_of(b"x" * 1_000_000) == digest_of(b"x" * 1_000_000) != digest_of(b"")
    assert len(digest_of(b"x" * 1_000_000)) == 32  # the upload itself is let go


def test_no_message_of_a_client_drops_it():
    """What the server does at the message behind "Clear cache"."""
    queue, model = training.jobs(), shipped()
    groove = random_groove(1)
    score = caches.score(groove, groove)
    st.cache_data.clear()
    st.cache_resource.clear()
    assert training.jobs() is queue
    assert shipped() is model
    assert caches.score(groove, groove) is score


def test_the_database_may_be_named_by_streamlits_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RHYTHMVAE_DATABASE")
    file = tmp_path / "secrets.toml"
    file.write_text(f"RHYTHMVAE_DATABASE = 'sqlite:///{tmp_path / 'a.sqlite'}'\n")
    files = st.config.get_option("secrets.files")
    st.secrets._reset()
    shared._database.clear()
    try:
        st.config.set_option("secrets.files", [str(file)])
        found = shared.database()
        assert found is not None
        found.close()
        assert (tmp_path / "a.sqlite").exists()
    finally:
        st.secrets._reset()
        st.config.set_option("secrets.files", files)
        shared._database.clear()
