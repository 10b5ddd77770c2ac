"""What somebody has who installs the wheel: every command and page, away from the tree."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from serving import ROOT, running_app
from visiting import PLACES, WAIT_MS, go_to, open_page

from rhythmvae.data.examples import example
from rhythmvae.midi.write import write_midi
from rhythmvae.resources import PAGES
from rhythmvae.sound.synth import wav_bytes

pytestmark = pytest.mark.wheel

INSTALL_SECONDS = 900  # torch and the rest, from a slow registry
COMMAND_SECONDS = 300
README = (ROOT / "README.md").read_text("utf-8")
# These learn for minutes by default: a README command is run with limits that end it at once.
BRIEF = {
    "train": ["--max-minutes", "0.02", "--no-judging"],
    "compare": ["--only", "per-step-mean"],
    "refit": ["--prior-steps", "5"],
}
# Without one they read what visitors of an app on this computer left.
DATABASE = ["--database", "sqlite:///rhythmvae.db"]
MORE = BRIEF | {"feedback": DATABASE, "reviews": DATABASE}
# The app is below, in a browser; labels need takes that say their style; a worker needs a database and never ends.
NOT_HERE = ("app", "labels", "worker")
# Runs a list of commands as the program `rhythmvae` does each.
ONE_AFTER_ANOTHER = """
import contextlib, json, sys
from rhythmvae import cli
for call, target in json.load(sys.stdin):
    with open(target, "w", encoding="utf-8") if target else contextlib.nullcontext(sys.stdout) as out:
        with contextlib.redirect_stdout(out):
            status = cli.main(call)
    if status:
        sys.exit(f"rhythmvae {' '.join(call)}: exit status {status}")
    print("ran", call[0], file=sys.stderr)
"""


@dataclass(frozen=True)
class Installed:
    """The program of an environment that has the wheel and what it asks for, and a folder to work in."""

    program: Path
    folder: Path

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.program), *arguments],
            cwd=self.folder,
            env=_outside(),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"rhythmvae {shlex.join(arguments)}\n{done.stderr[-2000:]}"
        return done.stdout


def _outside() -> dict[str, str]:
    """This environment without what leads back to the tree."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
        timeout=COMMAND_SECONDS,
    )
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(scripts / "python"), "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "--no-compile", f"{wheel}[audio]"]
    install += ["-c", str(ROOT / "requirements.txt")]  # so that the pinned torch serves
    subprocess.run(install, env=_outside(), check=True, timeout=INSTALL_SECONDS)
    work = folder / "somewhere else"
    (work / "loops").mkdir(parents=True)
    for place, key in (
        ("loop.mid", "funk"),
        ("a.mid", "rock"),
        ("b.mid", "disco"),
        ("loops/c.mid", "disco"),
        ("loops/d.mid", "funk"),
    ):
        (work / place).write_bytes(write_midi(example(key)))
    (work / "loop.wav").write_bytes(wav_bytes(example("funk")))
    return Installed(scripts / "rhythmvae", work)


def test_it_knows_its_model_and_rebuilds_a_file(installed: Installed) -> None:
    assert installed.run("info").strip()
    installed.run("reconstruct", "loop.mid", "--out", "d")
    assert (installed.folder / "d" / "loop.mid").read_bytes()[:4] == b"MThd"


def test_nothing_comes_from_the_tree(installed: Installed) -> None:
    code = "import rhythmvae.resources as r, json; print(json.dumps([r.__file__, str(r.ROOT), rhythmvae.__version__]))"
    python = installed.program.with_name("python")
    command = [str(python), "-c", f"import rhythmvae; {code}"]
    said = subprocess.run(command, cwd=installed.folder, env=_outside(), capture_output=True, text=True, check=True)
    module, root, version = json.loads(said.stdout)
    assert str(ROOT) not in module
    assert Path(root).is_relative_to(installed.program.parents[1].resolve())
    assert version in installed.run("--version")


def readme_commands() -> list[tuple[list[str], str]]:
    """The arguments of each command and the file that its output goes to, or ""."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) for line in block.splitlines()]
    calls = [line.split("#")[0].partition(" > ") for line in lines if line.startswith("rhythmvae ")]
    return [(shlex.split(call)[1:], target.strip()) for call, _, target in calls]


def test_every_command_of_the_readme_runs_anywhere(installed: Installed) -> None:
    """In their order there, for one may need what another made; in one process, for torch loads once."""
    commands = [(call, target) for call, target in readme_commands() if call[0] not in NOT_HERE]
    assert len(commands) > 8
    given = json.dumps([([*call, *MORE.get(call[0], [])], target) for call, target in commands])
    done = subprocess.run(
        [str(installed.program.with_name("python")), "-c", ONE_AFTER_ANOTHER],
        input=given,
        cwd=installed.folder,
        env=_outside(),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert [line for line in done.stderr.splitlines() if line.startswith("ran ")] == [
        f"ran {c[0]}" for c, _ in commands
    ]


def test_every_page_opens_the_first_of_them_cold(installed: Installed, page: Page, tmp_path: Path) -> None:
    def command(port: int) -> list[str]:
        return [str(installed.program), "app", "--headless", "--port", str(port)]

    log = tmp_path / "log.txt"
    first = max(path.stem for path in PAGES.glob("*.py"))
    with running_app(log, command, installed.folder) as address:
        open_page(page, f"{address}/{first}")
        more = page.locator(".st-key-places").get_by_role("button", name="More")
        more.click()
        names = page.get_by_test_id("stPopoverBody").get_by_role("link").all_inner_texts()
        assert set(PLACES) < {name.strip() for name in names}
        page.keyboard.press("Escape")
        for name in names:
            go_to(page, name.strip())
            expect(page.get_by_test_id("stException")).to_have_count(0, timeout=WAIT_MS)
        open_page(page, address)
        expect(page.locator(".deck").get_by_role("radio")).to_have_count(2, timeout=WAIT_MS)
    said = log.read_text("utf-8")
    assert "External URL" not in said
    assert "Network URL" not in said
