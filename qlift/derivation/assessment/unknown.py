"""What an assessment from an export cannot know, said out loud."""

from __future__ import annotations

from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import Unknown


def unknown(ground: Ground, not_listed: tuple[str, ...]) -> tuple[Unknown, ...]:
    bundle = ground.bundle
    found = []
    if not bundle.manifest.identity.complete:
        found.append(
            Unknown(
                what="Whether everything was seen",
                why=f"the export ran as {bundle.manifest.identity.user}, who may not see everything; every "
                "number here is a lower bound",
            )
        )
    if not_listed:
        found.append(
            Unknown(
                what=f"Everything about {', '.join(not_listed)}",
                why="the export holds no list of them; an empty section does not say that there are none",
            )
        )
    found += [
        Unknown(
            what="Who opens which app",
            why="the site's Repository Service does not say; use is judged by reloads and by what people "
            "made. The monitoring apps of the site know more",
        ),
        Unknown(
            what="Extensions inside sheets",
            why="the site lists sheets and master items, not the charts in them: an extension without an app "
            "here may still be used",
        ),
        Unknown(
            what="Whether databases are reachable",
            why="which connections need a gateway depends on the network; the table says what is usual",
        ),
        Unknown(
            what="How long uploads and reloads take",
            why="times are floors from the tenant's rate limits and its imports a day; the line and the "
            "tenant's own work come on top",
        ),
        Unknown(
            what="Who is known in the tenant",
            why="`qlift users` finds out; here everybody is taken to keep their login",
        ),
    ]
    silent = sum(1 for a in bundle.apps if a.id not in ground.scripts)
    if silent:
        found.append(
            Unknown(
                what=f"The load scripts of {silent} apps",
                why="the export could not read them: connections, QVD files, section access are missing",
            )
        )
    unsized = sum(1 for a in bundle.apps if ground.memory(a) is None)
    if unsized:
        found.append(
            Unknown(
                what=f"The size in memory of {unsized} apps",
                why="the site does not say it; the file's size is taken instead, which is smaller",
            )
        )
    if not bundle.app_files:
        found.append(Unknown(what="App files", why="the bundle has none; sizes are those that the site says"))
    without = sum(1 for s in bundle.streams if s.id not in bundle.access)
    if without:
        found.append(
            Unknown(
                what=f"Who can read {without} streams",
                why="the bundle holds no audit of them",
            )
        )
    return tuple(found)
