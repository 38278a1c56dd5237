"""What objects were before qlift took them over: `stacks/<phase>/adopted.yaml`, by target.

`qlift adopt` writes the file, people review it, and undo writes it back. Every object that the plan wants
adopted stands in it, with its former values or as `new` (it was not in the tenant, so qlift makes it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, ValidationError

from qlift.derivation.plan_file import PlanError, compose, locate, plain, twice

ADOPTED = "adopted.yaml"
NEW: Literal["new"] = "new"
Kind = Literal["spaces", "assignments", "apps", "schedules"]
KINDS: tuple[Kind, ...] = ("spaces", "assignments", "apps", "schedules")

_HEAD = """\
# What was in the tenant before qlift took it over, by target: undo writes it back. Review it, and commit it.
# `qlift adopt <stack>` adds what is missing and never changes what stands here; remove an object to have it
# looked at anew, before it is adopted. `new`: it was not there, so qlift makes it.
"""

Id = Annotated[str, Field(min_length=1)]


class Former(BaseModel):
    """`id` is the tenant's own id of the object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id


class FormerOwner(Former):
    """`subject` is for people, and for a user whose id has changed."""

    subject: str


class FormerSpace(Former):
    name: str
    description: str
    owner: FormerOwner


class FormerAssignment(Former):
    """Its id is `<space id>/<assignee id>`: a tenant holds one assignment for each of these."""

    roles: tuple[str, ...]
    """Sorted."""


class FormerApp(Former):
    name: str
    description: str
    space_id: Id
    owner: FormerOwner


class FormerSchedule(Former):
    """`definition` is the whole task as the tenant takes it back. Its owner cannot be given back."""

    name: str
    definition: dict[str, JsonValue]


class Adopted(BaseModel):
    """Of one target, by logical name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spaces: dict[str, FormerSpace | Literal["new"]] = {}
    assignments: dict[str, FormerAssignment | Literal["new"]] = {}
    apps: dict[str, FormerApp | Literal["new"]] = {}
    schedules: dict[str, FormerSchedule | Literal["new"]] = {}

    def of(self, kind: Kind) -> dict[str, Any]:
        found: dict[str, Any] = getattr(self, kind)
        return found

    def key_of(self, kind: Kind, key: str, former_keys: Iterable[str] = ()) -> str | None:
        """Under which name the object stands here: a rename in the source changes an app's logical name."""
        return next((k for k in (key, *former_keys) if k in self.of(kind)), None)


class AdoptedFile(RootModel[dict[str, Adopted]]):
    """By the target's name: `finance-dev` and `finance-prod` share a plan, and meet other tenants."""

    def of(self, target: str) -> Adopted:
        return self.root.get(target, Adopted())

    def replaced(self, target: str, adopted: Adopted) -> AdoptedFile:
        return AdoptedFile({**self.root, target: adopted})

    @property
    def text(self) -> str:
        """Sorted, the same bytes for the same content."""
        content = {
            target: {kind: _sorted(of.of(kind)) for kind in KINDS if of.of(kind)}
            for target, of in sorted(self.root.items())
        }
        return _HEAD + yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks: people read them."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _sorted(objects: dict[str, Former | Literal["new"]]) -> dict[str, Any]:
    return {
        key: former if former == NEW else former.model_dump(mode="json")
        for key, former in sorted(objects.items())
    }


def load_adopted(path: Path) -> AdoptedFile:
    """Empty without the file. Raises `PlanError` with every problem and its line."""
    node = compose(path, path) if path.exists() else None
    if node is None:
        return AdoptedFile({})
    problems = [f"{path}:{line}: the key `{key}` stands there twice; keep one" for key, line in twice(node)]
    try:
        found = AdoptedFile.model_validate(plain(node, path) or {})
    except ValidationError as error:
        raise PlanError([*problems, *sorted(set(_problems(path, node, error)))]) from None
    if problems:
        raise PlanError(problems)
    return found


def _problems(path: Path, node: yaml.Node, error: ValidationError) -> Iterator[str]:
    for found in error.errors():
        is_word = isinstance(found["input"], str)
        if found["type"] == ("model_type" if is_word else "literal_error"):
            # The other branch of "former values or `new`" says what is wrong.
            continue
        line, where = locate(node, found["loc"])
        what = ".".join(map(str, where)) or "the file"
        yield f"{path}:{line}: {what}: {found['msg']}; restore it from git, or let `qlift adopt` write it"
