"""What a set of files holds, counted against slow and obvious twins, and whether it is enough."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from grooves import groove, random_groove
from helpers import meter, note, rock, smf, tempo
from work import PROPORTION, growth

from rhythmvae.analysis import duplicates
from rhythmvae.data import survey, windows
from rhythmvae.data.survey import LEVELS, Reading, Survey, verdict
from rhythmvae.errors import MidiError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import VOICE_INDEX, KitMap
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ReadOptions

BEAT = groove((0.0, "kick"), (4.0, "snare"), (8.0, "kick"), (12.0, "snare"), n_steps=16)
ODD_METERS = (Meter(0.0, 4, 4), Meter(16.0, 7, 8), Meter(30.0, 5, 4), Meter(90.0, 3, 32))


def read(**files: bytes) -> list[Reading]:
    """Files by name, as a page reads them."""
    readings = []
    for name, data in files.items():
        try:
            readings.append(Reading(name, *read_midi(data, name)))
        except MidiError as error:
            readings.append(Reading(name, None, None, str(error)))
    return readings


def of(*grooves: Groove) -> Survey:
    return survey.survey([Reading(f"{i}.mid", own) for i, own in enumerate(grooves)])


def with_hit(own: Groove, position: float, voice: str) -> Groove:
    return own.with_hits(
        np.append(own.position, position), np.append(own.voice, VOICE_INDEX[voice]), np.append(own.velocity, 100)
    )


# -- counts


def test_bars_minutes_hits_voices_tempos_and_meters() -> None:
    found = survey.survey(
        read(
            a=smf([tempo(0, 60), meter(0, 4, 4), *rock(2)]),
            b=smf([tempo(0, 120), meter(0, 6, 8), note(0, 36), note(1440, 49)]),
            c=smf(rock(1)),
        )
    )
    assert (found.n_files, found.n_usable, found.n_hits) == (3, 3, 24 + 2 + 12)
    assert found.n_bars == 2 + 2 + 1
    assert found.minutes == pytest.approx((8 + 3 + 2) / 60)
    voices = {key: found.hits_per_voice[VOICE_INDEX[key]] for key in ("kick", "snare", "closed_hat", "crash")}
    assert voices == {"kick": 4 + 1 + 2, "snare": 6, "closed_hat": 24, "crash": 1}
    assert sum(voices.values()) == found.n_hits
    assert found.tempo_bpm == pytest.approx((60.0, 120.0))
    assert (found.n_without_tempo, found.n_without_meter) == (1, 1)
    assert found.meters == (("4/4", 2), ("6/8", 1))
    assert found.n_single_velocity == 1  # rock plays its hats softer
    assert found.n_on_grid == 3
    assert not found.skipped


def test_a_file_in_seconds_says_whether_it_had_a_tempo() -> None:
    frames = [note(0, 36), note(1000, 38)]

    def smpte(*events: Any) -> bytes:
        data = smf([*events, *frames], ppq=1)
        return data[:12] + bytes([256 - 25, 40]) + data[14:]

    assert survey.survey(read(a=smpte(), b=smpte(tempo(0, 120)))).n_without_tempo == 1


def test_a_file_off_the_grid_by_little_is_not_on_it() -> None:
    assert of(BEAT, with_hit(BEAT, 2.001, "kick")).n_on_grid == 1


@pytest.mark.parametrize(
    "own",
    [
        BEAT,
        random_groove(1),
        random_groove(2, 7, 3),
        random_groove(3, 200, 40, meters=ODD_METERS),
        random_groove(4, 33, 9),
        random_groove(5, 500, 4),
        groove((470.0, "crash"), n_steps=480),
        random_groove(6, 96, 60, meters=(Meter(0.0, 12, 8),)),
        random_groove(7, 51, 9, meters=(Meter(0.0, 17, 16),)),
    ],
    ids=lambda own: f"{own.n_steps} steps, {len(own)} hits",
)
def test_windows_are_those_that_training_has(own: Groove) -> None:
    assert of(own).n_windows == len(windows.windows_of([own], every_beat=True))


def test_windows_of_several_files_add_up() -> None:
    grooves = [random_groove(seed, n_steps, 20) for seed, n_steps in enumerate((16, 40, 64, 300))]
    assert of(*grooves).n_windows == len(windows.windows_of(grooves, every_beat=True))


def test_phrases_are_different_windows_of_two_bars() -> None:
    song = replace(BEAT.looped(9), n_steps=160)  # the last bar is silent
    found = of(song, with_hit(song, 34.0, "crash"))
    # Two bars of the beat, the one with the crash, and the beat before the silent bar.
    assert (found.n_patterns, found.n_phrases) == (2, 3)


# -- what was skipped


def test_skipped_files_have_their_sentence() -> None:
    silent = Reading("si\x00lent.mid", groove(n_steps=16))
    found = survey.survey([*read(good=smf(rock(1)), bad=b"no midi"), silent])
    assert (found.n_files, found.n_usable) == (3, 1)
    (bad, why), (quiet, silence) = found.skipped
    assert (bad, quiet) == ("bad", "si\x00lent.mid")
    assert why.startswith("bad: expected")
    assert "\x00" not in silence
    assert "got silence" in silence


def test_nothing_usable_has_no_figures_but_its_notes() -> None:
    options = ReadOptions(kit=KitMap(dict.fromkeys(range(128), 0)))
    _, report = read_midi(smf([note(0, 99), note(480, 99), note(960, 100)]), "a.mid", options)
    found = survey.survey([Reading("a.mid", None, report, "a.mid: expected drums.")])
    assert (found.n_usable, found.n_windows, found.tempo_bpm) == (0, 0, None)
    assert [(use.pitch, use.count, use.status) for use in found.notes] == [(99, 2, "unmapped"), (100, 1, "unmapped")]


def test_notes_are_counted_over_all_files_by_the_kit() -> None:
    files = {
        name: smf([note(0, 36), note(480, 39), note(960, 99), note(1440, 39)][:n]) for name, n in (("a", 4), ("b", 2))
    }
    kit = KitMap({36: None, 99: VOICE_INDEX["ride"]})
    readings = [Reading(name, *read_midi(data, name, ReadOptions(kit=kit))) for name, data in files.items()]
    assert [
        (use.pitch, use.name, use.count, use.n_files, use.voice, use.usual, use.status)
        for use in survey.survey(readings, kit).notes
    ] == [
        (36, "Bass drum", 2, 2, None, "kick", "unmapped"),
        (39, "Hand clap", 3, 2, "snare", "snare", "folded"),
        (99, "Note 99", 1, 1, "ride", None, "remapped"),
    ]


# -- exact and near-duplicates


def test_what_differs_in_tempo_dynamics_and_timing_is_a_twin() -> None:
    other = replace(BEAT.with_hits(BEAT.position + 0.2, BEAT.voice, BEAT.velocity // 2), tempos=(Tempo(0.0, 77.0),))
    found = of(BEAT, other, random_groove(1))
    assert found.exact_duplicates == (("0.mid", "1.mid"),)
    assert (found.n_patterns, found.near_duplicates) == (2, ())


@pytest.mark.parametrize("times", [2, 3, 8])
def test_a_loop_is_a_twin_of_what_repeats_it(times: int) -> None:
    own = random_groove(3, 16, 8)
    assert of(own, own.looped(times)).exact_duplicates == (("0.mid", "1.mid"),)
    assert not of(own, with_hit(own.looped(times), 16.3, "crash")).exact_duplicates


def test_one_cell_more_is_near_and_two_are_not_in_a_small_pattern() -> None:
    one = with_hit(BEAT, 2.0, "kick")
    two = with_hit(with_hit(BEAT, 5.0, "crash"), 7.0, "crash")
    assert of(BEAT, one).near_duplicates == (("0.mid", "1.mid"),)
    assert of(BEAT, two).near_duplicates == ()
    assert of(BEAT, with_hit(BEAT.looped(2), 2.0, "kick")).near_duplicates == (("0.mid", "1.mid"),)


def test_a_group_of_near_duplicates_names_their_exact_ones() -> None:
    found = of(BEAT, BEAT.looped(2), with_hit(BEAT, 2.0, "kick"))
    assert found.exact_duplicates == (("0.mid", "1.mid"),)
    assert found.near_duplicates == (("0.mid", "1.mid", "2.mid"),)


def test_long_takes_are_searched_for_exact_duplicates_alone() -> None:
    take = random_groove(1, duplicates.MAX_COMPARED_STEPS + 16, 300)
    found = of(take, take, with_hit(take, 0.0, "crash"), BEAT)
    assert found.exact_duplicates == (("0.mid", "1.mid"),)
    assert (found.near_duplicates, found.n_not_compared) == ((), 2)


def test_beyond_the_limit_patterns_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MAX_COMPARED", 2)
    found = of(random_groove(1), random_groove(2), BEAT, with_hit(BEAT, 2.0, "kick"), BEAT)
    assert (found.n_patterns, found.near_duplicates, found.n_not_compared) == (4, (), 2)
    assert found.exact_duplicates == (("2.mid", "4.mid"),)


def test_five_hundred_files_take_work_in_proportion() -> None:
    """Each with 7 bars to start a window at; no file is compared with every other in Python."""
    grooves = [random_groove(seed, 128, 200) for seed in range(500)]
    assert of(*grooves).n_windows == 500 * 25
    assert growth(lambda n: lambda: of(*grooves[:n]), 250) < PROPORTION
    assert growth(lambda n: lambda: duplicates.likeness(grooves[:n]), 250) < PROPORTION


# -- the verdict


def patterns(n: int, **more: Any) -> Survey:
    return replace(
        Survey(
            n_files=n,
            n_usable=n,
            n_bars=n,
            n_hits=9 * n,
            n_windows=n,
            n_patterns=n,
            n_phrases=n,
            hits_per_voice=(n,) * 9,
            meters=(("4/4", n), ("3/4", 1)),
        ),
        **more,
    )


def text(found: Survey) -> str:
    return " ".join(verdict(found).sentences)


@pytest.mark.parametrize(
    ("n", "level"),
    [(0, "nothing"), (1, "one"), (2, "few"), (11, "few"), (12, "some"), (47, "some"), (48, "good"), (200, "plenty")],
)
def test_the_level_follows_what_there_is_to_learn_from(n: int, level: str) -> None:
    assert verdict(patterns(n)).level == level
    assert level in LEVELS


@pytest.mark.parametrize(
    ("found", "word", "why"),
    [
        (Survey(), survey.NOTHING, "No files yet"),
        (patterns(2), survey.TOO_FEW, "2 different phrases of up to two bars"),
        (patterns(12), survey.ENOUGH, "12 different phrases"),
        (patterns(1, n_phrases=900), survey.ENOUGH, "900 different phrases"),  # one long take
        (patterns(5, exact_duplicates=(tuple("abcd"),)), survey.COPIES, "4 of 5 files are the same loop, or nearly"),
        (patterns(40, near_duplicates=(tuple("abcd"),)), survey.ENOUGH, "40 different phrases"),
        (patterns(20, near_duplicates=(tuple("abcdefghijklmnopqrs"),)), survey.COPIES, "19 of 20 files"),
    ],
)
def test_the_answer_is_a_word_with_its_reason(found: Survey, word: str, why: str) -> None:
    said = verdict(found)
    assert (said.word, said.reason[: len(why)]) == (word, why)


def test_nothing_is_one_sentence() -> None:
    assert verdict(Survey()).sentences == ("No files yet: training needs at least one drum pattern.",)
    [sentence] = verdict(of(groove(n_steps=16))).sentences
    assert sentence == "Nothing to train on: the file could not be used; see what was skipped."


@pytest.mark.parametrize("n", [1, 2, 12, 29, 30, 48, 199, 200, 999])
def test_two_to_four_sentences_with_numbers_and_reasons(n: int) -> None:
    plain, full = (
        patterns(n, **more)
        for more in (
            {},
            {
                "exact_duplicates": (("a", "b"),),
                "near_duplicates": (("c", "d"),),
                "n_on_grid": n,
                "meters": (("4/4", n),),
            },
        )
    )
    assert len(verdict(plain).sentences) == 2
    assert len(verdict(full).sentences) == 4
    first, second = verdict(plain).sentences
    assert first.startswith(f"{n:,} distinct pattern")
    assert "fine-tun" in first
    assert ("expected to do worse" in first) == (n < survey.FROM_SCRATCH_PHRASES)
    assert ("nothing can be held out" in second) == (n == 1)
    assert ("cross-validation" in second) == (2 <= n < survey.CROSS_VALIDATED_PATTERNS)


def test_one_long_take_cannot_be_judged_but_may_be_enough() -> None:
    found = verdict(patterns(1, n_phrases=900))
    assert found.level == "one"
    assert "1 distinct pattern with 900 different phrases" in found.sentences[0]
    assert "from scratch" in found.sentences[0]
    assert "no figures" in found.sentences[1]


def test_what_is_one_sided_is_said() -> None:
    assert "one-sided" not in text(patterns(9))
    assert "every file is in 7/8" in text(patterns(9, meters=(("7/8", 9),)))
    assert "only kick and snare are played" in text(patterns(9, hits_per_voice=(5, 4, *(0,) * 7)))
    assert "only ride is played" in text(patterns(9, hits_per_voice=(*(0,) * 8, 9)))
    assert "equally loud" in text(patterns(9, n_single_velocity=9))
    assert "equally loud" not in text(patterns(9, n_single_velocity=8))
    assert "exactly on the grid" in text(patterns(9, n_on_grid=9))


def test_exact_duplicates_are_kept_on_one_side_and_near_duplicates_flatter() -> None:
    said = text(patterns(9, exact_duplicates=(("a", "b"), ("c", "d", "e")), near_duplicates=(("f", "g"),)))
    assert "5 files are exact duplicates, the same when looped (2 groups): duplicates are kept on one side" in said
    assert "2 files are near-duplicates (1 group)" in said
