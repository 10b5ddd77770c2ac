"""Is a set of files enough to train on? What is in it, what was skipped.

A file is *usable* when it was read and has a hit. Exact duplicates, patterns and near-duplicates are as
in likeness.py. A *phrase* is what one window of reconstruction holds, up to two bars: a one-bar
loop is one, a song has hundreds, and each counts once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rhythmvae.analysis.duplicates import hit_bits, likeness
from rhythmvae.data.splits import MIN_HELD_OUT, VALIDATION_SHARE
from rhythmvae.groove import STEPS_PER_QUARTER, WINDOW_STEPS, Groove, IntArray, window_spans
from rhythmvae.kit import N_VOICES, VOICES, KitMap, note_name
from rhythmvae.midi.report import ImportReport
from rhythmvae.text import clean_text, counted

GRID_STEPS = 1e-6  # a hit this near to its step lies on it

# Where the verdict changes. Patterns can be held out one by one, phrases are what there is to learn from.
FEW_PHRASES = 12
SOME_PHRASES = 48
FROM_SCRATCH_PHRASES = 200  # below, a model from scratch is expected to do worse than a fine-tuned one
CROSS_VALIDATED_PATTERNS = math.ceil((MIN_HELD_OUT - 0.5) / VALIDATION_SHARE)  # below, fewer files are held out
FEW_VOICES = 2
COPIES_SHARE = 0.8  # of the files in one group of duplicates and near-duplicates, from which on all of it is copies
ENOUGH, TOO_FEW, COPIES, NOTHING = "Enough", "Too few", "Copies of one loop", "Nothing yet"
LEVELS = ("nothing", "one", "few", "some", "good", "plenty")


@dataclass(frozen=True, eq=False)
class Reading:
    """What came of one file.

    Args:
        groove: None where it could not be read.
        report: of the reading, or, for a file that plays nothing under this kit, of one that found its notes.
        problem: the sentence why it could not be read.
    """

    name: str
    groove: Groove | None
    report: ImportReport | None = None
    problem: str = ""


@dataclass(frozen=True)
class NoteUse:
    """A note over all files, unusable ones included, for they may be so for want of it.

    voice: key of the drum it plays, or None; usual: the same without anybody's choice.
    status: 'mapped', 'folded', 'remapped' or 'unmapped', as in midi.NoteRow.
    """

    pitch: int
    name: str
    count: int
    n_files: int
    voice: str | None
    usual: str | None
    status: str


@dataclass(frozen=True)
class Survey:
    """What a set of files holds. All but n_files, skipped and notes is of the usable ones.

    Args:
        n_windows: to train on, one from each quarter note on (corpus.windows_of).
        n_patterns, n_phrases: distinct ones, see above.
        skipped: (name, sentence why).
        exact_duplicates, near_duplicates: groups of names; the near ones with their exact duplicates.
        n_not_compared: patterns too long, or too many, to be searched for near-duplicates.
        hits_per_voice: in the order of the kit.
        notes: of all files, by pitch.
        tempo_bpm: slowest and fastest, None without files. n_without_tempo: files read at a tempo assumed.
        meters: (meter, files that have it), the most frequent first. n_without_meter: files read in 4/4 instead.
        n_single_velocity: files in which every hit is as loud as the others.
        n_on_grid: files in which every hit lies exactly on its step.
    """

    n_files: int = 0
    n_usable: int = 0
    n_bars: int = 0
    minutes: float = 0.0
    n_hits: int = 0
    n_windows: int = 0
    n_patterns: int = 0
    n_phrases: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    exact_duplicates: tuple[tuple[str, ...], ...] = ()
    near_duplicates: tuple[tuple[str, ...], ...] = ()
    n_not_compared: int = 0
    hits_per_voice: tuple[int, ...] = (0,) * N_VOICES
    notes: tuple[NoteUse, ...] = ()
    tempo_bpm: tuple[float, float] | None = None
    n_without_tempo: int = 0
    meters: tuple[tuple[str, int], ...] = ()
    n_without_meter: int = 0
    n_single_velocity: int = 0
    n_on_grid: int = 0


@dataclass(frozen=True)
class Verdict:
    """Is it enough?

    Args:
        level: one of LEVELS.
        sentences: with the figures, for people, without user text.
        word: the answer: one of ENOUGH, TOO_FEW, COPIES and NOTHING. reason: why, in a sentence or two.
    """

    level: str
    sentences: tuple[str, ...] = field(default=())
    word: str = ""
    reason: str = ""


def survey(readings: Iterable[Reading], kit: KitMap | None = None) -> Survey:
    """Count what was read.

    Args:
        kit: that the files were read by.
    """
    readings = list(readings)
    usable = [(r.name, r.groove, r.report) for r in readings if r.groove is not None and len(r.groove)]
    skipped = tuple((r.name, r.problem or _silent(r.name)) for r in readings if r.groove is None or not len(r.groove))
    notes = _note_uses((r.report for r in readings if r.report is not None), kit or KitMap())
    if not usable:
        return Survey(n_files=len(readings), skipped=skipped, notes=notes)

    names = [name for name, _, _ in usable]
    grooves = [groove for _, groove, _ in usable]
    reports = [report for _, _, report in usable if report is not None]
    found = likeness(grooves)
    bpms = [tempo.bpm for groove in grooves for tempo in groove.tempos]
    meters = Counter(meter for groove in grooves for meter in dict.fromkeys(map(str, groove.meters)))
    n_windows, phrases = 0, set[bytes]()
    for groove in grooves:
        n, own = _windows(groove)
        n_windows += n
        phrases |= own
    return Survey(
        n_files=len(readings),
        n_usable=len(usable),
        n_bars=sum(groove.n_bars for groove in grooves),
        minutes=sum(groove.duration_seconds for groove in grooves) / 60,
        n_hits=sum(len(groove) for groove in grooves),
        n_windows=n_windows,
        n_patterns=len(set(found.exact.tolist())),
        n_phrases=len(phrases),
        skipped=skipped,
        exact_duplicates=_groups(names, found.exact, found.exact),
        near_duplicates=_groups(names, found.near, found.exact, min_patterns=2),
        n_not_compared=found.n_not_compared,
        hits_per_voice=tuple(
            np.sum([np.bincount(groove.voice, minlength=N_VOICES) for groove in grooves], axis=0).tolist()
        ),
        notes=notes,
        tempo_bpm=(min(bpms), max(bpms)),
        n_without_tempo=_n_with(reports, "tempo_assumed"),
        meters=tuple(meters.most_common()),
        n_without_meter=_n_with(reports, "meter_assumed"),
        n_single_velocity=sum(bool(np.all(groove.velocity == groove.velocity[0])) for groove in grooves),
        n_on_grid=sum(bool(np.all(np.abs(groove.offset) < GRID_STEPS)) for groove in grooves),
    )


def _silent(name: str) -> str:
    return f"{clean_text(name)}: expected at least one drum hit, got silence; leave it out or record into it."


def _n_with(reports: Sequence[ImportReport], kind: str) -> int:
    """Files in which reading made a change of a kind."""
    return sum(any(change.kind == kind for change in report.changes) for report in reports)


def _note_uses(reports: Iterable[ImportReport], kit: KitMap) -> tuple[NoteUse, ...]:
    count, n_files = Counter[int](), Counter[int]()
    for report in reports:
        for row in report.notes:
            count[row.pitch] += row.count
            n_files[row.pitch] += 1
    rows, table = [], KitMap()
    for pitch in sorted(count):
        voice, usual = kit.voice_of(pitch), table.voice_of(pitch)
        if voice is None:
            status = "unmapped"
        elif voice != usual:
            status = "remapped"
        else:
            status = "folded" if table.is_folded(pitch) else "mapped"
        rows.append(
            NoteUse(pitch, note_name(pitch), count[pitch], n_files[pitch], _key(voice), _key(usual), status),
        )
    return tuple(rows)


def _key(voice: int | None) -> str | None:
    return None if voice is None else VOICES[voice].key


# -- windows -------------------------------------------------------------------


def _windows(groove: Groove) -> tuple[int, set[bytes]]:
    """Number of windows to train on, as corpus.windows_of counts them, and the phrases.

    It makes no grid: the tensors of 500 files would be thousands of times their size.
    """
    bits = hit_bits(groove)
    is_hit = np.concatenate(([0], np.cumsum(bits != 0)))
    spans = [(s.start, s.n_steps) for s in window_spans(groove)]
    longest = min(groove.n_steps, WINDOW_STEPS)
    starts = np.arange(0, max(1, groove.n_steps - WINDOW_STEPS + 1), STEPS_PER_QUARTER)
    n = int((is_hit[starts + longest] > is_hit[starts]).sum())
    phrases = set()
    for start, length in spans:
        if is_hit[start + length] > is_hit[start]:
            phrases.add(bits[start : start + length].tobytes())
            # A groove shorter than a window is one of `starts` already.
            n += length < WINDOW_STEPS and (start, length) != (0, longest)
    return n, phrases


# -- exact and near-duplicates -------------------------------------------------


def _groups(
    names: Sequence[str], label: IntArray, pattern: IntArray, min_patterns: int = 1
) -> tuple[tuple[str, ...], ...]:
    """Names under one label, where they are several files and at least so many patterns."""
    members: dict[int, list[int]] = {}
    for i, own in enumerate(label.tolist()):
        members.setdefault(own, []).append(i)
    return tuple(
        tuple(names[i] for i in of)
        for of in members.values()
        if len(of) > 1 and len({int(pattern[i]) for i in of}) >= min_patterns
    )


# -- is it enough? -------------------------------------------------------------


def verdict(found: Survey) -> Verdict:
    """One sentence where there is nothing to train on, else two to four, with reasons."""
    if not found.n_usable:
        if not found.n_files:
            none_yet = "No files yet: training needs at least one drum pattern."
            return Verdict("nothing", (none_yet,), NOTHING, none_yet)
        none = "the file could not" if found.n_files == 1 else f"none of the {found.n_files:,} files could"
        useless = f"Nothing to train on: {none} be used; see what was skipped."
        return Verdict("nothing", (useless,), NOTHING, useless)
    level = _level(found)
    sentences = [_amount(found, level), _figures(found), *_one_sided(found), *_doubles(found)]
    return Verdict(level, tuple(sentences), *_word(found))


def _word(found: Survey) -> tuple[str, str]:
    """The answer in a word, and its reason."""
    phrases = counted(found.n_phrases, "different phrase")
    groups = (*found.exact_duplicates, *found.near_duplicates)
    n_alike = max((len(names) for names in groups), default=1)
    if found.n_phrases < SOME_PHRASES and found.n_usable > 2 and n_alike >= COPIES_SHARE * found.n_usable:
        return COPIES, (
            f"{n_alike:,} of {counted(found.n_usable, 'file')} are the same loop, or nearly: the model can learn that "
            "loop and little else. Add loops that differ."
        )
    if found.n_phrases < FEW_PHRASES:
        them = "it" if found.n_phrases == 1 else "them"
        return TOO_FEW, (
            f"{phrases} of up to two bars: what the model makes will stay close to {them}. "
            "A dozen or more leave it room."
        )
    return ENOUGH, f"{phrases} of up to two bars: the model can learn how you play."


def _level(found: Survey) -> str:
    if found.n_patterns == 1:
        return "one"
    for level, below in (("few", FEW_PHRASES), ("some", SOME_PHRASES), ("good", FROM_SCRATCH_PHRASES)):
        if found.n_phrases < below:
            return level
    return "plenty"


def _amount(found: Survey, level: str) -> str:
    what = f"{counted(found.n_patterns, 'distinct pattern')}, {counted(found.n_windows, 'window')} to train on"
    if found.n_phrases != found.n_patterns:
        what = what.replace(",", f" with {counted(found.n_phrases, 'different phrase')},", 1)
    scratch = f"training from scratch is expected to do worse below about {FROM_SCRATCH_PHRASES} different phrases"
    if found.n_phrases >= FROM_SCRATCH_PHRASES:
        return f"{what}: enough to fine-tune a model, and to train one from scratch."
    if level == "one":
        return f"{what}: fine-tuning can learn this pattern and its close relatives, and no more; {scratch}."
    if level == "few":
        return f"{what}: enough to fine-tune a model, whose variations will stay close to them; {scratch}."
    if level == "some":
        return f"{what}: enough to fine-tune a model towards their style; {scratch}."
    return f"{what}: a good set to fine-tune a model with; {scratch}."


def _figures(found: Survey) -> str:
    if found.n_patterns == 1:
        return "With one distinct pattern nothing can be held out, so there will be no figures: listen instead."
    if found.n_patterns < CROSS_VALIDATED_PATTERNS:
        return (
            "Figures of a fine-tuned model come by cross-validation, every pattern held out in its turn, for one share "
            "would be too small to trust; a model from scratch is judged by such a share all the same."
        )
    return "Figures come from a share of the patterns that is held out of training."


def _one_sided(found: Survey) -> list[str]:
    """What all of it has in common, and so cannot be learned otherwise."""
    signs = []
    if len(found.meters) == 1:
        signs.append(f"every file is in {found.meters[0][0]}")
    used = [voice.label.lower() for voice, n in zip(VOICES, found.hits_per_voice, strict=True) if n]
    if len(used) <= FEW_VOICES:
        signs.append(f"only {' and '.join(used)} {'is' if len(used) == 1 else 'are'} played")
    if found.n_single_velocity == found.n_usable:
        signs.append("every hit of a file is equally loud, so there are no dynamics to learn")
    if found.n_on_grid == found.n_usable:
        signs.append("every hit lies exactly on the grid, so there is no feel to learn")
    return [f"It is one-sided: {'; '.join(signs)}."] if signs else []


def _doubles(found: Survey) -> list[str]:
    said = []
    if found.exact_duplicates:
        n = sum(len(group) for group in found.exact_duplicates)
        said.append(
            f"{n:,} files are exact duplicates, the same when looped "
            f"({counted(len(found.exact_duplicates), 'group')}): duplicates are kept on one side, "
            "so that nothing is judged on what it learned from"
        )
    if found.near_duplicates:
        n = sum(len(group) for group in found.near_duplicates)
        said.append(
            f"{n:,} files are near-duplicates ({counted(len(found.near_duplicates), 'group')}), "
            "and stay on one side too, if enough others are left"
        )
    return ["; ".join(said) + "."] if said else []
