"""A page of one sentence, for answers that come without Streamlit."""

from __future__ import annotations

from html import escape

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{heading}</title><style>:root{{color-scheme:light dark}}
body{{font:18px sans-serif;max-width:32em;margin:4em auto;padding:0 1em}}
a{{display:inline-block;padding:.7em 0}}</style>
<h1>{heading}</h1><p>{sentence}</p>{link}</html>"""


def small_page(heading: str, sentence: str, link: tuple[str, str] | None = None) -> str:
    """An HTML document of a heading, a sentence and perhaps a link, given as (address, words).

    >>> '<a href="/">Home</a>' in small_page("Lost", "<b> is text here.", ("/", "Home"))
    True
    >>> "<b>" in small_page("Lost", "<b> is text here.")
    False
    """
    anchor = f'<p><a href="{escape(link[0])}">{escape(link[1])}</a></p>' if link else ""
    return _PAGE.format(heading=escape(heading), sentence=escape(sentence), link=anchor)
