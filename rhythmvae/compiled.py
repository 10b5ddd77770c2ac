"""One compiled function of scipy's, without the package that it is in.

`scipy.optimize` takes half a second of a core and `scipy.signal` 57 MB, each for one function that pages need.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, cast


@cache
def of_scipy(package: str, file: str, name: str) -> Callable[..., Any] | None:
    """A function from its own compiled file; None where that is not found.

    >>> of_scipy("optimize", "_lsap", "linear_sum_assignment")([[1.0, 0.0], [0.0, 1.0]])[1].tolist()
    [1, 0]
    """
    folder = Path(str(import_module("scipy").__file__)).parent / package
    for path in sorted(folder.glob(f"{file}.*")):
        spec = spec_from_file_location(f"scipy.{package}.{file}", path)
        if spec is not None and spec.loader is not None:
            with suppress(ImportError, AttributeError):
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                return cast("Callable[..., Any]", getattr(module, name))
    return None
