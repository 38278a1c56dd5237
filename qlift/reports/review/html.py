"""A review as one HTML file."""

from __future__ import annotations

from qlift.derivation.desired import Severity
from qlift.reports.rendering import page
from qlift.reports.review import words
from qlift.reports.review.model import OPS, Review

CAPS = {"changes": 3_000, "people": 2_000, "apps": 3_000, "findings": 1_000, "members": 50}
"""Rows of a table, and names of a group; review.json has all of them."""
CLASSES = {
    "delete": "cannot",
    "replace": "work",
    "give back": "work",
    "adopt": "changes",
    "update": "changes",
    "create": "ready",
}
SEVERITIES = {Severity.ERROR: "cannot", Severity.WARNING: "work", Severity.INFO: "plain"}


def html(review: Review) -> str:
    """Needs nothing but itself."""
    rank = {job: n for n, job in enumerate(review.jobs)}
    changes = sorted(review.changes, key=lambda c: (OPS.index(c.op), rank.get(c.job, len(rank))))
    access = review.access
    return page(
        "review.html.j2",
        {
            "r": review,
            "w": words,
            "caps": CAPS,
            "ops": [op for op in OPS if op not in ("give back", "adopt") or review.count(op)],
            "classes": CLASSES,
            "severities": SEVERITIES,
            "changes": changes,
            "kinds": sorted({c.kind for c in changes}),
            "people": [(s, part, who) for s in access.spaces for part in PARTS for who in getattr(s, part)],
            "parts": PARTS,
            "apps": [(s.space, a) for s in access.spaces for a in s.apps]
            + [("", a) for a in access.personal],
        },
    )


PARTS = {"gain": ("sees it newly", "work"), "lose": ("loses it", "cannot"), "other": ("other roles", "plain")}
