"""What the server gives back, in a process of its own: how memory is taken cannot be changed back."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from rhythmvae.ui.server import memory

HOLDS = """
import re, sys, threading
from pathlib import Path
from rhythmvae.ui.server import memory

if "given back" in sys.argv:
    assert memory.set_up()

def pools():
    return len(re.findall(r"(?m)^[0-9a-f]+000000-[0-9a-f]+ rw-p", Path("/proc/self/maps").read_text()))

def megabytes():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10

large, started, done = [], threading.Barrier(9), threading.Barrier(9)
def page():
    large.append(bytearray(b"x") * (1 << 20))
    started.wait()
    done.wait()
before = megabytes()
threads = [threading.Thread(target=page) for _ in range(8)]
for thread in threads:
    thread.start()
started.wait()
held = megabytes() - before
n_pools = pools()
del large[:]
left = megabytes() - before
done.wait()
print(n_pools, held, left)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library, which does as it likes")
def test_threads_share_what_they_take_from_and_large_things_leave_at_once() -> None:
    n_pools, held, left = (int(word) for word in _told("given back"))
    assert held >= 8
    assert left <= 2
    assert n_pools < int(_told()[0])


def _told(*arguments: str) -> list[str]:
    code = [sys.executable, "-c", HOLDS, *arguments]
    return subprocess.run(code, capture_output=True, text=True, check=True, timeout=60).stdout.split()


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not memory.set_up()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not memory.set_up()
