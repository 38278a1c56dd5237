"""What differs between the bundle in a folder and the export that is about to take its place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from qlift.bundle import layout
from qlift.bundle.arrays import read_file
from qlift.bundle.models import Raw
from qlift.bundle.writer import Writer

How = Literal["new", "gone", "renamed", "changed"]
_SHOWN = 60
"""Characters of a value."""
_FEW = 3


@dataclass(frozen=True)
class Change:
    """One object. `what` says more: the former name, the fields that changed, the users who may do more."""

    kind: str
    how: How
    id: str
    name: str
    what: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """Of the new export, by id."""

    apps: dict[str, str] = field(default_factory=dict)
    streams: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)


def compare(writer: Writer) -> list[Change]:
    """Of everything that a review sees, in the order of kinds, ids within. No list is held as a whole."""
    names = Names()
    for kind, known in (("app", names.apps), ("stream", names.streams), ("user", names.users)):
        for place in (writer.path / f"{kind}.json", writer.gathered(f"{kind}.json")):
            known |= {str(e["id"]): _name(e) for e in read_file(place)}
    changes = [c for kind in layout.KINDS for c in _entities(kind, writer)]
    changes += _objects(writer, names)
    changes += _scripts(writer, names)
    changes += _access(writer, names)
    return changes


def _entities(kind: str, writer: Writer) -> Iterator[Change]:
    file = f"{kind}.json"
    if file not in writer.hashes:
        return
    old_file, new_file = writer.path / file, writer.gathered(file)
    for before, after in _paired(old_file, new_file, "id"):
        if _own(before) != _own(after):
            yield _change(kind, before, after)


def _own(entity: Raw | None) -> Any:
    """Without the names of what it refers to: an app that is renamed changes none of its objects."""
    return entity and {key: _without_name(value) for key, value in entity.items()}


def _without_name(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: _without_name(v) for k, v in value.items()}
        if "id" in kept:
            kept.pop("name", None)
        return kept
    return [_without_name(v) for v in value] if isinstance(value, list) else value


def _change(kind: str, before: Raw | None, after: Raw | None) -> Change:
    id_ = str((after or before or {})["id"])
    if before is None or after is None:
        return Change(kind, "gone" if after is None else "new", id_, _name(before or after or {}))
    fields = tuple(_field(f, before.get(f), after.get(f)) for f in _differing(before, after))
    renamed = _name(before) != _name(after)
    what = (f"was {_name(before)}", *(f for f in fields if not f.startswith("name:"))) if renamed else fields
    return Change(kind, "renamed" if renamed else "changed", id_, _name(after), what)


def _objects(writer: Writer, names: Names) -> Iterator[Change]:
    """By app: how many objects came, went, changed."""
    for app, old, new in _files(writer, layout.OBJECTS, ".json"):
        if old == new:
            continue
        counts = {"new": 0, "gone": 0, "changed": 0}
        for before, after in _paired(old, new, "id"):
            if _own(before) != _own(after):
                counts["new" if before is None else "gone" if after is None else "changed"] += 1
        what = tuple(f"{n} {how}" for how, n in counts.items() if n)
        if what and old.exists():
            yield Change("app-object", "changed", app, names.apps.get(app, app), what)


def _scripts(writer: Writer, names: Names) -> Iterator[Change]:
    for app, old, new in _files(writer, layout.SCRIPTS, ".qvs"):
        if not old.exists() or old.read_bytes() == new.read_bytes():
            continue
        before, after = _lines(old), _lines(new)
        counts = {"new": (after - before).total(), "gone": (before - after).total()}
        what = tuple(f"{n} lines {how}" for how, n in counts.items() if n)
        yield Change("script", "changed", app, names.apps.get(app, app), what or ("lines in another order",))


def _access(writer: Writer, names: Names) -> Iterator[Change]:
    old, new = writer.path / layout.ACCESS, writer.gathered(layout.ACCESS)
    if old == new:
        return
    for before, now in _paired(old, new, "stream"):
        if before is None or now is None or before == now:
            continue
        stream, was, after = str(now["stream"]), before["users"], now["users"]
        parts = {
            "may use it now": [u for u in after if u not in was],
            "may not use it any more": [u for u in was if u not in after],
            "may do other things": [u for u in after if u in was and was[u] != after[u]],
        }
        what = tuple(f"{len(us)} {how} ({_some(us, names)})" for how, us in parts.items() if us)
        yield Change("access", "changed", stream, names.streams.get(stream, stream), what)


def _files(writer: Writer, folder: str, end: str) -> Iterator[tuple[str, Path, Path]]:
    """Those that the new export has."""
    for name in sorted(n for n in writer.hashes if n.startswith(f"{folder}/")):
        yield Path(name).name.removesuffix(end), writer.path / name, writer.gathered(name)


def _paired(old: Path, new: Path, key: str) -> Iterator[tuple[Raw | None, Raw | None]]:
    """Entries of the same key side by side. Both files are in the order of their keys."""
    before, after = read_file(old), read_file(new)
    one, two = next(before, None), next(after, None)
    while one is not None or two is not None:
        if two is None or (one is not None and str(one[key]) < str(two[key])):
            yield one, None
            one = next(before, None)
        elif one is None or str(two[key]) < str(one[key]):
            yield None, two
            two = next(after, None)
        else:
            yield one, two
            one, two = next(before, None), next(after, None)


def _lines(path: Path) -> Counter[str]:
    return Counter(path.read_bytes().decode("utf-8").splitlines())


def _some(users: list[str], names: Names) -> str:
    return _few(sorted(names.users.get(u, u) for u in users))


def _name(entity: Raw) -> str:
    if "userDirectory" in entity and "userId" in entity:
        return f"{entity['userDirectory']}\\{entity['userId']}"
    return str(entity.get("name") or entity.get("id", ""))


def _differing(before: Raw, after: Raw) -> list[str]:
    old, new = _own(before), _own(after)
    return sorted(f for f in before.keys() | after.keys() if old.get(f) != new.get(f))


def _field(name: str, before: Any, after: Any) -> str:
    """`enabled: true → false`, `tags: +Ready -Old`; of what is longer, the field's name alone."""
    if isinstance(before, list) and isinstance(after, list):
        old, new = {_label(v) for v in before}, {_label(v) for v in after}
        moved = [*(f"+{v}" for v in sorted(new - old)), *(f"-{v}" for v in sorted(old - new))]
        return f"{name}: {_few(moved)}" if moved else name
    old_text, new_text = _label(before), _label(after)
    fit = max(len(old_text), len(new_text)) <= _SHOWN
    return f"{name}: {old_text} → {new_text}" if fit else name


def _label(value: Any) -> str:
    if isinstance(value, dict):
        if "attributeType" in value:
            return f"{value['attributeType']}={value.get('attributeValue', '')}"
        definition = value.get("definition")
        if isinstance(definition, dict):
            return f"@{definition.get('name', '')}={value.get('value', '')}"
        if "name" in value or "userId" in value:
            return _name(value)
    return value or "(empty)" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _few(parts: list[str]) -> str:
    return ", ".join(parts[:_FEW]) + (f" and {len(parts) - _FEW} more" if len(parts) > _FEW else "")
