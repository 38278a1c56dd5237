"""How large the sample site is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


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
    groups_of_user: int = 0
    """Groups of everybody after the first ten people; 0: one or two."""
    reload_tasks: int = 9
    external_tasks: int = 3
    schema_events: int = 0
    """At least so many: tasks get second and third triggers until there are."""
    composite_events: int = 0
    """At least so many, likewise; some then stand in a circle."""
    team_rules: int = 0
    """Custom rules beside the nine that the sample always has, about the streams after the fifth."""
    connections: int = 6
    app_objects: int = 0
    """Objects of all apps together; 0: about ten an app."""
    app_bytes: int = 32_768
    """Least size of an app file, in bytes."""
    median_app_bytes: int = 0
    """0: all files are about as large as the least. Else sizes are log-normal around this, one in a hundred
    300 times as large or more."""

    def of(self, apps: int | None, users: int | None, seed: int | None) -> SampleOptions:
        """With other numbers; the share of unpublished apps stays."""
        number = self.apps if apps is None else apps
        return replace(
            self,
            apps=number,
            personal=self.personal if apps is None else min(self.personal * number // self.apps, number),
            users=self.users if users is None else users,
            seed=self.seed if seed is None else seed,
            app_objects=self.app_objects * number // self.apps,
        )


SIZES: Mapping[str, SampleOptions] = {
    "sample": SampleOptions(),
    "small": SampleOptions(
        streams=6, apps=40, personal=12, users=60, groups=6, reload_tasks=44, external_tasks=4, connections=12
    ),
    "large": SampleOptions(
        streams=150,
        apps=2_000,
        personal=1_200,
        users=20_000,
        groups=400,
        groups_of_user=15,
        reload_tasks=1_500,
        external_tasks=40,
        schema_events=1_800,
        composite_events=900,
        team_rules=111,
        connections=300,
        app_objects=150_000,
        median_app_bytes=10_000_000,
    ),
}
"""`small` and `large` are the sites S and L of the source reference, section 10.

Two user syncs come on top of the tasks: S has fifty of them.
"""
