"""Grooves and settings in the text of a link: what goes in comes out, and nothing else opens."""

from __future__ import annotations

import base64
import json
import re
import string
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from work import peak_bytes

from rhythmvae import share
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import ShareError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.share import MAX_CHANGES, MAX_HITS, MAX_PLAIN_BYTES, MAX_STEPS, MAX_TEXT, RESOLUTION, from_text, to_text

SETTINGS = {"mode": "vary", "amount": 0.35, "seed": 12345, "loop": True, "from": None, "sliders": {"swing": [1, 2.5]}}
MODEL = "0123456789abcdef"


def groove(*hits: tuple[float, int, int], n_steps: int = 32, **rest: Any) -> Groove:
    """From (position, voice, velocity)."""
    columns = np.array(hits, dtype=float).reshape(-1, 3)
    return Groove(columns[:, 0], columns[:, 1], columns[:, 2], n_steps, **rest)


def crowded(n: int, n_steps: int = 64, seed: int = 0) -> Groove:
    """Hits of random place, timing and velocity: nothing in them repeats."""
    rng = np.random.default_rng(seed)
    position = rng.integers(0, n_steps, n) + np.clip(rng.normal(0, 0.1, n), -0.5, 0.49)
    return Groove(position, rng.integers(0, N_VOICES, n), rng.integers(1, 128, n), n_steps)


def assert_goes_through(before: Groove) -> Groove:
    """The groove behind a link: every hit in its cell and near its place, all else the same."""
    text = to_text(before, SETTINGS, MODEL)
    shared = from_text(text)
    after = shared.groove
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert (shared.settings, shared.model, after.title) == (SETTINGS, MODEL, before.title)
    assert (after.n_steps, after.tempos, after.meters) == (before.n_steps, before.tempos, before.meters)
    key_before = np.lexsort((before.position, before.velocity, before.voice, before.step))
    key_after = np.lexsort((after.position, after.velocity, after.voice, after.step))
    for column in ("step", "voice", "velocity"):
        assert getattr(after, column)[key_after].tolist() == getattr(before, column)[key_before].tolist()
    assert np.abs(after.position[key_after] - before.position[key_before]).max(initial=0) < 1 / RESOLUTION
    assert to_text(after, shared.settings, shared.model) == text, "not a fixed point"
    return after


# -- there and back ------------------------------------------------------------


@pytest.mark.parametrize("key", EXAMPLES)
def test_examples(key: str) -> None:
    assert_goes_through(example(key))


@pytest.mark.parametrize("ppq", [96, 120, 192, 240, 384, 480, 768, 960, 1024, 1920])
def test_ticks_of_files_come_back_exactly(ppq: int) -> None:
    ticks = np.arange(0, 4 * ppq, 7)
    before = groove(*((float(tick / ppq * 4), int(tick % N_VOICES), 1 + int(tick % 127)) for tick in ticks))
    assert assert_goes_through(before) == before


def test_a_file_that_was_read_comes_back_exactly() -> None:
    before, _ = read_midi(write_midi(example("ballad")), "ballad.mid")
    assert assert_goes_through(before) == before


@pytest.mark.parametrize("meter", [(7, 8), (5, 4), (7, 32), (15, 16), (1, 16)])
def test_odd_meters(meter: tuple[int, int]) -> None:
    before = groove((0, 0, 100), (6.25, 1, 30), n_steps=14, meters=(Meter(0.0, *meter),))
    assert assert_goes_through(before) == before


def test_changes_of_tempo_and_meter_come_back_exactly() -> None:
    before = groove(
        (3, 0, 100),
        tempos=(Tempo(0.0, 98.0), Tempo(1 / 3, 60_000_000 / 476_191), Tempo(16.1, 3.6)),
        meters=(Meter(0.0, 4, 4), Meter(0.7, 7, 32), Meter(16.0, 12, 8)),
    )
    assert assert_goes_through(before) == before


def test_changes_behind_the_end_are_left_out() -> None:
    before = groove(tempos=(Tempo(0.0, 98.0), Tempo(32.0, 120.0)))
    assert from_text(to_text(before)).groove.tempos == before.tempos[:1]


def test_hits_before_the_first_step_and_flams() -> None:
    before = groove((-0.5, 0, 90), (-0.25, 1, 127), (4 - 0.1875, 1, 50), (4, 1, 110), (4, 1, 110), (4, 1, 1))
    assert assert_goes_through(before) == before


def test_rolls_of_any_number_of_strokes() -> None:
    for voice, n in enumerate((3, 4, 5, 6, 8, 9)):
        roll = groove(*((step + k / n, voice, 1 + 13 * k) for step in (0, 7, 31) for k in range(n)))
        assert len(assert_goes_through(roll)) == 3 * n


def test_a_hit_stays_in_its_cell() -> None:
    just_below_half = 0.5 - 1e-12
    after = assert_goes_through(groove((just_below_half, 0, 90), (31 + just_below_half, 8, 90)))
    assert after.step.tolist() == [0, 31]


def test_silence() -> None:
    assert len(assert_goes_through(groove(n_steps=1))) == 0


def test_the_title_is_text_for_a_line() -> None:
    assert assert_goes_through(groove(title='Ü "b" 🥁 \\')).title == 'Ü "b" 🥁 \\'
    after = from_text(to_text(groove(title="a\0b\u202e" + 200 * "x"))).groove
    assert after.title.startswith("a b x")
    assert len(after.title) == 80


def test_settings_and_model_may_be_missing() -> None:
    shared = from_text(to_text(example("funk")))
    assert (shared.settings, shared.model) == ({}, "")


def test_order_of_settings_does_not_matter() -> None:
    assert to_text(groove(), {"a": 1, "b": 2}) == to_text(groove(), {"b": 2, "a": 1})


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_groove(data: st.DataObject) -> None:
    n_steps = data.draw(st.integers(1, 96))
    highest = n_steps - 1 / RESOLUTION  # a pushed hit among them
    hit = st.tuples(st.floats(-0.5, highest), st.integers(0, N_VOICES - 1), st.integers(1, 127))
    tempos = (Tempo(0.0, data.draw(st.floats(4, 1000))),)
    assert_goes_through(groove(*data.draw(st.lists(hit, max_size=30)), n_steps=n_steps, tempos=tempos))


def test_links_out_there_still_open() -> None:
    """Written by the first version 1: if this fails, raise VERSION."""
    shared = from_text(GOLDEN)
    assert shared.groove == groove((-0.25, 0, 100), (4, 1, 90), (6.125, 1, 30), (31.5 - 1 / RESOLUTION, 8, 127))
    assert (shared.groove.title, shared.settings, shared.model) == ("Golden", {"amount": 0.5}, MODEL)


GOLDEN = "rv1-SeJilYtWcs_PSUnNA7rYwNDI2MTUzNzCMjEpOSU1DWgj3NEGeqYIh6LbbqhjpIPkAh1DmBuMYxnAgIVJPiVKrh4A_3AAAHj_cA"


# -- size ----------------------------------------------------------------------


def test_size() -> None:
    for key in EXAMPLES:
        assert len(to_text(example(key))) < 100 + 5 * len(example(key)), key
    assert len(to_text(crowded(100))) < 600  # as bad as 100 hits get
    assert len(to_text(groove())) < 100


@pytest.mark.parametrize(
    "too_long",
    [
        groove(n_steps=MAX_STEPS + 1),
        crowded(MAX_HITS + 1),
        crowded(MAX_HITS, MAX_STEPS),  # too many characters
        groove(tempos=tuple(Tempo(i / 8, 100.0) for i in range(MAX_CHANGES + 1))),
        groove(meters=tuple(Meter(i / 8, 4, 4) for i in range(MAX_CHANGES + 1))),
    ],
    ids=["steps", "hits", "characters", "tempos", "meters"],
)
def test_too_long_for_a_link(too_long: Groove) -> None:
    with pytest.raises(ShareError, match=r"A link holds up to 512 steps \(32 bars.* choose fewer bars, or download"):
        to_text(too_long)


def test_the_longest_that_fit() -> None:
    assert_goes_through(groove(n_steps=MAX_STEPS))
    steps = np.arange(MAX_HITS) // 4
    assert_goes_through(Groove(steps, np.arange(MAX_HITS) % 4, np.full(MAX_HITS, 100), MAX_STEPS))
    assert_goes_through(groove(tempos=tuple(Tempo(i / 7, 100 + i / 7) for i in range(MAX_CHANGES))))


def test_a_tempo_no_file_can_hold() -> None:
    with pytest.raises(ShareError, match="a tempo other than"):
        to_text(groove(tempos=(Tempo(0.0, 1.0),)))


# -- settings ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"a": float("nan")}, "that is nan"),
        ({"a": [float("inf")]}, "that is inf"),
        ({"a": {1, 2}}, "of type set"),
        ({"a": np.int64(1)}, "of type int64"),
        ({"a": b"bytes"}, "of type bytes"),
        ({"a": {1: 2}}, "names are no text"),
        ({"a": "\ud800"}, "no text"),
        ({"a": [[[[1]]]]}, "nested deeper"),
        ({"a": 2000 * "x"}, "settings of 2,008 bytes"),
        ({"a": 10**5000}, "more than 64 bits"),
    ],
)
def test_settings_that_a_link_does_not_take(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ShareError, match=message):
        to_text(groove(), bad)


@pytest.mark.parametrize("model", ["a b", "x" * 65, "ä", "a\n"])
def test_a_model_is_named_by_its_digest(model: str) -> None:
    with pytest.raises(ShareError, match="digest"):
        to_text(groove(), model=model)


# -- texts from elsewhere ------------------------------------------------------


def link(plain: bytes, packed: bytes = b"") -> str:
    """A text with a right checksum around any content, as anyone can make one."""
    deflater = zlib.compressobj(9, wbits=-15)
    return signed(deflater.compress(plain) + deflater.flush() + packed)


def signed(body: bytes) -> str:
    crc = zlib.crc32(b"rv1-" + body).to_bytes(4, "big")
    return "rv1-" + base64.urlsafe_b64encode(crc + body).decode().rstrip("=")


HEAD = ["t", "", {}, 32, [[0, 120]], [[0, 4, 4]], [1, 0, 0, 0, 0, 0, 0, 0, 0], 1, 0]
COLUMNS = b"\0\x05\x64"  # one hit: step 5, velocity 100


def with_head(**changes: Any) -> str:
    names = ["title", "model", "settings", "n_steps", "tempos", "meters", "counts", "resolution", "width"]
    head = [changes.get(name, value) for name, value in zip(names, HEAD, strict=True)]
    return link(json.dumps(head).encode() + b"\0" + COLUMNS)


def test_the_helper_makes_links() -> None:
    assert from_text(with_head()).groove == groove((5, 0, 100))


def test_any_changed_character_is_noticed() -> None:
    text = to_text(groove((0, 0, 100), (4.1, 1, 90), (6, 1, 30)), {"amount": 0.5})
    right = from_text(text)
    for i in range(len(text)):
        for other in string.ascii_letters + string.digits + "-_.%é":
            if other == text[i]:
                continue
            try:
                found = from_text(text[:i] + other + text[i + 1 :])
            except ShareError:
                continue
            assert found == right  # the last character has bits to spare


def test_truncated_doubled_lowered() -> None:
    text = to_text(example("funk"))
    for i in range(len(text)):
        with pytest.raises(ShareError):
            from_text(text[:i])
    for changed in (text + text, text + "A", text.lower(), text[:50] + " " + text[50:], text + "=="):
        with pytest.raises(ShareError, match="cut short or changed on the way"):
            from_text(changed)


def test_white_space_around_is_no_matter() -> None:
    assert from_text(f" {to_text(example('funk'))}\n").groove.title == "Funk"


@pytest.mark.parametrize(
    "text", ["", "  ", "hello", "rv-", "rv1", "RV1-abc", "rv٣-abc", "\0\ud800", "https://a.b/?g=rv1-"]
)
def test_foreign_text(text: str) -> None:
    with pytest.raises(ShareError, match=r"begins with rv1-, got .*: open the whole link"):
        from_text(text)


def test_another_version() -> None:
    with pytest.raises(ShareError, match="version 1, got version 2: open it where it was made"):
        from_text("rv2-" + to_text(groove()).removeprefix("rv1-"))


def test_a_long_text_is_not_read() -> None:
    with pytest.raises(ShareError, match=r"up to 8,000 characters, got 10,000,000"):
        from_text("rv1-" + "A" * 9_999_996)


def test_a_bomb_is_not_inflated() -> None:
    bomb = link(b"[" + 5_000_000 * b" ")
    assert len(bomb) <= MAX_TEXT

    def open_it() -> None:
        with pytest.raises(ShareError, match="more than 24,576 bytes"):
            from_text(bomb)

    assert peak_bytes(open_it) < 500_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (signed(b""), "another layout"),
        (signed(b"\xff\xff\xff"), "content that cannot be read"),
        (link(b""), "content that cannot be read"),
        (link(b"\xff\0"), "content that cannot be read"),
        (link(b"{}\0"), "another layout"),
        (link(b"[1]\0"), "another layout"),
        (signed(zlib.compress(bytes(range(256)), wbits=-15)[:20]), "another layout"),
        (link(20_000 * b"[" + b"\0"), "content that cannot be read"),
        (link(b"[" + 10_000 * b"9" + b"]\0"), "content that cannot be read"),
        (link(json.dumps(HEAD).encode() + b"\0" + COLUMNS + b"x"), "other content than 1 hit"),
        (link(json.dumps(HEAD).encode() + b"\0" + COLUMNS, b"x"), "other content than 1 hit"),
        (link(json.dumps(HEAD).encode() + b"\0\0\x05\0"), "velocities 0"),
        (link(json.dumps(HEAD).encode() + b"\0\0\x05\x80"), "velocities 128"),
        (link(json.dumps(HEAD).encode() + b"\0\xff\xff\x64"), "do not fit 32 steps"),
        (link(json.dumps([*HEAD[:7], 3, 2]).encode() + b"\0" + COLUMNS, b"\xc0"), "half a step"),
        (with_head(title=1), "a title that is no text"),
        (with_head(model=None), "digest"),
        (with_head(model="<b>"), "digest"),
        (with_head(settings=[]), "without names"),
        (with_head(settings={"a": float("nan")}), "that is nan"),
        (with_head(settings={"a": float("inf")}), "that is inf"),
        (with_head(settings={"a": "\ud800"}), "no text"),
        (with_head(settings={"a": -(2**64)}), "more than 64 bits"),
        (with_head(settings={"a": [[[[]]]]}), "nested deeper"),
        (with_head(settings={"a": 2000 * "x"}), "settings of 2,008 bytes"),
        (with_head(n_steps=0), "a length other than"),
        (with_head(n_steps=513), "a length other than"),
        (with_head(n_steps=True), "a length other than"),
        (with_head(n_steps=1e300), "a length other than"),
        (with_head(n_steps="32"), "a length other than"),
        (with_head(tempos=[]), "tempos other than a list"),
        (with_head(tempos=[[i / 8, 120] for i in range(129)]), "tempos other than a list"),
        (with_head(tempos=[[1, 120]]), "tempos must start at step 0"),
        (with_head(tempos=[[0, 120], [0, 120]]), "tempos must start at step 0 and ascend"),
        (with_head(tempos=[[0, 120], [32, 120]]), "tempos outside"),
        (with_head(tempos=[[0]]), "tempos that are no numbers"),
        (with_head(tempos=[[0, None]]), "tempos that are no numbers"),
        (with_head(tempos=[[0, float("nan")]]), "tempos that are no numbers"),
        (with_head(tempos=[[0, 0]]), "a tempo other than"),
        (with_head(tempos=[[0, 10**400]]), "tempos that are no numbers"),
        (with_head(meters=[[0, 4, 0]]), "a meter that no bar can have"),
        (with_head(meters=[[0, 4, 3]]), "a meter that no bar can have"),
        (with_head(meters=[[0, 4.0, 4]]), "a meter that no bar can have"),
        (with_head(meters=[[0, 256, 4]]), "a meter that no bar can have"),
        (with_head(meters=[[0, 10**300, 4]]), "meters that are no numbers"),
        (with_head(counts=[1]), "other voices"),
        (with_head(counts=[-1, 2, 0, 0, 0, 0, 0, 0, 0]), "other voices"),
        (with_head(counts=9 * [2000]), "18,000 hits"),
        (with_head(resolution=0), "another resolution"),
        (with_head(resolution=10**9), "another resolution"),
        (with_head(width=64), "another resolution"),
        (with_head(width=13), "other content than 1 hit"),
    ],
    ids=lambda value: "" if value.startswith("rv1-") else value,
)
def test_made_up_content(text: str, message: str) -> None:
    assert len(text) <= MAX_TEXT
    with pytest.raises(ShareError, match=f"Expected a groove in this link, got .*{message}.*: ask for the link again"):
        from_text(text)


def test_what_fits_the_limits_fits_the_bound_on_inflating() -> None:
    title, value = 80 * "🥁", (share.MAX_SETTINGS_BYTES - 8) * "x"
    steps = np.linspace(0, 31.9, MAX_CHANGES)
    full = Groove(
        np.zeros(MAX_HITS),
        np.zeros(MAX_HITS),
        np.ones(MAX_HITS),
        32,
        tuple(Tempo(float(s), 100 / 3) for s in steps),
        tuple(Meter(float(s), 255, 64) for s in steps),
        title,
    )
    text = to_text(full, {"a": value}, 64 * "f")
    body = base64.urlsafe_b64decode(text[4:] + "=" * (-len(text[4:]) % 4))[4:]
    assert len(zlib.decompressobj(-15, zdict=share.DICTIONARY).decompress(body)) < MAX_PLAIN_BYTES


@pytest.mark.parametrize("seed", range(5))
def test_a_rounded_groove_is_what_a_link_holds_and_stays_as_it_is(seed: int) -> None:
    played = crowded(80, seed=seed)
    rounded = share.rounded(played)
    assert rounded == from_text(to_text(played)).groove
    assert share.rounded(rounded) == rounded
    assert np.abs(rounded.position - played.position).max() <= 1 / RESOLUTION


def test_an_offset_at_the_boundary_stays_within_its_cell() -> None:
    """Half a step early belongs to the cell; half a step late is the next one's, so the nearest below it is sent."""
    unit = 1 / share.RESOLUTION
    early, late = 4.0 - 0.5, 8.0 + 0.5 - unit / 4
    sent = Groove([early, late], [0, 0], [100, 100], 16)
    assert sent.step.tolist() == [4, 8]
    opened = share.from_text(share.to_text(sent)).groove
    assert opened.step.tolist() == [4, 8]
    assert opened.position.tolist() == pytest.approx([early, 8.5 - unit], abs=1e-12)
