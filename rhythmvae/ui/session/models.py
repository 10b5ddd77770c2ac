"""The model in use: the shipped one, or one that the visitor trained here or loaded from a file.

Every page asks `in_use`, and `caches` keys what it keeps by that model's contents, as is all that is kept here. A
visitor's own models live in the session and on the disk under no name, and nowhere else, the first edition among them
once a link names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rhythmvae.errors import CheckpointError, RhythmVAEError
from rhythmvae.kit import KitMap
from rhythmvae.model.card import FIRST_EDITION, FIRST_EDITION_DIGEST, SHIPPED
from rhythmvae.model.lent import ModelFile
from rhythmvae.outputs import UniqueNames, file_stem
from rhythmvae.text import clean_text
from rhythmvae.ui.parts.sentences import literal, upload_refused
from rhythmvae.ui.session.computing import computed_at_any_rate
from rhythmvae.ui.session.opened import Opened, shipped
from rhythmvae.ui.workers import tasks

MAX_OWN = 4
MAX_UPLOAD_MB = 24  # ours have nine, fine-tuned ones up to twelve
MAX_NAME = 60  # characters
SHIPPED_NAME = "The shipped model"
FIRST_EDITION_NAME = "The first edition"
SUFFIX = ".safetensors"
_SHIPPED = ""  # where a digest stands for a choice
_OWN, _IN_USE = "own models", "model in use"
_PICK, _PROBLEM, _N_TAKEN = "model", "model file problem", "model files taken"


@dataclass(frozen=True, eq=False)
class Named:
    """A visitor's own model."""

    name: str
    model: Opened


def in_use() -> Opened:
    """The session's choice.

    Raises:
        CheckpointError: it is the shipped one, and that is missing or damaged.
    """
    return shipped() if (named := _own_in_use()) is None else named.model


def name_in_use() -> str:
    """What the visitor calls it: user text."""
    named = _own_in_use()
    return SHIPPED_NAME if named is None else named.name


def is_own_in_use() -> bool:
    """Whether the session uses another model than the shipped one. Loads nothing."""
    return _own_in_use() is not None


def kit_map() -> KitMap:
    """Which drum each note plays where the visitor says nothing: as the training files of an own model were read."""
    return in_use().kit_map if is_own_in_use() else KitMap()  # the shipped model's were read by the kit itself


def own() -> Mapping[str, Named]:
    """The session's models by contents, the oldest first."""
    return MappingProxyType(_own())


def opened(data: bytes, name: str) -> Opened:
    """The model in the bytes of a file, once all of it has been looked at; `name` is for messages.

    Raises:
        CheckpointError: a file that is foreign, damaged or of another version, or for which the disk has no room.
    """
    file = ModelFile.of(data)
    said, file.has_weights = computed_at_any_rate(tasks.outline, None, file, clean_text(name))
    return Opened.of(said, file)


def use(model: Opened, name: str) -> None:
    """Add a model to the session's, and use it on every page.

    Args:
        name: what the visitor calls it; another's name gets a number.
    """
    kept = _own()
    kept.pop(model.contents, None)
    names = UniqueNames([SHIPPED_NAME, *(other.name for other in kept.values())])  # all that tells models apart
    kept[model.contents] = Named(names.add(clean_text(name, MAX_NAME) or "Model"), model)
    _switch(model.contents)
    while len(kept) > MAX_OWN:
        kept.pop(next(iter(kept)))  # never the one in use, which is the youngest


def load_upload(data: bytes, name: str) -> None:
    """Add a model from a file to the session's, and use it. Raises as `opened` does."""
    if len(data) > MAX_UPLOAD_MB << 20:
        size = f"{len(data) / (1 << 20):.1f} MB"
        raise CheckpointError(f"Expected a model file of at most {MAX_UPLOAD_MB} MB, {clean_text(name)} has {size}.")
    use(opened(data, name), name.removesuffix(SUFFIX))


def choose(digest: str) -> bool:
    """Use the shipped model, one of the session's or the first edition, by what a link names it by.

    False where there is no such model.
    """
    if found := _contents_of(digest):
        _switch(found)
        return True
    with suppress(CheckpointError):
        if shipped().is_named(digest):
            use_shipped()
            return True
        if digest == FIRST_EDITION_DIGEST:
            load_upload(FIRST_EDITION.read_bytes(), FIRST_EDITION_NAME)
            return True
    return False


def is_to_choose(digest: str) -> bool:
    """Whether a link that names this model may need another than the one in use. Loads nothing."""
    return is_own_in_use() or digest == FIRST_EDITION_DIGEST or _contents_of(digest) is not None


def use_shipped() -> None:
    """Back to the model that comes with the app; the session's own stay to be chosen."""
    _switch(_SHIPPED)


# -- widgets -------------------------------------------------------------------


def picker() -> None:
    """Choose the model in use, take it home, load one from a file."""
    names = {_SHIPPED: SHIPPED_NAME} | {contents: named.name for contents, named in _own().items()}
    # A box of its own for each: a browser that has not seen the model in use change, by a button or a training
    # run, sends the choice that it shows with its next click, and would change it back.
    key = f"{_PICK} {_contents_in_use()}"
    st.session_state[key] = _contents_in_use()
    st.selectbox(
        "Model",
        list(names),
        key=key,
        format_func=names.__getitem__,
        on_change=_picked,
        args=(key,),
        help="Every page uses it, until you choose another or close the page.",
    )
    if is_own_in_use():
        st.button(
            "Back to the shipped model", on_click=use_shipped, icon=":material/undo:", key="back to the shipped model"
        )
    _take_home()
    _loader()


def _take_home() -> None:
    named = _own_in_use()
    st.download_button(
        "Download this model",
        # By its contents: what is waiting to be clicked must not keep a model that is in use no more.
        _shipped_file if named is None else partial(_own_file, _own(), _contents_in_use()),
        f"{'rhythmvae' if named is None else file_stem(named.name, 'model')}{SUFFIX}",
        "application/octet-stream",
        on_click="ignore",
        icon=":material/download:",
        key="download model",
    )
    if named is not None:
        st.caption("It stays in your session while the page is open. Download it to load it here again.")


def _loader() -> None:
    # A new box for every file: the one before would keep its bytes as long as the session lives.
    key = f"model file {st.session_state.get(_N_TAKEN, 0)}"
    file = st.file_uploader(
        "Load a model",
        key=key,
        max_upload_size=MAX_UPLOAD_MB,
        help=f"A {SUFFIX} file that was trained here or on the command line. It stays in your session.",
    )
    upload_refused()
    if file is not None:
        with st.spinner("Opening the model"):
            _take(file)
        st.rerun()
    if problem := st.session_state.get(_PROBLEM):
        st.error(literal(problem), icon=":material/error:")


def _picked(key: str) -> None:
    st.session_state.pop(_PROBLEM, None)
    _switch(st.session_state[key])


def _take(file: UploadedFile) -> None:
    """A file that was dropped becomes the model in use, or a sentence that stands until the next."""
    st.session_state.pop(_PROBLEM, None)
    try:
        load_upload(file.getvalue(), file.name)
    except RhythmVAEError as error:
        st.session_state[_PROBLEM] = str(error)
    st.session_state[_N_TAKEN] = st.session_state.get(_N_TAKEN, 0) + 1
    context = get_script_run_ctx()
    remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context else None
    if context and remove:
        remove(session_id=context.session_id, file_id=file.file_id)


# -- the session's models ------------------------------------------------------


def _own() -> dict[str, Named]:
    kept: dict[str, Named] = st.session_state.setdefault(_OWN, {})
    return kept


def _contents_in_use() -> str:
    contents: str = st.session_state.get(_IN_USE, _SHIPPED)
    return contents


def _contents_of(digest: str) -> str | None:
    """Of the session's own model that a link names by `digest`."""
    return next((contents for contents, named in _own().items() if named.model.is_named(digest)), None)


def _own_in_use() -> Named | None:
    contents = _contents_in_use()
    return None if contents == _SHIPPED else _own()[contents]


def _switch(contents: str) -> None:
    st.session_state[_IN_USE] = contents


def _shipped_file() -> bytes:
    return SHIPPED.read_bytes()


def _own_file(kept: Mapping[str, Named], contents: str) -> bytes:
    return kept[contents].model.file()
