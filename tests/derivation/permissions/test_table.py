"""Permissions as rows, before there is a plan; and a real audit answer."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import Bundle, Writer, load_bundle
from qlift.bundle.models import Identity, StreamAccess
from qlift.derivation.context import Site
from qlift.derivation.permissions import PermissionRow, Rules, differences, table
from qlift.sources.qlik_sense.identity import granted, rows
from tests.derivation.site import SiteBuilder, derived, small_site


def test_a_row_for_each_assignee_with_rules_roles_and_members(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.user("CORP\\bob", ("BI Readers",))
    site.rule("Read", 'user.group="BI Readers"', "Stream_*")
    site.rule("Publish", 'user.group="BI Readers"', f"Stream_{stream['id']}", 32)
    site.rule("All", "!user.IsAnonymous()", "Stream_*")
    site.rule("Jane", 'user.userId="jane"', "Stream_*", 4)
    site.rule("Off", 'user.group="Others"', "Stream_*", disabled=True)
    site.allow(stream, jane, actions=2)
    bundle = site.write(tmp_path / "b")
    rules = Rules(Site(bundle))
    shared = {"stream": "Finance", "stream_id": stream["id"]}
    assert table(rules, bundle.streams[0], "managed") == (
        PermissionRow(
            **shared,
            kind="everyone",
            assignee="",
            members=2,
            roles=("consumer",),
            actions=2,
            rules=("All",),
            named=False,
        ),
        PermissionRow(
            **shared,
            kind="group",
            assignee="BI Readers",
            members=2,
            roles=("consumer", "publisher"),
            actions=34,
            rules=("Publish", "Read"),
            named=True,
        ),
        PermissionRow(
            **shared,
            kind="user",
            assignee="CORP\\jane",
            members=1,
            roles=("facilitator",),
            actions=4,
            rules=("Jane",),
            named=True,
        ),
    )
    logins = {u.id: u.login for u in bundle.users}
    found = {
        d.word: (sorted(logins[u] for u in d.wider), d.narrower)
        for d in differences(rules, bundle.streams[0], "managed")
    }
    assert found == {
        "read": (["CORP\\bob"], frozenset()),
        "publish to": (["CORP\\bob", "CORP\\jane"], frozenset()),
        "change": (["CORP\\jane"], frozenset()),
        "delete": (["CORP\\jane"], frozenset()),
        "give away": (["CORP\\jane"], frozenset()),
    }


def test_a_stream_without_audit_has_no_differences(tmp_path: Path) -> None:
    site, *_ = small_site()
    bundle = site.write(tmp_path / "b")
    assert differences(Rules(Site(bundle)), bundle.streams[0], "shared") == ()


# The answer of a real site, from the example notebook of a published client of the Repository Service.


def notebook() -> list[dict[str, Any]]:
    default = Path(__file__).parents[4] / "shared" / "data"
    file = Path(os.environ.get("QLIFT_REAL_DATA", default)) / "qseow" / "qrspy-audit-rules-matrix.ipynb"
    if not file.exists():
        pytest.skip(f"no real data: {file} is absent (set QLIFT_REAL_DATA)")
    outputs = [
        o for cell in json.loads(file.read_text(encoding="utf-8"))["cells"] for o in cell.get("outputs", [])
    ]
    texts = ["".join(o.get("data", {}).get("text/plain", [])) for o in outputs]
    return [ast.literal_eval(t) for t in texts if t.startswith("{'matrix'")]


def real_bundle(folder: Path, answer: dict[str, Any], site: SiteBuilder) -> Bundle:
    """The people and the stream of the answer, the rules of `site`, the audit as the exporter reads it."""
    ((stream_id, resource),) = answer["resources"].items()
    stream = {"id": stream_id, "name": resource["resourceProperties"]["name"]}
    users = [
        {
            "id": id_,
            "userId": subject["subjectProperties"]["userid"],
            "userDirectory": subject["subjectProperties"]["userdirectory"],
            "name": subject["subjectProperties"]["name"],
        }
        for id_, subject in answer["subjects"].items()
    ]
    writer = Writer(folder)
    writer.begin()
    kinds: dict[str, list[dict[str, Any]]] = {
        "stream": [stream],
        "user": users,
        "systemrule": site.kinds.get("systemrule", []),
    }
    for kind in (
        "app", "stream", "user", "reloadtask", "schemaevent", "compositeevent", "systemrule",
        "dataconnection", "tag", "custompropertydefinition", "extension",
    ):  # fmt: skip
        writer.entities(kind, kinds.get(kind, []))
    writer.app_files([])
    users_of_stream = {str(r["subjectId"]): granted(r) for r in rows(answer) if granted(r)}
    writer.access([StreamAccess(stream=stream_id, users=users_of_stream)])
    writer.finish(
        site="prod",
        product_version="22.0.4.0",
        identity=Identity(user="x", complete=True),
        data="all",
        scope="all",
        runtime={},
    )
    return load_bundle(folder)


def test_a_real_answer_is_the_oracle(tmp_path: Path) -> None:
    (answer,) = notebook()
    site = SiteBuilder()
    site.rule("Publishers", 'user.name like "qlikkie*" and !user.IsAnonymous()', "Stream_*", 34)
    bundle = real_bundle(tmp_path / "b", answer, site)
    (access,) = bundle.access.values()
    assert sorted(access.users.values()) == [34, 34, 111]
    desired = derived(
        tmp_path,
        bundle,
        users={"rules": [{"directory": "QLIKSERVERX", "subject": "{user_id}"}]},
        spaces={"Public": {"from": {"stream": "Public Sector"}, "type": "managed"}},
    )
    given = {a.assignee.name: a.roles for a in desired.assignments if a.assignee.type == "user"}
    assert given == dict.fromkeys(("qlikkie01", "qlikkie02"), ("consumer", "publisher"))
    narrows = [f.message for f in desired.findings if f.code == "ACCESS-NARROWS"]
    assert len(narrows) == 3 and all(m.startswith("QLIKSERVERX\\naf may ") for m in narrows)
    assert not desired.errors


def test_a_rule_that_lets_in_more_than_the_real_answer_widens(tmp_path: Path) -> None:
    (answer,) = notebook()
    site = SiteBuilder()
    site.rule("Managers", 'user.userDirectory="QlikServerX"', "Stream_*", 111)
    desired = derived(
        tmp_path,
        real_bundle(tmp_path / "b", answer, site),
        users={"rules": [{"directory": "QLIKSERVERX", "subject": "{user_id}"}]},
        groups={"everyone": "All"},
        spaces={"Public": {"from": {"stream": "Public Sector"}, "type": "managed"}},
    )
    (error,) = desired.errors
    assert error.code == "ACCESS-WIDENS" and "change and delete and give away it" in error.message
    assert "QLIKSERVERX\\qlikkie01, QLIKSERVERX\\qlikkie02" in error.message
