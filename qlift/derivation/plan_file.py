"""Reads plan.yaml: every problem at once, each with its line, unknown keys with the nearest known one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from qlift.bundle.errors import for_people
from qlift.derivation.plan import Plan

MOST_BYTES, MOST_VALUES, MOST_LEVELS = 2_000_000, 200_000, 50
"""Of one YAML file. Aliases (`*name`) can stand for more values than any machine holds; they are counted."""

_LATER = {
    "publications": "publications cannot be adopted, for their former content is not kept; let qlift publish "
    "beside them, and delete or rename the old ones by hand",
    "exclusive": "removing other people's grants comes later; until then they stay",
    "connections": "data connections come later; until then they are a finding",
    "scripts": "load scripts come later; until then apps keep theirs",
    "overrides": "settings by app come later; until then `apps` counts for all of them",
    "unused_days": "selection by use comes later; select by streams, tags, names or ids",
}
"""Keys that people may expect and this version does not know, with what that means."""
_LATER_VALUES = {
    (
        "missing",
        "create",
    ): "`create` comes later: this version makes no users or groups; let them log in first",
    ("missing", "skip"): "`skip` comes later: this version stops at everyone who is missing",
}


_WANTED = {
    "tuple_type": "should be a list",
    "dict_type": "should be keys and values",
    "model_type": "should be keys and values",
    "int_parsing_size": "should be a smaller number",
}


class PlanError(Exception):
    """A plan, or a file beside it, cannot be used. The message lists every problem, one a line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(for_people(p) for p in problems)
        super().__init__("\n".join(self.problems))


def load_plan(path: Path, shown: Path | None = None) -> Plan:
    """`shown` is how messages name the file. Raises `PlanError`."""
    shown = shown or path
    node = compose(path, shown)
    if node is None:
        raise PlanError([f"{shown}: empty; `qlift phase new` writes a plan"])
    problems = [f"{shown}:{line}: the key `{key}` stands there twice" for key, line in twice(node)]
    try:
        plan = Plan.model_validate(_without_empty(plain(node, shown)))
    except ValidationError as error:
        found = {_problem(node, shown, e) for e in _meant(node, error.errors())}
        problems += [text for _, text in sorted(found)]
        raise PlanError(problems) from None
    if problems:
        raise PlanError(problems)
    if plan.jobs != "standard":
        for number, job in enumerate(plan.jobs):
            job.at_line(locate(node, ("jobs", number))[0])
    return plan


def compose(path: Path, shown: Path) -> yaml.Node | None:
    """The YAML tree of a file, with its lines; None when it is empty. Raises `PlanError`."""
    text = read_text(path, shown)
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f":{mark.line + 1}" if mark else ""
        raise PlanError([f"{shown}{line}: not readable as YAML: {error.problem}; {_CORRECT}"]) from None
    except yaml.YAMLError as error:
        what = " ".join(str(error).split())
        raise PlanError([f"{shown}: not readable as YAML: {what}; {_CORRECT}"]) from None
    except RecursionError:
        raise PlanError([_too_deep(shown)]) from None
    if node is not None:
        _measure(node, shown)
    return node


_TAG = "tag:yaml.org,2002:"
_TYPES = ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
_CORRECT = "correct it, or restore the file from git"


def read_text(path: Path, shown: Path) -> str:
    """Of a plan, or a file beside it. Raises `PlanError`."""
    try:
        if not path.exists():
            raise FileNotFoundError
        if not path.is_file():
            raise PlanError([f"{shown}: not a file; correct the path"])
        if path.stat().st_size > MOST_BYTES:
            raise PlanError([f"{shown}: more than {MOST_BYTES // 1_000_000} MB; is it the right file?"])
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PlanError([f"{shown}: there is no such file; `qlift phase new` writes a plan"]) from None
    except UnicodeDecodeError:
        raise PlanError([f"{shown}: not UTF-8; save it as UTF-8"]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PlanError([f"{shown}: not readable ({reason}); correct the path, or its rights"]) from None


def _too_deep(shown: Path) -> str:
    return f"{shown}: nested deeper than {MOST_LEVELS} levels, or a value holds itself; write it flat"


def _measure(root: yaml.Node, shown: Path) -> None:
    """Raises `PlanError` for what would take for ever (aliases of aliases, circles of them), and for tags."""
    waiting, count = [(root, 1)], 0
    while waiting:
        node, level = waiting.pop()
        count += 1
        if level > MOST_LEVELS:
            raise PlanError([_too_deep(shown)])
        if count > MOST_VALUES:
            raise PlanError(
                [f"{shown}: more than {MOST_VALUES} values, aliases counted; write out what is meant"]
            )
        if node.tag.removeprefix(_TAG) not in _TYPES:
            line, tag = node.start_mark.line + 1, node.tag.replace(_TAG, "!!")
            raise PlanError([f"{shown}:{line}: the tag {tag} is not for this file; write the plain value"])
        if isinstance(node, yaml.MappingNode):
            waiting += [(part, level + 1) for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(item, level + 1) for item in node.value]


def plain(node: yaml.Node, shown: Path) -> Any:
    """The values of a YAML tree."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise PlanError([f"{shown}{line}: {error.problem}; put the value in quotes"]) from None
    # PyYAML stumbles in many ways over values that do not fit their tag, such as `!!bool maybe`.
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
        raise PlanError([f"{shown}: a value cannot be read ({error}); put it in quotes"]) from None
    finally:
        loader.dispose()


def _without_empty(value: Any) -> Any:
    """A key with nothing after it, as where everything below is commented out, is a key left out."""
    if isinstance(value, dict):
        return {k: _without_empty(v) for k, v in value.items() if v is not None}
    return value


def twice(node: yaml.Node) -> Iterator[tuple[str, int]]:
    """YAML readers keep the last of two equal keys and say nothing."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key.value, key.start_mark.line + 1
                seen.add(key.value)
            yield from twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from twice(item)


def _meant(node: yaml.Node, errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Where a value may be a word, a list or a mapping, pydantic complains for each: keep what fits best."""
    others = [locate(node, e["loc"])[1] for e in errors if not _of_another_branch(e["type"], e["input"])]

    def explained(path: list[int | str]) -> bool:
        return any(other[: len(path)] == path for other in others)

    return [
        e
        for e in errors
        if not (_of_another_branch(e["type"], e["input"]) and explained(locate(node, e["loc"])[1]))
    ]


def _of_another_branch(kind: str, given: object) -> bool:
    if isinstance(given, dict | list):
        return kind == "literal_error"
    return kind in ("tuple_type", "model_type", "bool_type") and isinstance(given, str | bool)


def _problem(node: yaml.Node, shown: Path, error: ErrorDetails) -> tuple[int, str]:
    loc, kind, given = error["loc"], error["type"], error["input"]
    line, path = locate(node, loc)
    where = ".".join(map(str, path)) or "plan"
    if kind == "extra_forbidden":
        key = str(loc[-1])
        if key in _LATER:
            text = f"`{key}`: {_LATER[key]}"
        else:
            near = difflib.get_close_matches(key, sorted(_known_keys(Plan, path[:-1])), n=1)
            text = f"unknown key `{where}`" + (f"; did you mean `{near[0]}`?" if near else "")
            if not near:
                text += f"; known are {', '.join(sorted(_known_keys(Plan, path[:-1])))}"
    elif path and isinstance(given, str) and (path[-1], given) in _LATER_VALUES:
        text = f"{where}: {_LATER_VALUES[(str(path[-1]), given)]}"
    elif kind == "missing":
        text = f"`{where}` is missing"
    else:
        wanted = _WANTED.get(kind) or error["msg"].removeprefix("Value error, ")
        text = f"{where}: {wanted}"
        if kind in ("string_type", "literal_error") and not isinstance(given, dict | list):
            text += f", not {given!r}"
        if kind == "string_type" and isinstance(given, int | float):
            text += "; put it in quotes"
        if kind == "literal_error" and isinstance(given, str):
            expected = re.findall(r"'([^']+)'", str(error.get("ctx", {}).get("expected", "")))
            near = difflib.get_close_matches(given, expected, n=1)
            text += f"; did you mean {near[0]}?" if near else ""
    return line, f"{shown}:{line}: {text}"


def locate(node: yaml.Node, loc: tuple[int | str, ...]) -> tuple[int, list[int | str]]:
    """Line and path in the file. pydantic's locations also name models and branches; those are skipped."""
    line, path = node.start_mark.line + 1, list[int | str]()
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = next((p for p in node.value if p[0].value == str(part)), None)
            if found is None:
                continue
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            continue
        path.append(part)
    if loc and path[-1:] != [loc[-1]] and isinstance(loc[-1], str) and loc[-1].isidentifier():
        path.append(loc[-1])
    return line, path


def _known_keys(annotation: Any, path: list[int | str]) -> set[str]:
    """The keys of all models that may stand at a path of the plan."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        if not path:
            return {field.alias or name for name, field in fields.items()}
        field = next((f for name, f in fields.items() if (f.alias or name) == path[0]), None)
        return _known_keys(field.annotation, path[1:]) if field else set()
    inside = get_args(annotation)
    step = path[1:] if _is_collection(annotation) else path
    return set().union(*(_known_keys(a, step) for a in inside)) if inside else set()


def _is_collection(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) in (tuple, dict, list)
