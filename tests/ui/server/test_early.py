"""What the head of a page names is there before any script has run, and is what the deck asks for later."""

from __future__ import annotations

import gzip
import re
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.web.server.starlette.starlette_static_routes import create_streamlit_static_assets_routes

from rhythmvae.resources import APP
from rhythmvae.sound import kits
from rhythmvae.ui.components import assets, deck
from rhythmvae.ui.server import early
from rhythmvae.ui.server.app import parts
from tests.ui.server.asking import answer

KIT = early.path_of(kits.kit_wav(), kits.KIND)
CODE = early.path_of(deck.COMPONENT.code(), assets.SCRIPT)


@pytest.fixture(scope="module")
def app() -> Starlette:
    found = parts()
    st.App(APP, **found)  # which refuses what it has no room for
    return Starlette(
        routes=[*found["routes"], *create_streamlit_static_assets_routes(None)], middleware=found["middleware"]
    )


def test_all_that_a_page_names_is_answered(app: Starlette) -> None:
    named = re.findall(r'<link rel="(?:module)?preload"[^>]* href="\.([^"]+)"', "".join(early.links()))
    assert {KIT, CODE} <= set(named)
    assert [name for name in named if answer(app, name).status != 200] == []
    page = answer(app, "/map", accept="text/html").text
    assert all(page.count(link) == 1 for link in early.links())
    for part in early.PARTS:
        assert any(name.startswith(f"/static/js/{part}.") for name in named), f"Streamlit has no {part} any more"


def test_the_deck_is_told_the_same_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    server: Any = SimpleNamespace(media_file_mgr=MediaFileManager(MemoryMediaFileStorage("/media")))
    monkeypatch.setattr(assets.runtime, "get_instance", lambda: server)
    assert f"/{assets.address('kit.wav', kits.kit_wav(), kits.KIND)}" == KIT
    assert f"/{assets.address('deck.js', deck.COMPONENT.code(), assets.SCRIPT)}" == CODE


@pytest.mark.parametrize(("path", "data"), [(KIT, kits.kit_wav), (CODE, deck.COMPONENT.code)])
def test_a_file_comes_whole_packed_or_not_and_is_kept(app: Starlette, path: str, data: Any) -> None:
    plain, packed = answer(app, path), answer(app, path, accept_encoding="gzip, br")
    assert plain.body == gzip.decompress(packed.body) == data()
    assert len(packed.body) < 0.7 * len(plain.body)
    for found in (plain, packed):
        assert "immutable" in found.headers["cache-control"]
        assert found.headers["vary"].lower() == "accept-encoding"
