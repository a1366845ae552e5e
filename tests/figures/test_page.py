"""Pages that hold tables and figures."""

from __future__ import annotations

import plotly.graph_objects as go

from hpsearch.figures import Page, Section, Table, html


def test_no_text_of_a_page_comes_to_life() -> None:
    bad = "<script>alert(1)</script>"
    figure = go.Figure(go.Scatter(x=[1], y=[2], name=bad), {"height": 400})
    page = Page(
        bad,
        [bad],
        [Section(bad, [bad], [Table([bad], [[bad]])], [figure])],
        [Table(["a"], [["b"]])],
    )
    text = html(page)
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 8
    assert '<section id="s0">' in text
    assert f"height:{figure.layout.height}px" in text
