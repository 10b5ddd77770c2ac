"""What may be asked of a model: defaults, ranges and names, checked before any model is loaded.

Needs no torch, so that a command line or a page can refuse at once what generate.py would refuse later.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from numbers import Integral, Real

from rhythmvae.analysis.descriptors import SLIDERS, TRAITS
from rhythmvae.errors import UsageError, check_each, check_type
from rhythmvae.groove import MAX_STEPS, Groove
from rhythmvae.kit import GROUPS, VOICE_INDEX, VOICE_KEYS
from rhythmvae.text import clean_text, did_you_mean

MAX_SEED = 2**32 - 1  # what every random generator takes
MAX_PAGE_SEED = 9_999  # what a page offers: short to type and to say
DEFAULT_BARS = 2
DEFAULT_TEMPERATURE = 1.0
DEFAULT_AMOUNT = 0.5
MAX_SAMPLED_BARS = 512
MAX_TEMPERATURE = 4.0
MIN_TEMPO_BPM, MAX_TEMPO_BPM = 20.0, 400.0
MAX_VARIATIONS = 10_000
PERPLEXITY, MIN_PERPLEXITY, MAX_PERPLEXITY = 30.0, 2.0, 100.0  # of a latent map
FEEL = ("timing", "velocity")
TRANSPLANTS = ("feel", "density")  # what a groove can take from another
WANTED = tuple(name for name in SLIDERS if name in TRAITS)  # what a completion may be asked for, beside a style
MAX_INTERPOLATED = 128  # the choice of even steps looks at each pair of 16 times as many points


def check_seed(seed: int) -> None:
    """Raise UsageError for what no random generator takes."""
    check_type(seed, Integral, "a whole number as the seed")


def check_sample(n_bars: int, temperature: float, tempo_bpm: float) -> None:
    """Raise UsageError for a length, temperature or tempo that `sample` does not take."""
    check_length(n_bars)
    check_temperature(temperature)
    check_type(tempo_bpm, Real, "a number as the tempo in BPM")
    if not MIN_TEMPO_BPM <= tempo_bpm <= MAX_TEMPO_BPM:
        raise UsageError(f"Expected a tempo from {MIN_TEMPO_BPM:g} to {MAX_TEMPO_BPM:g} BPM, got {tempo_bpm:g}.")


def check_length(n_bars: int) -> None:
    """Raise UsageError for a number of bars that no groove is drawn with."""
    check_type(n_bars, Integral, "a whole number of bars")
    if not 1 <= n_bars <= MAX_SAMPLED_BARS:
        raise UsageError(f"Expected 1 to {MAX_SAMPLED_BARS} bars, got {n_bars}.")


def check_temperature(temperature: float) -> None:
    """Raise UsageError for a temperature that nothing is drawn at."""
    check_type(temperature, Real, "a number as the temperature")
    if not 0.0 <= temperature <= MAX_TEMPERATURE:
        raise UsageError(f"Expected a temperature from 0 to {MAX_TEMPERATURE:g}, got {temperature:g}.")


def check_answers(n: int, temperature: float) -> None:
    """Raise UsageError for a number of answers, or a temperature, that what completes grooves does not take."""
    check_type(n, Integral, "a whole number of grooves")
    if not 1 <= n <= MAX_VARIATIONS:
        raise UsageError(f"Expected 1 to {MAX_VARIATIONS} grooves of each input, got {n}.")
    check_temperature(temperature)


def check_continuation(groove: Groove, n_bars: int, at: int | None) -> None:
    """Raise UsageError for a number of new bars that a groove cannot have, or a bar that it has not to begin at."""
    check_length(n_bars)
    if at is not None:
        check_type(at, Integral, "the number of a bar to begin at")
        if not 1 <= at <= groove.n_bars + 1:
            raise UsageError(f"Expected a bar to begin at from 1 to {groove.n_bars + 1}, got {at}.")
    if groove.n_steps + n_bars * max(meter.steps_per_bar for meter in groove.meters) > MAX_STEPS:
        raise UsageError(
            f"Expected at most {MAX_STEPS:,} sixteenths in all, got {groove.n_steps:,} and {n_bars} bars more."
        )


def check_feel(timing: float, velocity: float, keep: Sequence[str]) -> None:
    """Raise UsageError for an amount of new timing or velocity, or what to keep, that `humanized` does not take."""
    for name, amount in (("timing", timing), ("velocity", velocity)):
        check_type(amount, Real, f"a number as the amount of new {name}")
        if not 0.0 <= amount <= 1.0:
            raise UsageError(f"Expected an amount of new {name} from 0 to 1, got {amount:g}.")
    for name in check_each(keep, str, "what to keep, such as 'timing'"):
        if name not in FEEL:
            raise UsageError(f"Expected to keep {' or '.join(FEEL)}, got {name[:40]!r}{did_you_mean(name, FEEL)}")


def check_transplant(what: str) -> None:
    """Raise UsageError for what no groove can take from another."""
    if what not in TRANSPLANTS:
        hint = did_you_mean(str(what), TRANSPLANTS)
        raise UsageError(f"Expected {' or '.join(TRANSPLANTS)} of the other groove, got {str(what)[:40]!r}{hint}")


def drums_named(names: Sequence[str]) -> tuple[int, ...]:
    """Indices of voices by names of voices and groups of them, each once, in order.

    Raises:
        UsageError: a name of neither.
    """
    known = {**{key: (key,) for key in VOICE_KEYS}, **GROUPS}
    for name in check_each(names, str, "a drum, such as 'kick'"):
        if name not in known:
            raise UsageError(f"Expected drums out of {', '.join(known)}, got {name[:40]!r}{did_you_mean(name, known)}")
    return tuple(sorted({VOICE_INDEX[key] for name in names for key in known[name]}))


def drums_anew(drums: Sequence[str], keep: Sequence[str], bars: Sequence[int]) -> tuple[int, ...]:
    """Indices of the voices that `infill` plays anew: those that are named, or all, but for those to keep.

    Raises:
        UsageError: a name of no drum, none left, or neither drums nor bars named.
    """
    if not (drums or keep or bars):
        raise UsageError(
            "Expected drums to play anew (drums, or keep for those that stay) or bars (bars), got neither."
        )
    stay = drums_named(keep)
    anew = tuple(voice for voice in drums_named(drums or VOICE_KEYS) if voice not in stay)
    if not anew:
        raise UsageError("Expected at least one drum to play anew, got none: all that are named are kept.")
    return anew


def check_bars_anew(groove: Groove, bars: Sequence[int]) -> None:
    """Raise UsageError for bars that a groove does not have, counted from 1."""
    bars = check_each(bars, Integral, "the number of a bar to play anew")
    if not all(1 <= bar <= groove.n_bars for bar in bars):
        raise UsageError(f"Expected bars to play anew from 1 to {groove.n_bars}, got {', '.join(map(str, bars[:8]))}.")


def check_variation(n: int, amount: float, asked: Mapping[str, float], keep: Sequence[str]) -> None:
    """Raise UsageError for a number, amount, slider, quantile or voice that `vary` does not take."""
    check_type(n, Integral, "a whole number of variations")
    check_type(amount, Real, "a number as the amount")
    keep = check_each(keep, str, "a voice to keep, such as 'kick'")
    if not 1 <= n <= MAX_VARIATIONS:
        raise UsageError(f"Expected 1 to {MAX_VARIATIONS} variations, got {n}.")
    if not 0.0 <= amount <= 1.0:
        raise UsageError(f"Expected an amount from 0 to 1, got {amount:g}.")
    _check_quantiles(asked, SLIDERS)
    for key in keep:
        if key not in VOICE_INDEX:
            hint = f"; give its voices, {','.join(GROUPS[key])}." if key in GROUPS else did_you_mean(key, VOICE_KEYS)
            raise UsageError(f"Expected voices to keep out of {', '.join(VOICE_KEYS)}, got {key[:40]!r}{hint}")


def check_wanted(asked: Mapping[str, float]) -> None:
    """Raise UsageError for a slider or a quantile that no completion can be asked for."""
    _check_quantiles(asked, WANTED)


def _check_quantiles(asked: Mapping[str, float], sliders: Sequence[str]) -> None:
    check_type(asked, Mapping, "what is asked as slider and quantile, such as {'density': 0.4}")
    for name, quantile in asked.items():
        if name not in sliders:
            hint = did_you_mean(name, sliders)
            raise UsageError(f"Expected a slider out of {', '.join(sliders)}, got {name[:40]!r}{hint}")
        check_type(quantile, Real, f"a number as the quantile of {name}")
        if not 0.0 <= quantile <= 1.0:
            raise UsageError(
                f"Expected {name} as a quantile among the training grooves, 0 to 1 (0.5 is typical), got {quantile:g}."
            )


def check_sliders(asked: Iterable[str], defined: Container[str]) -> None:
    """Raise UsageError for a slider that the training data of a model does not define."""
    for name in asked:
        if name not in defined:
            raise UsageError(f"This model's training data defines no {name}, so it cannot be asked for.")


def check_kept_bars(groove: Groove, keep_bars: Sequence[int]) -> None:
    """Raise UsageError for bars that a groove does not have, counted from 1."""
    keep_bars = check_each(keep_bars, Integral, "the number of a bar to keep")
    if not all(1 <= bar <= groove.n_bars for bar in keep_bars):
        raise UsageError(f"Expected bars to keep from 1 to {groove.n_bars}, got {', '.join(map(str, keep_bars))}.")


def check_style(style: str, styles: Sequence[str]) -> None:
    """Raise UsageError for a style that is none of those a model knows."""
    check_type(style, str, "the name of a style")
    if style not in styles:
        names = clean_text(", ".join(styles), 1000)
        have = f"one of the styles {names}" if styles else "no style, as this model's data names none"
        raise UsageError(f"Expected {have}, got {style[:40]!r}{did_you_mean(style, styles)}")


def check_interpolated(n: int) -> None:
    """Raise UsageError for a number of grooves that `interpolate` does not give."""
    check_type(n, Integral, "a whole number of steps")
    if not 2 <= n <= MAX_INTERPOLATED:
        raise UsageError(f"Expected 2 to {MAX_INTERPOLATED} steps from one groove to the other, got {n}.")


def check_perplexity(perplexity: float) -> None:
    """Raise UsageError for a number of neighbours that no latent map is drawn with."""
    if not MIN_PERPLEXITY <= perplexity <= MAX_PERPLEXITY:
        raise UsageError(f"Expected a perplexity of {MIN_PERPLEXITY:g} to {MAX_PERPLEXITY:g}, got {perplexity:g}.")


def check_ends(first: Groove, last: Groove) -> None:
    """Raise UsageError for two grooves that are not each in one and the same meter."""
    meters = [{str(meter) for meter in groove.meters} for groove in (first, last)]
    if meters[0] != meters[1] or len(meters[0]) != 1:
        found = " and ".join("/".join(sorted(names)) if len(names) == 1 else "changing meters" for names in meters)
        raise UsageError(f"Expected two grooves in one and the same meter to interpolate between, got {found}.")
