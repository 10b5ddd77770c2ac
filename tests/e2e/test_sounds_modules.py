"""What is looked for in files and folders of sound before they are decoded, by itself in a browser."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import pytest
from module_pages import module_page
from playwright.sync_api import Browser, Page

from rhythmvae.audio.formats import HEAD_BYTES, SAYING, Loop, loop_of, sound_format
from rhythmvae.ui.components.sounds import MAX_HEAD_BYTES

pytestmark = pytest.mark.browser

TREE = {"b.wav": None, "a": {"2.mid": None, "1.wav": None, "deep": {"3.wav": None}}, "broken.wav": "unreadable"}
# Folders as a browser has them: a few files at a time, and none at the end.
ENTRIES = """
const entry = (name, below) => below !== null && typeof below === "object"
  ? { name, isDirectory: true, isFile: false, createReader: () => {
      const left = Object.entries(below).map(([name, below]) => entry(name, below));
      return { readEntries: (done) => done(left.splice(0, 2)) };
    } }
  : { name, isFile: true, isDirectory: false, file: (done, failed) =>
      below === "unreadable" ? failed(new Error()) : done(new File([], name)) };
"""


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page that has the modules as `heads` and `folders`."""
    with module_page(browser, {name: f"sounds/{name}.js" for name in ("heads", "folders")}) as page:
        yield page


def said(modules: Page, data: bytes) -> tuple[Loop | None, int]:
    """What the head of a file says to Python, and its bytes."""
    text = modules.evaluate(
        """async ([text, most]) => {
          const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
          const head = new Uint8Array(await heads.headOf(new File([bytes], "a"), most));
          return btoa(String.fromCharCode(...head));
        }""",
        [base64.b64encode(data).decode(), MAX_HEAD_BYTES],
    )
    head = base64.b64decode(text)
    kind = sound_format(head[:HEAD_BYTES])
    return loop_of(io.BytesIO(head), kind) if kind in SAYING else None, len(head)


def atom(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return (8 + len(body)).to_bytes(4, "big") + name + body


def m4a(*tags: bytes) -> bytes:
    """An M4A with its metadata behind a long sound, whose length takes eight bytes."""
    samples = bytes(200_000)
    sound = (1).to_bytes(4, "big") + b"mdat" + (16 + len(samples)).to_bytes(8, "big") + samples
    meta = atom(b"meta", bytes(4), atom(b"hdlr", bytes(25)), atom(b"ilst", atom(b"covr", bytes(90_000)), *tags))
    return atom(b"ftyp", b"M4A \0\0\0\0") + sound + atom(b"moov", atom(b"trak", bytes(500)), atom(b"udta", meta))


def test_the_tempo_of_an_m4a_travels_wherever_it_stands(modules: Page) -> None:
    tempo = atom(b"tmpo", atom(b"data", (21).to_bytes(4, "big"), bytes(4), (96).to_bytes(2, "big")))
    found, n_bytes = said(modules, m4a(tempo))
    assert found == Loop(0, 96.0, None)
    assert n_bytes < 100
    assert said(modules, m4a())[0] is None
    for cut in (9, 30, 200_030, len(m4a()) - 7):
        assert said(modules, m4a(tempo)[:cut])[0] is None


def test_the_chunks_of_a_wav_travel_without_its_samples(modules: Page) -> None:
    tags = b"ID3\x03\0\0\0\0\0\x20TBPM\0\0\0\4\0\0\x0096\0" + bytes(17)
    wav = b"RIFF\0\0\0\0WAVE" + b"data" + (100_000).to_bytes(4, "little") + bytes(100_000)
    found, n_bytes = said(modules, wav + b"id3 " + len(tags).to_bytes(4, "little") + tags)
    assert found == Loop(0, 96.0, None)
    assert n_bytes < 200


def test_a_folder_is_searched_below_in_the_order_of_names(modules: Page) -> None:
    names = modules.evaluate(
        f"""async (tree) => {{
          {ENTRIES}
          const found = await folders.filesIn(Object.entries(tree).map(([name, below]) => entry(name, below)));
          return found.map((file) => file.name);
        }}""",
        TREE,
    )
    assert names == ["b.wav", "1.wav", "2.mid", "3.wav"]


def test_folders_without_end_end(modules: Page) -> None:
    n_many, n_deep = modules.evaluate(f"""async () => {{
      {ENTRIES}
      const many = Object.fromEntries(Array.from({{ length: 3000 }}, (_, i) => [`${{i}}.wav`, null]));
      let deep = {{ "x.wav": null }};
      for (let i = 0; i < 50; i += 1) deep = {{ deep, "y.wav": null }};
      const numbers = [many, deep].map(async (tree) => (await folders.filesIn([entry("top", tree)])).length);
      return Promise.all(numbers);
    }}""")
    assert n_many == 2000
    assert n_deep == 8


def test_a_drop_without_a_folder_is_none_of_ours(modules: Page) -> None:
    found = modules.evaluate(f"""() => {{
      {ENTRIES}
      const of = (...entries) => folders.foldersOf({{ items: entries.map((e) => ({{ webkitGetAsEntry: () => e }})) }});
      return [of(entry("a.wav", null)), of(entry("a.wav", null), entry("b", {{}})), of(null), folders.foldersOf(null)]
        .map((each) => each.length);
    }}""")
    assert found == [0, 2, 0, 0]
