"""A page of text, tables and figures that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

from plotly.offline import get_plotlyjs

Figure: TypeAlias = Any  # plotly has no types

# The browser is told to load nothing: what the page lacks it cannot fetch.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
_STYLE = """
:root { color: #22272e; background: #f5f6f8; font: 16px/1.55 system-ui, sans-serif; }
body { max-width: 1080px; margin: 0 auto; padding: 24px 20px 80px; }
h1 { font-size: 1.9rem; margin: 16px 0 4px; }
h2 { font-size: 1.35rem; margin: 0 0 8px; }
section { background: white; border: 1px solid #dfe3e8; border-radius: 8px;
          padding: 20px 24px; margin: 24px 0; }
p { max-width: 75ch; margin: 8px 0; }
nav a { margin-right: 14px; white-space: nowrap; }
a { color: #0063a0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 14px 0; font-size: 0.93rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 7px 12px 7px 0;
         border-bottom: 1px solid #e6e9ed; }
th { font-weight: 600; border-bottom-color: #9aa1aa; }
td:last-child { white-space: nowrap; }
pre { overflow-x: auto; font: 13px/1.5 ui-monospace, monospace; }
.figure { width: 100%; margin-top: 10px; }
"""
_CONFIG = '{"responsive": true, "displaylogo": false, "displayModeBar": false}'


@dataclass(frozen=True, slots=True)
class Table:
    """A heading for each column, and rows of text."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A heading, paragraphs, tables, figures, a listing, in this order."""

    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    listing: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A title, what comes before the first section, and the sections."""

    title: str
    text: Sequence[str]
    sections: Sequence[Section]
    tables: Sequence[Table] = ()


def html(page: Page) -> str:
    """The page as one HTML document, plotly's script in it once; it loads nothing.

    All text is taken as it is: no markup in it comes to life.
    """
    return "\n".join(_document(page)) + "\n"


def _document(page: Page) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(page.title)}</title>\n<style>{_STYLE}</style>"
    yield f"<script>{get_plotlyjs()}</script>\n</head>\n<body>"
    yield f"<h1>{escape(page.title)}</h1>"
    yield from _paragraphs(page.text)
    yield from _tables(page.tables)
    links = (f'<a href="#s{i}">{escape(s.title)}</a>' for i, s in enumerate(page.sections))
    yield f"<nav>{' '.join(links)}</nav>"
    for i, section in enumerate(page.sections):
        yield f'<section id="s{i}">\n<h2>{escape(section.title)}</h2>'
        yield from _paragraphs(section.text)
        yield from _tables(section.tables)
        for j, figure in enumerate(section.figures):
            yield from _figure(f"s{i}f{j}", figure)
        if section.listing:
            yield f"<pre>{escape(section.listing)}</pre>"
        yield "</section>"
    yield "</body>\n</html>"


def _paragraphs(text: Sequence[str]) -> Iterator[str]:
    yield from (f"<p>{escape(paragraph)}</p>" for paragraph in text)


def _tables(tables: Sequence[Table]) -> Iterator[str]:
    for table in tables:
        yield '<div class="scroll"><table>'
        yield "<thead><tr>" + "".join(f"<th>{escape(c)}</th>" for c in table.head) + "</tr></thead>"
        for row in table.rows:
            yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        yield "</table></div>"


def _figure(name: str, figure: Figure) -> Iterator[str]:
    height = figure.layout.height
    # Inside a script element only a closing tag can end the data.
    data = figure.to_json().replace("</", "<\\/")
    yield f'<div class="figure" id="{name}" style="height:{height}px"></div>'
    yield f"<script>{{ const f = {data};"
    yield f'Plotly.newPlot("{name}", f.data, f.layout, {_CONFIG}); }}</script>'
