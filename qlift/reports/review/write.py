"""The files of a review."""

from __future__ import annotations

from pathlib import Path

from qlift.bundle.files import write_text
from qlift.reports.review.html import html
from qlift.reports.review.markdown import markdown
from qlift.reports.review.model import Review

FILES = ("review.md", "review.html", "review.json")


def write_review(review: Review, folder: Path) -> tuple[Path, ...]:
    """All three files. Returns their paths, in the order of `FILES`."""
    texts = (markdown(review), html(review), review.model_dump_json(indent=2) + "\n")
    paths = tuple(folder / name for name in FILES)
    for path, text in zip(paths, texts, strict=True):
        write_text(path, text)
    return paths
