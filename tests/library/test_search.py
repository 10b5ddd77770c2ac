"""Search: the same groove is found however it is played, turned or repeated, and results are spread out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from grooves import random_groove
from toys import TOY, checkpoint_file, checkpoint_of, model

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.library import columns, index, scan, search
from rhythmvae.library.asking import ALL_VOICES, Filters, asked, packed, voices_named
from rhythmvae.library.columns import words_of
from rhythmvae.library.content import N_BYTES
from rhythmvae.library.scan import share_apart
from rhythmvae.library.search import Library, Result
from rhythmvae.library.store import Store
from rhythmvae.midi.write import write_midi

LAYERS = TOY.layers
KICK, SNARE = VOICE_INDEX["kick"], VOICE_INDEX["snare"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in patterns, random ones, and copies: of one as it is, of one that goes round four times."""
    found = tmp_path_factory.mktemp("in")
    (found / "built in").mkdir()
    for name in EXAMPLES:
        (found / "built in" / f"{name}.mid").write_bytes(write_midi(example(name)))
    for seed in range(20):
        (found / f"{seed:02d}.mid").write_bytes(write_midi(random_groove(seed)))
    bar = example("rock").bars(1, 1)
    (found / "once.mid").write_bytes(write_midi(bar))
    (found / "four times.mid").write_bytes(write_midi(bar.looped(4)))
    (found / "slower.mid").write_bytes(write_midi(bar.at_rate(0.5)))
    long = [random_groove(100 + i, 16, 14) for i in range(20)]
    take = Groove(
        np.concatenate([bar.position + 16 * i for i, bar in enumerate(long)]),
        np.concatenate([bar.voice for bar in long]),
        np.concatenate([bar.velocity for bar in long]),
        320,
    )
    (found / "long.mid").write_bytes(write_midi(take))
    return found


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    place = tmp_path_factory.mktemp("lib")
    toy = checkpoint_file(place / "toy.safetensors")
    index.index([folder], place / "lib", toy, checkpoint_of().digest)
    opened = Library(place / "lib")
    yield opened
    opened.close()


def find(library: Library, groove: Groove, n: int = 5, filters: Filters | None = None, **more: object) -> list[Result]:
    return library.search(asked(groove, LAYERS, **more), model(), filters, n)  # type: ignore[arg-type]


def played_otherwise(groove: Groove, seed: int = 0) -> Groove:
    rng = np.random.default_rng(seed)
    late = np.clip(groove.offset + rng.normal(0, 0.1, len(groove)), -0.45, 0.45)
    position = np.maximum(groove.position - groove.offset + late, -0.45)
    return groove.with_hits(position, groove.voice, rng.integers(1, 128, len(groove)))


def test_every_groove_finds_itself_at_no_distance(library: Library, folder: Path) -> None:
    from rhythmvae.midi.read import read_file

    for path in sorted(folder.rglob("*.mid")):
        [first] = find(library, read_file(path)[0], n=1)
        name = path.relative_to(folder).as_posix()
        assert first.distance == 0.0, name
        assert name in (first.path, *first.duplicates)


def test_it_is_found_by_another_performance(library: Library) -> None:
    for seed in range(20):
        [first] = find(library, played_otherwise(random_groove(seed), seed), n=1)
        assert first.path == f"{seed:02d}.mid"
        assert 0 < first.distance < 1


def test_a_loop_of_any_length_is_the_same_place(library: Library) -> None:
    bar = example("rock").bars(1, 1)
    for times in (1, 2, 3, 4):
        first, second = find(library, bar.looped(times), n=2)
        assert {first.path, *first.duplicates} >= {"once.mid", "four times.mid", "slower.mid"}
        assert first.distance == 0.0
        assert second.path not in ("once.mid", "four times.mid")


def turned(groove: Groove, steps: int) -> Groove:
    position = groove.position - steps
    return groove.with_hits(
        np.where(position < -0.5, position + groove.n_steps, position), groove.voice, groove.velocity
    )


@pytest.mark.parametrize("steps", [2, 5, 16, 21])
def test_it_is_found_turned(library: Library, steps: int) -> None:
    [first] = find(library, turned(random_groove(7), steps), n=1)
    assert first.path == "07.mid"
    assert first.distance < 0.2
    assert (first.turned > 0) == (steps % 16 > 0)
    [as_it_is] = find(library, turned(random_groove(7), 5), n=1, as_it_is=True)
    assert as_it_is.distance > first.distance


def test_it_is_found_at_half_and_double_time(library: Library) -> None:
    bar = example("rock").bars(1, 1)
    slow = replace(bar, position=bar.position * 2, n_steps=32)
    first = find(library, slow, n=1)[0]
    assert ("once.mid" in (first.path, *first.duplicates), first.rate) == (True, 2.0)


def test_two_bars_inside_a_long_file(library: Library, folder: Path) -> None:
    from rhythmvae.midi.read import read_file

    take = read_file(folder / "long.mid")[0]
    [first] = find(library, take.bars(11, 12), n=1)
    assert (first.path, first.bars, first.distance) == ("long.mid", (11, 12), 0.0)


def test_by_voices_the_others_do_not_count(library: Library) -> None:
    groove = random_groove(3, n_hits=30)
    stripped = groove.some(np.isin(groove.voice, [KICK, SNARE]))
    hats = np.full(16, VOICE_INDEX["closed_hat"])
    other = stripped.with_more(np.arange(0, 32, 2.0), hats, np.full(16, 90))
    [first] = find(library, other, n=1, voices=(KICK, SNARE))
    assert (first.path, first.distance) == ("03.mid", 0.0)
    with pytest.raises(UsageError, match="Expected a groove that plays kick"):
        asked(groove.some(groove.voice > SNARE), LAYERS, (KICK,))
    with pytest.raises(UsageError, match="got one without a hit"):
        asked(Groove.silent(16, groove.tempos, groove.meters), LAYERS)


def test_results_are_spread_out(library: Library) -> None:
    paths = [name for one in find(library, example("rock"), n=50) for name in (one.path, *one.duplicates)]
    assert len(paths) == len(set(paths))
    distances = [one.distance for one in find(library, example("rock"), n=50)]
    assert distances == sorted(distances)


def test_filters(library: Library) -> None:
    funk = example("funk")
    by_tempo = find(library, funk, 50, Filters(tempo=(119, 121)))
    assert by_tempo
    assert all(one.tempo == 120.0 for one in by_tempo)
    assert {one.meter for one in find(library, funk, 50, Filters(meters=("7/8",)))} == {"7/8"}
    shuffles = find(library, funk, 50, Filters(feels=("shuffle",)))
    assert shuffles
    assert all("shuffle" in one.feel for one in shuffles)
    assert not find(library, funk, 50, Filters(styles=("no such style",)))
    assert not find(library, funk, 50, Filters(feels=("no such feel",)))
    below = find(library, funk, 50, Filters(folder="built in"))
    assert below
    assert all(one.path.startswith("built in/") for one in below)
    assert not find(library, funk, 50, Filters(folder="built"))
    assert len(find(library, funk, 50, Filters(folder=str(below[0].folder)))) == len(find(library, funk, 50))
    dense = find(library, funk, 50, Filters(density=(6, 100)))
    assert all(one.distance >= 0 for one in dense)


def test_a_folder_is_named_as_anybody_would(library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    funk = example("funk")
    monkeypatch.chdir(folder.parent)
    inside = find(library, funk, 50, Filters(folder="built in"))
    assert inside
    for name in (
        "./built in/",
        str(folder / "built in"),
        f"{folder.name}/built in",
        f"{folder.name}/../{folder.name}/built in",
    ):
        assert find(library, funk, 50, Filters(folder=name)) == inside, name
    every = find(library, funk, 50)
    for name in ("", ".", str(folder), f"{folder}/", folder.name, "..", str(folder.parent)):
        assert find(library, funk, 50, Filters(folder=name)) == every, name
    for name in ("nowhere", "/nowhere", str(folder / "nowhere"), "built", "../../nowhere", "rock.mid"):
        assert not find(library, funk, 50, Filters(folder=name)), name


def test_a_name_that_nothing_has_is_said(library: Library) -> None:
    filters = Filters(meters=("7/8", "9/7"), styles=("no\nstyle",), feels=("shufle",), folder="nowhere")
    meter, style, feel, folder = library.without(filters)
    assert meter.startswith("Nothing in the library has the meter '9/7'")
    assert "no style" in style
    assert feel == "Nothing in the library has the feel 'shufle'; did you mean shuffle?"
    assert folder == "Nothing in the library lies in the folder 'nowhere'."
    assert library.without(Filters(meters=("4/4",), folder="built in")) == []


def test_a_list_full_of_one_loop_is_made_longer(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    every = find(library, example("rock"), 1_000)
    monkeypatch.setattr(search, "SHORTLIST", 3)
    assert len(find(library, example("rock"), 20)) == 20
    assert len(find(library, example("rock"), 1_000)) == len(every)


def test_counts_are_those_of_the_filters(library: Library) -> None:
    every = library.counts("meter")
    assert sum(every.values()) == len(library.columns.number)
    assert list(every.values()) == sorted(every.values(), reverse=True)
    assert library.counts("meter", Filters(meters=("7/8",))) == {"7/8": every["7/8"]}


def test_the_distance_is_jaccards_of_the_cells(library: Library) -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 256, (30, N_BYTES), np.uint8)
    words = words_of(bits)
    cells = np.unpackbits(bits, axis=1).astype(bool)
    expected = (cells ^ cells[0]).sum(1) / (cells | cells[0]).sum(1)
    n_hits = np.bitwise_count(words).sum(0, dtype=np.uint16)
    assert np.allclose(share_apart(words, n_hits, words[:, 0]), expected)
    mask = asked(random_groove(1), LAYERS, (KICK, SNARE)).mask
    of_voices = np.zeros((32, 9), bool)
    of_voices[:, [KICK, SNARE]] = True
    masked = cells & of_voices.ravel()
    expected = (masked ^ masked[0]).sum(1) / (masked | masked[0]).sum(1)
    hits = scan.hits_of(scan.counts_of(words), (KICK, SNARE))
    assert np.allclose(share_apart(words, hits, words[:, 0] & mask, mask), expected)


def test_what_the_shortlist_leaves_out_is_far(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short list gives the ten of a list of all, nearly always."""
    found = [{one.path for one in find(library, random_groove(seed), 10)} for seed in range(10)]
    monkeypatch.setattr(search, "SHORTLIST", 64)
    monkeypatch.setattr(scan, "CHUNK", 7)
    short = [{one.path for one in find(library, random_groove(seed), 10)} for seed in range(10)]
    assert np.mean([len(a & b) / 10 for a, b in zip(found, short, strict=True)]) > 0.9


@pytest.mark.parametrize("voices", [ALL_VOICES, (KICK, SNARE)])
def test_a_scan_gives_what_comparing_each_window_with_each_variant_does(
    library: Library, voices: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the chunks and the threads: no window is further than as it is, and all variants within WITHIN count."""
    own = library.columns
    what = asked(turned(random_groove(7, n_hits=30), 5), LAYERS, voices)
    mask = None if voices == ALL_VOICES else what.mask
    patterns, costs = packed(what.windows[0]) & what.mask, tuple(one.cost for one in what.windows[0])
    n_hits = scan.hits_of(own.counts, voices)
    rows = zip(patterns, costs, strict=True)
    apart = np.array([share_apart(own.words, n_hits, each, what.mask) + cost for each, cost in rows])
    nearest = apart.min(0)
    assert apart[0].min() > nearest.min() < scan.WITHIN
    wanted = scan.Wanted(patterns, costs, voices, mask)
    passes = np.arange(len(own.number)) % 3 != 1
    for only, within in ((None, np.ones(own.n_windows, bool)), (passes, passes[own.content])):
        for chunk, threads_from in ((1 << 16, 99), (7, 2)):
            monkeypatch.setattr(scan, "CHUNK", chunk)
            monkeypatch.setattr(scan, "THREADS_FROM", threads_from)
            for n in (5, 10_000):
                near = scan.nearest(own, wanted, n, only)
                assert len(near.rows) == len(np.unique(near.rows)) == min(n, within.sum())
                assert within[near.rows].all()
                assert (np.diff(near.distance) >= 0).all()
                assert np.allclose(near.distance, apart[near.variant, near.rows])
                assert (near.distance <= apart[0, near.rows] + 1e-6).all()
                close = np.flatnonzero(within & (nearest < scan.WITHIN))
                assert set(close) <= set(near.rows) or n < len(close)
                assert np.allclose(near.distance[: len(close)], np.sort(nearest[close])[:n])


def test_variants_that_play_other_numbers_of_hits_are_not_compared(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    real = scan.share_apart
    monkeypatch.setattr(scan, "share_apart", lambda words, *more: compared.append(words.shape[1]) or real(words, *more))
    find(library, random_groove(3))
    assert compared[0] == library.columns.n_windows
    assert sum(compared[1:]) < 0.5 * (len(asked(random_groove(3), LAYERS).windows[0]) - 1) * library.columns.n_windows


def test_voices_by_name() -> None:
    assert voices_named(["kick", "snare"]) == (KICK, SNARE)
    assert voices_named(["cymbals", "hats", "toms", "kick", "snare"]) == ALL_VOICES
    with pytest.raises(UsageError, match="did you mean snare"):
        voices_named(["snar"])


@pytest.mark.parametrize("state", ["../../x", "x" * 5_000, "a/b", "\0", "A" * 8, ""])
def test_what_somebody_wrote_as_a_librarys_state_names_no_other_folder(
    state: str, folder: Path, tmp_path: Path
) -> None:
    place = tmp_path / "lib"
    index.index([folder / "built in"], place, checkpoint_file(tmp_path / "toy.safetensors"), checkpoint_of().digest)
    store = Store(place)
    try:
        with store.transaction():
            store.set("state", state)
        assert len(columns.made(store).number) == len(EXAMPLES)
    finally:
        store.close()
    assert len([each.name for each in (place / columns.FOLDER).iterdir()]) == 1
    assert {each.name for each in tmp_path.iterdir()} == {"lib", "toy.safetensors"}
