"""What the server answers to those who run no script: crawlers that preview a link, and whoever has a wrong address."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
import wire
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from rhythmvae import share
from rhythmvae.data.examples import example
from rhythmvae.ui.server.addresses import FIRST

pytestmark = pytest.mark.browser  # it needs the app's server, which browsers visit


def ask(address: str) -> tuple[int, str, bytes]:
    request = urllib.request.Request(address, headers={"Accept": "text/html", "Accept-Encoding": "identity"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def test_a_pasted_link_has_a_title_and_a_picture(app_address: str) -> None:
    text = share.to_text(example("funk"))
    status, _, page = ask(f"{app_address}/map?g={text}")
    assert status == 200
    assert "<title>Funk · rhythmvae</title>" in page.decode()
    picture = f"{app_address}/preview.png?g={text}"
    assert f'<meta property="og:image" content="{picture}" />' in page.decode()
    status, kind, data = ask(picture)
    assert (status, kind, data[:4]) == (200, "image/png", b"\x89PNG")


def test_a_wrong_address_leads_home_and_streamlits_own_are_as_they_were(app_address: str) -> None:
    status, _, page = ask(f"{app_address}/nowhere")
    assert (status, b'<a href="/">' in page) == (404, True)
    assert ask(f"{app_address}/_stcore/health")[::2] == (200, b"ok")
    assert ask(f"{app_address}/_stcore/host-config")[:2] == (200, "application/json")
    assert ask(f"{app_address}/favicon.png")[:2] == (200, "image/png")


def test_the_first_page_is_found_at_its_own_address_too(app_address: str) -> None:
    """Streamlit says there that the page does not exist."""
    text = share.to_text(example("funk"))
    with urllib.request.urlopen(f"{app_address}{FIRST}?g={text}", timeout=60) as answer:
        assert (answer.status, answer.url) == (200, f"{app_address}/?g={text}")


def pages_in(told: list[ForwardMsg]) -> set[str]:
    """All that a browser is told of pages: their names and addresses, before and after the script has said them."""
    lists = [each.new_session.app_pages for each in told] + [each.navigation.app_pages for each in told]
    return {
        text for pages in lists for page in pages for text in (page.page_name, page.url_pathname, page.help) if text
    }


def test_a_reviewers_browser_is_told_of_no_other_page(fresh_app_address: str) -> None:
    """Not even by a server that nobody has visited, which takes all files in pages/ for pages until it is told."""
    with wire.visit(fresh_app_address) as reviewer:
        told = wire.run(reviewer, "listen", "r=" + "0" * 32)
        assert pages_in(told) == {"Listen", "listen"}
        words = b"".join(each.SerializeToString() for each in told)
        assert b"No review here" in words
        assert not [page for page in ("Reconstruct", "Latent map", "Variations", "Library") if page.encode() in words]
        [own] = {each.navigation.page_script_hash for each in told if each.navigation.page_script_hash}
        assert pages_in(wire.run(reviewer, "", "r=" + "0" * 32, own)) == {"Listen", "listen"}, "and in every later run"
        # Who goes to another page with the same connection is no reviewer any more.
        assert "Reconstruct" in pages_in(wire.run(reviewer, ""))


def test_a_hand_at_the_page_that_was_left_empties_no_page(app_address: str) -> None:
    """A browser that is told of a part of another page takes away the one that it shows."""
    with wire.visit(app_address) as visitor:
        told = wire.run(visitor, "map")
        lists = [each.navigation.app_pages for each in told if each.HasField("navigation")]
        place = {page.url_pathname: page.page_script_hash for page in lists[-1]}
        part = next(each.delta.fragment_id for each in told if each.delta.fragment_id)
        about, late = BackMsg(), BackMsg()
        about.rerun_script.page_script_hash = place["about"]
        late.rerun_script.page_script_hash, late.rerun_script.fragment_id = place["map"], part
        visitor.send(about.SerializeToString())
        told = [hear(visitor)]
        while not told[-1].HasField("new_session"):
            told.append(hear(visitor))
        visitor.send(late.SerializeToString())  # while About runs
        while sum(each.HasField("script_finished") for each in told) < 2:  # About, and the part
            told.append(hear(visitor))
        assert {each.new_session.page_script_hash for each in told if each.HasField("new_session")} == {place["about"]}


def hear(visitor: ClientConnection) -> ForwardMsg:
    return ForwardMsg.FromString(visitor.recv(timeout=wire.WAIT_SECONDS))
