"""What saves memory: that it is saved, and that nothing else changes."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from rhythmvae.model import checkpoint, lean

MAPS = """
import sys
import numpy as np
from rhythmvae.model import latent_map
drawn = latent_map.draw(np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32), 0, 5.0)
assert np.isfinite(drawn.tsne).all() and "openTSNE" in sys.modules
print("pandas" in sys.modules)
import pandas
"""


def test_a_map_is_drawn_without_pandas_which_can_be_imported_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", MAPS], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "False\n"


def test_other_threads_and_who_has_pandas_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[object] = []

    def look() -> None:
        with lean.without_pandas():
            found.append(sys.modules.get("pandas", "not there"))

    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    other = threading.Thread(target=look)
    other.start()
    other.join()
    look()
    assert found == ["not there", None]
    assert "pandas" not in sys.modules
    monkeypatch.setitem(sys.modules, "pandas", sys)
    look()
    assert found[-1] is sys.modules["pandas"] is sys


def test_memory_is_given_back_and_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    lean.give_back()
    monkeypatch.setattr(lean.ctypes, "CDLL", lambda name: object())
    lean.give_back()


def test_the_shipped_model_is_read_once_and_never_written_to() -> None:
    one = checkpoint.shipped()
    assert one is checkpoint.shipped()
    assert one.contents == checkpoint.load().contents
    assert not any(parameter.requires_grad for parameter in one.model.parameters())
