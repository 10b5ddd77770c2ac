import json
import re

import pytest

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.ui.components import onefile
from rhythmvae.ui.components.pad import lattice_file

BEAT = example("funk").bars(1, 1)
LATTICE = lattice_file([BEAT] * 81)


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    loaded: dict[str, object] = json.loads(found[1])
    return loaded


def test_a_page_has_every_groove_and_the_sounds_and_is_small() -> None:
    page = onefile.page(LATTICE, side=9)
    assert len(page) < onefile.MAX_BYTES
    said = data_of(page.decode())
    assert said["lattice"] == json.loads(LATTICE)
    assert said["side"] == 9
    assert str(said["kit"]).startswith("data:audio/wav;base64,UklGR")


def test_a_large_pad_stays_under_two_megabytes() -> None:
    four_bars = [example(name).looped(4).bars(1, 4) for name in EXAMPLES]
    fullest = max(four_bars, key=len)
    assert len(onefile.page(lattice_file([fullest] * 81), side=9)) < onefile.MAX_BYTES


def test_nothing_of_its_maker_is_in_it_but_the_title_that_was_typed() -> None:
    page = onefile.page(LATTICE, side=9, title="For Ada").decode()
    assert page.count("For Ada") == 2
    assert BEAT.title
    assert BEAT.title not in page
    assert BEAT.source is None or BEAT.source not in page
    assert not re.search(r"https?://(?!www\.w3\.org)", page), "it names no address"


@pytest.mark.parametrize("title", ["</title><script>alert(1)</script>", '"><img src=x>', "a" * 500])
def test_a_title_is_text_and_no_more(title: str) -> None:
    page = onefile.page(LATTICE, side=9, title=title).decode()
    assert title not in page
    assert page.count("<script") == 2
    assert "<img" not in page
    assert len(re.findall("a" * 81, page)) == 0


def test_without_a_title_it_has_a_plain_one() -> None:
    assert f"<h1>{onefile.TITLE}</h1>" in onefile.page(LATTICE, side=9, title="  ").decode()
