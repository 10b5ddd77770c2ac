"""Scenes: a few seconds of drums mixed out of grooves and shots, and what there is to hear in them.

Every scene is drawn anew: a groove (a drummer's, two drummers' bars mixed, or one by chance), a kit (one kit, or each
voice from another, bent in pitch and decay), and what lies between a kit and a listener: room, tone, compression,
noise, music underneath, a narrow band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.signal import lfilter

from rhythmvae.audio.hits import RATE
from rhythmvae.data.corpus import Take
from rhythmvae.groove import BoolArray, FloatArray, IntArray
from rhythmvae.kit import N_VOICES
from rhythmvae.training.hearing.samples import NONE, Kit

Rng = np.random.Generator
SECONDS = 4.0
SAMPLES = round(SECONDS * RATE)
BEFORE_SECONDS = 1.5  # of hits that still ring when a scene begins
KICK, SNARE, CLOSED, OPEN, LOW, MID, HIGH, CRASH, RIDE = range(N_VOICES)
TOMS = (LOW, MID, HIGH)
PARTS = ((KICK,), (SNARE,), (CLOSED, OPEN, RIDE), (LOW, MID, HIGH, CRASH))  # what one drummer may lend another

MIXED = 0.35  # of the scenes, in which nearly every voice is from another kit
LENT_OF_ALL, LENT = 0.85, 0.25  # of the voices, that are from another kit, there and in all other scenes


@dataclass(frozen=True, eq=False)
class Strokes:
    """Hits in seconds: (N,) each; voice may be NONE."""

    seconds: FloatArray
    voice: IntArray
    velocity: FloatArray

    def __getitem__(self, which: BoolArray) -> Strokes:
        return Strokes(self.seconds[which], self.voice[which], self.velocity[which])


@dataclass(frozen=True, eq=False)
class Line:
    """A take as the mixer needs it."""

    strokes: Strokes
    tempo_bpm: float
    bar_seconds: float
    duration_seconds: float


@dataclass(frozen=True, eq=False)
class Scene:
    """sound: (S,) float32. strokes: what sounds, NONE left out. alone: 1 drums alone, 0 not, None unclear."""

    sound: FloatArray
    strokes: Strokes
    alone: float | None


def joined(parts: Sequence[Strokes]) -> Strokes:
    """All strokes in the order of their time."""
    seconds = np.concatenate([each.seconds for each in parts])
    voice = np.concatenate([each.voice for each in parts])
    velocity = np.concatenate([each.velocity for each in parts])
    order = np.argsort(seconds, kind="stable")
    return Strokes(seconds[order], voice[order], velocity[order])


def line(take: Take) -> Line:
    """A take in seconds."""
    groove = take.groove
    strokes = Strokes(groove.onset_seconds, groove.voice.astype(np.int64), groove.velocity.astype(np.float64))
    bpm = groove.tempos[0].bpm
    bar = groove.meters[0].steps_per_bar * groove.tempos[0].seconds_per_step
    return Line(strokes, bpm, bar, groove.duration_seconds)


class Studio:
    """Draws scenes out of kits (at least one has every voice), lines, and sounds that are no drums (N, S) int16.

    Args:
        seconds: how long a scene is.
    """

    def __init__(
        self,
        kits: Sequence[Kit],
        weights: Sequence[float],
        lines: Sequence[Line],
        others: IntArray,
        seconds: float = SECONDS,
    ) -> None:
        self.kits, self.lines, self.others = list(kits), list(lines), others
        self.seconds, self.n_samples = seconds, round(seconds * RATE)
        self.weights = np.array(weights) / np.sum(weights)
        length = np.minimum([each.duration_seconds for each in lines], 120.0) ** 0.7
        self.line_weights = length / length.sum()

    def scene(self, rng: Rng) -> Scene:
        """A new scene."""
        if rng.random() < 0.06:
            return Scene(loud(rng, coloured(rng, self._no_drums(rng))), _none(), 0.0)
        strokes = self.draw(rng)
        sound = self.mix(rng, strokes)
        sound, alone = self.beneath(rng, sound)
        heard = strokes[(strokes.voice < NONE) & (strokes.seconds >= 0) & (strokes.seconds < self.seconds)]
        return Scene(loud(rng, coloured(rng, sound)), heard, alone if len(heard.seconds) > 3 else None)

    # -- what is played --------------------------------------------------------

    def draw(self, rng: Rng) -> Strokes:
        """Strokes from BEFORE_SECONDS before the scene to its end."""
        strokes = _by_chance(rng, self.seconds) if rng.random() < 0.18 else self._played(rng)
        return _changed(rng, strokes)

    def _played(self, rng: Rng) -> Strokes:
        first = self.line(rng)
        speed = float(np.exp(rng.uniform(np.log(0.8), np.log(1.25))))
        start = rng.uniform(-0.5, max(first.duration_seconds - self.seconds / 2, 0.0))
        own = excerpt(first, start, speed, self.seconds)
        if rng.random() > 0.4:
            return own
        second = self.line(rng)
        other_speed = speed * first.tempo_bpm / second.tempo_bpm
        while other_speed > 1.6:
            other_speed /= 2
        while other_speed < 0.62:
            other_speed *= 2
        n_bars = max(int(second.duration_seconds / second.bar_seconds) - 1, 1)
        into_bar = start % first.bar_seconds * other_speed / speed  # the bars of both begin together
        lent = excerpt(second, rng.integers(n_bars) * second.bar_seconds + into_bar, other_speed, self.seconds)
        keeps = [voice for part in PARTS if rng.random() < 0.5 for voice in part]
        return joined([own[np.isin(own.voice, keeps)], lent[~np.isin(lent.voice, keeps)]])

    def line(self, rng: Rng) -> Line:
        """A line that is drawn, a longer one more often."""
        return self.lines[int(rng.choice(len(self.lines), p=self.line_weights))]

    # -- what it is played on --------------------------------------------------

    def mix(self, rng: Rng, strokes: Strokes) -> FloatArray:
        """The strokes on a kit that is drawn, some of its voices from others, (S,) float32."""
        base, lent = self.kit(rng), LENT_OF_ALL if rng.random() < MIXED else LENT
        sound = np.zeros(self.n_samples, dtype=np.float32)
        toms, toms_speed = self.kit(rng) if rng.random() < lent else base, 2 ** (float(rng.normal(0, 3.0)) / 12)
        for voice in np.unique(strokes.voice).tolist():
            kit = toms if voice in TOMS else base if rng.random() > lent else self.kit(rng, voice)
            kit = kit if kit.has(voice) else self.kit(rng, voice)
            instrument = Instrument(rng, kit, voice)
            if voice in TOMS:
                instrument.speed = toms_speed  # bent together, so that a low one stays lower than a high one
            if rng.random() < 0.15:
                instrument.doubled = Instrument(rng, self.kit(rng, voice), voice)
            instrument.play(sound, strokes[strokes.voice == voice], stops_of(strokes, voice))
        return sound

    def kit(self, rng: Rng, voice: int | None = None) -> Kit:
        """A kit that is drawn, one that has the voice."""
        for _ in range(50):
            kit = self.kits[int(rng.choice(len(self.kits), p=self.weights))]
            if voice is None or kit.has(voice):
                return kit
        return next(kit for kit in self.kits if kit.has(int(voice or 0)))

    # -- what else sounds ------------------------------------------------------

    def _no_drums(self, rng: Rng) -> FloatArray:
        if rng.random() < 0.2:
            steady = rng.standard_normal(self.n_samples).astype(np.float32)
            low = rng.uniform(0, 0.98)
            return np.asarray(0.2 * lfilter([1 - low], [1, -low], steady), dtype=np.float32)
        sound = self._other(rng)
        return sound + self._other(rng) if rng.random() < 0.4 else sound

    def _other(self, rng: Rng) -> FloatArray:
        row = self.others[int(rng.integers(len(self.others)))]
        row = np.tile(row, -(-self.n_samples // len(row)))  # a short one goes round
        start = int(rng.integers(len(row) - self.n_samples + 1))
        return np.asarray(row[start : start + self.n_samples] / np.float32(32768))

    def beneath(self, rng: Rng, sound: FloatArray) -> tuple[FloatArray, float | None]:
        """Music under the drums now and then, and whether they are alone."""
        if rng.random() > 0.16:
            return sound, 1.0
        other = self._other(rng)
        if rng.random() < 0.4:
            other = other + self._other(rng)
        loudness = float(rng.uniform(-45, -3))
        gain = 10 ** (loudness / 20) * _rms(sound) / max(_rms(other), 1e-4)
        return sound + np.float32(gain) * other, 1.0 if loudness < -38 else 0.0 if loudness > -20 else None


def plain(rng: Rng, kit: Kit, strokes: Strokes, seconds: float) -> tuple[FloatArray, Strokes]:
    """Strokes on one kit as it is, (S,) float32, and those of them for which the kit has a sound."""
    sound = np.zeros(round(seconds * RATE), dtype=np.float32)
    strokes = strokes[np.isin(strokes.voice, [voice for voice in range(N_VOICES) if kit.has(voice)])]
    for voice in np.unique(strokes.voice).tolist():
        own = strokes[strokes.voice == voice]
        Instrument(rng, kit, voice, plain=True).play(sound, own, stops_of(strokes, voice))
    return np.clip(0.8 * sound, -1, 1), strokes


def stops_of(strokes: Strokes, voice: int) -> FloatArray | None:
    """When a voice is stopped: an open hat by the next stroke of the hats."""
    return strokes.seconds[np.isin(strokes.voice, (CLOSED, OPEN))] if voice == OPEN else None


class Instrument:
    """One voice of one kit, as it sounds in one scene."""

    def __init__(self, rng: Rng, kit: Kit, voice: int, plain: bool = False) -> None:
        self.rng, self.voice, self.plain = rng, voice, plain
        self.doubled: Instrument | None = None
        self.articulations = kit.shots[voice]
        self.main = 0 if rng.random() < 0.6 else int(rng.integers(len(self.articulations)))
        self.gain = 1.0 if plain else 10 ** (float(rng.normal(0, 2.5)) / 20)
        self.speed = 1.0 if plain or rng.random() < 0.4 else 2 ** (float(rng.normal(0, 3.0)) / 12)
        self.decay = None if plain or rng.random() > 0.22 else float(np.exp(rng.uniform(np.log(0.04), np.log(0.6))))
        self.knock = 0.0 if plain or rng.random() > 0.3 else float(rng.uniform(-0.6, 2.0))  # more of the first 5 ms
        self.tilt = None if plain or rng.random() > 0.5 else (float(np.exp(rng.uniform(5.0, 8.3))), rng.normal(0, 5.0))
        self.curve = 1.0 if plain else float(rng.uniform(0.6, 1.2))  # of loudness over velocity, within a layer
        self.waves: dict[tuple[int, int], FloatArray] = {}

    def play(self, sound: FloatArray, strokes: Strokes, stops: FloatArray | None) -> None:
        """Add strokes to a sound; one is stopped by the next of `stops` (seconds)."""
        for seconds, velocity in zip(strokes.seconds.tolist(), strokes.velocity.tolist(), strict=True):
            wave = self.wave(velocity)
            if stops is not None:
                later = stops[np.searchsorted(stops, seconds + 0.005) :]
                if len(later):
                    wave = _stopped(wave, round((later[0] - seconds) * RATE))
            _add(sound, wave, round(seconds * RATE))
        if self.doubled is not None:
            self.doubled.gain *= 0.5
            self.doubled.play(sound, strokes, stops)

    def wave(self, velocity: float) -> FloatArray:
        """The sound of one stroke."""
        n = len(self.articulations)
        articulation = self.main if n == 1 or self.rng.random() < 0.92 else int(self.rng.integers(n))
        layers = self.articulations[articulation]
        near = int(np.argmin([abs(own - velocity) for own, _ in layers]))
        if len(layers) > 3 and self.rng.random() < 0.15:
            near = int(np.clip(near + self.rng.integers(-1, 2), 0, len(layers) - 1))
        shade = -1 if len(layers) > 2 else int(velocity < 45) + int(velocity < 85)
        if (articulation, near * 4 + shade) not in self.waves:
            self.waves[articulation, near * 4 + shade] = self._shaped(layers[near][1], shade)
        loudness = (velocity / layers[near][0]) ** self.curve * self.gain
        return self.waves[articulation, near * 4 + shade] * np.float32(loudness)

    def _shaped(self, kept: IntArray, shade: int) -> FloatArray:
        wave = kept.astype(np.float32) * np.float32(1 / 32768)
        if self.speed != 1.0:
            places = np.arange(0, len(wave) - 1, self.speed)
            wave = np.interp(places, np.arange(len(wave)), wave).astype(np.float32)
        if self.decay is not None:
            wave = wave * np.exp(np.arange(len(wave), dtype=np.float32) * np.float32(-1 / (RATE * self.decay)))
        if self.knock:
            wave = wave * (1 + np.float32(self.knock) * np.exp(np.arange(len(wave), dtype=np.float32) / -110))
        if self.tilt is not None:  # what lies above a frequency louder or softer
            hz, decibels = self.tilt
            pole = np.exp(-2 * np.pi * hz / RATE)
            low = lfilter([1 - pole], [1, -pole], wave)
            wave = (low + 10 ** (decibels / 20) * (wave - low)).astype(np.float32)
        if shade > 0:  # a kit with few layers: softer strokes are darker
            pole = np.exp(-2 * np.pi * (5000, 2500)[shade - 1] / RATE)
            wave = lfilter([1 - pole], [1, -pole], wave).astype(np.float32)
        return wave


def _add(sound: FloatArray, wave: FloatArray, start: int) -> None:
    first = max(-start, 0)
    n = min(len(wave), len(sound) - start) - first
    if n > 0:
        sound[start + first : start + first + n] += wave[first : first + n]


def _stopped(wave: FloatArray, after: int) -> FloatArray:
    """A sound that fades over 25 ms once it is stopped."""
    n = min(550, len(wave) - after)
    if n <= 0 or after < 0:
        return wave
    return np.concatenate([wave[:after], wave[after : after + n] * np.linspace(1, 0, n, dtype=np.float32)])


def _none() -> Strokes:
    return Strokes(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0))


def _rms(sound: FloatArray) -> float:
    return float(np.sqrt(np.mean(sound**2)))


# -- strokes -------------------------------------------------------------------


def excerpt(own: Line, start: float, speed: float, length: float) -> Strokes:
    """The strokes of so many seconds of a line and BEFORE_SECONDS before them, played faster by `speed`."""
    seconds = (own.strokes.seconds - start) / speed
    inside = (seconds > -BEFORE_SECONDS) & (seconds < length)
    return Strokes(seconds[inside], own.strokes.voice[inside], own.strokes.velocity[inside])


def _by_chance(rng: Rng, length: float) -> Strokes:
    """A grid on which every voice falls by chance, in a few voices of drawn density."""
    step = 60 / rng.uniform(60, 190) / rng.choice([2, 3, 4])
    grid = np.arange(-BEFORE_SECONDS, length, step) + rng.uniform(0, step)
    parts = []
    for voice in rng.permutation(N_VOICES)[: rng.integers(1, 8)]:
        density = rng.uniform(0.05, 0.6) * (0.4 if voice == CRASH else 1.0)
        seconds = grid[rng.random(len(grid)) < density]
        seconds = seconds + rng.normal(0, rng.choice([0.0, 0.004, 0.012]), len(seconds))
        velocity = np.clip(rng.normal(rng.uniform(40, 115), rng.uniform(3, 30), len(seconds)), 8, 127)
        parts.append(Strokes(seconds, np.full(len(seconds), voice), velocity))
    return joined(parts)


def _changed(rng: Rng, strokes: Strokes) -> Strokes:
    """Other instruments and dynamics for some, and a voice left out."""
    voice, velocity = _moved(rng, strokes.voice.copy()), strokes.velocity
    if rng.random() < 0.3:
        velocity = 127 * (velocity / 127) ** float(np.exp(rng.normal(0, 0.35)))
    if rng.random() < 0.1:
        velocity = np.full_like(velocity, rng.uniform(70, 120))
    own = _with_more(rng, Strokes(strokes.seconds, voice, np.clip(velocity, 1, 127)))
    return own[own.voice != rng.choice([KICK, SNARE, CLOSED, RIDE])] if rng.random() < 0.12 else own


def _moved(rng: Rng, voice: IntArray) -> IntArray:
    """Rides for hats, hats for rides, toms for a run of strokes: what drummers of the data set play too rarely."""
    if rng.random() < 0.2:
        voice[np.isin(voice, (CLOSED, OPEN))] = RIDE
    elif rng.random() < 0.06:
        voice[voice == CLOSED] = OPEN
    if rng.random() < 0.08:
        voice[voice == RIDE] = CLOSED
    if rng.random() < 0.4 and len(voice):
        first = int(rng.integers(len(voice)))
        run = np.arange(first, min(first + int(rng.integers(3, 24)), len(voice)))
        run = run[np.isin(voice[run], (SNARE, *TOMS, CLOSED))]
        toms = rng.choice(TOMS, len(run))
        voice[run] = np.sort(toms)[::-1] if rng.random() < 0.5 else toms  # LOW is the first: down the toms, or any
    return voice


def _with_more(rng: Rng, strokes: Strokes) -> Strokes:
    """Crashes with the kick, and claps or shakers, which are none of ours."""
    parts, kicks = [strokes], strokes.seconds[strokes.voice == KICK]
    if rng.random() < 0.35 and len(kicks):
        seconds = rng.choice(kicks, int(rng.integers(1, 4)))
        parts.append(Strokes(seconds, np.full(len(seconds), CRASH), rng.uniform(60, 127, len(seconds))))
    if rng.random() < 0.15 and len(strokes.seconds):
        seconds = rng.choice(strokes.seconds, max(len(strokes.seconds) // int(rng.integers(2, 8)), 1))
        parts.append(Strokes(seconds, np.full(len(seconds), NONE), rng.uniform(30, 127, len(seconds))))
    return joined(parts)


# -- between kit and listener --------------------------------------------------

ROOM_SAMPLES = 19_800  # that a room rings on, at most
OCTAVE = np.arange(4.0, 13.5, 0.125)  # log2 of Hz, at which an equalizer is drawn
HZ = 2.0**OCTAVE


def n_fft(n_samples: int) -> int:
    """Of a sound and the end of its room, a product of small primes."""
    return int(scipy.fft.next_fast_len(n_samples + ROOM_SAMPLES, real=True))


def coloured(rng: Rng, sound: FloatArray) -> FloatArray:
    """Room, tone, compression, noise and a narrow band, each now and then."""
    if rng.random() < 0.3:
        sound = _compressed(rng, sound)
    if rng.random() < 0.15:
        drive = rng.uniform(1, 4)
        sound = np.tanh(drive * sound) / np.float32(np.tanh(drive))
    n, n_bins = len(sound), n_fft(len(sound))
    gain = _tone(rng, n_bins) if rng.random() < 0.6 else None
    room = _room(rng) if rng.random() < 0.4 else None
    if gain is not None or room is not None:
        spectrum = scipy.fft.rfft(sound.astype(np.float32), n_bins)
        if gain is not None:
            spectrum *= gain
        if room is not None:
            spectrum *= scipy.fft.rfft(room, n_bins)
        sound = scipy.fft.irfft(spectrum, n_bins)[:n]
    if rng.random() < 0.25:
        sound = sound + _noise(rng, n) * np.float32(10 ** (rng.uniform(-70, -35) / 20))
    if rng.random() < 0.06:
        top = np.abs(sound).max() * rng.uniform(0.3, 0.9)
        sound = np.clip(sound, -top, top)
    if rng.random() < 0.03:
        step = np.float32(2.0 ** -rng.integers(5, 9)) * np.abs(sound).max()
        sound = np.rint(sound / max(float(step), 1e-9)) * step
    return np.asarray(sound, dtype=np.float32)


def _tone(rng: Rng, n: int) -> FloatArray:
    """Gain of an equalizer over the bins of n samples: broad bumps, and the ends of a narrow band."""
    decibels = np.zeros(len(HZ))
    for _ in range(int(rng.integers(1, 5))):
        centre, width = rng.uniform(5.0, 13.4), rng.uniform(0.5, 2.5)
        decibels += rng.normal(0, 4) * np.exp(-(((OCTAVE - centre) / width) ** 2))
    gain = 10 ** (decibels / 20)
    if rng.random() < 0.15:
        gain *= 1 / (1 + (HZ / np.exp(rng.uniform(np.log(2500), np.log(10000)))) ** rng.choice([2, 4, 12]))
    if rng.random() < 0.15:
        gain *= 1 / (1 + (np.exp(rng.uniform(np.log(25), np.log(250))) / HZ) ** rng.choice([2, 4]))
    bins = np.log2(np.maximum(np.fft.rfftfreq(n, 1 / RATE), 1.0))
    return np.asarray(np.interp(bins, OCTAVE, gain), dtype=np.float32)


def _room(rng: Rng) -> FloatArray:
    """Impulse response: the sound itself, then decaying noise."""
    seconds = np.exp(rng.uniform(np.log(0.08), np.log(1.4)))
    n = round(min(seconds, 0.85) * RATE)
    decay = np.exp(np.arange(n, dtype=np.float32) * np.float32(-6.9 / (seconds * RATE)))
    tail = rng.standard_normal(n, dtype=np.float32) * decay
    damp = rng.uniform(0.0, 0.85)
    tail = lfilter([1 - damp], [1, -damp], tail).astype(np.float32)
    tail *= np.float32(10 ** (rng.uniform(-26, -6) / 20)) / np.sqrt(np.sum(tail**2))
    wait = int(rng.integers(1, round(0.03 * RATE)))
    return np.concatenate([np.ones(1, dtype=np.float32), np.zeros(wait, dtype=np.float32), tail])


def _noise(rng: Rng, n: int) -> FloatArray:
    noise = rng.standard_normal(n, dtype=np.float32)
    low = rng.choice([0.0, 0.7, 0.97])
    return np.asarray(lfilter([1 - low], [1, -low], noise) if low else noise, dtype=np.float32)


def _compressed(rng: Rng, sound: FloatArray) -> FloatArray:
    """Loud parts made softer, with a release time."""
    block = 64
    n = -(-len(sound) // block)
    level = np.abs(np.pad(sound, (0, n * block - len(sound)))).reshape(n, block).max(axis=1)
    keep = np.exp(-block / RATE / rng.uniform(0.02, 0.25))
    level = np.maximum(level, lfilter([1 - keep], [1, -keep], level))
    threshold = rng.uniform(0.05, 0.6) * max(float(level.max()), 1e-6)
    gain = np.minimum(1.0, threshold / np.maximum(level, 1e-9)) ** rng.uniform(0.3, 0.9)
    along = np.interp(np.arange(len(sound)), np.arange(n) * block, gain)
    return np.asarray(sound * along / max(threshold, 0.2), dtype=np.float32)


def loud(rng: Rng, sound: FloatArray) -> FloatArray:
    """At the level that a file has once its loudest stroke is brought to the top, or lower."""
    peak = max(float(np.abs(sound).max()), 0.35)
    return np.asarray(np.clip(sound * (0.9 / peak * 10 ** (-rng.uniform(0, 12) / 20)), -1, 1), dtype=np.float32)
