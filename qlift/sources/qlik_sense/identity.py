"""Who we are in a site, and whether its rules hide anything from us.

Rules hide objects in silence: a list is shorter, nothing else shows. Three things are looked at: the roles
of the identity, `/count` against the length of each list, and the site's own audit, asked what we and the
site's own service account may read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from qlift.bundle.layout import KINDS, TYPES
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.errors import Absent, NotAllowed, SourceError

READ = 2
AUDIT_LIMIT = 100_000
"""Rows of one answer of the audit; a full page is a truncated one."""
AUDIT_PATH = "systemrule/security/audit/matrix"
ALL_SEEING = "(userDirectory eq 'INTERNAL' and userId eq 'sa_repository')"
WHAT_TO_DO = (
    "export as INTERNAL\\sa_repository by certificate, or give this user the role RootAdmin in the QMC "
    "(Users), and run the same command again"
)


@dataclass(frozen=True)
class Me:
    """`id` None: the site shows no single user of this name."""

    name: str
    roles: tuple[str, ...]
    id: str | None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why somebody like this may not see everything."""
        if "RootAdmin" in self.roles:
            return ()
        if self.id is None:
            return (f"the site does not show which user {self.name} is: rights are not known; {WHAT_TO_DO}",)
        return (
            f"{self.name} has the roles {', '.join(self.roles) or 'none'}, not RootAdmin: rules may hide "
            f"objects in silence; {WHAT_TO_DO}",
        )


def who(client: SiteClient) -> Me:
    directory, _, user_id = client.entrance.login.rpartition("\\")
    quoted = user_id.replace("'", "''")
    found = [
        u
        for u in client.full("user", filter=f"userId eq '{quoted}'")
        if not directory or str(u["userDirectory"]).casefold() == directory.casefold()
    ]
    if len(found) != 1:
        return Me(client.entrance.login, (), None)
    me = found[0]
    name = f"{me['userDirectory']}\\{me['userId']}"
    return Me(name, tuple(sorted(me.get("roles") or ())), str(me["id"]))


def hidden(
    client: SiteClient, me: Me, seen: Mapping[str, Collection[str]], doing: Callable[[str], None]
) -> list[str]:
    """What the audit of ourselves and of the site's own account names and our lists do not have. One call "
    "a kind."""
    reasons: list[str] = []
    for kind, ids in seen.items():
        doing(f"asking the site's audit whether {kind} objects are hidden from us")
        try:
            readable = _readable(client, TYPES[kind], me)
        except NotAllowed:
            # Who may not ask is no RootAdmin: that reason is given already.
            return reasons
        except SourceError as error:
            reasons.append(f"{kind}: the audit of our own rights failed ({error})")
            continue
        missing = len(readable - set(ids))
        if missing:
            reasons.append(
                f"{kind}: {missing} of {len(readable | set(ids))} objects are hidden from {me.name}"
            )
    return reasons


def _readable(client: SiteClient, audit_type: str, me: Me) -> set[str]:
    subjects = [ALL_SEEING, *([f"id eq {me.id}"] if me.id else [])]
    answer = client.ask(AUDIT_PATH, question(audit_type, "", " or ".join(subjects), READ, ""))
    return {str(r["resourceId"]) for r in rows(answer) if granted(r) & READ}


def question(
    audit_type: str, resources: str, subjects: str, actions: int, environment: str
) -> dict[str, Any]:
    return {
        "resourceType": audit_type,
        "resourceRef": {"resourceFilter": resources},
        "subjectRef": {"resourceFilter": subjects},
        "actions": actions,
        "environmentAttributes": environment,
        "resourceProperties": ["name"],
        "subjectProperties": ["id", "name", "userId", "userDirectory"],
        "auditLimit": AUDIT_LIMIT,
        "outputObjectsPrivileges": 0,
    }


def rows(answer: Any) -> list[dict[str, Any]]:
    matrix = answer.get("matrix") if isinstance(answer, dict) else None
    if not isinstance(matrix, list):
        raise SourceError("the audit answered something that is not a matrix")
    return matrix


def granted(row: dict[str, Any]) -> int:
    """The bit mask of what is allowed."""
    return int((row.get("audit") or {}).get("access") or 0)


def counts(client: SiteClient) -> dict[str, int]:
    """How many objects of each kind the site says it has."""
    found = {}
    for kind in KINDS:
        try:
            found[kind] = client.count(kind)
        except Absent:
            continue
    return found
