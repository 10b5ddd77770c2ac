"""The house as designed: which way imports run, and who may import what."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rhythmvae"

# A room may import itself and the rooms above it; those that share a line do not know each other.
ORDER = [
    ["errors"],
    ["text", "resources", "compiled", "outputs"],
    ["kit"],
    ["svg"],
    ["groove"],
    ["midi", "analysis", "sound"],
    ["audio"],
    ["share"],
    ["data"],
    ["model"],
    ["evaluation"],
    ["plots"],
    ["training"],
    ["store"],
    ["library", "review", "jobs"],
    ["cli", "ui"],
]
ROOMS = [room for line in ORDER for room in line]
WITHOUT_TORCH = [room for room in ROOMS[: ROOMS.index("model")] if room != "audio"]
ONLY_IMPORTER = {
    "streamlit": {"ui"},
    "pretty_midi": {"midi"},
    "mido": {"midi"},
    "soundfile": {"audio", "sound", "training"},  # strangers' files in a process of their own; kits as they are
    "plotly": {"plots"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "distributed": {"library"},
    "procrastinate": {"store", "jobs"},
}
MOST_FOLDERS, MOST_MODULES = 14, 12  # that a newcomer has to look through; the folders are those of the plan


def modules() -> dict[Path, str]:
    """Every module of the package and the room it belongs to."""
    found = {path: path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    return {path: room for path, room in found.items() if room not in ("__init__", "__main__")}


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere in it, `from a import b` as a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_module_has_its_room() -> None:
    assert set(modules().values()) == set(ROOMS)


def test_the_first_floor_can_be_taken_in_at_a_glance() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py") if path.parent.parent == PACKAGE}
    assert len(folders) <= MOST_FOLDERS
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_MODULES
    for folder in folders:
        text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
        assert "ay import" in text, f"{folder.name}/__init__.py does not say what it may import"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    room = modules()[path]
    floor = next(number for number, line in enumerate(ORDER) if room in line)
    allowed = {room, *(above for line in ORDER[:floor] for above in line)}
    for name in imports(path):
        head, _, rest = name.partition(".")
        if head == "rhythmvae" and rest != "__version__":
            other = rest.split(".")[0]
            assert other in allowed, f"{room} imports {other}"
        if head in ONLY_IMPORTER:
            assert room in ONLY_IMPORTER[head], f"{room} imports {head}"


def test_no_modules_import_each_other() -> None:
    """Within a room imports run one way too: take away what imports nothing that is left, and nothing is left."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): imports(path) for path in modules()}
    arrows = {
        name: {other for other in names if other != name and any(f"{i}.".startswith(f"{other}.") for i in found)}
        for name, found in names.items()
    }
    while leaves := [name for name, others in arrows.items() if not others & arrows.keys()]:
        for name in leaves:
            del arrows[name]
    assert not arrows, f"a circle among {sorted(arrows)}"


def test_package_docstring_lists_the_rooms_in_order() -> None:
    text = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))) or ""
    table = text[text.index("The rooms") : text.index("The public names")]
    assert [line.split()[0] for line in table.splitlines() if line.startswith("    ")] == ROOMS


def test_light_rooms_need_no_torch_and_no_streamlit() -> None:
    light = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path, room in modules().items()
        if room in WITHOUT_TORCH
    ]
    code = f"import importlib, sys; [importlib.import_module(m) for m in {[*light, 'rhythmvae.cli']}]; "
    code += "print([name for name in ('torch', 'streamlit', 'sklearn') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"


def test_pages_need_no_torch() -> None:
    """A third of what a server may hold: workers have it."""
    own = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((PACKAGE / "ui").rglob("*.py"))
        if "workers" not in path.parts
    ]
    code = f"import importlib, sys; [importlib.import_module(m) for m in {own}]; "
    code += "print([name for name in ('torch', 'sklearn', 'scipy') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"


def test_fast_tests_need_no_torch() -> None:
    [listed] = re.findall(
        r"^FAST := \$\(addprefix tests/,(.*?)\)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    places = [ROOT / "tests" / word for word in listed.split()]
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.glob("test_*.py")))]
    assert len(files) > 20
    heavy = ("torch", "toys", *(f"rhythmvae.{room}." for room in ROOMS if room not in WITHOUT_TORCH))
    assert not [(file.name, name) for file in files for name in imports(file) if name.startswith(heavy)]


def test_the_training_queue_needs_little() -> None:
    found = set().union(*(imports(path) for path in (PACKAGE / "jobs").glob("*.py")))
    allowed = (
        "rhythmvae.errors.",
        "rhythmvae.resources.",
        "rhythmvae.store.",
        "rhythmvae.training.journal",
        "rhythmvae.jobs",
    )
    others = {name for name in found if not name.startswith(allowed)}
    needed = {name.partition(".")[0] for name in others} - set(sys.stdlib_module_names)
    assert needed == {"filelock", "procrastinate", "psutil"}


def test_pages_import_only_the_package_and_streamlit() -> None:
    for path in [ROOT / "app.py", *(ROOT / "pages").glob("*.py")]:
        heads = {name.partition(".")[0] for name in imports(path)} - set(sys.stdlib_module_names)
        assert heads <= {"rhythmvae", "streamlit"}, path
