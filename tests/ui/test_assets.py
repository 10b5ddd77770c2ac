"""The files that components give to a browser: plain modules, joined without a build step."""

import re
from pathlib import Path

import pytest

from rhythmvae.ui.components import (
    assets,
    curves,
    deck,
    hints,
    latent_map,
    library_map,
    live,
    memory,
    onefile,
    pad,
    sliders,
    sounds,
    trial,
    waveform,
)

UI = assets.FOLDER.parent
COMPONENTS = {
    each.COMPONENT.name: each.COMPONENT
    for each in (curves, deck, hints, latent_map, library_map, memory, pad, sliders, sounds, trial, waveform)
}
MODULES = {name: component.paths for name, component in COMPONENTS.items()} | {"live": live.MODULES}
FILES = sorted(path for path in UI.rglob("*") if path.suffix in (".js", ".css"))
IMPORT = re.compile(r'import \{ ([\w, ]+?),? \} from "([./\w]+\.js)";')


def lines(path: Path, start: str) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if line.startswith(start)]


def imports(path: Path) -> list[str]:
    """Each on one line, however it is wrapped."""
    found = re.findall(r"^import\b[^;]*;", path.read_text("utf-8"), re.MULTILINE)
    return [" ".join(statement.split()) for statement in found]


def test_every_file_is_used() -> None:
    used = {path for modules in MODULES.values() for path in modules}
    used |= {onefile.FOLDER / "onefile.js", onefile.FOLDER / "onefile.css"}
    assert set(FILES) == used | {assets.FOLDER / "loader.js"} | {component.css for component in COMPONENTS.values()}


@pytest.mark.parametrize("component", MODULES)
def test_a_module_imports_what_comes_before_it_by_its_own_name(component: str) -> None:
    modules = MODULES[component]
    for n, path in enumerate(modules):
        assert len(imports(path)) == len(lines(path, "import"))
        for statement in imports(path):
            found = IMPORT.fullmatch(statement)
            assert found, statement
            other = (path.parent / found[2]).resolve()
            assert other in modules[:n]
            exported = {word for line in lines(other, "export ") for word in re.findall(r"\w+", line)[1:4]}
            assert set(found[1].split(", ")) <= exported


@pytest.mark.parametrize("component", MODULES)
def test_the_modules_are_joined_into_one_with_one_export(component: str) -> None:
    joined = assets.joined(MODULES[component]).decode()
    assert not re.search(r"^\s*import\b|\} from \"", joined, re.MULTILINE)
    (exported,) = re.findall(r"^export.*?\(", joined, re.MULTILINE)
    assert exported in ("export function mount(", "export async function mount(")
    for path in MODULES[component]:
        assert path.read_text("utf-8").splitlines()[-1] in joined


@pytest.mark.parametrize("component", MODULES)
def test_the_modules_share_one_scope_without_a_quarrel(component: str) -> None:
    joined = assets.joined(MODULES[component]).decode()
    names = re.findall(
        r"^(?:export )?(?:async )?(?:const|let|var|class|function\*?) (\w+|[{[].*)", joined, re.MULTILINE
    )
    assert len(names) > 3
    assert all(name.isidentifier() for name in names), "this test reads plain names only"
    assert sorted(names) == sorted(set(names))


def test_the_loader_stands_alone() -> None:
    assert lines(assets.FOLDER / "loader.js", "import") == []
    assert len(lines(assets.FOLDER / "loader.js", "export default ")) == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_line_is_no_longer_than_pythons(path: Path) -> None:
    """The formatter leaves comments and text alone, and does not see CSS."""
    assert [line for line in path.read_text("utf-8").splitlines() if len(line) > 120] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_another_host(path: Path) -> None:
    text = path.read_text("utf-8")
    assert set(re.findall(r"\w+://[^\s\"'`)]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"[\"'`(]//\w", text)
