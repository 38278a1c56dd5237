"""A phase that is small and holds every kind of resource: what a kill can leave half done is all in it."""

from __future__ import annotations

from typing import Any

from qlift.simulator.site import SampleOptions

SAMPLE = SampleOptions(
    streams=2, apps=5, personal=1, users=10, groups=2, reload_tasks=3, connections=1, app_bytes=1024
)
"""Streams Sales and Finance; private and community objects; a chain of three tasks; one personal app."""

PLAN: dict[str, Any] = {
    "select": {"streams": "all", "personal": True},
    "spaces": {
        "Finance": {
            "from": {"stream": "Finance"},
            "type": "managed",
            "description": "Reports",
            "owner": "ACME\\qlik.admin",
        },
        "Sales Lab": {"from": {"stream": "Sales"}, "type": "shared"},
    },
    "schedules": {"enabled": True},
}

CHANGED: dict[str, Any] = {
    "spaces": {
        "Finance": {
            "from": {"stream": "Finance"},
            "type": "managed",
            "description": "Reports of the finance department",
        },
        "Sales Lab": {"from": {"stream": "Sales"}, "type": "shared", "name": "Sales Laboratory"},
    },
    "schedules": {"enabled": False},
}
"""A later version of the plan: a description, an owner, a name, and the cut-over taken back."""
