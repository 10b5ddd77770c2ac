"""The model in use: the shipped one, or one that the visitor trained here or loaded from a file.

Every page asks `in_use`, and `caches` keys what it keeps by that model's contents, as is all that is kept here. A
visitor's own models live in the session and nowhere else, the first edition among them once a link names it. The one
in use is ready; the others are kept as the bytes of their files, half as large, and opened when they are chosen.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rhythmvae.errors import CheckpointError, RhythmVAEError
from rhythmvae.kit import KitMap
from rhythmvae.model.card import FIRST_EDITION, FIRST_EDITION_DIGEST, SHIPPED
from rhythmvae.outputs import UniqueNames, file_stem
from rhythmvae.text import clean_text
from rhythmvae.ui.parts.sentences import literal, upload_refused
from rhythmvae.ui.shared import kept

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint

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
    """A visitor's own model: ready, or the bytes of its file, or both where `checkpoint.save` would give others.

    digest: what links name it by.
    """

    name: str
    digest: str
    checkpoint: Checkpoint | None = None
    data: bytes | None = None

    def ready(self) -> Named:
        if self.checkpoint is None:
            assert self.data is not None
            loaded = _loads(self.data, self.name)
            return replace(self, checkpoint=loaded, data=_kept_data(loaded, self.data))
        return self

    def packed(self) -> Named:
        return self if self.checkpoint is None else Named(self.name, self.digest, data=self.file())

    def file(self) -> bytes:
        """What the visitor takes home. The same bytes that it was loaded from, if it was."""
        if self.data is not None:
            return self.data
        assert self.checkpoint is not None
        return _written(self.checkpoint)


@kept()
def shipped() -> Checkpoint:
    """The checkpoint that comes with the app.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    from rhythmvae.model import checkpoint

    _one_thread()
    loaded = checkpoint.load()
    # What torch brings stays. Passed over, it costs the garbage collector nothing; else a third of a second each time.
    gc.collect()
    gc.freeze()
    return loaded


def in_use() -> Checkpoint:
    """The session's choice. The first call of a server takes seconds, for torch.

    Raises:
        CheckpointError: it is the shipped one, and that is missing or damaged.
    """
    if (named := _own_in_use()) is not None:
        assert named.checkpoint is not None
        return named.checkpoint
    return shipped()


def name_in_use() -> str:
    """What the visitor calls it: user text."""
    named = _own_in_use()
    return SHIPPED_NAME if named is None else named.name


def is_own_in_use() -> bool:
    """Whether the session uses another model than the shipped one. Loads nothing."""
    return _own_in_use() is not None


def kit_map() -> KitMap:
    """Which drum each note plays where the visitor says nothing: as the training files of an own model were read."""
    # The shipped model's were read by the kit itself, and reading a file need not wait for torch.
    return in_use().kit_map if is_own_in_use() else KitMap()


def own() -> Mapping[str, Named]:
    """The session's models by contents, the oldest first."""
    return MappingProxyType(_own())


def use(checkpoint: Checkpoint, name: str) -> None:
    """Add a model to the session's, and use it on every page.

    Args:
        checkpoint: as it was loaded from a file: what is computed with it is kept by its contents.
        name: what the visitor calls it; another's name gets a number.
    """
    _use(Named(name, checkpoint.digest, checkpoint))


def load_upload(data: bytes, name: str) -> None:
    """Add a model from a file to the session's, and use it.

    Raises:
        CheckpointError: a file that is foreign, damaged, too large or of another version.
    """
    if len(data) > MAX_UPLOAD_MB << 20:
        size = f"{len(data) / (1 << 20):.1f} MB"
        raise CheckpointError(f"Expected a model file of at most {MAX_UPLOAD_MB} MB, {clean_text(name)} has {size}.")
    loaded = _loads(data, clean_text(name))
    _use(Named(name.removesuffix(SUFFIX), loaded.digest, loaded, _kept_data(loaded, data)))


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


def file_of(checkpoint: Checkpoint) -> bytes:
    """The file of a model that the session has at hand."""
    if checkpoint.contents in _own():
        return _own()[checkpoint.contents].file()
    return _written(checkpoint)


# -- widgets -------------------------------------------------------------------


def picker() -> None:
    """Choose the model in use, take it home, load one from a file."""
    names = {_SHIPPED: SHIPPED_NAME} | {contents: named.name for contents, named in _own().items()}
    named = _own_in_use()
    left, right = st.columns(2, gap="medium")
    with left:
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
    with right:
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


def banner() -> None:
    """One line, where the model in use is the visitor's own."""
    with st.container(horizontal=True, vertical_alignment="center"):  # always there: nothing below moves house
        if (named := _own_in_use()) is not None:
            st.caption(f"Model: {literal(named.name)}", width="content")
            st.button(
                "Back to the shipped model",
                on_click=use_shipped,
                type="tertiary",
                icon=":material/undo:",
                key="back to the shipped model",
            )


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
    named = (contents for contents, named in _own().items() if digest in (contents, named.digest))
    return next(named, None)


def _own_in_use() -> Named | None:
    contents = _contents_in_use()
    return None if contents == _SHIPPED else _own()[contents]


def _use(named: Named) -> None:
    assert named.checkpoint is not None
    contents, kept = named.checkpoint.contents, _own()
    if not contents:
        raise ValueError("a model in use comes from a file, which gives it its digests")
    kept.pop(contents, None)
    names = UniqueNames([SHIPPED_NAME, *(other.name for other in kept.values())])  # all that tells models apart
    kept[contents] = replace(named, name=names.add(clean_text(named.name, MAX_NAME) or "Model"))
    _switch(contents)
    while len(kept) > MAX_OWN:
        kept.pop(next(iter(kept)))  # never the one in use, which is the youngest


def _switch(contents: str) -> None:
    """The model in use is ready before it is in use; the one before is packed."""
    before, kept = _contents_in_use(), _own()
    if contents != _SHIPPED:
        kept[contents] = kept[contents].ready()
    st.session_state[_IN_USE] = contents
    if before not in (contents, _SHIPPED) and before in kept:
        kept[before] = kept[before].packed()
    _give_back()


# -- files ---------------------------------------------------------------------


def _one_thread() -> None:
    # A groove is little work, and the threads of a busy machine mostly wait for each
    # other: a pattern takes 5 ms on one thread, up to 500 ms on two.
    import torch

    torch.set_num_threads(1)


def _loads(data: bytes, name: str) -> Checkpoint:
    from rhythmvae.model import checkpoint

    _one_thread()
    return checkpoint.loads(data, name)


def _kept_data(loaded: Checkpoint, data: bytes) -> bytes | None:
    """The bytes of a file, where they cannot be had again from what was loaded: one of an older version, say."""
    return None if _written(loaded) == data else data


def _written(model: Checkpoint) -> bytes:
    from rhythmvae.model import checkpoint

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        checkpoint.save(path, model.model, model.own_prior, model.quantiles, model.card, model.latent_map)
        return path.read_bytes()


def _shipped_file() -> bytes:
    return SHIPPED.read_bytes()


def _own_file(kept: Mapping[str, Named], contents: str) -> bytes:
    return kept[contents].file()


def _give_back() -> None:
    """Give memory that is free back to the machine: else every change of models leaves the server 40 MB larger."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):  # of glibc alone
        trim(0)
