"""A recording: what was heard in a sound, kept so that it can be read again and again in other ways.

What is unlikely to be a stroke is kept too, so that a drum's threshold can be moved at once, without the sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import exp
from typing import TYPE_CHECKING

import numpy as np

from rhythmvae.audio.beats import Barred, Wish, to_groove
from rhythmvae.audio.formats import Loop
from rhythmvae.audio.hits import RATE, Heard
from rhythmvae.audio.pitches import Pitches
from rhythmvae.audio.read import Sound
from rhythmvae.errors import AudioError
from rhythmvae.groove import FloatArray, Groove, n_crowded
from rhythmvae.kit import N_VOICES, VOICES, note_name
from rhythmvae.midi.report import Change, ImportReport, NoteRow, Question

if TYPE_CHECKING:
    from rhythmvae.audio.transcriber import Transcriber

# A sound that is less surely drums alone gives no groove. Of sounds by kits that the ear never heard, odd ones among
# them, the least sure one is so by 0.53; of made music, speech, noise and hums the surest by 0.31. This is between.
DRUMS_ALONE = 0.4
NOTES = 1.0  # log odds against drums by pitch from which a sound is said to be a line of notes
UNLIKELY = 0.08  # what is less likely a stroke is not kept
NOTES_SAID = ", for its pitch changes from stroke to stroke, as that of a bass or a piano does"
PEAKS_PER_SECOND = 90  # of whole samples each


@dataclass(frozen=True, eq=False)
class Recording:
    """What was heard in a sound.

    Args:
        name: of the file, cleaned. source: its name as it came.
        heard: strokes from UNLIKELY on.
        thresholds: (V,) of each drum, from which a stroke counts, unless somebody says otherwise.
        peaks: (P,) float32, 0 to 1: the loudest sample of each 1 / PEAKS_PER_SECOND of a second.
        loop: what the file says of itself. remarks: on what was read.
        are_notes: whether its strokes change their pitch as those of a bass or a piano do.
    """

    name: str
    source: str
    heard: Heard
    thresholds: FloatArray
    peaks: FloatArray
    loop: Loop | None = None
    remarks: tuple[str, ...] = ()
    are_notes: bool = False

    @property
    def is_drums(self) -> bool:
        return self.heard.drums_alone >= DRUMS_ALONE

    def strokes(self, thresholds: Mapping[int, float] | None = None) -> Heard:
        """The strokes that count; `thresholds`: of voices for which they are others."""
        least = self.thresholds.copy()
        for voice, value in (thresholds or {}).items():
            least[voice] = value
        return self.heard.above(least)


@dataclass(frozen=True, eq=False)
class Transcription:
    """What was heard in a sound, and the groove that it makes. downbeat_seconds: of its first whole bar."""

    groove: Groove
    report: ImportReport
    heard: Heard
    downbeat_seconds: float


def of_sound(sound: Sound) -> Recording:
    """What is heard in a file of sound.

    Raises:
        AudioError: it cannot be read. CheckpointError: the transcriber's file is missing or damaged.
    """
    found = of_blocks(sound.blocks(), sound.name)
    return replace(found, loop=sound.loop, remarks=tuple(sound.remarks))


def of_blocks(blocks: Iterable[FloatArray], name: str, source: str | None = None) -> Recording:
    """What is heard in blocks (N,) of float32, mono at RATE.

    Raises:
        CheckpointError: the transcriber's file is missing or damaged.
    """
    transcriber, peaks, pitches = _transcriber(), _Peaks(), Pitches()
    heard = transcriber.hear(pitches.of(peaks.of(blocks)), UNLIKELY)
    found = Recording(name, source or name, heard, transcriber.thresholds, peaks.found())
    strokes = found.strokes()
    if not len(strokes):  # no stroke is no drum
        return replace(found, heard=replace(heard, drums_alone=0.0)) if len(heard) else found
    doubt = pitches.doubt(strokes)
    alone = heard.drums_alone  # of which the doubt takes some of its log odds
    alone = alone / (alone + (1 - alone) * exp(doubt)) if alone else 0.0
    return replace(found, heard=replace(heard, drums_alone=alone), are_notes=doubt > NOTES)


def read(
    recording: Recording,
    wish: Wish | None = None,
    thresholds: Mapping[int, float] | None = None,
    *,
    anyway: bool = False,
    way_out: str = "`transcribe --anyway`",
) -> Transcription:
    """The groove of a recording.

    Args:
        wish: what is known of its tempo, its meter and its bars. thresholds: as `Recording.strokes` takes them.
        anyway: also where it is not drums alone. way_out: how that is asked for.

    Raises:
        AudioError: it is not drums alone, or no stroke counts.
    """
    heard = recording.strokes(thresholds)
    if not recording.is_drums and not anyway:
        raise AudioError(
            f"{recording.name}: expected drums alone, got a sound that is {heard.drums_alone:.0%} likely to be that"
            f"{NOTES_SAID * recording.are_notes}; use a drum stem (a file with the drums alone), or {way_out}."
        )
    try:
        found = to_groove(heard, recording.source, wish, recording.loop)
    except AudioError as error:
        raise AudioError(f"{recording.name}: {error}.") from None
    return Transcription(found.groove, _report(recording, found, heard), heard, found.downbeat_seconds)


class _Peaks:
    """The loudest samples of a sound whose blocks pass through `of`."""

    def __init__(self) -> None:
        self._parts: list[FloatArray] = []
        self._rest = np.zeros(0, dtype=np.float32)

    def of(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        length = RATE // PEAKS_PER_SECOND
        for block in blocks:
            own = np.concatenate([self._rest, np.abs(block)])
            n = len(own) // length
            self._parts.append(own[: n * length].reshape(n, length).max(1, initial=0.0))
            self._rest = own[n * length :]
            yield block

    def found(self) -> FloatArray:
        """(P,) float32, brought to 1 at the loudest."""
        rest = [self._rest.max(keepdims=True)] if len(self._rest) else []
        peaks = np.concatenate([*self._parts, *rest]) if self._parts or rest else np.zeros(0)
        return (peaks / max(float(peaks.max(initial=0.0)), 1e-6)).astype(np.float32)


@cache
def _transcriber() -> Transcriber:
    from rhythmvae.audio.transcriber import Transcriber

    return Transcriber.load(None)


def _report(recording: Recording, found: Barred, heard: Heard) -> ImportReport:
    """What was heard, as a report says what was read: a note for each hit."""
    groove = found.groove
    taken = f"{groove.tempo_at(groove.n_steps).bpm:.4g} BPM"
    others = tuple(f"{bpm:.4g} BPM" for bpm in found.other_bpm)
    questions = (Question("tempo", taken, others, "transcribe --tempo"),) if others else ()
    counts = np.bincount(heard.voice, minlength=N_VOICES).tolist()
    rows = [
        NoteRow(voice.pitch, note_name(voice.pitch), n, voice.key, "mapped")
        for voice, n in zip(VOICES, counts, strict=True)
        if n
    ]
    alone = f"which is {heard.drums_alone:.0%} likely to be drums alone"
    said = f"Heard in {heard.duration_seconds:.1f} s of sound, {alone}."
    return ImportReport(
        name=recording.name,
        format=0,
        ppq=None,
        n_notes=len(heard),
        n_hits=len(groove),
        n_duplicates=0,
        n_outside=len(heard) - len(groove),
        n_crowded=n_crowded(groove),
        notes=tuple(rows),
        tempos=groove.tempos,
        meters=groove.meters,
        channel=None,
        track=None,
        parts=(),
        remarks=recording.remarks,
        changes=(Change("heard", len(heard), said),),
        questions=questions,
    )
