"""What a visitor asks of a training run: widgets on the Train page, and the same as a run's file, run.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import streamlit as st

from rhythmvae.errors import UsageError
from rhythmvae.jobs.limits import Limits
from rhythmvae.model.config import N_BEATS, ModelConfig, Weights
from rhythmvae.model.limits import MAX_PAGE_SEED
from rhythmvae.outputs import file_stem
from rhythmvae.text import clean_text
from rhythmvae.training.config import SHIPPED_NAME, RunConfig, parse_config
from rhythmvae.training.settings import RECIPE, TrainConfig
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.session import models

FILE_NAME = "run.toml"
SHIPPED, SCRATCH = SHIPPED_NAME, "scratch"  # what a run starts from, or the contents of one of the visitor's models
STEPS = {50: "a touch", 150: "usual", 300: "longer", 600: "long", 1000: "very long"}  # of fine-tuning
STEPS_USUAL: int = RECIPE["steps"]
MINUTES = (0.5, 1, 2, 3, 5, 8, 10, 15, 20, 30, 60)
MINUTES_USUAL = 5.0
ARCHITECTURES = {
    "attention": "rhythmvae's own, with attention: the best in our comparison",
    "cnn": "cnn, convolutions along time: close behind",
    "dense": "dense, fully connected: the simplest, with quick steps",
    "gru": "gru, recurrent: reads step by step, learns slowly",
    "lstm": "lstm, recurrent: like gru, slower still",
}
SIZES = (2, 8, 16, 32, 64, 128, 256)
MAX_EPOCHS, MAX_KL, MAX_L2 = 100_000, 10.0, 1.0  # that a visitor may ask for
NAME_USUAL = "My drums"

# The widgets' keys by what they choose (Choices); a run.toml that is chosen sets them.
KEYS = {
    "start": "training start",
    "steps": "training steps",
    "epochs": "training epochs",
    "minutes": "training minutes",
    "arch": "training architecture",
    "latent_size": "training latent size",
    "kl": "training kl",
    "l2": "training l2",
    "augmentation": "training augmentation",
    "seed": "training seed",
    "name": "training name",
}

FOLDS = ("fold of how to train", "fold of more choices")  # built when they are opened
_READING = ("map", "channel", "track", "meter", "cut")  # of a configuration: how files are read
_N_FILES, _SAID = "training configurations", "training configuration"


@dataclass(frozen=True)
class Choices:
    """What a visitor asks of a run.

    Args:
        start: SHIPPED, SCRATCH, or the contents of one of the session's models.
        steps: of fine-tuning. epochs: passes over the data instead.
        minutes: to train for at most.
        arch, latent_size: of a model from scratch.
    """

    start: str = SHIPPED
    steps: int = STEPS_USUAL
    epochs: int | None = None
    minutes: float = 10
    arch: str = "attention"
    latent_size: int = ModelConfig.latent_size
    kl: float = Weights.kl
    l2: float = TrainConfig.l2
    augmentation: bool = True
    seed: int = TrainConfig.seed
    name: str = NAME_USUAL

    def config(self, init_file: str, rules: Mapping[str, str]) -> RunConfig:
        """The configuration of a run that does what is asked.

        Args:
            init_file: where a model of the visitor's own to start from lies.
            rules: which drum each note plays, such as {"44": "kick"}.
        """
        is_scratch = self.start == SCRATCH
        # Not always: with a limit of time the learning rate depends on the clock, and the same file
        # would make other weights elsewhere.
        is_timed = is_scratch or self.epochs is not None
        return RunConfig(
            arch=self.arch if is_scratch else None,
            latent_size=self.latent_size if is_scratch else None,
            init=None if is_scratch else SHIPPED_NAME if self.start == SHIPPED else init_file,
            epochs=self.epochs,
            steps=None if is_timed else self.steps,
            max_minutes=self.minutes if is_timed else None,
            kl=self.kl,
            l2=self.l2,
            no_augmentation=None if self.augmentation else True,
            seed=self.seed,
            map=dict(rules),
        )


def config_to_take(asked: Choices, rules: Mapping[str, str]) -> RunConfig:
    """The configuration for the visitor's own machine, where a model to start from has the name of its download."""
    own = models.own().get(asked.start)
    return asked.config("" if own is None else f"{file_stem(own.name)}{models.SUFFIX}", rules)


def download_button(config: str, label: str, key: str) -> None:
    """A button that gives a configuration as run.toml."""
    st.download_button(
        label,
        config,
        FILE_NAME,
        "application/toml",
        on_click="ignore",
        icon=":material/tune:",
        key=key,
        help=f"`rhythmvae train loops/ --config {FILE_NAME} --out mine.safetensors` trains like this on your machine.",
    )


# -- a run.toml that is chosen -------------------------------------------------


def adopted(config: RunConfig, limits: Limits) -> tuple[Choices, list[str]]:
    """The choices in a configuration, and the names of the options in it that this page does not offer.

    Raises:
        UsageError: a value that no run can have.
    """
    settings, found, left = config.settings(), Choices(minutes=_minutes_usual(limits)), []
    offered: dict[str, tuple[str, bool]] = {
        "init": ("start", config.init == SHIPPED_NAME),
        "arch": ("arch", config.arch in ARCHITECTURES),
        "latent_size": ("latent_size", config.latent_size in _sizes(config.arch or found.arch)),
        "epochs": ("epochs", (config.epochs or 0) <= MAX_EPOCHS),
        "steps": ("steps", config.init is not None and config.steps in STEPS),
        "max_minutes": ("minutes", config.max_minutes in _minutes_offered(limits)),
        "kl": ("kl", (config.kl or 0) <= MAX_KL),
        "l2": ("l2", (config.l2 or 0) <= MAX_L2),
        "seed": ("seed", (config.seed or 0) <= MAX_PAGE_SEED),
    }
    found = replace(found, start=SCRATCH if config.init is None else SHIPPED, augmentation=not config.no_augmentation)
    for name, value in config.to_dict().items():
        choice, is_offered = offered.get(name, ("", False))
        if is_offered:
            found = replace(found, **{choice: value})
        elif name in _READING or (name != "no_augmentation" and _without(config, name).settings() != settings):
            left.append(name)
    return found, left


def _without(config: RunConfig, name: str) -> RunConfig:
    return RunConfig(**{key: value for key, value in config.to_dict().items() if key != name})


def _adopt(key: str, limits: Limits) -> None:
    """Set the widgets as a file says that was just chosen, before they are drawn."""
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state[_N_FILES] = st.session_state.get(_N_FILES, 0) + 1
    try:
        found, left = adopted(parse_config(file.getvalue(), clean_text(file.name)), limits)
    except UsageError as error:
        st.session_state[_SAID] = str(error)
        return
    for field in fields(found):
        if field.name != "name":
            st.session_state[KEYS[field.name]] = getattr(found, field.name)
    but = f", all but {', '.join(left)}, which this page does not offer" if left else ""
    st.session_state[_SAID] = f"The choices are those of {clean_text(file.name)}{but}."


def _upload(limits: Limits) -> None:
    # A new box for every file: the one before would keep its bytes as long as the session lives.
    key = f"training configuration {st.session_state.get(_N_FILES, 0)}"
    st.file_uploader(
        f"Choices from a {FILE_NAME}",
        "toml",
        key=key,
        max_upload_size=1,
        on_change=_adopt,
        args=(key, limits),
        help="As this page gives it, or as `rhythmvae train --config` takes it.",
    )
    if said := st.session_state.get(_SAID):
        st.caption(literal(said))


# -- widgets -------------------------------------------------------------------


def asked(limits: Limits) -> Choices:
    """What is chosen, whether the widgets for it are there or were never unfolded."""
    start, arch = _of("start", SHIPPED), _of("arch", Choices.arch)
    is_scratch = start == SCRATCH
    if start not in _starts():  # a model that is in use no more
        start = SHIPPED
    arch = arch if is_scratch and arch in ARCHITECTURES else Choices.arch
    size = _of("latent_size", Choices.latent_size)
    return Choices(
        start=start,
        steps=STEPS_USUAL if is_scratch else int(_of("steps", STEPS_USUAL)),
        epochs=_of("epochs", None),
        minutes=float(_minutes_asked(limits)) if is_scratch else limits.minutes,
        arch=arch,
        latent_size=size if is_scratch and size in _sizes(arch) else Choices.latent_size,
        kl=float(_of("kl", Choices.kl)),
        l2=float(_of("l2", Choices.l2)),
        augmentation=bool(_of("augmentation", True)),
        seed=int(_of("seed", Choices.seed)),
        name=clean_text(_of("name", NAME_USUAL), models.MAX_NAME) or NAME_USUAL,
    )


def _of(name: str, usual: Any) -> Any:
    return st.session_state.get(KEYS[name], usual)


def _minutes_asked(limits: Limits) -> float:
    usual = _minutes_usual(limits)
    found: float = _of("minutes", usual)
    return found if found in _minutes_offered(limits) else usual


def ask(limits: Limits) -> None:
    """Widgets for all that a run can be asked for; whoever touches none of them is served well."""
    start = _start()
    is_scratch = start == SCRATCH
    if is_scratch:
        _selectbox("Architecture", "arch", ARCHITECTURES, "What encoder and decoder are made of.")
        _minutes(limits)
    else:
        st.select_slider(
            "How long",
            list(STEPS),
            key=_key("steps", STEPS_USUAL),
            persist_state="session",
            format_func=lambda n: f"{STEPS[n]}: {n:,} steps",
            help="Longer comes closer to your loops and keeps less of what the model knew. The line beside the "
            "button says when you can use the model.",
        )
    fold = st.expander("More choices", icon=":material/tune:", key=FOLDS[1], on_change="rerun")
    if fold.open:
        with fold, st.grid(2, min_column_width=280):
            _more(asked(limits), limits)


def _more(now: Choices, limits: Limits) -> None:
    st.text_input("Name of the model", max_chars=models.MAX_NAME, key=_key("name", NAME_USUAL), persist_state="session")
    st.number_input(
        "Passes over the data (epochs)",
        1,
        MAX_EPOCHS,
        None,
        key=_key("epochs", None),
        persist_state="session",
        placeholder="as many as fit",
        help=f"Instead of the choice above; it ends after {now.minutes:g} minutes all the same.",
    )
    if now.start == SCRATCH:
        _selectbox(
            "Latent size",
            "latent_size",
            {n: f"{n:,} numbers for two bars" for n in _sizes(now.arch)},
            f"Fewer numbers squeeze harder: better new grooves, poorer reconstructions. "
            f"Attention needs a multiple of {N_BEATS}.",
        )
    st.number_input(
        "KL weight (beta)",
        0.0,
        MAX_KL,
        step=0.05,
        key=_key("kl", Choices.kl),
        persist_state="session",
        help="How strongly latents are pulled towards the prior. More: a smoother space. Less: closer reconstructions.",
    )
    st.number_input(
        "Weight decay (L2)",
        0.0,
        MAX_L2,
        step=0.01,
        key=_key("l2", Choices.l2),
        persist_state="session",
        help="Keeps weights small; may help a model from scratch on few files.",
    )
    st.number_input(
        "Seed",
        0,
        MAX_PAGE_SEED,
        key=_key("seed", Choices.seed),
        persist_state="session",
        help="For everything random: the same seed, data and number of steps make the same model, on the "
        "command line too.",
    )
    st.toggle(
        "Vary the loops while learning",
        key=_key("augmentation", True),
        persist_state="session",
        help="Louder, softer, thinner, a little late or early: more to learn from. Off: the loops as they are.",
    )
    _upload(limits)


def _key(name: str, usual: Any) -> str:
    """The key of a widget, which holds what is usual until somebody chooses: a file may have set it before."""
    st.session_state.setdefault(KEYS[name], usual)
    return KEYS[name]


def _starts() -> list[str]:
    return [SHIPPED, *([models.in_use().contents] if models.is_own_in_use() else []), SCRATCH]


def _start() -> str:
    names = {SHIPPED: "Fine-tune the shipped model"}
    hints = ["Best for a handful of loops: it keeps what it knows about drums, and is soonest there."]
    if models.is_own_in_use():
        names[models.in_use().contents] = f"Fine-tune the model in use: {literal(models.name_in_use())}"
        hints.append("Goes on from there, with new loops or with the same.")
    names[SCRATCH] = "Train a new one from scratch"
    hints.append("Knows nothing but your files: for hundreds of them, or out of curiosity. It takes longest.")
    key = KEYS["start"]
    if st.session_state.get(key, SHIPPED) not in names:  # a model that is in use no more
        st.session_state[key] = SHIPPED
    return st.radio(
        "Start from", list(names), key=key, persist_state="session", format_func=names.__getitem__, captions=hints
    )


def _selectbox(label: str, choice: str, names: Mapping[Any, str], help: str) -> None:
    usual = getattr(Choices, choice)
    key = _key(choice, usual)
    if st.session_state[key] not in names:
        st.session_state[key] = usual
    st.selectbox(label, list(names), key=key, persist_state="session", format_func=names.__getitem__, help=help)


def _sizes(arch: str) -> list[int]:
    return [n for n in SIZES if arch != "attention" or n % N_BEATS == 0]


def _minutes(limits: Limits) -> None:
    offered = _minutes_offered(limits)
    if len(offered) == 1:
        st.caption(f"It trains for {limits.minutes:g} minutes.")
        return
    st.select_slider(
        "Minutes",
        offered,
        key=_key("minutes", _minutes_usual(limits)),
        persist_state="session",
        format_func=lambda m: f"{m:g} min",
        help="More is better. The prior, what completes grooves, and the map come on top of it.",
    )


def _minutes_offered(limits: Limits) -> list[float]:
    return [m for m in MINUTES if m < limits.minutes] + [limits.minutes]


def _minutes_usual(limits: Limits) -> float:
    offered = _minutes_offered(limits)
    return max(m for m in offered if m <= max(MINUTES_USUAL, offered[0]))


def duration(seconds: float) -> str:
    """
    >>> duration(8.2), duration(95)
    ('10 s', '2 min')
    """
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    return f"{round(seconds / 60):,} min"
