"""Rules of the team streams of a larger site: a group reads, some publish, now and then a special case."""

from __future__ import annotations

from collections.abc import Sequence

from qlift.simulator.site.documents import Ids, system_rule
from qlift.simulator.site.kinds import Document


def readers_of_team(place: int, groups: Sequence[str]) -> str:
    """The group that reads the stream at this place."""
    return groups[place % len(groups)]


def team_rules(
    ids: Ids, streams: Sequence[Document], users: Sequence[Document], groups: Sequence[str], count: int
) -> list[Document]:
    """`count` rules. `streams`: all of the site, the teams' are those after the fifth."""
    teams = list(enumerate(streams))[5:]
    made = []
    for number in range(count if teams else 0):
        place, stream = teams[number % len(teams)]
        readers, others = readers_of_team(place, groups), readers_of_team(place + 7, groups)
        user = users[(number * 31) % len(users)]
        if number % 10 == 9:
            rule = f'((user.userId="{user["userId"]}" and user.userDirectory="{user["userDirectory"]}"))'
        elif number % 10 == 8:
            rule = f'((user.group="{readers}" and !(user.userDirectory="PARTNER")))'
        elif number % 10 == 7:
            rule = f'((user.group="{readers}" or user.group="{others}"))'
        else:
            rule = f'((user.group="{readers}"))'
        actions = 34 if number % 4 == 3 else 2
        name = f"{stream['name']} {'publishers' if actions == 34 else 'readers'} {number + 1}"
        made.append(system_rule(ids("team rule", number), name, f"Stream_{stream['id']}", rule, actions))
    return made
