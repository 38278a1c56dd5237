"""Templates → HTML pages that need nothing but themselves, and Markdown in which names cannot make markup."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qlift.reports import formats


def page(template: str, context: Mapping[str, Any]) -> str:
    """Style and script are inside, and nothing else may be loaded or run."""
    style, script = _part("report.css"), _part("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        environment(True)
        .get_template(template)
        .render(context, style=Markup(style), script=Markup(script), script_hash=digest)
    )


@cache
def _part(name: str) -> str:
    return resources.files("qlift.reports").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def environment(for_html: bool) -> Environment:
    """In HTML everything is escaped by Jinja; in Markdown every expression passes through `markdown`."""
    made = Environment(
        loader=PackageLoader("qlift.reports"),
        autoescape=for_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_html_text if for_html else _markdown_text,
    )
    made.filters |= {
        "size": formats.size,
        "n": formats.count,
        "duration": formats.duration,
        "day": formats.day,
        "plural": formats.plural,
        "percent": formats.percent,
        "capitalize_first": formats.capitalized,
        "code": formats.code,
        "clean": formats.clean,
    }
    return made


def _html_text(value: Any) -> Any:
    return formats.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _markdown_text(value: Any) -> Any:
    return formats.markdown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
