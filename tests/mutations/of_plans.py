"""Spoilt plans, users and groups files, waivers, and paths that lead out of the repository."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.mutations.mutation import (
    BUNDLE,
    Change,
    Mutation,
    a_folder,
    a_pipe,
    leaves,
    linked,
    put,
    text_replaced,
    wrong_for,
)
from tests.mutations.repository import GROUPS, PLAN, USERS, WAIVERS

SEED = 20261126
FILE, CSV = "stacks/finance/plan.yaml", "stacks/targets/test.users.csv"
OWN_GROUPS, WAIVED = "stacks/finance/groups.csv", "stacks/finance/waivers.yaml"


def _in(name: str, change: Change) -> Change:
    return lambda root: change(root / name)


def _text(content: str, encoding: str = "utf-8") -> Change:
    return lambda file: file.write_bytes(content.encode(encoding))


def _bomb(levels: int) -> str:
    """A billion laughs: each level names the one before ten times."""
    lines = ["bomb0: &b0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"bomb{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


YAML: dict[str, str] = {
    "empty": "",
    "only a comment": "# nothing\n",
    "truncated": PLAN[: len(PLAN) // 2],
    "cut in a list": PLAN[: PLAN.index("roles: [consumer") + 10],
    "a list": "- a\n- b\n",
    "a text": "hello\n",
    "a number": "42\n",
    "null": "null\n",
    "tabs": PLAN.replace("  - {site", "\t- {site"),
    "NUL": PLAN.replace("Finance", "Fin\0ance"),
    "control character": PLAN.replace("Money", "Mo\x1bney"),
    "two documents": PLAN + "---\n" + PLAN,
    "merge conflict": "<<<<<<< HEAD\n" + PLAN + "=======\n",
    "markup": "<html><body>502</body></html>\n",
    "JSON cut off": '{"version": 1, "phase": ',
    "deep list": PLAN + "uses: " + "[" * 5_000 + "]" * 5_000 + "\n",
    "deeper than allowed": PLAN + "uses: " + "[" * 60 + "]" * 60 + "\n",
    "deep mapping": PLAN + "uses: " + "{a: " * 3_000 + "1" + "}" * 3_000 + "\n",
    "deep blocks": PLAN + "".join(" " * n + "a:\n" for n in range(1_500)),
    "bomb": _bomb(9) + PLAN,
    "bomb in a known key": PLAN + "uses: &a [x]\n" + _bomb(9),
    "a list that holds itself": PLAN + "uses: &u [*u]\n",
    "a mapping that holds itself": PLAN + "x: &x {y: *x}\n",
    "an alias to nothing": PLAN + "uses: *nowhere\n",
    "a very large file": PLAN + "# " + "x" * 3_000_000 + "\n",
    "python object": PLAN + "uses: !!python/object:os.system [x]\n",
    "python call": PLAN + 'uses: !!python/object/apply:os.system ["touch PWNED"]\n',
    "python name": PLAN + "uses: !!python/name:os.system\n",
    "python module": PLAN + "uses: !!python/module:os\n",
    "unknown tag": PLAN + "uses: !mine [x]\n",
    "tag that does not fit": PLAN + "uses: [!!bool maybe]\n",
    "empty integer": PLAN + 'uses: [!!int ""]\n',
    "a date that is none": PLAN.replace("2027-03-31", "2027-13-45"),
    "tagged date": PLAN + "uses: [!!timestamp never]\n",
    "binary": PLAN + "uses: [!!binary aGFsbG8=]\n",
    "broken binary": PLAN + "uses: [!!binary a]\n",
    "a set": PLAN + "uses: !!set {a, b}\n",
    "ordered pairs": PLAN + "uses: !!omap [a: 1]\n",
    "a key that is a list": PLAN + "? [a, b]\n: 1\n",
    "a key that is a mapping": PLAN + "{a: 1}: 2\n",
    "a key that is a number": PLAN + "7: seven\n",
    "a key that is null": PLAN + "~: nothing\n",
    "long integer": PLAN.replace("version: 1", "version: " + "1" * 10_000),
    "long hexadecimal": PLAN.replace("version: 1", "version: 0x" + "f" * 10_000),
    "infinite version": PLAN.replace("version: 1", "version: .inf"),
    "version as text": PLAN.replace("version: 1", 'version: "1"'),
    "version 2": PLAN.replace("version: 1", "version: 2"),
    "huge name": PLAN.replace("  Lab:", "  " + "x" * 100_000 + ":"),
    "huge description": PLAN.replace("Money", "x" * 1_000_000),
    "surrogate": PLAN.replace("Money", '"\\ud800"'),
    "key twice": PLAN + "phase: other\n",
    "unknown key": PLAN + "fase: finance\n",
    "no phase": PLAN.replace("phase: finance\n", ""),
    "no sources": PLAN.replace("  - {site: prod, bundle: exports/prod}\n", "  []\n"),
    "a source twice": PLAN.replace("sources:\n", "sources:\n  - {site: prod, bundle: exports/prod}\n"),
    "null in a list": PLAN.replace("[Finance, Lab]", "[Finance, null]"),
    "phase that is a path": PLAN.replace("phase: finance", "phase: ../../x"),
    "site that is a path": PLAN.replace("site: prod", "site: ../prod"),
    "site plan": PLAN.replace("site: prod", "site: plan"),
    "template with an attribute": PLAN.replace("{user_id}@", "{user_id.__class__}@"),
    "template with an index": PLAN.replace("{user_id}@", "{user_id[0]}@"),
    "template with a width": PLAN.replace("{user_id}@", "{user_id:>1000000000}@"),
    "template in a template": PLAN.replace("{user_id}@", "{user_id:{name}}@"),
    "template with a conversion": PLAN.replace("{user_id}@", "{user_id!r}@"),
    "template by number": PLAN.replace("{user_id}@", "{0}@"),
    "template not closed": PLAN.replace("{user_id}@", "{user_id@"),
    "later key": PLAN + "connections: {A: {space: B}}\n",
    "date as text": PLAN.replace("2027-03-31", "soon"),
    "switch as text": PLAN.replace("enabled: false", 'enabled: "false"'),
    "switch as a number": PLAN.replace("enabled: false", "enabled: 1"),
    "space of an unknown phase": PLAN.replace("type: shared}", "type: shared, of: base}"),
}
SAME: dict[str, Change] = {
    "byte order mark": _text("\ufeff" + PLAN),
    "line ends": _text(PLAN.replace("\n", "\r\n")),
    "aliases": _text(
        PLAN.replace("[Finance, Lab]", "[&f Finance, Lab]").replace("{stream: Finance}", "{stream: *f}")
    ),
    "a key with nothing": _text(PLAN + "uses:\n"),
}
FOUND: dict[str, tuple[str, str]] = {
    "unknown stream": (PLAN.replace("[Finance, Lab]", "[Finance, Lba]"), "STREAM-UNKNOWN"),
    "unknown stream of a space": (PLAN.replace("{stream: Lab}", "{stream: Lba}"), "STREAM-UNKNOWN"),
    "unknown app": (PLAN.replace("  personal:", "  apps: {names: [Lodger]}\n  personal:"), "APP-UNKNOWN"),
    "unknown role": (PLAN.replace("[consumer]", "[king]"), "ROLE-UNKNOWN"),
    "stream twice": (PLAN.replace("{stream: Lab}", "{stream: Finance}"), "STREAM-TWICE"),
    "spaces of one name": (PLAN.replace("type: shared}", "type: shared, name: Finance}"), "SPACE-NAME-TWICE"),
    "name that a space refuses": (PLAN.replace("type: shared}", 'type: shared, name: "a/b"}'), "SPACE-NAME"),
    "data that was not exported": (PLAN.replace("data: all", "data: none"), "BUNDLE-OTHER-EXPORT"),
}  # fmt: skip


def yaml_mutations() -> Iterator[Mutation]:
    for name, content in YAML.items():
        yield Mutation(f"plan: {name}", _in(FILE, _text(content)), "refused", (FILE,))
    for name, change in SAME.items():
        yield Mutation(f"plan: {name}", _in(FILE, change), "same")
    for name, (content, code) in FOUND.items():
        yield Mutation(f"plan: {name}", _in(FILE, _text(content)), "found", (code,))
    for encoding in ("utf-16", "utf-16-le", "utf-32", "latin-1"):
        text = PLAN.replace("Money", "Größe")
        yield Mutation(f"plan: {encoding}", _in(FILE, _text(text, encoding)), "refused", (FILE,))
    for name, change in (("gone", Path.unlink), ("a folder", a_folder), ("a pipe", a_pipe)):
        yield Mutation(f"plan: {name}", _in(FILE, change), "refused", (FILE,))


def plan_types() -> Iterator[Mutation]:
    """Each value of the plan, one of another type in its place."""
    dice = random.Random(SEED)
    plan = yaml.safe_load(PLAN)
    for path, value in leaves(plan):
        wrong = dice.choice([w for w in wrong_for(value) if not _may_stand(w, path)])
        changed = yaml.safe_load(PLAN)
        put(changed, path, wrong)
        text = yaml.safe_dump(changed)
        name = f"plan: {'.'.join(map(str, path))} = {str(wrong)[:40]}"
        yield Mutation(name, _in(FILE, _text(text)), "refused", (FILE,))


def _may_stand(wrong: Any, path: tuple[str | int, ...]) -> bool:
    """A key without a value is left out; some keys take several types; a number is a date of its own."""
    free = wrong is None and isinstance(path[-1], str)
    return free or (path[-1] == "personal" and wrong is False) or (path[-1] == "until" and wrong == 7)


TABLES: dict[str, tuple[str, str]] = {
    "empty": ("", "empty"),
    "no header": (USERS.split("\n", 1)[1], "unknown column"),
    "missing column": (USERS.replace(",status", ",state"), "unknown column `state`"),
    "column gone": ("\n".join(x.rsplit(",", 2)[0] for x in USERS.splitlines()), "no column status"),
    "column twice": (USERS.replace("subject,email", "subject,subject", 1), "stands there twice"),
    "blanks between columns": (USERS.replace(",", " "), "separate columns by commas"),
    "duplicate row": (USERS + USERS.splitlines()[1] + "\n", "the same as line 2"),
    "duplicate in other case": (USERS + USERS.splitlines()[1].upper().replace("PROD", "prod").replace(
        "MATCHED", "matched") + "\n", "the same as line 2"),
    "formula": (USERS.replace("Jane,", '"=HYPERLINK(""http://x"",""y"")",'), "formula"),
    "formula as subject": (USERS.replace("CORP\\jane,jane@", "=1+1,jane@"), "formula"),
    "name with a comma": (USERS.replace("Jane,", "Doe, Jane,"), "put a value with a comma in quotes"),
    "short row": (USERS.replace(",CORP\\lee,lee@corp.example,matched,by hand", ""), "status"),
    "unknown status": (USERS.replace("matched,\n", "maybe,\n"), "status"),
    "empty key": (USERS.replace("prod,CORP,jane", "prod,,jane"), "directory"),
    "no site": (USERS.replace("prod,CORP,jane", ",CORP,jane"), "site"),
    "open quote": (USERS.replace("Jane,", '"Jane,'), "CSV"),
    "quote in the middle": (USERS.replace("Jane,", '"Ja"ne,'), "CSV"),
    "huge cell": (USERS.replace("Jane,", "x" * 200_000 + ","), "CSV"),
    "NUL": (USERS.replace("Jane,", "Ja\0ne,"), "NUL"),
    "markup": ("<html><body>502</body></html>", "unknown column"),
    "JSON": ('[{"site": "prod"}]', "unknown column"),
    "merge conflict": (USERS + "<<<<<<< HEAD\n", "directory"),
}  # fmt: skip


def table_mutations() -> Iterator[Mutation]:
    for name, (content, word) in TABLES.items():
        yield Mutation(f"users: {name}", _in(CSV, _text(content)), "refused", (CSV, word))
    for encoding in ("utf-16-le", "latin-1", "cp1252", "utf-32"):
        change = _text(USERS.replace("Jane", "Jürgen"), encoding)
        yield Mutation(f"users: {encoding}", _in(CSV, change), "refused", (CSV, "UTF-8"))
    for name, change in (("a folder", a_folder), ("a pipe", a_pipe)):
        yield Mutation(f"users: {name}", _in(CSV, change), "refused", (CSV,))
    for name, text in (
        ("byte order mark", "\ufeff" + USERS),
        ("line ends", USERS.replace("\n", "\r\n")),
        ("blank lines", USERS + "\n\n"),
        ("quoted", "\n".join(",".join(f'"{c}"' for c in x.split(",")) for x in USERS.splitlines())),
        ("quoted as text", USERS.replace("Jane,", "'=Jane,")),
    ):
        yield Mutation(f"users: {name}", _in(CSV, _text(text)), "same")
    yield Mutation("users: utf-16", _in(CSV, _text(USERS, "utf-16")), "same")
    found = {
        "nobody is matched": (USERS.replace("lee@corp.example,matched", ",missing"), "USER-UNKNOWN"),
        "mistyped": (USERS.replace("prod,CORP,lee", "prod,CROP,lee"), "ROW-UNUSED"),
    }
    for name, (text, code) in found.items():
        yield Mutation(f"users: {name}", _in(CSV, _text(text)), "found", (code,))
    for name, text, word in (
        ("missing column", GROUPS.replace("name,", ""), "no column name"),
        ("duplicate row", GROUPS + GROUPS.splitlines()[1] + "\n", "the same as line 2"),
        ("formula", GROUPS.replace("BI Readers,BI Readers", "BI Readers,=cmd|' /C calc'!A0"), "formula"),
    ):
        for file in (OWN_GROUPS, "stacks/targets/test.groups.csv"):
            yield Mutation(f"{file}: {name}", _in(file, _text(text)), "refused", (file, word))
    other = GROUPS.replace("prod,BI Readers", "prod,BI Raeders")
    yield Mutation("groups: mistyped", _in(OWN_GROUPS, _text(other)), "found", ("ROW-UNUSED",))


WAIVER_TEXTS: dict[str, str] = {
    "a text": "hello\n",
    "a mapping": "code: X\n",
    "truncated": WAIVERS[:30],
    "a list of texts": "- hello\n",
    "a list of nulls": "- null\n",
    "a list of lists": "- []\n",
    "unknown key": WAIVERS.replace("owner:", "boss:"),
    "no end": WAIVERS.replace(", until: 2027-01-31", ""),
    "end that is none": WAIVERS.replace("2027-01-31", "2027-31-01"),
    "end as text": WAIVERS.replace("2027-01-31", "never"),
    "twice": WAIVERS + WAIVERS,
    "key twice": WAIVERS.replace("owner: jane", "owner: jane, owner: lee"),
    "python call": "- !!python/object/apply:os.system ['touch PWNED']\n",
    "bomb": _bomb(9),
    "holds itself": "&a\n- *a\n",
    "deep": "[" * 5_000 + "]" * 5_000,
    "long integer": WAIVERS.replace("jane", "1" * 10_000),
    "NUL": WAIVERS.replace("jane", "ja\0ne"),
}


def waiver_mutations() -> Iterator[Mutation]:
    for name, content in WAIVER_TEXTS.items():
        yield Mutation(f"waivers: {name}", _in(WAIVED, _text(content)), "refused", (WAIVED,))
    for encoding in ("utf-16", "latin-1"):
        change = _text(WAIVERS.replace("jane", "Jürgen"), encoding)
        yield Mutation(f"waivers: {encoding}", _in(WAIVED, change), "refused", (WAIVED, "UTF-8"))
    yield Mutation("waivers: a folder", _in(WAIVED, a_folder), "refused", (WAIVED,))
    unused = WAIVERS.replace("ROLE-UNKNOWN", "ROLE-UNKOWN")
    yield Mutation("waivers: of nothing", _in(WAIVED, _text(unused)), "found", ("WAIVER-UNUSED",))


def _named(old: str, new: str) -> Change:
    return _in(FILE, text_replaced(old, new))


def escape_mutations() -> Iterator[Mutation]:
    """Paths of the plan: relative ones stay in the repository, absolute ones are meant."""
    outside = "leads out of the repository"
    bundle, own = "bundle: exports/prod", "map: groups.csv"
    for given, word in (
        ("../outside", outside),
        ("exports/../../outside", outside),
        ("/nowhere/at/all", "does not exist"),
        ("exports/nothing", "does not exist"),
        ("exports", "no bundle"),
        ("stacks/finance/plan.yaml", "not a folder"),
        ('"a\\0b"', "no usable path"),
        ("x" * 900, "; "),
        ("exports/" + "y" * 300, "; "),
        ("~/exports", "does not exist"),
        ("file:///etc", "does not exist"),
    ):
        yield Mutation(f"bundle {given[:30]!r}", _named(bundle, f"bundle: {given}"), "refused", (word,))
    for given, word in (
        ("../../../outside/secret.csv", outside),
        ("nothing.csv", "no such file"),
        ("../../exports", "not a file"),
        ('"a\\0b"', "no usable path"),
        ("z" * 900, "; "),
    ):
        yield Mutation(f"groups.map {given[:30]!r}", _named(own, f"map: {given}"), "refused", (word,))

    def link_to_outside(root: Path) -> None:
        (root / BUNDLE).rename(root.parent / "outside" / "prod")
        (root / BUNDLE).symlink_to(root.parent / "outside" / "prod")

    def absolute(root: Path) -> None:
        (root / BUNDLE).rename(root.parent / "outside" / "prod")
        text_replaced(bundle, f"bundle: {root.parent}/outside/prod")(root / FILE)

    def link_to_itself(root: Path) -> None:
        (root / "exports" / "loop").symlink_to("loop")
        text_replaced(bundle, "bundle: exports/loop")(root / FILE)

    yield Mutation("bundle is a link out", link_to_outside, "refused", (outside,))
    yield Mutation("bundle links to itself", link_to_itself, "refused", ("exports/loop",))
    yield Mutation("bundle outside, absolute", absolute, "same")
    link = _in(OWN_GROUPS, linked("../../../outside/secret.csv"))
    yield Mutation("groups.map is a link out", link, "refused", (outside,))
    circle = _in(OWN_GROUPS, linked("groups.csv"))
    yield Mutation("groups.map links to itself", circle, "refused", ("groups.csv",))
    above = _named(own, "map: ../targets/test.groups.csv")
    yield Mutation("groups.map in the repository", above, "same")


def plan_mutations() -> list[Mutation]:
    return [
        *yaml_mutations(),
        *plan_types(),
        *table_mutations(),
        *waiver_mutations(),
        *escape_mutations(),
    ]
