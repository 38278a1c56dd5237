"""Who is who: source identity → user or group of the tenant, from CSV files that people correct."""

from __future__ import annotations

import csv
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from qlift.bundle.models import ZERO_ID, User, UserRef
from qlift.bundle.sheets import decoded, made_by_a_spreadsheet, read_sheet, restored, sheet_text
from qlift.derivation.desired import Assignee
from qlift.derivation.findings import Findings
from qlift.derivation.plan import Plan, Word
from qlift.derivation.plan_file import PlanError

R = TypeVar("R", bound=BaseModel)
Status = Literal["matched", "missing", "ambiguous"]


class UserRow(BaseModel):
    """A line of `<target>.users.csv`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: Word
    directory: Word
    user_id: Word
    name: str = ""
    subject: str = ""
    email: str = ""
    status: Status
    proposal: str = ""
    """What `qlift users` found doubtful, and what to do. It writes it anew every time."""
    note: str = ""
    """Free text; `qlift users` leaves rows with a note alone."""


class GroupRow(BaseModel):
    """A line of `<target>.groups.csv`: `group` in the source is `name` in the tenant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: Word
    group: Word
    name: str
    status: Status
    note: str = ""


def read_users(path: Path) -> list[UserRow]:
    return _read(path, UserRow)


def read_groups(path: Path) -> list[GroupRow]:
    return _read(path, GroupRow)


def _read(path: Path, model: type[R]) -> list[R]:
    """Empty without the file. Raises `PlanError` with every problem."""
    try:
        if not path.exists():
            return []
        if not path.is_file():
            raise PlanError([f"{path}: not a file; correct the path"])
        header, rows = read_sheet(decoded(path.read_bytes()))
    except csv.Error as error:
        raise PlanError(
            [f"{path}: not readable as CSV ({error}); save it as such, or restore it from git"]
        ) from None
    except UnicodeError as error:
        raise PlanError([f"{path}: {error}"]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PlanError([f"{path}: not readable ({reason}); correct the path, or its rights"]) from None
    if not header:
        raise PlanError([f"{path}: empty; `qlift users` writes it, or remove it"])
    _check_header(path, header, model)
    found: list[R] = []
    problems: list[str] = []
    lines: dict[tuple[str, ...], int] = {}
    for number, cells in rows:
        wrong = _wrong_cells(header, cells)
        if wrong:
            problems.append(f"{path}:{number}: {wrong}")
            continue
        row = dict(zip(header, map(restored, cells), strict=False))
        try:
            found.append(model.model_validate(row))
        except ValidationError as error:
            problems += [
                f"{path}:{number}: {'.'.join(map(str, e['loc']))}: {_WANTED.get(e['type'], e['msg'])}; "
                "correct the row"
                for e in error.errors()
            ]
            continue
        key = tuple(row[k].casefold() for k in _KEYS[model])
        if (first := lines.setdefault(key, number)) != number:
            problems.append(f"{path}:{number}: the same as line {first}; keep one of them")
    if problems:
        raise PlanError(problems)
    return found


_WANTED = {"string_too_short": "empty", "missing": "no value"}
FREE_TEXT = ("note", "proposal")
_KEYS: dict[type[BaseModel], tuple[str, ...]] = {
    UserRow: ("site", "directory", "user_id"),
    GroupRow: ("site", "group"),
}


def _check_header(path: Path, header: list[str], model: type[BaseModel]) -> None:
    known = model.model_fields
    missing = [name for name, field in known.items() if field.is_required() and name not in header]
    problems = [
        f"{path}:1: unknown column `{name}`; known are {', '.join(known)}"
        for name in header
        if name not in known
    ]
    problems += [
        f"{path}:1: the column `{name}` stands there twice; keep one"
        for name in sorted({n for n in header if header.count(n) > 1})
    ]
    if missing:
        hint = (
            "separate columns by commas, semicolons or tabs"
            if len(header) == 1
            else "the first line names the columns"
        )
        problems.append(f"{path}:1: no column {', '.join(missing)}; {hint}")
    if problems:
        raise PlanError(problems)


def _wrong_cells(header: list[str], cells: list[str]) -> str | None:
    if len(cells) > len(header):
        return f"{len(cells)} cells under {len(header)} columns; put a value with a comma in quotes"
    for name, cell in zip(header, cells, strict=False):
        if cell.startswith("=") and name not in FREE_TEXT:
            return f"{name}: a formula ({cell}); write the value, or begin with ' if it is meant as it is"
        if made_by_a_spreadsheet(cell) and name not in FREE_TEXT:
            return (
                f"{name}: {cell} looks like what a spreadsheet makes of a number or a date; write the value "
                "as it was, with ' before it"
            )
        if "\0" in cell:
            return f"{name}: holds a NUL character; write the value again"
    return None


def csv_text(rows: Iterable[BaseModel], model: type[BaseModel]) -> str:
    return sheet_text(list(model.model_fields), (r.model_dump() for r in rows))


def why_left(user: User) -> str:
    """Empty: an active user."""
    if user.removed_externally:
        return "no longer in the user directory"
    if user.inactive:
        return "inactive"
    return "blocked" if user.blacklisted else ""


def is_built_in(user: UserRef) -> bool:
    """`INTERNAL\\sa_repository` and the like: services of the source, no people."""
    return user.user_directory.casefold() == "internal"


class Unknown(Exception):
    """The user cannot be named in the tenant; the message says why."""


class People:
    """Resolves users and groups offline, by the CSV files first, then by the plan's rules."""

    def __init__(self, plan: Plan, users: Iterable[UserRow] = (), groups: Iterable[GroupRow] = ()) -> None:
        self._plan = plan
        self._users = {(u.site, u.directory.casefold(), u.user_id.casefold()): u for u in users}
        self._groups = {(g.site, g.group): g for g in groups}
        self._rules = {r.directory.casefold(): r for r in plan.users.rules}

    def rows_without(
        self, site: str, logins: Container[str], groups: Container[str]
    ) -> tuple[list[str], list[str]]:
        """Rows of a site for a login (without case) or a group that is not among these."""
        users = [
            f"{row.directory}\\{row.user_id}"
            for (row_site, *_), row in self._users.items()
            if row_site == site and f"{row.directory}\\{row.user_id}".casefold() not in logins
        ]
        return users, [g for row_site, g in self._groups if row_site == site and g not in groups]

    def expected(self, user: User) -> tuple[str, str]:
        """Subject and e-mail by the plan's rules; empty where they say nothing."""
        rule = self._rules.get(user.user_directory.casefold())
        email = user.emails[0] if user.emails else ""
        if rule is None:
            return "", email
        fill = {
            "user_id": user.user_id,
            "email": email,
            "directory": user.user_directory,
            "name": user.name,
        }
        subject = rule.subject.format(**fill) if rule.subject else ""
        return subject, rule.email.format(**fill) if rule.email else email

    def user(self, site: str, user: UserRef, known: User | None) -> Assignee:
        """Raises `Unknown`. `known` is the full user, if the bundle has it."""
        by = self._plan.users.match_by
        subject, email = self.known_as(site, user, known)
        value = subject if by == "subject" else email
        if not value:
            raise Unknown(f"neither the users file nor a rule of the plan gives a {by}")
        return Assignee(type="user", name=value, by=by)

    def known_as(self, site: str, user: UserRef, known: User | None) -> tuple[str, str]:
        """Subject and e-mail in the tenant; empty: nobody said. Raises `Unknown`: not in the tenant."""
        row = self.row(site, user)
        if row is None:
            return self.expected(known) if known else ("", "")
        if row.status != "matched":
            raise Unknown(f"the users file says: {row.status}")
        return row.subject, row.email

    def row(self, site: str, user: UserRef) -> UserRow | None:
        """Of the users file."""
        return self._users.get((site, user.user_directory.casefold(), user.user_id.casefold()))

    def group(self, site: str, group: str) -> Assignee:
        """Raises `Unknown`. Without a row the name stays."""
        row = self._groups.get((site, group))
        if row is not None and row.status != "matched":
            raise Unknown(f"the groups file says: {row.status}")
        return Assignee(type="group", name=row.name if row else group)

    def is_matched(self, site: str, user: UserRef) -> bool:
        """Whether a row of the users file says who it is."""
        row = self.row(site, user)
        return row is not None and row.status == "matched"

    def heir(self) -> Assignee | None:
        """Who gets what belonged to people who left."""
        missing = self._plan.users.missing_owner
        if missing is None:
            return None
        directory, backslash, user_id = missing.assign_to.partition("\\")
        if backslash:
            rows = [
                row
                for (_, *login), row in sorted(self._users.items())
                if login == [directory.casefold(), user_id.casefold()] and row.status == "matched"
            ]
            person = User(id=ZERO_ID, user_id=user_id, user_directory=directory)
            subject, email = (rows[0].subject, rows[0].email) if rows else self.expected(person)
            value = subject if self._plan.users.match_by == "subject" else email
            if value:
                return Assignee(type="user", name=value, by=self._plan.users.match_by)
        by: Literal["subject", "email"] = (
            "email" if "@" in missing.assign_to and "\\" not in missing.assign_to else "subject"
        )
        return Assignee(type="user", name=missing.assign_to, by=by)

    def owner(
        self, site: str, owner: UserRef, known: User | None, what: str, findings: Findings
    ) -> Assignee | None:
        """The owner of `what`, or the heir of one who left; None with an error finding."""
        # A row of the users file goes first: the person may be back, or someone may have decided.
        gone = known is None or why_left(known) or is_built_in(owner)
        if gone and not self.is_matched(site, owner):
            heir = self.heir()
            if heir is not None:
                findings.info(
                    "OWNER-LEFT",
                    what,
                    f"its owner {owner.login} is no active person in the source; it goes to {heir.name}",
                    "change users.missing_owner.assign_to, or map the owner in the users file",
                )
                return heir
            findings.error(
                "OWNER-LEFT",
                what,
                f"its owner {owner.login} is no active person in the source",
                "say who gets it: users.missing_owner.assign_to",
            )
            return None
        try:
            return self.user(site, owner, known)
        except Unknown as why:
            findings.error(
                "USER-UNKNOWN",
                owner.login,
                f"owns {what}, and cannot be named in the tenant: {why}",
                "run `qlift users`, correct the row, or add a rule to users.rules",
            )
            return None
