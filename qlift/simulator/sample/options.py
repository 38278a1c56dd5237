"""How large the sample site is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SampleOptions:
    """The same options give the same site, byte for byte: no clock and no unseeded chance is asked."""

    seed: int = 7
    streams: int = 5
    apps: int = 14
    personal: int = 3
    """How many of the apps are unpublished."""
    users: int = 25
    """People; the service accounts of the directory INTERNAL come on top."""
    groups: int = 4
    reload_tasks: int = 9
    external_tasks: int = 3
    generated_rules: int = 0
    """Custom rules of all shapes beyond the ten that the sample always has."""
    connections: int = 6
    app_bytes: int = 32_768
    """Least size of an app file, in bytes."""
