"""Standard MIDI File bytes to events. Knows channels and bytes, and nothing of drums.

Conventions. Ticks count from the start of a track, as the file has them. Tracks and
channels are counted from 1, as musicians and DAWs do. Only what a groove needs is kept:
onsets (note-on with a velocity above 0), tempo, meter, names, and the signs that a
channel is a drum part. Note-offs, and with them note lengths, are not looked at, so a
missing or zero-length note-off cannot lose a hit.

The reader takes what is there. A wrapper around the file, a foreign chunk, a wrong
length or track count, a missing end of track or a damaged event costs at most what lies
behind it in its own track, and `remarks` says so in plain sentences. `MidiError` is
raised only where nothing can be read. Work and memory are bounded by the size of the
file and by the limits below.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from rhythmvae.errors import MidiError
from rhythmvae.text import MAX_NAME_LENGTH, Names, clean_text, counted

MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_EVENTS = 600_000  # channel events, metas and sysex in all tracks
MAX_TRACKS = 6_000  # the header can declare 65,535; each costs 25 microseconds; and as many chunks that are none
MAX_PARTS = 2_000  # channels of tracks with notes; each costs 50 microseconds whatever it holds
MAX_TEMPOS = 25_000  # tempo events and meters in all tracks; a ramp of an hour has some 10,000
HEADER_WINDOW = 512  # bytes searched for the header; a MacBinary wrapper takes 128
MAX_DAMAGE_REMARKS = 4
MIN_PPQ_EXPECTED = 24  # coarser files exist, but a wrong division is likelier

# Frames per second that the format allows. 29 stands for 30000/1001 ("drop frame").
SMPTE_FRAME_RATES: dict[int, float] = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}

_HEADER, _TRACK = b"MThd", b"MTrk"
_N_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_N_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # system common; those not listed have none
_META_TRACK_NAME, _META_INSTRUMENT, _META_END, _META_TEMPO, _META_METER = 0x03, 0x04, 0x2F, 0x51, 0x58
_META_PORT = 0x21
_BANK_SELECT = 0
_DRUM_BANKS = (120, 126, 127)  # GM2 rhythm, XG effects, XG drum kits


@dataclass
class Track:
    """One MTrk chunk. The four onset arrays run in parallel, in file order."""

    number: int  # from 1
    name: str = ""
    instrument: str = ""
    tick: array[int] = field(default_factory=lambda: array("q"))
    channel: bytearray = field(default_factory=bytearray)  # 1 to 16
    pitch: bytearray = field(default_factory=bytearray)
    velocity: bytearray = field(default_factory=bytearray)  # 1 to 127
    tempos: list[tuple[int, int]] = field(default_factory=list)  # tick, microseconds a quarter
    meters: list[tuple[int, int, int]] = field(default_factory=list)  # tick, numerator, power of two
    drum_channels: set[int] = field(default_factory=set)  # declared by bank select
    port: int = 0
    has_end: bool = False  # an end of track was read
    end_tick: int = 0  # of the end of track, or of the last event where there is none
    last_tick: int = 0  # of the last event before the end of track


@dataclass(frozen=True)
class MidiFile:
    """A file as read. Exactly one of `ppq` and `ticks_per_second` is set."""

    format: int
    ppq: int | None  # ticks a quarter note
    ticks_per_second: float | None  # SMPTE division
    tracks: tuple[Track, ...]
    drum_channels: frozenset[int]  # made drum parts by a GS or XG message
    remarks: tuple[str, ...]
    melodic_channels: frozenset[int] = frozenset()  # made melodic parts by such a message
    is_xg: bool = False  # a Yamaha XG sound module is meant
    n_bad_pitches: int = 0  # note-ons whose pitch is over 127, left out


def decode_text(raw: bytes, names: Names | None = None) -> str:
    """A text event, whose encoding the format leaves open: UTF-16 with a mark, or see `text.decoded`."""
    is_cut = len(raw) > 8 * MAX_NAME_LENGTH
    raw = raw[: 8 * MAX_NAME_LENGTH]
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return clean_text(raw.decode("utf-16", errors="replace"))
    try:
        return clean_text(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(raw) - 3 and error.reason == "unexpected end of data":
            return clean_text(raw[: error.start].decode("utf-8-sig"))
        return clean_text((names or Names()).decoded(raw))


def _find_header(data: bytes) -> int:
    """Where the header begins, behind a wrapper or a byte order mark, or -1."""
    if data[:4] == _HEADER:
        return 0
    if data[:4] == b"PK\x03\x04":  # a zip may hold a MIDI file in the clear
        return -1
    # The header's length is small, so its first byte is 0: prose that mentions MThd is no match.
    is_rmid = data[:4] == b"RIFF" and data[8:12] == b"RMID"
    return data.find(_HEADER + b"\x00", 0, len(data) if is_rmid else HEADER_WINDOW)


def looks_like_midi(data: bytes) -> bool:
    """Whether bytes hold a MIDI file, by content; the first HEADER_WINDOW of them are enough.

    >>> looks_like_midi(b"MThd\\x00\\x00\\x00\\x06"), looks_like_midi(b"MThd begins a file")
    (True, True)
    >>> looks_like_midi(b"A file begins with MThd")
    False
    """
    return _find_header(data) >= 0


def parse(data: bytes) -> MidiFile:
    """Read a file.

    Raises:
        MidiError: no header, no usable time division, no track, too large, or so damaged
            that not one event could be read.
    """
    if len(data) > MAX_FILE_BYTES:
        raise MidiError(
            f"expected a file of at most {MAX_FILE_BYTES // 2**20} MB, got {len(data) / 2**20:.1f} MB; "
            "export the drum track alone"
        )
    start = _find_header(data)
    if start < 0:
        came = f"{len(data):,} bytes of something else" if data else "an empty file"
        raise MidiError(f"expected a MIDI file (it begins with MThd), got {came}; export the pattern as .mid again")
    remarks: list[str] = []
    data = _undo_newline_damage(data, start, remarks)
    if len(data) < start + 14:
        raise MidiError("expected a MIDI header of 14 bytes, got a file that ends within it; copy or export it again")

    header_length = int.from_bytes(data[start + 4 : start + 8], "big")
    format_ = int.from_bytes(data[start + 8 : start + 10], "big")
    n_declared = int.from_bytes(data[start + 10 : start + 12], "big")
    ppq, ticks_per_second = _division(data[start + 12 : start + 14], remarks)
    if format_ > 2:
        remarks.append(f"The header says format {format_}, which does not exist; read as format 1.")
        format_ = 1

    # A header length that leads nowhere is ignored: the search for the first track starts right behind.
    body = start + 8 + header_length
    if header_length < 6 or not _is_chunk(data, body):
        body = start + 14
    tracks, reader = _read_tracks(data, body, remarks)
    if not tracks:
        raise MidiError("expected at least one track (MTrk), got a header alone; export the pattern again")
    if len(tracks) != n_declared:
        remarks.append(f"The header announces {counted(n_declared, 'track')}, and the file holds {len(tracks)}.")
    if format_ == 0 and len(tracks) > 1:
        format_ = 1
    return MidiFile(
        format_,
        ppq,
        ticks_per_second,
        tuple(tracks),
        frozenset(reader.drum_channels),
        tuple(remarks),
        frozenset(reader.melodic_channels),
        reader.is_xg,
        reader.n_bad_pitches,
    )


def _division(raw: bytes, remarks: list[str]) -> tuple[int | None, float | None]:
    division = int.from_bytes(raw, "big")
    if division < 0x8000:
        if division == 0:
            raise MidiError(
                "expected a resolution of 1 to 32767 ticks a quarter note, got 0, so no note has a place; "
                "export the pattern again"
            )
        if division < MIN_PPQ_EXPECTED:
            remarks.append(
                f"The resolution is only {division} ticks a quarter note; if the tempo seems wrong, "
                "the file's time division is."
            )
        return division, None
    frames, ticks = 256 - raw[0], raw[1]  # the high byte is a negative frame rate
    if frames not in SMPTE_FRAME_RATES or ticks == 0:
        raise MidiError(
            f"expected 24, 25, 29 or 30 frames a second and at least 1 tick a frame, got {frames} and {ticks}; "
            "export the pattern with musical time (ticks a quarter note)"
        )
    return None, SMPTE_FRAME_RATES[frames] * ticks


# -- chunks --------------------------------------------------------------------


def _is_chunk(data: bytes, pos: int) -> bool:
    """Whether a chunk begins at `pos`: four letters and a length, or the end of the file."""
    return pos == len(data) or (pos + 8 <= len(data) and data[pos : pos + 4].isalpha())


def _chunk_end(data: bytes, pos: int) -> int:
    return pos + 8 + int.from_bytes(data[pos + 4 : pos + 8], "big")


def _chains(data: bytes, start: int) -> bool:
    """Whether chunks, no more than may be read, follow each other without a gap from the header to the file's end."""
    for _ in range(2 * MAX_TRACKS):
        if start >= len(data) or not _is_chunk(data, start):
            break
        start = _chunk_end(data, start)
    return start == len(data)


def _undo_newline_damage(data: bytes, start: int, remarks: list[str]) -> bytes:
    """Undo a transfer as text, which put a carriage return before every line feed.

    Only where it is certain: no line feed stands alone, the chunks do not chain as they
    are, and they do once the carriage returns are gone.
    """
    if start or b"\r\n" not in data or data.count(b"\n") != data.count(b"\r\n") or _chains(data, start):
        return data
    repaired = data.replace(b"\r\n", b"\n")
    if not _chains(repaired, start):
        return data
    remarks.append("The file was damaged by a transfer as text (line ends); the damage was undone.")
    return repaired


def _read_tracks(data: bytes, pos: int, remarks: list[str]) -> tuple[list[Track], _TrackReader]:
    """Every track from `pos` on. Each byte is visited a bounded number of times, whatever the lengths say."""
    tracks: list[Track] = []
    n_damaged = n_parts = n_foreign = 0
    reader = _TrackReader(data)
    while pos < len(data):
        if data[pos : pos + 4] != _TRACK:
            if _is_chunk(data, pos) and _chunk_end(data, pos) <= len(data):
                pos = _chunk_end(data, pos)
                n_foreign += 1
                _check_number(n_foreign, MAX_TRACKS, "chunks that are no tracks")
                continue
            found = data.find(_TRACK, pos)
            if found < 0:
                break
            pos = found
        body, declared = pos + 8, _chunk_end(data, pos)
        trusted = body < declared <= len(data)
        limit = declared if trusted else _next_track(data, body)
        track = Track(len(tracks) + 1)
        stop, problem = reader.read(track, body, limit)
        if problem and trusted and not _is_chunk(data, declared):
            # The declared length cuts an event and leads nowhere: it is the length that is wrong.
            track = Track(len(tracks) + 1)
            stop, problem = reader.read(track, body, _next_track(data, body))
            trusted = False
        if not problem and not track.has_end and declared > len(data):
            problem = "the file ends within it"
        if problem:
            n_damaged += 1
            if n_damaged <= MAX_DAMAGE_REMARKS:
                read = counted(len(track.tick), "note")
                remarks.append(f"Track {track.number} is damaged: {problem}; read up to there, {read}.")
        tracks.append(track)
        n_parts += len(set(track.channel))
        _check_number(len(tracks), MAX_TRACKS, "tracks")
        _check_number(n_parts, MAX_PARTS, "channels of tracks with notes")
        # Behind an end of track the next chunk may stand where the declared length does not expect it.
        pos = declared if trusted and data[stop : stop + 4] != _TRACK else stop
    if n_damaged > MAX_DAMAGE_REMARKS:
        remarks.append(f"{counted(n_damaged - MAX_DAMAGE_REMARKS, 'more track')} damaged in the same way.")
    if reader.n_bad_pitches:
        remarks.append(f"{counted(reader.n_bad_pitches, 'note')} with a pitch over 127, which MIDI has not: left out.")
    if reader.n_bad_tempos:
        remarks.append(f"{counted(reader.n_bad_tempos, 'tempo event')} of 0 or cut short: ignored.")
    if reader.n_bad_meters:
        remarks.append(f"{counted(reader.n_bad_meters, 'meter event')} cut short: ignored.")
    return tracks, reader


def _check_number(n: int, most: int, what: str) -> None:
    if n > most:
        raise MidiError(f"expected at most {most:,} {what}, got more; export the drum track alone")


def _next_track(data: bytes, pos: int) -> int:
    found = data.find(_TRACK, pos)
    return len(data) if found < 0 else found


# -- events --------------------------------------------------------------------


class _TrackReader:
    """Reads the events of one track after the other, and keeps count over all of them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.names = Names()
        self.n_events = 0
        self.n_bad_pitches = 0
        self.n_bad_tempos = 0
        self.n_bad_meters = 0
        self.n_changes = 0
        self.drum_channels: set[int] = set()
        self.melodic_channels: set[int] = set()
        self.is_xg = False

    def read(self, track: Track, pos: int, limit: int) -> tuple[int, str]:
        """Read events into `track` from `pos` to the end of track, or to `limit`.

        Returns:
            Where reading stopped, and what was wrong there ("" if nothing was).
        """
        data, tick, status, first = self.data, 0, 0, pos
        add_tick, add_channel = track.tick.append, track.channel.append
        add_pitch, add_velocity = track.pitch.append, track.velocity.append
        problem = ""
        kind = size = 0  # of the channel event
        try:
            # Bytes of channel events are read in this loop and not by calls: a song has ten thousands of them.
            for n_events in range(self.n_events, MAX_EVENTS + 1):  # noqa: B007 - the count is needed behind the loop
                if pos >= limit:
                    break
                event = pos
                delta = data[pos]
                pos += 1
                if delta >= 0x80:
                    delta, pos = self._variable_length(event)
                tick += delta
                byte = data[pos]
                if byte >= 0x80:
                    pos += 1
                    if byte >= 0xF0:
                        pos = self._other_event(track, tick, byte, pos, limit)
                        if track.has_end:
                            track.last_tick = tick - delta
                            break
                        continue
                    # Running status survives metas and sysex: the standard ends it there, writers do not.
                    status, kind = byte, byte & 0xF0
                    size = _N_DATA_BYTES[kind]
                elif not status:
                    problem = f"a data byte without a status at byte {pos}"
                    break
                pos += size
                if pos > limit:
                    raise IndexError
                # A data byte over 127 is taken as one, so that the events behind it stay in step:
                # as a velocity it is clipped to 127, as a pitch its note is left out.
                if kind == 0x90:
                    velocity = data[pos - 1]
                    if velocity:
                        pitch = data[pos - 2]
                        if pitch > 127:
                            self.n_bad_pitches += 1
                            continue
                        add_tick(tick)
                        add_channel((status & 0x0F) + 1)
                        add_pitch(pitch)
                        add_velocity(velocity if velocity < 128 else 127)
                elif kind == 0xB0 and data[pos - 2] == _BANK_SELECT and data[pos - 1] in _DRUM_BANKS:
                    track.drum_channels.add((status & 0x0F) + 1)
            else:
                raise MidiError(
                    f"expected at most {MAX_EVENTS:,} events, got more; export the drum track alone, "
                    "or cut the song into parts"
                )
        except IndexError:  # also raised by reading past the end of the file
            problem = f"the event at byte {event} runs past its end"
            pos = limit
        except _BadLengthError:
            problem = f"the number at byte {event} does not end"
            pos = event
        self.n_events = n_events
        track.end_tick = tick
        return max(pos, first), problem

    def _other_event(self, track: Track, tick: int, byte: int, pos: int, limit: int) -> int:
        """Read what is no channel event, behind its first byte, and return the position behind it."""
        if byte not in (0xFF, 0xF0, 0xF7):
            return pos + _N_SYSTEM_BYTES.get(byte, 0)  # real-time bytes are not meant for files, but occur
        start = pos + (byte == 0xFF)
        length, start = self._variable_length(start)
        stop = start + length
        if stop > limit:
            raise IndexError
        if byte == 0xFF:
            self._meta(track, tick, self.data[pos], self.data[start:stop])
        else:
            self._sysex(self.data[start : min(stop, start + 16)])
        return stop

    def _variable_length(self, pos: int) -> tuple[int, int]:
        """A number of one to four bytes, seven bits each, and the position behind it."""
        # Without a loop: a file may hold a million of them.
        data = self.data
        first = data[pos]
        if first < 0x80:
            return first, pos + 1
        second = data[pos + 1]
        if second < 0x80:
            return (first & 0x7F) << 7 | second, pos + 2
        third = data[pos + 2]
        if third < 0x80:
            return (first & 0x7F) << 14 | (second & 0x7F) << 7 | third, pos + 3
        fourth = data[pos + 3]
        if fourth < 0x80:
            return (first & 0x7F) << 21 | (second & 0x7F) << 14 | (third & 0x7F) << 7 | fourth, pos + 4
        raise _BadLengthError

    def _count_change(self) -> None:
        self.n_changes += 1
        if self.n_changes > MAX_TEMPOS:
            raise MidiError(
                f"expected at most {MAX_TEMPOS:,} tempo changes and meters, got more; "
                "export the pattern without its tempo automation"
            )

    def _meta(self, track: Track, tick: int, kind: int, body: bytes) -> None:
        if kind == _META_TEMPO:
            self._count_change()
            us_per_quarter = int.from_bytes(body[:3], "big")
            if len(body) < 3 or us_per_quarter == 0:
                self.n_bad_tempos += 1
            else:
                track.tempos.append((tick, us_per_quarter))
        elif kind == _META_METER:
            self._count_change()
            if len(body) < 2:
                self.n_bad_meters += 1
            else:
                track.meters.append((tick, body[0], body[1]))
        elif kind == _META_TRACK_NAME and not track.name:
            track.name = decode_text(body, self.names)
        elif kind == _META_PORT and body and not track.tick:
            track.port = body[0]
        elif kind == _META_INSTRUMENT and not track.instrument:
            track.instrument = decode_text(body, self.names)
        elif kind == _META_END:
            track.has_end = True

    def _sysex(self, body: bytes) -> None:
        """Note which channels a Roland GS or Yamaha XG message turns into drum parts."""
        if len(body) >= 8 and body[0] == 0x41 and body[2:5] == b"\x42\x12\x40" and body[6] == 0x15:
            if body[5] & 0xF0 == 0x10:  # GS "use for rhythm part"; block 0 is channel 10
                block = body[5] & 0x0F
                channel = 10 if block == 0 else block if block < 10 else block + 1
                self._declare(channel, body[7] != 0)
        elif len(body) >= 7 and body[0] == 0x43 and body[2:4] == b"\x4c\x08" and body[5] == 0x07 and body[4] < 16:
            self._declare(body[4] + 1, body[6] != 0)  # XG part mode
        elif body[:1] == b"\x43" and body[2:7] == b"\x4c\x00\x00\x7e\x00":
            self.is_xg = True  # XG system on

    def _declare(self, channel: int, is_drums: bool) -> None:
        declared, other = self.drum_channels, self.melodic_channels
        if not is_drums:
            declared, other = other, declared
        declared.add(channel)
        other.discard(channel)


class _BadLengthError(Exception):
    """A variable-length number of more than four bytes."""
