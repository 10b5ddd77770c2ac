"""Every sentence that a visitor of the app can read, in one file, for a native reader to go through.

    python -m benchmarks.sentences

writes docs/sentences.md: what pages say, what their parts, components and errors say, as the code has it, a value that
is filled in as `{…}`. It reads the code and opens no page, so that a test can hold the file to be current.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "sentences.md"
HEAD = """# What the app says

Every sentence that a visitor can read, file by file, as the code has it; `{…}` is filled in. Made by
`python -m benchmarks.sentences`: do not edit it here. Whoever changes what a page says reads the change aloud once, to
somebody who plays drums, and has the command write this file anew.
"""
PLACES = (
    ("Pages", ("app.py", "pages/*.py")),
    ("Parts of pages", ("rhythmvae/ui/parts/*.py", "rhythmvae/ui/session/*.py", "rhythmvae/jobs/*.py")),
    ("Components", ("rhythmvae/ui/components/**/*.py", "rhythmvae/ui/components/**/*.js")),
    ("A pasted link, and a wrong address", ("rhythmvae/ui/server/*.py",)),
    ("Reading files and links", ("rhythmvae/midi/*.py", "rhythmvae/data/files.py", "rhythmvae/share.py")),
)
GAP = "{…}"
_WORDS = re.compile(r"[^\W\d_]{2,}")
_CODE = re.compile(r"[<>=\\]|^[\w./*-]+$|^:|--|\w\(|://|::|[{}](?<!…})(?!…)|rv1-")
_JS_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
_JS_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
_JS_SILENT = re.compile(r"^\s*(import|export \* from)\b.*$", re.MULTILINE)
_NEVER = re.compile(  # what has the looks of words and is none: names in CSS, in HTTP, of modules, of session keys
    r"[A-Z_]+_[A-Z_]+|Key[A-Z]|[a-z]+:[a-z_-]+(:[a-z]+)?|\(?(prefers|pointer)[-\w:( ]+\)?|(https?|static)[:/]\S+"
    r"|[\w-]+/[\w-]+|:[\w-]+|C[cs]|CONNECTED|(Cache|Retry)-\w+|group \w+|rhythmvae,? [a-z ]+|[\w ]+-gradient\(.*"
    r"|aria-.*|tracks of \w+|training (map of|latent|runs).*|download run choices|sliders of drums|locked bars of.*"
)
_SILENT_CALLS = {"warning": "_LOG", "info": "_LOG", "error": "_LOG", "compile": "re", "exception": "_LOG"}


def main() -> None:
    FILE.write_text(text(), "utf-8")


def text() -> str:
    """What the file should hold."""
    return "\n".join([HEAD, *(line for title, globs in PLACES for line in _part(title, globs))])


def _part(title: str, globs: tuple[str, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    for path in sorted({path for glob in globs for path in ROOT.glob(glob)}):
        if found := said(path):
            yield f"### {path.relative_to(ROOT).as_posix()}\n"
            yield from (f"- {sentence}" for sentence in found)
            yield ""


def said(path: Path) -> list[str]:
    """What a file of code says to a visitor, each once, in the order in which it stands there."""
    source = path.read_text("utf-8")
    found = _of_javascript(source) if path.suffix == ".js" else _of_python(source)
    plain = dict.fromkeys(" ".join(sentence.split()) for sentence in found)
    return [sentence for sentence in plain if not _NEVER.fullmatch(sentence)]


# -- Python --------------------------------------------------------------------


def _of_python(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    silent = set(_silent(tree))
    for node, shown in _texts(tree, silent, False):
        sentence = _written(node)
        if _is_said(sentence, shown):
            yield sentence


def _silent(tree: ast.Module) -> Iterator[ast.AST]:
    """Docstrings, logs, patterns, and names of keys, which nobody reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if getattr(node.func.value, "id", None) == _SILENT_CALLS.get(node.func.attr, ""):
                yield node
        elif isinstance(node, ast.keyword) and node.arg in ("key", "icon", "prefix", "type", "mime"):
            yield node.value
    yield from (node.value for node in tree.body if isinstance(node, ast.Assign) and _are_keys(node.value))


def _are_keys(value: ast.expr) -> bool:
    """A constant of the module, all in small letters: keys of a session, not words of a page."""
    texts = [node.value for node in ast.walk(value) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    is_plain = isinstance(value, ast.Constant | ast.Tuple)
    return is_plain and all(one == one.lower() and not one.endswith(".") for one in texts)


def _texts(node: ast.AST, silent: set[ast.AST], is_shown: bool) -> Iterator[tuple[ast.expr, bool]]:
    """Texts below a node, and whether Streamlit is told them as they are."""
    if node in silent:
        return
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node, is_shown
        if isinstance(node, ast.JoinedStr):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _texts(part.value, silent, False)
        return
    if isinstance(node, ast.BinOp):
        is_shown = is_shown and isinstance(node.op, ast.Add)
    for child in ast.iter_child_nodes(node):
        is_label = isinstance(node, ast.Call) and child in node.args[:1] and _is_of_streamlit(node.func)
        yield from _texts(child, silent, is_label or (is_shown and isinstance(child, ast.expr) and child is node))


def _is_of_streamlit(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and getattr(called.value, "id", "") == "st"


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)


def _is_said(sentence: str, is_shown: bool) -> bool:
    """Whether it reads like words for people: told Streamlit, or some words, or one that begins with a capital."""
    plain = re.sub(r":material/\w+:|\]\(\S+\)|`[^`]*`|\*\*", " ", sentence)
    words = _WORDS.findall(plain.replace(GAP, " "))
    if not words or (_CODE.search(plain.strip()) and not plain.strip()[:1].isupper()):
        return False
    if is_shown:
        return True
    begins = plain.strip().removeprefix(GAP).lstrip()[:1]
    return len(words) > 2 or (begins.isupper() and not words[0].isupper())


# -- JavaScript ----------------------------------------------------------------


def _of_javascript(source: str) -> Iterator[str]:
    plain = _JS_SILENT.sub("", _JS_COMMENT.sub("", source))
    for quoted, template in _JS_STRING.findall(plain):
        sentence = re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", GAP, template) if template else quoted
        words = _WORDS.findall(sentence.replace(GAP, " "))
        is_code = re.search(r"[<>=\[\]#_]|[:;]\s*[\w-]+\(|px|^\.|^[-\w]+$", sentence) and not sentence[:1].isupper()
        if words and not is_code and (sentence[:1].isupper() or len(words) > 1) and not _is_drawing(sentence):
            yield sentence


def _is_drawing(sentence: str) -> bool:
    """The path of a picture, or the name of a key."""
    is_path = re.fullmatch(r"[MLHVAZCa-z\d\s.{}…-]*", sentence) is not None and re.match(r"M[\d{]", sentence)
    return (
        bool(is_path)
        or re.fullmatch(r"(Arrow|Page)\w+|Home|End|Enter|Delete|Escape|Backspace|SCRIPT", sentence) is not None
    )


if __name__ == "__main__":
    main()
