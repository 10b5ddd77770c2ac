"""What the package needs is declared, and nothing in it needs one kind of system."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DISTRIBUTIONS = {"sklearn": "scikit-learn"}  # where a package is not called what is imported
BY_ADDRESS = {"psycopg", "psycopg-binary"}  # what SQLAlchemy imports by the name of a database
POSIX_ONLY = {"fcntl", "resource", "pwd", "grp", "pty", "termios", "tty", "syslog", "readline"}
OTHER_PYTHONS = ("3.12", "3.13")
STANDARD_LIBRARY_ALONE = ("errors", "text", "resources", "outputs", "kit", "midi.smf", "model.card")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(*without: str) -> list[str]:
    """What the package needs, by itself and for its extras, of which `dev` is none."""
    extras = PROJECT["optional-dependencies"]
    left_out = {"dev", *without}
    return PROJECT["dependencies"] + [line for name in sorted(extras) if name not in left_out for line in extras[name]]


def declared() -> set[str]:
    return {normal(re.split(r"[<>=!~\[; ]", line)[0]) for line in required()}


def sources() -> list[Path]:
    return [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "rhythmvae").rglob("*.py")]


def imported(nodes: list[ast.stmt] | ast.AST) -> set[str]:
    found = ast.walk(nodes) if isinstance(nodes, ast.AST) else nodes
    names: set[str] = set()
    for node in found:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_everything_that_is_imported_is_declared() -> None:
    used = set().union(*(imported(ast.parse(path.read_text("utf-8"))) for path in sources()))
    foreign = used - set(sys.stdlib_module_names) - {"rhythmvae"}
    assert foreign
    assert {normal(DISTRIBUTIONS.get(name, name)) for name in foreign} | BY_ADDRESS == declared()


def test_every_requirement_is_pinned_within_its_range() -> None:
    from packaging.requirements import Requirement

    # The app has no engine: what `make test` needs of it is pinned among the tools.
    ranges = {normal(r.name): r.specifier for r in map(Requirement, required("engine"))}
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert {normal(name) for name in pins} == set(ranges)
    for name, version in pins.items():
        assert ranges[normal(name)].contains(version), name


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_one_kind_of_system_is_imported_at_start(path: Path) -> None:
    assert not imported(ast.parse(path.read_text("utf-8")).body) & POSIX_ONLY


@pytest.mark.network
@pytest.mark.parametrize("version", OTHER_PYTHONS)
def test_the_ranges_can_be_met_on_other_pythons(version: str) -> None:
    """There is a wheel of each for that Python; torch is left out, for a registry may have to send all of it to ask."""
    plan = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--dry-run", "--quiet", "--no-deps"]
    plan += ["--ignore-installed", "--only-binary=:all:", "--python-version", version, "--target", "unused"]
    done = subprocess.run(
        [*plan, *(line for line in required() if not line.startswith("torch"))],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"pip found no wheels for Python {version}, or no registry:\n{done.stderr[-1000:]}"


def other_interpreters() -> list[str]:
    """Those of OTHER_PYTHONS that are here and start."""
    names = [name for version in OTHER_PYTHONS if (name := shutil.which(f"python{version}"))]
    return [name for name in names if subprocess.run([name, "-V"], capture_output=True).returncode == 0]


def test_other_pythons_run_what_needs_no_packages() -> None:
    """Everything compiles without a warning, and the modules of the standard library alone are imported."""
    code = "import pathlib, sys; [compile(pathlib.Path(p).read_bytes(), p, 'exec') for p in sys.argv[1:]]; "
    code += f"import rhythmvae, {', '.join(f'rhythmvae.{name}' for name in STANDARD_LIBRARY_ALONE)}"
    for name in [sys.executable, *other_interpreters()]:
        command = [name, "-W", "error", "-c", code, *map(str, sources())]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr[-1000:]}"
