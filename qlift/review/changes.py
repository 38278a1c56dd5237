"""Steps of the engine → changes that people can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deepdiff import DeepDiff

from providers.kinds import PROVIDERS
from qlift.cloud.models import Task
from qlift.derivation.desired import Desired
from qlift.pulumi_cli.preview import Drift as EngineDrift
from qlift.pulumi_cli.preview import Previewed, Step
from qlift.pulumi_cli.stack import GUARD
from qlift.reports.review.model import COMPARED, OPS, Change, Conflict, Drift, FieldChange, Op

_OF_TASK = {"name", "enabled", "partial", "recurrence", "timezone", "start", "end"}


def changes_of(steps: Iterable[Step], apps: Mapping[str, str]) -> tuple[Change, ...]:
    """By importance: deletes, replacements, updates, creates; then by job, kind and object.

    `apps`: names of apps by logical name.
    """
    found = [_change(s, apps) for s in steps if s.kind != GUARD]
    return tuple(sorted(found, key=lambda c: (OPS.index(c.op), c.job, c.kind, c.object, c.key)))


def drift_of(previewed: Previewed, apps: Mapping[str, str]) -> tuple[Drift, ...]:
    found = [_drift(d, apps) for d in previewed.drift if d.kind != GUARD]
    return tuple(sorted((d for d in found if d.gone or d.fields), key=lambda d: (d.kind, d.object, d.key)))


def conflicts_of(noted: Iterable[dict[str, str]], changes: Iterable[Change]) -> tuple[Conflict, ...]:
    """As the providers noted them; a check that ran twice says the same twice."""
    called_ = {(c.kind, c.key): c.object for c in changes}
    found = {
        Conflict.model_validate({**n, "object": called_.get((n["kind"], n["object"]), n["object"])})
        for n in noted
    }
    return tuple(sorted(found, key=lambda c: (c.kind, c.object, c.field, c.reason)))


def app_names(desired: Desired, steps: Iterable[Step]) -> dict[str, str]:
    """By logical name; also of those that the plan has no more."""
    gone = {s.key: str(s.old["name"]) for s in steps if s.kind == "App" and s.old.get("name")}
    return {**gone, **{a.key: a.name for a in desired.apps}}


def _change(step: Step, apps: Mapping[str, str]) -> Change:
    values = step.new or step.old
    op: Op = step.op
    found: tuple[FieldChange, ...] = ()
    if step.former is not None and step.op in ("create", "delete"):
        op = "adopt" if step.op == "create" else "give back"
        found = _of_former(step.kind, step.former, values, back=op == "give back")
    elif step.op in COMPARED:
        found = fields(step.kind, step.old, step.new)
    return Change(
        op=op,
        kind=step.kind,
        object=called(step.kind, step.key, values, apps),
        key=step.key,
        job=step.job,
        space=_space(step.kind, values),
        fields=found,
    )


def _of_former(
    kind: str, former: Mapping[str, Any], values: Mapping[str, Any], *, back: bool
) -> tuple[FieldChange, ...]:
    if kind == "ReloadSchedule":
        # The whole task as the tenant takes it: what people know of it is inside.
        known = {"id": former["id"], "name": former["name"], **former["definition"]}
        former = Task.model_validate(known).model_dump(include=_OF_TASK)
    # An adopted object stays where it is; the ids of what it refers to are not known before the run.
    was = {k: v for k, v in former.items() if k in values and k != "id" and not k.endswith("_id")}
    if kind in ("SpaceOwner", "AppOwner"):
        was = {"owner": former.get("subject") or former.get("id")}
    found = []
    for name, before in sorted(was.items()):
        after = values.get(name)
        if before != after:
            pair = (after, before) if back else (before, after)
            found.append(FieldChange(name=name, before=pair[0], after=pair[1]))
    return tuple(found)


def _drift(drift: EngineDrift, apps: Mapping[str, str]) -> Drift:
    return Drift(
        kind=drift.kind,
        object=called(drift.kind, drift.key, drift.was, apps),
        key=drift.key,
        gone=drift.now is None,
        fields=fields(drift.kind, drift.was, drift.now) if drift.now is not None else (),
    )


def fields(kind: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[FieldChange, ...]:
    """What the provider itself takes for a change. Of a reference: the label, or the ids if that is equal."""
    provider = PROVIDERS.get(kind)
    if provider is None:
        names = set(DeepDiff(old, new, ignore_numeric_type_changes=True).affected_root_keys)
        references: dict[str, str] = {}
    else:
        names, references = provider().changed(old, new), provider.references
    found = []
    for name in sorted(names):
        before, after, id_ = old.get(name), new.get(name), references.get(name)
        if before == after and id_ is not None:
            name, before, after = id_, old.get(id_), new.get(id_) or "(new)"
        found.append(FieldChange(name=name, before=before, after=after))
    return tuple(found)


def called(kind: str, key: str, values: dict[str, Any], apps: Mapping[str, str]) -> str:
    """An object as people know it."""
    text = {k: str(v or "") for k, v in values.items()}
    name, space = text.get("name", key), text.get("space", "")
    if kind == "SpaceAssignment":
        who = "qlift itself" if text.get("assignee_type") == "self" else text.get("assignee", key)
        return f'{who} in space "{space}"'
    if kind == "SpaceOwner":
        return f'owner of space "{space}"'
    if kind == "AppOwner":
        published = "published " if key.startswith("published.") else ""
        app = text.get("app", key)
        return f'owner of {published}app "{apps.get(app, app)}"'
    words = {"Space": "space", "App": "app", "AppPublication": "publication", "ReloadSchedule": "schedule"}
    return f'{words.get(kind, kind)} "{name}"'


def _space(kind: str, values: dict[str, Any]) -> str:
    return str(values.get("name" if kind == "Space" else "space") or "")
