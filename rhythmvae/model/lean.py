"""Parts of torch without torch's compiler, which they would import: 820 modules that take 95 MB of each process."""

from __future__ import annotations

import ctypes
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def give_back() -> None:
    """Hand memory that nothing uses any more back to the system; the C library of most Linux systems keeps it."""
    with suppress(AttributeError, OSError):  # another library, or none by that name
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def without_pandas() -> Iterator[None]:
    """Within it scikit-learn is imported as where there is no pandas, which takes 40 MB and serves it tables alone.

    Not in a process with pages, whose other threads may want pandas meanwhile.
    """
    is_alone = "pandas" not in sys.modules and threading.current_thread() is threading.main_thread()
    if is_alone:
        sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if is_alone:
            del sys.modules["pandas"]


class Weightless(TorchFunctionMode):
    """Within it modules are built with the shapes of their weights, but without memory for them (torch's meta device).

    That device computes some shapes in Python and imports torch's compiler for it. What our networks compute while they
    are built needs none of it: values drawn or counted are as many as they are, and arithmetic has the shape of its
    operands together. All else is torch's own.
    """

    _SIZED: Mapping[Callable[..., Any], Callable[..., Any]] = {
        torch.randn: lambda *shape: shape,
        torch.arange: lambda n: n,
        torch.linspace: lambda first, last, n: n,
    }
    _ARITHMETIC = (Tensor.mul, Tensor.remainder, Tensor.lt, Tensor.le)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in self._SIZED:
            return torch.empty(self._SIZED[func](*args), device="meta")
        if func in self._ARITHMETIC:
            operands = [value for value in args if isinstance(value, Tensor)]
            return torch.broadcast_tensors(*operands)[0]  # type: ignore[no-untyped-call]
        if getattr(func, "__module__", None) == nn.init.__name__:  # first values, which nobody will see
            return kwargs.get("tensor", args[0] if args else None)
        if func in (torch.empty, torch.zeros, torch.ones, torch.tensor):
            return func(*args, **{**kwargs, "device": "meta"})
        return func(*args, **kwargs)


def _plain(name: str) -> Any:
    return inspect.unwrap(getattr(torch.optim.AdamW, name))


class AdamW(torch.optim.AdamW):
    """torch's own, to the bit, without what keeps torch's compiler away from it.

    For that torch imports the compiler, pandas and scikit-learn with it, in every training run.
    """

    add_param_group, zero_grad = _plain("add_param_group"), _plain("zero_grad")
    state_dict, load_state_dict = _plain("state_dict"), _plain("load_state_dict")
    step = torch.no_grad()(_plain("step"))
