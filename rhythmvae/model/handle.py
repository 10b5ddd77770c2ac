"""One handle on a checkpoint: everything that its model does, as methods.

model = rhythmvae.load("mine.safetensors")
rebuilt = model.reconstruct(groove)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import torch

from rhythmvae.errors import WrongTypeError, check_type
from rhythmvae.groove import DEFAULT_TEMPO_BPM, FloatArray, Groove
from rhythmvae.model import checkpoint as checkpoints
from rhythmvae.model import generate, labels, latent, verbs
from rhythmvae.model.card import Card, file_named
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.completing import Completer
from rhythmvae.model.latent import Encoded
from rhythmvae.model.limits import DEFAULT_BARS, DEFAULT_TEMPERATURE, check_bars_anew, drums_anew
from rhythmvae.model.variation import Variation
from rhythmvae.model.verbs import Prediction


def load(path: str | Path | None = None) -> Model:
    """The model in a checkpoint file; without a path the one that comes with rhythmvae, "edition-1" is the one before.

    Raises:
        CheckpointError: a file that is missing, foreign, damaged, too large or of another version.
        WrongTypeError: something that is no path.

    >>> load().styles[:2]
    ('afrobeat', 'afrocuban')
    """
    if path is None:
        return Model(checkpoints.load())
    check_type(path, (str, Path), "the path of a checkpoint file")
    return Model(checkpoints.load(file_named(path) if isinstance(path, str) else path))


class Model:
    """A VAE with its prior and quantiles, ready to use. Made by `rhythmvae.load`.

    >>> from rhythmvae import example, load
    >>> model = load()
    >>> model
    Model(digest='fbca4011ec855a7a', 128 latent dimensions, 17 styles)
    >>> model.reconstruct(example("funk")).n_bars
    4
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        check_type(checkpoint, Checkpoint, "a checkpoint (rhythmvae.load opens a file)")
        self.checkpoint = checkpoint

    def __repr__(self) -> str:
        size, n_styles = self.checkpoint.model.config.latent_size, len(self.styles)
        return f"Model(digest={self.checkpoint.digest!r}, {size} latent dimensions, {n_styles} styles)"

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that `sample` and `vary` can be asked for.

        >>> len(load().styles)
        17
        """
        return self.checkpoint.styles

    @property
    def card(self) -> Card:
        """What the file says of the model: data, training, figures.

        >>> load().card.data.train_takes
        897
        """
        return self.checkpoint.card

    @overload
    def encode(self, grooves: Groove) -> Encoded: ...

    @overload
    def encode(self, grooves: Iterable[Groove]) -> FloatArray: ...

    def encode(self, grooves: Groove | Iterable[Groove]) -> Encoded | FloatArray:
        """Latents of a groove, or one vector for each of many.

        Args:
            grooves: one groove, for an `Encoded` that `decode` takes: a frame and the posterior of its W windows, mean
                (W, Z). Or several, for an array (N, Z) with one vector a loop whatever its length (`latent.vectors`):
                to compare, sort and search, not to decode.

        Raises:
            WrongTypeError: something else. CheckpointError: weights that give no numbers.

        >>> from rhythmvae import example, load
        >>> load().encode([example("funk"), example("rock")]).shape
        (2, 128)
        """
        if isinstance(grooves, Groove):
            return latent.encode(self.checkpoint.model, grooves)
        return latent.vectors(self.checkpoint.model, grooves)

    def decode(self, encoded: Encoded) -> Groove:
        """The most likely groove of what `encode` gave, at the posterior's mean.

        >>> from rhythmvae import example, load
        >>> model = load()
        >>> model.decode(model.encode(example("funk"))) == model.reconstruct(example("funk"))
        True
        """
        check_type(encoded, Encoded, "what encode gives for one groove")
        return latent.decode(self.checkpoint.model, encoded.posterior.mean, encoded.frame)

    def reconstruct(self, groove: Groove) -> Groove:
        """A groove through the model and back. Raises as `encode` does.

        >>> from rhythmvae import example, load
        >>> played = example("waltz")
        >>> load().reconstruct(played).meters == played.meters
        True
        """
        return latent.reconstruct(self.checkpoint.model, groove)

    def sample(
        self,
        *,
        n_bars: int = DEFAULT_BARS,
        seed: int = 0,
        temperature: float = DEFAULT_TEMPERATURE,
        tempo_bpm: float = DEFAULT_TEMPO_BPM,
        style: str | None = None,
    ) -> Groove:
        """A new groove in 4/4 from the prior; arguments and errors are those of `generate.sample`.

        >>> from rhythmvae import load
        >>> load().sample(n_bars=1, seed=3).n_bars
        1
        """
        return generate.sample(
            self.checkpoint, n_bars=n_bars, seed=seed, temperature=temperature, tempo_bpm=tempo_bpm, style=style
        )

    def vary(
        self,
        groove: Groove,
        *,
        n: int = 1,
        amount: float = 0.5,
        seed: int = 0,
        asked: Mapping[str, float] | None = None,
        keep: Sequence[str] = (),
        keep_bars: Sequence[int] = (),
        style: str | None = None,
    ) -> list[Variation]:
        """Variations of a groove; arguments and errors are those of `generate.vary`.

        >>> from rhythmvae import example, load
        >>> [varied] = load().vary(example("funk"), amount=0.3, asked={"density": 0.8})
        >>> abs(varied.settings["density"].achieved - 0.8) < 0.1
        True
        """
        options = {"n": n, "amount": amount, "seed": seed, "asked": asked, "keep": keep, "keep_bars": keep_bars}
        return generate.vary(self.checkpoint, groove, style=style, **options)  # type: ignore[arg-type]

    def interpolate(self, first: Groove, last: Groove, n: int = 8) -> list[Groove]:
        """N grooves from one to another in even steps; errors are those of `generate.interpolate`.

        >>> from rhythmvae import example, load
        >>> len(load().interpolate(example("funk"), example("rock"), 3))
        3
        """
        return generate.interpolate(self.checkpoint, first, last, n)

    def continued(
        self,
        groove: Groove,
        n_bars: int = 4,
        *,
        at: int | None = None,
        only_new: bool = False,
        style: str | None = None,
        asked: Mapping[str, float] | None = None,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
    ) -> Groove:
        """A groove and N bars more; arguments and errors are those of `verbs.continued`.

        Raises:
            CheckpointError: a model that completes no grooves.

        >>> from rhythmvae import example, load
        >>> load().continued(example("funk"), 2, temperature=0).n_bars
        6
        """
        options = {
            "at": at,
            "only_new": only_new,
            "style": style,
            "asked": asked,
            "temperature": temperature,
            "seed": seed,
        }
        return verbs.continued(self._completer, _groove(groove), n_bars, **options)  # type: ignore[arg-type]

    def predict(self, groove: Groove, *, style: str | None = None) -> Prediction:
        """What the bar after the last will be, and how surprising each bar was; errors are those of `continued`.

        >>> from rhythmvae import example, load
        >>> load().predict(example("funk")).hit.shape
        (16, 9)
        """
        return verbs.predicted(self._completer, _groove(groove), style)

    def humanize(
        self,
        groove: Groove,
        *,
        timing: float = 1.0,
        velocity: float = 1.0,
        keep: Sequence[str] = (),
        after: Groove | None = None,
        style: str | None = None,
        asked: Mapping[str, float] | None = None,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
    ) -> Groove:
        """The same hits with another timing and other velocities; arguments are those of `verbs.humanized`.

        Raises as `continued` does.

        >>> from rhythmvae import example, load
        >>> stiff = example("funk")
        >>> len(load().humanize(stiff, after=example("bossa"))) == len(stiff)
        True
        """
        options = {"timing": timing, "velocity": velocity, "keep": keep, "style": style, "asked": asked}
        options |= {"after": None if after is None else _groove(after), "temperature": temperature, "seed": seed}
        return verbs.humanized(self._completer, _groove(groove), **options)  # type: ignore[arg-type]

    def tap(
        self,
        taps: Groove,
        *,
        hands: bool = False,
        style: str | None = None,
        asked: Mapping[str, float] | None = None,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
    ) -> Groove:
        """Drums in the rhythm of taps; arguments are those of `verbs.tapped`, errors those of `continued`.

        `read_file(path, ReadOptions(tap_lanes=1))` reads every note of a file as a tap.

        >>> from rhythmvae import example, load
        >>> load().tap(example("funk"), style="funk").n_bars
        4
        """
        options = {"hands": hands, "style": style, "asked": asked, "temperature": temperature, "seed": seed}
        return verbs.tapped(self._completer, _groove(taps), **options)  # type: ignore[arg-type]

    def infill(
        self,
        groove: Groove,
        drums: Sequence[str] = (),
        bars: Sequence[int] = (),
        *,
        keep: Sequence[str] = (),
        style: str | None = None,
        asked: Mapping[str, float] | None = None,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
    ) -> Groove:
        """A groove of which a part is played anew, and every other hit is as it is.

        Args:
            drums: to play anew, voices (kit.VOICE_KEYS) or groups of them (kit.GROUPS); none for all.
            bars: to play anew, counted from 1; none for all.
            keep: drums that stay.

        Raises:
            UsageError: drums or bars that there are not, or none of either.
            CheckpointError: a model that completes no grooves.

        >>> from rhythmvae import example, load
        >>> load().infill(example("funk"), ["hats"], [3, 4], seed=2).bars(1, 2) == example("funk").bars(1, 2)
        True
        """
        voices = drums_anew(drums, keep, bars)
        check_bars_anew(_groove(groove), bars)
        options = {"style": style, "asked": asked, "temperature": temperature, "seed": seed}
        wanted = verbs.cells(groove, voices, bars or None)
        return verbs.infilled(self._completer, groove, wanted, **options)  # type: ignore[arg-type]

    def transplant(
        self,
        groove: Groove,
        other: Groove,
        what: str = "feel",
        *,
        style: str | None = None,
        asked: Mapping[str, float] | None = None,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
    ) -> Groove:
        """A groove with the feel or the density of another; arguments are those of `verbs.transplanted`.

        Raises as `continued` does.

        >>> from rhythmvae import example, load
        >>> funk, rock = example("funk"), example("rock")
        >>> len(load().transplant(funk, rock, "density")) == len(rock)
        True
        """
        options = {"style": style, "asked": asked, "temperature": temperature, "seed": seed}
        return verbs.transplanted(self._completer, _groove(groove), _groove(other), what, **options)  # type: ignore[arg-type]

    @property
    def _completer(self) -> Completer:
        return Completer.of(self.checkpoint)

    def describe(self, groove: Groove) -> dict[str, Any]:
        """What is in a groove, as `rhythmvae.describe` says it: the labels are the shipped ones.

        >>> from rhythmvae import example, load
        >>> load().describe(example("waltz"))["meter"]
        '3/4'
        """
        return labels.describe(groove)

    def to(self, device: str | torch.device) -> Model:
        """This model, with its encoder and decoder on a device such as "cuda"; the prior, which is small, stays.

        Raises:
            WrongTypeError: no device, or none that torch has here.

        >>> from rhythmvae import load
        >>> load().to("cpu").styles[0]
        'afrobeat'
        """
        check_type(device, (str, torch.device), "a device such as 'cpu'")
        try:
            self.checkpoint.model.to(device)
        except (RuntimeError, TypeError, AssertionError) as error:  # AssertionError: torch without CUDA
            raise WrongTypeError(f"Expected a device that torch has here, such as 'cpu', got {device!r}.") from error
        return self

    def save(self, path: str | Path) -> None:
        """Write the model to a checkpoint file, whole or not at all.

        Raises:
            CheckpointError: the file cannot be written.

        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from rhythmvae import load
        >>> model = load()
        >>> with TemporaryDirectory() as folder:
        ...     model.save(Path(folder) / "mine.safetensors")
        ...     load(Path(folder) / "mine.safetensors").checkpoint.contents == model.checkpoint.contents
        True
        """
        check_type(path, (str, Path), "the path of a checkpoint file")
        self.checkpoint.write(Path(path))


def _groove(value: Groove) -> Groove:
    check_type(value, Groove, "a groove")
    return value
