"""Time zones, as the `tzdata` package knows them: the same on every machine, whatever it has installed."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

UTC_NAME = "UTC"
"""The tenant's default zone."""
HOUR = timedelta(hours=1)


class UnknownZone(Exception):
    """No zone of IANA has this name."""


@cache
def zone(name: str) -> ZoneInfo:
    """Raises `UnknownZone`."""
    if name not in _names():
        raise UnknownZone(name)
    *folders, file = name.split("/")
    with files(".".join(["tzdata", "zoneinfo", *folders])).joinpath(file).open("rb") as content:
        return ZoneInfo.from_file(content, key=name)


def nearest(name: str) -> str | None:
    """The known zone whose name looks most like this one."""
    folded = {n.casefold(): n for n in sorted(_names())}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.8)
    return folded[near[0]] if near else None


def canonical(name: str) -> str:
    """The current name of a legacy one (`Asia/Calcutta` → `Asia/Kolkata`), by the link table.

    Names that the table of countries has stay as they are, although IANA links some of them
    (`Europe/Stockholm`) to a neighbour with the same clocks. Raises `UnknownZone`.
    """
    if name not in _names():
        raise UnknownZone(name)
    if name == UTC_NAME or name in _of_countries():
        return name
    return _links().get(name, name)


@cache
def offsets(name: str, year: int) -> tuple[timedelta, timedelta]:
    """Standard and summer offset in a year; equal where the clocks are not changed."""
    noons = (datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(365))
    found = {offset for noon in noons if (offset := noon.astimezone(zone(name)).utcoffset()) is not None}
    return min(found), max(found)


def changes_clocks(name: str, year: int) -> bool:
    standard, summer = offsets(name, year)
    return standard != summer


def fixed(offset: timedelta) -> str | None:
    """The zone that always has this offset; None if it is no whole number of hours (or of too many).

    `Etc` zones have POSIX signs: one hour east of Greenwich is `Etc/GMT-1`.
    """
    if offset % HOUR:
        return None
    hours = offset // HOUR
    name = f"Etc/GMT{-hours:+d}" if hours else UTC_NAME
    return name if name in _names() else None


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@cache
def _of_countries() -> frozenset[str]:
    text = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    return frozenset(line.split("\t")[2] for line in text.splitlines() if line and line[0] != "#")


@cache
def _links() -> dict[str, str]:
    """Legacy name → zone. A line of `tzdata.zi` is `L <zone> <other name>`."""
    text = files("tzdata.zoneinfo").joinpath("tzdata.zi").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if line.startswith("L "))
    return {other: target for _, target, other in lines}
