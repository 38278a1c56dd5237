"""Undo, and changed sources, where people have worked in the tenant meanwhile. In process."""

from __future__ import annotations

import atexit
import copy
import functools
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.base import Refusal
from providers.claims import Claims
from providers.edits import ALLOW_VARIABLE, TOUCHED
from qlift.bundle import BlobStore
from qlift.simulator import Simulator, Switches
from qlift.simulator.site.changes import edit_sheet
from qlift.simulator.store import Store
from qlift.simulator.tenant.dump import dump
from tests.program.test_changes import LEDGER, World
from tests.support.export import demo_plan
from tests.support.in_process import InProcess, Refused

BUDGET = "Budget vs Actuals"
PIPELINE = "Pipeline Review"
SOMEBODY = "ACME\\zoe.dahl"
LATER = 3 * 3600
STATE = "simulator"


class Worked(World):
    """Finance (managed) and Sales Lab (shared), after an up of three hours ago.

    Site, export and up are made once in a process and copied.
    """

    def __init__(self, folder: Path, switches: Switches) -> None:
        base = _base()
        shutil.copytree(base.folder, folder, dirs_exist_ok=True)
        kept = Store(folder / STATE)
        kept.put_setting("ports", {})
        kept.close()
        self._furnish(folder, switches)
        self.run.state = copy.deepcopy(base.run.state)
        self.simulator.clock.advance(LATER)

    def _furnish(self, folder: Path, switches: Switches) -> None:
        self.folder = folder
        self.simulator = Simulator(folder / STATE, switches=switches).start()
        self.store = BlobStore(str(folder / "exports" / "sample" / "blobs"))
        self.run = InProcess(self.simulator, self.store)
        self.plan = demo_plan()
        spaces = {k: self.plan["spaces"][k] for k in ("Finance", "Sales Lab")}
        self.plan |= {"select": {"streams": ["Finance", "Sales"]}, "spaces": spaces}

    def control(self, path: str, body: Any = None) -> Any:
        url = self.simulator.description["control"]["url"]
        answer = httpx.post(f"{url}/control/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def app_id(self, name: str) -> str:
        """Of the published one, if it is published."""
        found = [a for a in self.simulator.world.apps() if a["name"] == name]
        return str(next((a for a in found if a["publishTime"]), found[0])["id"])

    def wait(self, seconds: float = 120) -> None:
        self.simulator.clock.advance(seconds)

    def as_person(self, subject: str, method: str, path: str, body: Any = None) -> Any:
        """With a key of their own."""
        key = self.control("tenant/api-keys", {"subject": subject})["api_key"]
        url = self.simulator.description["tenant"]["url"] + path
        answer = httpx.request(method, url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    # What people do.

    def make_sheet(self, app: str, **about: Any) -> None:
        self.control(f"tenant/apps/{self.app_id(app)}/objects", {"subject": SOMEBODY, **about})
        self.wait()

    def reload(self, name: str) -> None:
        self.control(f"tenant/apps/{self.app_id(name)}/reload")
        self.wait()

    def add_task(self, name: str) -> None:
        [ours] = [t for t in self.tasks() if t["resourceId"] == self.app_id(LEDGER)][:1]
        document = {k: ours[k] for k in ("specVersion", "states", "start")}
        document["states"][0]["onEvents"][0]["actions"][0]["functionRef"]["arguments"]["appId"] = self.app_id(
            name
        )
        self.api("POST", "/api/scheduling/tasks", {**document, "name": "Before the board meets"})

    def share(self, name: str) -> None:
        app_id = self.app_id(name)
        space_id = self.api("GET", f"/api/v1/apps/{app_id}")["attributes"]["spaceId"]
        body: dict[str, Any] = {"type": "user", "assigneeId": self.user_id(SOMEBODY), "resourceId": app_id}
        body |= {"resourceType": "app", "roles": ["consumer"]}
        self.api("POST", f"/api/v1/spaces/{space_id}/shares", body)

    def tasks(self) -> list[dict[str, Any]]:
        return list(self.api("GET", "/api/scheduling/tasks?limit=100")["data"])

    def change_source(self, name: str) -> None:
        edit_sheet(self.simulator.store, self.source_app(name))
        self.export()

    def everything(self) -> Any:
        return dump(self.simulator.world)

    def is_undone(self) -> bool:
        return not [a for a in self.simulator.world.apps() if "[qlift " in a["description"]]


@functools.cache
def _base() -> Worked:
    folder = Path(tempfile.mkdtemp(prefix="qlift-worked-"))
    atexit.register(shutil.rmtree, folder)
    made = Worked.__new__(Worked)
    made._furnish(folder, Switches())
    made.export()
    made.run.up(made.derived())
    made.simulator.stop()
    return made


@pytest.fixture
def worked(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Worked]:
    made = Worked(tmp_path, Switches(**getattr(request, "param", {})))
    yield made
    made.simulator.stop()


def with_switches(*positions: dict[str, Any]) -> pytest.MarkDecorator:
    names = [",".join(f"{k}={v}" for k, v in p.items()) or "defaults" for p in positions]
    return pytest.mark.parametrize("worked", positions, indirect=True, ids=names)


def refused(act: Any) -> str:
    with pytest.raises((Refusal, Refused)) as caught:
        act()
    return " ".join(map(str, caught.value.args))


def test_an_undo_names_every_changed_app_and_deletes_nothing(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked.make_sheet(LEDGER)
    worked.make_sheet(PIPELINE, published=True, approved=True)
    worked.reload(BUDGET)
    worked.add_task("Cash Flow Forecast")
    before = worked.everything()
    told = refused(worked.run.destroy)
    for sign in (
        f'publication "{LEDGER}" ({worked.app_id(LEDGER)}): changed 20',
        f'app "{PIPELINE}" ({worked.app_id(PIPELINE)}): changed 20',
        f'publication "{BUDGET}" ({worked.app_id(BUDGET)}): reloaded 20',
        'publication "Cash Flow Forecast"',
        'schedule "Before the board meets"',
        f"{ALLOW_VARIABLE}=4",
    ):
        assert sign in told, told
    assert worked.everything() == before
    monkeypatch.setenv(ALLOW_VARIABLE, "3")
    assert f"{ALLOW_VARIABLE} is 3, not 4" in refused(worked.run.destroy)
    assert worked.everything() == before
    monkeypatch.setenv(ALLOW_VARIABLE, "4")
    worked.run.destroy()
    assert worked.is_undone()


def test_the_first_delete_refuses_where_the_guard_was_left_out(worked: Worked) -> None:
    """As in a destroy of single targets."""
    worked.make_sheet(LEDGER)
    del worked.run.state["DeleteGuard", "delete-guard"]
    before = worked.everything()
    assert f'publication "{LEDGER}"' in refused(worked.run.destroy)
    assert worked.everything() == before


def test_a_share_keeps_an_app(worked: Worked, monkeypatch: pytest.MonkeyPatch) -> None:
    worked.share(LEDGER)
    assert f'publication "{LEDGER}" ({worked.app_id(LEDGER)}): shared with 1' in refused(worked.run.destroy)
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    worked.run.destroy()
    assert worked.is_undone()


@with_switches({}, {"reload_moves_modified_date": True})
def test_reloads_of_the_own_schedules_are_nobodys_change(worked: Worked) -> None:
    task = next(t for t in worked.tasks() if t["resourceId"] == worked.app_id(LEDGER))
    worked.api("POST", f"/api/scheduling/tasks/{task['id']}/actions/start")
    worked.wait()
    assert not worked.run.up(worked.derived()).changes
    worked.run.destroy()
    assert worked.is_undone()


@with_switches({"reload_moves_modified_date": True})
def test_reloads_by_people_are_told_from_those(worked: Worked) -> None:
    """Also an hour after a run of the app's own schedule."""
    task = next(t for t in worked.tasks() if t["resourceId"] == worked.app_id(LEDGER))
    worked.api("POST", f"/api/scheduling/tasks/{task['id']}/actions/start")
    worked.wait(3600)
    worked.reload(LEDGER)
    told = refused(worked.run.destroy)
    assert f'publication "{LEDGER}"' in told and "reloaded 20" in told and "changed 20" not in told


@with_switches({"own_objects_move_modified_date": False})
def test_private_sheets_are_not_seen_where_the_tenant_does_not_date_them(worked: Worked) -> None:
    """What is not covered; docs/undo.md says it."""
    worked.make_sheet(LEDGER)
    worked.run.destroy()
    assert worked.is_undone()


@pytest.mark.parametrize(("kind", "said"), [("App", True), ("AppPublication", True), ("Space", False)])
def test_the_word_for_the_deletes_says_what_cannot_be_seen(kind: str, said: bool) -> None:
    claims = Claims()
    for number in range(12):
        claims.note_read(kind, f"{kind}-{number}", str(number))
    told = claims.refusal()
    assert told is not None and "would delete 12 of 12" in told
    assert ("what somebody made only for themselves, and that goes with the app: ask" in told) == said


@pytest.mark.parametrize("name", [LEDGER, PIPELINE])
def test_what_people_did_is_not_forgotten_when_we_write_the_app_again(worked: Worked, name: str) -> None:
    """Its name and owner are mended by the next run, which is a later write of ours."""
    id_ = worked.app_id(name)
    worked.make_sheet(name, published=True, approved=True)
    worked.api("PUT", f"/api/v1/apps/{id_}", {"attributes": {"name": "Renamed"}})
    worked.api("PUT", f"/api/v1/apps/{id_}/owner", {"ownerId": worked.user_id("ACME\\qlik.admin")})
    worked.wait()
    assert len(worked.run.up(worked.derived()).updated) >= 2
    worked.wait(LATER)
    assert not worked.run.up(worked.derived()).changes
    assert f'"{name}" ({id_}): changed 20' in refused(worked.run.destroy)
    worked.change_source(name)
    assert "apps.on_source_change" in refused(lambda: worked.run.up(worked.derived()))


@pytest.mark.parametrize("name", [LEDGER, PIPELINE])
def test_own_work_of_a_killed_run_is_not_taken_for_peoples(worked: Worked, name: str) -> None:
    """New content, a new name and a new owner were written; the state tells of the run before.

    Within the hour: later a publication's last change may be people's (`tests/faults/test_work.py`).
    """
    worked.change_source(name)
    recorded = copy.deepcopy(worked.run.state)
    worked.run.up(worked.derived())
    worked.wait(1800)
    wanted = worked.everything()
    worked.run.state, worked.run.pending = recorded, []
    worked.run.up(worked.derived())
    assert worked.everything() == wanted
    worked.wait()
    assert not worked.run.up(worked.derived()).changes
    assert not [e for e in worked.run.state.values() if e.outputs.get(TOUCHED)]
    worked.run.destroy()
    assert worked.is_undone()


def test_nothing_that_changes_by_itself_is_kept_in_the_state(worked: Worked) -> None:
    worked.make_sheet(LEDGER)
    worked.reload(BUDGET)
    before = {k: dict(e.outputs) for k, e in worked.run.state.items()}
    assert not worked.run.up(worked.derived()).changes
    assert {k: dict(e.outputs) for k, e in worked.run.state.items()} == before


def test_an_up_that_leaves_an_app_out_does_not_delete_it_either(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked.make_sheet(PIPELINE)
    others = sorted({a.name for a in worked.derived().apps} - {PIPELINE})
    worked.plan["select"]["apps"] = {"names": others}
    before = worked.everything()
    with pytest.raises(Refused) as in_preview:
        worked.run.up(worked.derived())
    told = " ".join(in_preview.value.args)
    assert f'app "{PIPELINE}"' in told and f"{ALLOW_VARIABLE}=1" in told
    assert worked.everything() == before
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    assert worked.run.up(worked.derived()).deleted
    assert not worked.apps(PIPELINE)


def test_a_change_while_the_undo_runs_is_noticed(worked: Worked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen by the app's own GET, just before its delete: the list of the beginning did not know it.

    The number is of what is left, which the next run finds too.
    """
    worked.make_sheet(LEDGER)
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    worked.run.after_reading = lambda: worked.make_sheet(PIPELINE)
    # What was made last goes first.
    for key in [k for k in worked.run.state if "general-ledger" in k[1]]:
        worked.run.state[key] = worked.run.state.pop(key)
    told = refused(worked.run.destroy)
    assert "this would delete 1 apps" in told and f'app "{PIPELINE}"' in told and LEDGER not in told, told
    assert f"1 others are deleted already, as {ALLOW_VARIABLE}=1 said" in told, told
    assert worked.apps(PIPELINE) and not any(a["published"] for a in worked.apps(LEDGER))
    worked.run.after_reading = lambda: None
    monkeypatch.delenv(ALLOW_VARIABLE)
    assert f"{ALLOW_VARIABLE}=1" in refused(worked.run.destroy)
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    worked.run.destroy()
    assert worked.is_undone()


# Source and tenant.


def test_ask_stops_before_anything_is_imported(worked: Worked) -> None:
    worked.make_sheet(LEDGER, published=True, approved=True)
    worked.change_source(LEDGER)
    before = worked.everything()
    told = refused(lambda: worked.run.up(worked.derived()))
    assert LEDGER in told and "apps.on_source_change" in told and "people changed it in the tenant" in told
    assert worked.everything() == before


def test_only_the_source_changed_goes_over_it_and_only_the_tenant_changed_stays(worked: Worked) -> None:
    worked.change_source(LEDGER)
    worked.make_sheet(BUDGET, published=True, approved=True, name="Made by people")
    ran = worked.run.up(worked.derived())
    assert {k for k, _ in ran.replaced} == {"App"} and ("AppPublication", ran.replaced[0][1]) in ran.updated
    assert any(o["name"] == "Made by people" for o in worked.published(BUDGET)["objects"])
    worked.wait()
    assert not worked.run.up(worked.derived()).changes


def test_what_stays_changed_is_said_in_every_run(worked: Worked, caplog: pytest.LogCaptureFixture) -> None:
    worked.make_sheet(BUDGET)
    worked.run.up(worked.derived())
    assert f'they stay as they are: publication "{BUDGET}"' in caplog.text


def test_republish_goes_over_a_published_app_and_says_so(
    worked: Worked, caplog: pytest.LogCaptureFixture
) -> None:
    worked.plan["apps"] = {**worked.plan["apps"], "on_source_change": "republish"}
    worked.make_sheet(LEDGER, name="Private")
    id_ = worked.app_id(LEDGER)
    worked.change_source(LEDGER)
    worked.run.up(worked.derived())
    assert "the plan says republish" in caplog.text
    assert worked.app_id(LEDGER) == id_
    # What people made for themselves stays in a published app.
    assert any(o["name"] == "Private" for o in worked.published(LEDGER)["objects"])
    worked.wait()
    assert not worked.run.up(worked.derived()).changes


def test_republish_of_an_app_that_would_go_wants_the_word(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app in a shared space is replaced by a new one: theirs would be deleted."""
    worked.plan["apps"] = {**worked.plan["apps"], "on_source_change": "republish"}
    worked.make_sheet(PIPELINE)
    id_ = worked.app_id(PIPELINE)
    worked.change_source(PIPELINE)
    with pytest.raises(Refused, match=f"{ALLOW_VARIABLE}=1"):
        worked.run.up(worked.derived())
    assert worked.api("GET", f"/api/v1/apps/{id_}")
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    worked.run.up(worked.derived())
    assert len(worked.apps(PIPELINE)) == 1
    assert not worked.run.up(worked.derived()).changes


@pytest.mark.parametrize("name", [LEDGER, PIPELINE])
def test_new_copy_leaves_theirs_beside_the_new_content(worked: Worked, name: str) -> None:
    worked.plan["apps"] = {**worked.plan["apps"], "on_source_change": "new_copy"}
    worked.make_sheet(name, name="Made by people")
    id_ = worked.app_id(name)
    owner = worked.api("GET", f"/api/v1/apps/{id_}")["attributes"]["owner"]
    worked.change_source(name)
    worked.run.up(worked.derived())
    theirs = worked.api("GET", f"/api/v1/apps/{id_}")["attributes"]
    assert theirs["owner"] == owner and "[qlift " not in theirs["description"]
    kind = "AppPublication" if name == LEDGER else "App"
    new = worked.id_of(kind, name.lower().replace(" ", "-"))
    assert new != id_
    assert worked.api("GET", f"/api/v1/apps/{new}")["attributes"]["owner"] == owner
    worked.wait()
    assert not worked.run.up(worked.derived()).changes
    # The spaces cannot go while their app is in them; everything else of ours does.
    refused(worked.run.destroy)
    assert worked.api("GET", f"/api/v1/apps/{id_}")


def test_deleted_apps_stand_in_the_log(
    worked: Worked, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    id_ = worked.app_id(LEDGER)
    log = tmp_path / "log.jsonl"
    worked.run.log = log
    worked.run.destroy()
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    [ledger] = [e for e in entries if e.get("event") == "app deleted" and e["app"] == id_]
    assert ledger["stack"] == "demo" and ledger["name"] == LEDGER and not ledger["superseded"]
    assert ledger["recoverable_until"] > ledger["deleted_at"]
    assert f"({id_}) is deleted; `qlift restore demo` brings it back until 20" in caplog.text
