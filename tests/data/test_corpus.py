"""From files to takes, windows and splits: nothing lost, nothing on both sides."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from grooves import groove, random_groove, take
from helpers import meter, note, smf
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.analysis.duplicates import pattern_key
from rhythmvae.data import corpus, splits
from rhythmvae.data.augmentation import Augmentation
from rhythmvae.data.corpus import Take
from rhythmvae.data.splits import split_takes
from rhythmvae.data.windows import Windows, windows_of
from rhythmvae.errors import CorpusError, UsageError
from rhythmvae.groove import HIT, OFFSET, VELOCITY, WINDOW_STEPS, Groove, Meter, to_grid, window_spans
from rhythmvae.kit import N_VOICES
from rhythmvae.midi.report import ReadOptions

HEADER = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"


@pytest.fixture(autouse=True)
def cache_home(tmp_path, monkeypatch) -> Path:
    home = tmp_path / "cache home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


def pattern(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return smf([note(int(rng.integers(0, 32)) * 120, int(rng.choice([36, 38, 42]))) for _ in range(20)])


def row(name: str, split: str, style: str = "funk") -> str:
    return f"drummer1,drummer1/session1,id,{style},120,beat,4-4,drummer1/session1/{name},,1.0,{split}\n"


def gmd(info: str | bytes | None = None) -> dict[str, bytes]:
    """A data set in the published layout: three takes, each in a split of its own."""
    table = info if info is not None else HEADER + row("1.mid", "train") + row("2.mid", "validation", "jazz")
    if info is None:
        table += row("3.mid", "test")
    files = {f"groove/drummer1/session1/{n}.mid": pattern(n) for n in (1, 2, 3)}
    return files | {"groove/info.csv": table.encode() if isinstance(table, str) else table}


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def packed(path: Path, files: dict[str, bytes]) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    path.write_bytes(buffer.getvalue())
    return path


def split_of(data: corpus.Corpus) -> dict[str, str | None]:
    return {take.name.rsplit("/", 1)[-1]: take.split for take in data.takes}


# -- reading


def test_files_folders_and_zips(tmp_path):
    folder = unpacked(tmp_path / "loops", {"a.mid": pattern(1), "sub/b.mid": pattern(2), "notes.txt": b"hi"})
    archive = packed(tmp_path / "loops.zip", {"c.mid": pattern(3)})
    data = corpus.load([folder, archive, folder / "a.mid"])
    assert [take.name for take in data.takes] == ["a.mid", "sub/b.mid", "c.mid", "a.mid"]
    assert not data.has_splits
    assert data.takes[0].groove == data.takes[3].groove
    assert data.takes[0].labels == {}


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path):
    data = corpus.load([unpacked(tmp_path / "x", {"bad.mid": b"no MIDI", "good.mid": pattern(1)})])
    assert [take.name for take in data.takes] == ["good.mid"]
    [(name, why)] = data.failures
    assert name == "bad.mid"
    assert "expected a MIDI file" in why


def test_sounds_that_nobody_asked_for_are_counted(tmp_path):
    files = {"good.mid": pattern(1), "a.flac": b"fLaC" + bytes(99), "b.wav": b"RIFF0000WAVE", "notes.txt": b"text"}
    folder = unpacked(tmp_path / "x", files)
    assert [corpus.load([folder]).n_sounds for _ in ("fresh", "from the cache")] == [2, 2]
    assert corpus.load([packed(tmp_path / "x.zip", files)], cache=False).n_sounds == 2
    (folder / "a.flac").unlink()
    (folder / "b.wav").unlink()
    assert corpus.load([folder]).n_sounds == 0


def test_nothing_that_can_be_read_is_an_error(tmp_path):
    with pytest.raises(CorpusError, match=r"none that can be read.*begins with MThd"):
        corpus.load([unpacked(tmp_path / "x", {"bad.mid": b"no MIDI"})])
    with pytest.raises(UsageError, match="does not exist"):
        corpus.load([tmp_path / "nowhere"])


@pytest.mark.parametrize("wrap", [unpacked, lambda path, files: packed(path.with_suffix(".zip"), files)])
@pytest.mark.parametrize("inner", [False, True])
def test_the_published_layout_keeps_its_splits_and_labels(tmp_path, wrap, inner):
    given_path = wrap(tmp_path / "gmd", gmd())
    if inner and given_path.is_dir():
        given_path = given_path / "groove"
    data = corpus.load([given_path])
    assert data.has_splits
    assert split_of(data) == {"1.mid": "train", "2.mid": "validation", "3.mid": "test"}
    assert data.only("validation")[0].labels == {"style": "jazz", "drummer": "drummer1", "beat_type": "beat"}


@pytest.mark.parametrize(
    "info",
    [
        b"",
        b"\x00\xff\xfe" * 40,
        HEADER.encode() + b'"' + b"x" * 200_000,
        b"a,b,c\n1,2,3\n",
        (HEADER + row("9.mid", "train")).encode(),
        (HEADER + row("1.mid", "holdout")).encode(),
    ],
    ids=["empty", "binary", "endless field", "other table", "other files", "other split"],
)
def test_a_damaged_table_leaves_the_files(tmp_path, info):
    data = corpus.load([unpacked(tmp_path / "gmd", gmd(info))])
    assert len(data.takes) == 3
    assert not data.has_splits


def test_the_rows_before_the_damage_count(tmp_path):
    info = HEADER + row("1.mid", "train") + '"' + "x" * 200_000
    assert split_of(corpus.load([unpacked(tmp_path / "gmd", gmd(info))]))["1.mid"] == "train"


def test_a_byte_order_mark_is_no_part_of_the_table(tmp_path):
    info = "\ufeff" + HEADER + row("1.mid", "train")
    data = corpus.load([unpacked(tmp_path / "gmd", gmd(info))])
    assert data.only("train")[0].labels["drummer"] == "drummer1"


def test_an_encrypted_table_in_a_zip_is_passed_over(tmp_path):
    path = packed(tmp_path / "gmd.zip", gmd())
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"groove/info.csv") - 46  # its row in the zip's table of contents
    data[entry + 8] |= 1
    path.write_bytes(data)
    assert not corpus.load([path]).has_splits


def test_options_reach_the_reader(tmp_path):
    (tmp_path / "a.mid").write_bytes(smf([note(0, 36), note(480, 38)]))
    data = corpus.load([tmp_path / "a.mid"], ReadOptions(meter=(3, 4)))
    assert data.takes[0].groove.meters == (Meter(0, 3, 4),)


def test_progress_counts_every_file(tmp_path):
    seen: list[tuple[int, int]] = []
    folder = unpacked(tmp_path / "x", {f"{n}.mid": pattern(n) for n in range(3)})
    corpus.load([folder], on_progress=lambda done, n: seen.append((done, n)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


# -- cache


def same(a: corpus.Corpus, b: corpus.Corpus) -> bool:
    def plain(data: corpus.Corpus) -> list[object]:
        return [(t.name, t.split, t.labels, t.groove.title, t.groove.source) for t in data.takes]

    grooves_equal = all(x.groove == y.groove for x, y in zip(a.takes, b.takes, strict=True))
    return plain(a) == plain(b) and grooves_equal and a.failures == b.failures


def forbid_reading(monkeypatch) -> None:
    monkeypatch.setattr(corpus, "read_source", lambda *_: pytest.fail("read again"))


def test_a_cache_hit_is_the_fresh_reading(tmp_path, monkeypatch):
    files = gmd() | {"groove/bad.mid": b"no", "groove/7.mid": smf([meter(0, 7, 8), note(0, 36), note(500, 38, 3)])}
    folder = unpacked(tmp_path / "gmd", files)
    fresh = corpus.load([folder], cache=False)
    assert not (tmp_path / "cache home").exists()
    corpus.load([folder])
    forbid_reading(monkeypatch)
    assert same(corpus.load([folder]), fresh)


@pytest.mark.parametrize("change", ["content", "new file", "options", "table"])
def test_what_has_changed_is_read_again(tmp_path, change):
    folder = unpacked(tmp_path / "gmd", gmd())
    before = corpus.load([folder])
    options = ReadOptions(meter=(3, 4)) if change == "options" else ReadOptions()
    if change == "content":
        unpacked(folder, {"groove/drummer1/session1/1.mid": pattern(9)})
    elif change == "new file":
        unpacked(folder, {"groove/4.mid": pattern(4)})
    elif change == "table":
        unpacked(folder, {"groove/info.csv": HEADER.encode()})
    assert not same(corpus.load([folder], options), before)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and nothing", None, "flip"])
def test_a_damaged_cache_is_read_again(tmp_path, cache_home, damage):
    folder = unpacked(tmp_path / "gmd", gmd())
    fresh = corpus.load([folder])
    [kept] = (cache_home / "rhythmvae").iterdir()
    whole = kept.read_bytes()
    if damage == "flip":
        for place in range(0, len(whole), len(whole) // 40):
            kept.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            assert same(corpus.load([folder]), fresh)
    else:
        kept.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
        assert same(corpus.load([folder]), fresh)


@pytest.mark.parametrize("home", ["a file", "no home"])
def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch, home):
    if home == "a file":
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    else:
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert len(corpus.load([unpacked(tmp_path / "gmd", gmd())]).takes) == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_never_cached(tmp_path, cache_home):
    paths = [tmp_path / "pipe"]
    os.mkfifo(paths[0])
    assert corpus._cache_path(paths, [], ReadOptions()) is None


def test_what_was_heard_is_kept_until_another_transcriber_hears(tmp_path, cache_home, monkeypatch):
    sound, ear = tmp_path / "loop.wav", tmp_path / "ear"
    sound.write_bytes(b"RIFF")
    ear.write_bytes(b"1")
    monkeypatch.setattr(corpus, "TRANSCRIBER", ear)
    sources = [corpus.Source("loop.wav", "", lambda: b"", sound)]
    kept = corpus._cache_path([sound], sources, ReadOptions())
    assert corpus._cache_path([sound], sources, ReadOptions()) == kept
    midi = corpus._cache_path([sound], [], ReadOptions())
    ear.write_bytes(b"10")
    assert corpus._cache_path([sound], sources, ReadOptions()) != kept
    assert corpus._cache_path([sound], [], ReadOptions()) == midi


# -- splitting


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    seeds=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    official=st.lists(st.sampled_from(["train", "validation", "test", None]), min_size=40, max_size=40),
    has_official=st.booleans(),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 5),
)
def test_twins_are_never_on_both_sides(seeds, official, has_official, share, seed):
    takes = [take(s, official[i] if has_official else None, n_hits=4) for i, s in enumerate(seeds)]
    train, held_out = split_takes(takes, share, seed)
    assert not {pattern_key(t.groove) for t in train} & {pattern_key(t.groove) for t in held_out}
    if any(t.split for t in takes):
        assert train == [t for t in takes if t.split in ("train", None)]
        assert {t.split for t in held_out} <= {"validation"}
    else:
        assert sorted(map(id, train + held_out)) == sorted(map(id, takes))
        assert bool(held_out) == (len(set(seeds)) > 1)
        assert train


def nearly(own: Take, name: str) -> Take:
    """A take with one hit less."""
    g = own.groove
    kept = slice(0, len(g) - 1)
    fewer = replace(g, position=g.position[kept], voice=g.voice[kept], velocity=g.velocity[kept])
    return replace(own, name=name, groove=fewer)


@pytest.mark.parametrize("seed", range(4))
def test_loops_and_what_repeats_or_nearly_repeats_them_are_not_parted(seed):
    takes = [take(i, n_hits=40) for i in range(8)]
    doubled = [replace(own, name=f"twice {own.name}", groove=own.groove.looped(2)) for own in takes]
    takes += doubled + [nearly(own, f"nearly {own.name}") for own in takes]
    for parts in (split_takes(takes, seed=seed), *splits.folds_of(takes, 4, seed)):
        sides = [{own.name.split()[-1] for own in side} for side in parts]
        assert not sides[0] & sides[1]
        assert all(sides)


def test_few_takes_that_are_all_alike_are_parted_as_if_they_were_not():
    """Else there would be nothing to judge by."""
    first = take(1, n_hits=40)
    takes = [first, nearly(first, "a"), nearly(nearly(first, "b"), "b")]
    assert all(split_takes(takes))
    assert len(splits.folds_of(takes, 5)) == 3


def test_a_single_pattern_holds_nothing_out():
    train, held_out = split_takes([take(1), take(1)])
    assert (len(train), held_out) == (2, [])


def test_one_seed_draws_one_split():
    takes = [take(seed) for seed in range(20)]
    assert split_takes(takes, seed=3) == split_takes(takes, seed=3)
    assert split_takes(takes, seed=3) != split_takes(takes, seed=4)


def test_files_beside_an_official_split_are_trained_on():
    own, official = Take("own.mid", random_groove(5)), take(1, "train")
    assert split_takes([own, official, take(2, "validation"), take(3, "test")])[0] == [own, official]


# -- drummers


def by(seed: int, drummer: str | None) -> Take:
    return replace(take(seed, "train"), labels={"drummer": drummer} if drummer else {})


def test_drummers_are_found_by_name_or_number_and_everyone_else_is_outside():
    takes = (by(1, "drummer1"), by(2, "drummer10"), by(3, "Ana"), by(4, None), by(5, "drummer1"), by(6, "drummer2"))
    data = corpus.Corpus(takes, (("bad.mid", "no MIDI"),))
    assert splits.drummers_of(takes) == ["Ana", "drummer1", "drummer2", "drummer10"]
    inside, outside = splits.by_drummers(data, ["1", "drummer10", "Ana"])
    assert inside.takes == (takes[0], takes[1], takes[2], takes[4])
    assert outside.takes == (takes[3], takes[5])
    assert inside.failures == outside.failures == data.failures
    assert splits.by_drummers(data, [])[1].takes == takes


def test_a_drummer_who_is_not_there_is_told_who_is():
    data = corpus.Corpus((by(1, "drummer10"), by(2, "drummer2")))
    with pytest.raises(UsageError, match=r"drummers out of drummer2, drummer10, got '1'\."):
        splits.by_drummers(data, ["2", "1"])
    with pytest.raises(UsageError, match="the data has none"):
        splits.by_drummers(corpus.Corpus((by(1, None),)), ["1"])


# -- windows


def windows_as_list(windows: Windows) -> list[tuple[int, int, int]]:
    return list(zip(windows.take.tolist(), windows.start.tolist(), windows.n_steps.tolist(), strict=True))


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (5, 4), (6, 8), (7, 8), (12, 8), (7, 32), (17, 16)], ids=str)
def test_windows_are_those_of_reconstruction_and_hold_the_grid(meter):
    own = random_groove(1, 100, 200, meters=(Meter(0.0, *meter),))
    windows = windows_of([own])
    spans = window_spans(own)
    assert windows_as_list(windows) == [(0, s.start, s.n_steps) for s in spans]
    x, n_steps = windows.gather(np.arange(len(windows)))
    assert x.dtype == np.float32
    grid = to_grid(own).tensor
    for row, span in enumerate(spans):
        assert n_steps[row] == span.n_steps
        assert np.array_equal(x[row, : span.n_steps], grid[span.start : span.stop])
        assert not x[row, span.n_steps :].any()


def test_every_beat_starts_a_window():
    own = random_groove(2, 48, 200)
    assert windows_as_list(windows_of([own], every_beat=True)) == [
        *[(0, start, 32) for start in (0, 4, 8, 12, 16)],
        (0, 32, 16),  # the last bar by itself, as reconstruction meets it
    ]


def test_short_grooves_are_short_windows():
    windows = windows_of([random_groove(1, 12, 30), random_groove(2, 16, 30)], every_beat=True)
    assert set(windows_as_list(windows)) == {(0, 0, 12), (1, 12, 16)}
    assert not windows.gather(np.arange(len(windows)))[0][:, 16:].any()


def test_silent_windows_teach_nothing():
    late = groove((40, "kick"), n_steps=64)
    assert [start for _, start, _ in windows_as_list(windows_of([late], every_beat=True))] == [12, 16, 20, 24, 28, 32]
    assert len(windows_of([groove()], every_beat=True)) == 0
    assert len(windows_of([groove()])) == 1  # reconstruction meets it
    assert len(windows_of([])) == 0


def test_windows_know_their_take_and_tempo():
    windows = windows_of([random_groove(1), random_groove(2, 64)])
    assert windows.take.tolist() == [0, 1, 1]
    assert windows.seconds_per_step.tolist() == [0.125] * 3


# -- augmentation


def batch(seed: int = 0, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    grooves: list[Groove] = [
        random_groove(seed * 1000 + i, n, 80) for i, n in enumerate([32, 32, 24, 12] * (size // 4))
    ]
    windows = windows_of(grooves)
    return windows.gather(np.arange(len(windows)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "augmentation",
    [Augmentation(), Augmentation(1, 1, 1, 1, 1, 1), Augmentation(0, 0, 0, 1, 0, 0), Augmentation(0, 0, 1, 0, 0, 0)],
    ids=str,
)
def test_augmented_windows_are_still_windows(seed, augmentation):
    x, n_steps = batch(seed)
    kept = x.copy()
    y, n = augmentation.apply(x, n_steps, np.random.default_rng(seed))
    assert np.array_equal(x, kept)
    assert y.shape == x.shape
    assert y.dtype == np.float32
    hit = y[..., HIT]
    assert set(np.unique(hit)) == {0, 1}
    assert not y[hit == 0].any()
    assert (y[..., VELOCITY][hit == 1] >= 1 / 127 - 1e-7).all()
    assert (y[..., VELOCITY] <= 1).all()
    assert (y[..., OFFSET] >= -0.5).all()
    assert (y[..., OFFSET] < 0.5).all()
    assert (n <= n_steps).all()
    assert (n >= np.minimum(n_steps, 8)).all()
    assert not y[np.arange(WINDOW_STEPS) >= n[:, None]].any()
    assert not np.array_equal(y, x)


def test_no_augmentation_changes_nothing():
    x, n_steps = batch()
    y, n = Augmentation.none().apply(x, n_steps, np.random.default_rng(0))
    assert np.array_equal(n, n_steps)
    assert np.array_equal(y[..., :OFFSET], x[..., :OFFSET])
    assert np.abs(y[..., OFFSET] - x[..., OFFSET]).max() <= 1e-4  # an offset of half a step is just below it


def test_what_is_made_by_rule_stays_even_and_exact():
    x, n_steps = batch()
    even = x * [1, 0, 0] + x[..., :1] * np.array([0, 0.5, 0.25])
    y, _ = Augmentation(1, 1, 1, 1, 0, 0).of_programmed().apply(even, n_steps, np.random.default_rng(0))
    for window in y:
        hits = window[window[..., HIT] == 1]
        assert np.ptp(hits, axis=0).max() < 1e-6


def test_augmentation_is_its_seed():
    x, n_steps = batch()
    first, second, other = (Augmentation().apply(x, n_steps, np.random.default_rng(s))[0] for s in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_mixing_swaps_whole_limbs():
    x, n_steps = batch()
    y, _ = Augmentation(0, 0, 0, 1, 0, 0).apply(x, n_steps, np.random.default_rng(0))
    kicks = {x[i, :, 0, :, HIT].tobytes() for i in range(len(x))}  # every kick line is that of some window
    assert all(y[i, :, 0, :, HIT].tobytes() in kicks for i in np.flatnonzero(n_steps == WINDOW_STEPS))


def test_swapping_moves_whole_voices():
    x, n_steps = batch()
    y, _ = Augmentation(0, 0, 0, 0, 1, 0).apply(x, n_steps, np.random.default_rng(0))
    assert not np.array_equal(x, y)
    moved = [
        [v for v in range(N_VOICES) if not np.array_equal(before[:, v], after[:, v])]
        for before, after in zip(x[..., HIT], y[..., HIT], strict=True)
    ]
    assert {len(voices) for voices in moved} <= {0, 2}
    for index, voices in enumerate(moved):
        assert np.array_equal(x[index][:, voices, :, HIT], y[index][:, voices[::-1], :, HIT])
