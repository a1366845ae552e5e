"""Hooks of `mkdocs build`: references made from the code, and a check for foreign addresses."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_METHODS = ("get", "post", "put", "patch", "delete")
_DOCS = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
# What a browser would fetch by itself; links for people to follow are welcome.
_FETCHED = re.compile(
    r"<(?:script|img|iframe)[^>]+src=\"(https?:[^\"]+)|<link[^>]+rel=\"?(?:stylesheet|preload|preconnect)\"?[^>]+href=\"(https?:[^\"]+)"
)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Append references made from the code, and keep only the text of links to the source tree."""
    generate = {"reference/http.md": http, "reference/cli.md": command_line}.get(page.file.src_uri)
    if generate is not None:
        markdown = "\n".join([markdown, *generate()])
    folder = Path(page.file.abs_src_path).parent
    return _LINK.sub(lambda link: link[0] if _is_page(folder, link[2]) else link[1], markdown)


def _is_page(folder: Path, target: str) -> bool:
    """True for a target inside the site, or on another server."""
    return "://" in target or (folder / target).resolve().is_relative_to(_DOCS)


def on_post_build(config: Any, **_: Any) -> None:
    """Fail where a page would make a browser ask another server."""
    for path in Path(config["site_dir"]).rglob("*.html"):
        for address in _FETCHED.findall(path.read_text(encoding="utf-8")):
            raise SystemExit(f"{path} fetches {''.join(address)}; the site must work offline")


def http() -> Iterator[str]:
    """The routes and schemas of the OpenAPI document."""
    document = _document()
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield from _operation(method.upper(), path, item[method])
    yield "## Schemas\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _schema(name, schema)


def _document() -> dict[str, Any]:
    from api.app import create_app
    from api.document import EXTENSION
    from hpsearch.settings import load
    from hpsearch.wiring import build

    with tempfile.TemporaryDirectory() as home:
        settings = load(home=Path(home))
        with build(settings) as services:
            return dict(json.loads(create_app(services, settings).extensions[EXTENSION].text()))


def _operation(method: str, path: str, about: dict[str, Any]) -> Iterator[str]:
    yield f"## {method} {path}\n"
    text = " ".join(t for t in (about.get("summary"), about.get("description")) if t)
    yield f"{text}\n\nScope: `{about['x-scope']}`.\n"
    if parameters := about.get("parameters"):
        yield "| parameter | in | |\n|---|---|---|"
        for one in parameters:
            needed = " Required." if one.get("required") else ""
            said = one.get("description") or one.get("schema", {}).get("description", "")
            yield f"| `{one['name']}` | {one['in']} | {_cell(said)}{needed} |"
        yield ""
    body = about.get("requestBody", {}).get("content", {})
    for kind, content in body.items():
        yield f"Body, `{kind}`: {_type(content.get('schema', {}))}.\n"
    yield "| status | answer |\n|---|---|"
    for status, answer in about["responses"].items():
        types = [_type(c.get("schema", {})) for c in answer.get("content", {}).values()]
        yield f"| {status} | {_cell(answer['description'])} {', '.join(dict.fromkeys(types))} |"
    yield ""


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name} {{ #{name.lower()} }}\n\n{schema.get('description', '')}\n"
    if values := schema.get("enum"):
        yield ", ".join(f"`{value}`" for value in values) + "\n"
    if fields := schema.get("properties"):
        needed = set(schema.get("required", ()))
        yield "| field | type | |\n|---|---|---|"
        for field, about in fields.items():
            default = f" Default `{json.dumps(about['default'])}`." if "default" in about else ""
            mark = " Required." if field in needed else ""
            yield f"| `{field}` | {_type(about)} | {_cell(about.get('description', ''))}{mark}{_cell(default)} |"
        yield ""


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[choice]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    return _plain_type(schema)


def _plain_type(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {_type(schema['additionalProperties'])}"
    return str(kind)


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def command_line() -> Iterator[str]:
    """The help of every command."""
    from hpsearch.cli.app import app
    from hpsearch.cli.commands import COMMANDS

    names: list[list[str]] = []
    for name, entry in COMMANDS.items():
        members = getattr(entry.load(name), "commands", None)
        names += [[name]] if members is None else [[name, member] for member in members]
    os.environ["COLUMNS"] = "96"
    for words in sorted(names):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            app(args=[*words, "--help"], prog_name="hpsearch", standalone_mode=False)
        yield f"## hpsearch {' '.join(words)}\n\n```text\n{said.getvalue().strip()}\n```\n"
