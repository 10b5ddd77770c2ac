"""What a reader is told and what it says: options, the parts of a file, and the import report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rhythmvae.errors import UsageError
from rhythmvae.groove import (
    MAX_DENOMINATOR,
    Meter,
    Tempo,
    is_meter,
)
from rhythmvae.kit import KitMap

MAX_PARTS_LISTED = 256
CUT_PLACES = ("start", "end")
CUTS = (*CUT_PLACES, "both")


@dataclass(frozen=True)
class ReadOptions:
    """What the user decides about reading; None leaves it to the file.

    Args:
        channel: 1 to 16; track: from 1; meter: numerator and denominator for the whole file.
        cut: what to cut that stands before or behind the music, where there is something: one of CUTS.
        tap_lanes: 1 or 2 where every note is a tap, whatever its number or channel: on the first voice, or with two
            lanes the higher of two numbers on the second.
        audio: whether sounds in folders and zips are read too; one that is named alone is in any case.

    Raises:
        UsageError: a value that cannot be.

    >>> from rhythmvae import ReadOptions
    >>> ReadOptions(meter=(7, 8)).channel is None
    True
    """

    channel: int | None = None
    track: int | None = None
    kit: KitMap = field(default_factory=KitMap)
    meter: tuple[int, int] | None = None
    cut: str | None = None
    tap_lanes: int | None = None
    audio: bool = False

    def __post_init__(self) -> None:
        if self.channel is not None and not 1 <= self.channel <= 16:
            raise UsageError(f"Expected a channel from 1 to 16, got {self.channel}.")
        if self.track is not None and self.track < 1:
            raise UsageError(f"Expected a track number from 1 on, got {self.track}.")
        if self.meter is not None and not is_meter(*self.meter):
            raise UsageError(
                f"Expected a meter such as 7/8, with 1 to 255 notes of 1/1 to 1/{MAX_DENOMINATOR} "
                f"and a bar of at least a 16th, got {self.meter[0]}/{self.meter[1]}."
            )
        if self.cut is not None and self.cut not in CUTS:
            raise UsageError(f"Expected a cut of {', '.join(CUTS)}, got {self.cut[:40]!r}.")
        if self.tap_lanes not in (None, 1, 2):
            raise UsageError(f"Expected one or two lanes of taps, got {self.tap_lanes}.")

    def cuts(self, place: str) -> bool:
        """Whether to cut at a place, "start" or "end"."""
        return self.cut in (place, "both")


@dataclass(frozen=True, slots=True)
class Part:
    """Notes that could be chosen: those of one channel in one track."""

    track: int
    channel: int
    name: str
    n_notes: int


@dataclass(frozen=True)
class NoteRow:
    """What became of the notes of one pitch.

    voice: key in the kit, or None. status: 'mapped' (the voice's own instrument),
    'folded' (a neighbour's), 'remapped' (the user's choice) or 'unmapped' (left out).
    """

    pitch: int
    name: str
    count: int
    voice: str | None
    status: str


@dataclass(frozen=True)
class Change:
    """Something that reading moved, merged, cut, guessed or left out: how many times, and a sentence.

    Kinds that count notes are NOTE_KINDS; the others count events, steps or bars, as the sentence says.
    """

    kind: str
    count: int
    sentence: str


# Changes that take notes out: with the hits of the groove, their counts are all notes of the file.
NOTE_KINDS = ("merged", "left_out", "behind_limit", "other_part", "no_pitch", "cut")


@dataclass(frozen=True)
class Question:
    """What the file leaves open: what it is about, the reading that was taken, the others, and what settles it."""

    about: str
    taken: str
    others: tuple[str, ...]
    option: str

    @property
    def sentence(self) -> str:
        """The question in one line, with the option of a command line."""
        return f"{self._words} (by {self.option})."

    @property
    def spoken(self) -> str:
        """The question in one line, for a page."""
        return f"{self._words}."

    @property
    def _words(self) -> str:
        return f"Which {self.about}? Taken: {self.taken}; also possible: {'; '.join(self.others)}"


@dataclass(frozen=True)
class Cut:
    """An offer to cut what stands before or behind the music.

    place: one of CUT_PLACES. step: where the music then begins or ends. where: the same for people, such as
    "begin at bar 2". what: what is cut, to be read behind "the".
    """

    place: str
    step: float
    where: str
    what: str

    @property
    def question(self) -> Question:
        """Whether to take it."""
        return Question(
            self.place, "as the file has it", (f"{self.where}, without the {self.what}",), f"--cut {self.place}"
        )


@dataclass
class Log:
    """What is said while a file is read."""

    remarks: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Say a sentence."""
        self.remarks.append(sentence)

    def change(self, kind: str, count: int, sentence: str) -> None:
        """Say a sentence and count what it is about."""
        self.changes.append(Change(kind, count, sentence))
        self.remarks.append(sentence)

    def count(self, kind: str, count: int, sentence: str) -> None:
        """Count what is usual and needs no remark."""
        self.changes.append(Change(kind, count, sentence))

    def copy(self) -> Log:
        """One that goes on from here without this one."""
        return Log(list(self.remarks), list(self.changes), list(self.questions))

    def ask(self, about: str, taken: str, others: tuple[str, ...], option: str) -> None:
        """Ask what the file leaves open."""
        self.questions.append(Question(about, taken, others, option))


@dataclass(frozen=True)
class ImportReport:
    """What reading found, did and left out.

    n_notes onsets in the chosen part become n_hits in the groove:
    n_notes = n_hits + n_unmapped + n_duplicates + n_outside.

    Args:
        name: of the file, printable.
        format: 0, 1 or 2. ppq: ticks a quarter note, or None where the file counts seconds.
        n_duplicates: notes that join another of the same voice at the same tick; the loudest stays.
        n_outside: hits behind MAX_STEPS.
        n_crowded: hits of the groove that the model's four layers a cell cannot hold.
        tempos, meters: as in the groove.
        channel, track: what was read; None where it is several.
        parts: what could be chosen.
        remarks: sentences for people.
        changes: what reading moved, merged, cut, guessed or left out, with counts. n_hits and the counts
            of NOTE_KINDS are together all notes of the file.
        questions: what the file leaves open.

    >>> from rhythmvae import example, read_midi, write_midi
    >>> _, report = read_midi(write_midi(example("funk")), "funk.mid")
    >>> report.n_notes == report.n_hits
    True
    """

    name: str
    format: int
    ppq: int | None
    n_notes: int
    n_hits: int
    n_duplicates: int
    n_outside: int
    n_crowded: int
    notes: tuple[NoteRow, ...]
    tempos: tuple[Tempo, ...]
    meters: tuple[Meter, ...]
    channel: int | None
    track: int | None
    parts: tuple[Part, ...]
    remarks: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    questions: tuple[Question, ...] = ()

    def _count(self, *statuses: str) -> int:
        return sum(row.count for row in self.notes if row.status in statuses)

    @property
    def n_mapped(self) -> int:
        """Notes of the voice's own instrument, by the table or by the user's choice."""
        return self._count("mapped", "remapped")

    @property
    def n_folded(self) -> int:
        """Notes of an instrument that joins its neighbour."""
        return self._count("folded")

    @property
    def n_unmapped(self) -> int:
        """Notes that play nothing."""
        return self._count("unmapped")

    def to_dict(self) -> dict[str, Any]:
        """As JSON: every field above under its name, and the three counts by status."""
        counts = {"n_mapped": self.n_mapped, "n_folded": self.n_folded, "n_unmapped": self.n_unmapped}
        plain: dict[str, Any] = asdict(self)
        for key in ("notes", "tempos", "meters", "parts", "remarks", "changes", "questions"):
            plain[key] = list(plain[key])
        return plain | counts
