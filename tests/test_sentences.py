"""docs/sentences.md holds what the app says, and every page begins with what one gets and what the model does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from benchmarks import sentences

# A reviewer's page says nothing of any model: that is what he is to judge.
PAGES = sorted(path for path in (sentences.ROOT / "pages").glob("*.py") if path.stem != "listen")


def test_the_file_of_sentences_is_current() -> None:
    assert sentences.FILE.read_text("utf-8") == sentences.text(), "run `python -m benchmarks.sentences`"


def test_what_a_page_says_is_found_and_what_nobody_reads_is_not(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text(
        '"""Docstring of the page."""\n'
        '_KEY = "a key of the session"\n'
        'st.button("Go", key="go on from here", help=f"Takes you {n} bars on, and back.")\n'
        '_LOG.warning("nobody reads the log of it")\n'
        'raise UsageError("Expected a bar, got none.")\n'
    )
    assert sentences.said(page) == ["Go", "Takes you {…} bars on, and back.", "Expected a bar, got none."]


def test_words_of_javascript_are_found_and_its_selectors_are_not(tmp_path: Path) -> None:
    module = tmp_path / "part.js"
    module.write_text(
        'import { element } from "./dom.js"; // "A remark"\n'
        'const found = document.querySelector("[data-testid=stApp]");\n'
        "say(`Bar ${n + 1} of ${bars.length}`);\n"
        'const path = "M7 4.5v15l13-7.5z";\n'
        'button("Clear drum", "adds or removes a hit");\n'
    )
    assert sentences.said(module) == ["Bar {…} of {…}", "Clear drum", "adds or removes a hit"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_begins_with_what_one_gets_and_what_the_model_does(page: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(page.read_text("utf-8"))) if isinstance(node, ast.Call)]
    shown = [node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "markdown"]
    text = str(ast.literal_eval(min(shown, key=lambda node: node.lineno).args[0]))
    opening = " ".join(text.split("\n\n")[0].split())
    assert len(re.findall(r"[.!?](?=\s|$)", opening)) == 2
    assert "model" in opening.split(". ")[1]
    assert len(opening) < 420
