"""The house as designed: which way imports run, and who may import what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rhythmvae"

# A room may import only rooms above it.
ORDER = [
    "errors",
    "kit",
    "groove",
    "smf",
    "midi",
    "inputs",
    "describe",
    "scales",
    "evaluate",
    "examples",
    "share",
    "kit_sounds",
    "synth",
    "likeness",
    "corpus",
    "survey",
    "baselines",
    "two_sample",
    "model",
    "losses",
    "prior",
    "steer",
    "latent",
    "atlas",
    "checkpoint",
    "generate",
    "prior_training",
    "tuning",
    "documents",
    "processes",
    "jobs",
    "train",
    "measure",
    "measure_control",
    "compare",
    "training_run",
    "cli",
    "ui",
]
WITHOUT_TORCH = ORDER[: ORDER.index("model")]
ONLY_IMPORTER = {"streamlit": {"ui"}, "pretty_midi": {"midi"}, "mido": {"midi"}}


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
    assert set(modules().values()) == set(ORDER)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    room = modules()[path]
    allowed = set(ORDER[: ORDER.index(room) + 1])
    for name in imports(path):
        head, _, rest = name.partition(".")
        if head == "rhythmvae":
            other = rest.split(".")[0]
            assert other in allowed, f"{room} imports {other}"
            assert other != "cli" or room == "cli", "cli is a leaf"
        if head in ONLY_IMPORTER:
            assert room in ONLY_IMPORTER[head], f"{room} imports {head}"


def test_package_docstring_lists_the_rooms_in_order() -> None:
    text = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))) or ""
    table = text[text.index("The rooms") : text.index("The public names")]
    assert [line.split()[0] for line in table.splitlines() if line.startswith("    ")] == ORDER


def test_light_rooms_need_no_torch_and_no_streamlit() -> None:
    code = f"import sys; {'; '.join(f'import rhythmvae.{room}' for room in WITHOUT_TORCH)}; import rhythmvae.cli; "
    code += "print([name for name in ('torch', 'streamlit', 'sklearn') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"


def test_pages_import_only_the_package_and_streamlit() -> None:
    for path in [ROOT / "app.py", *(ROOT / "pages").glob("*.py")]:
        heads = {name.partition(".")[0] for name in imports(path)} - set(sys.stdlib_module_names)
        assert heads <= {"rhythmvae", "streamlit"}, path
