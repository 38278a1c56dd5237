"""What happens after the first run: to the source, to the tenant, to the plan. In process."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from qlift.bundle import BlobStore, load_bundle
from qlift.derivation import PeopleFiles, derive_phase
from qlift.derivation.desired import Desired
from qlift.simulator import Fault, Simulator, Switches
from qlift.simulator.site.changes import add_private_sheet, edit_sheet
from qlift.simulator.tenant.dump import dump
from qlift.simulator.tenant.seed import CLIENT_ID
from qlift.simulator.tenant.world import CLIENT
from tests.support.export import copy_waivers, demo_plan, export_from
from tests.support.in_process import InProcess, Refused

LEDGER = "General Ledger"


class World:
    """A site, a tenant and a repository; `plans` are the phases, each with a stack of its own."""

    def __init__(self, folder: Path, switches: Switches) -> None:
        self.folder = folder
        self.simulator = Simulator(switches=switches)
        self.simulator.start()
        export_from(self.simulator, folder)
        self.store = BlobStore(str(folder / "exports" / "sample" / "blobs"))
        self.run = InProcess(self.simulator, self.store)
        self.plan = demo_plan()

    def derived(self, plan: dict[str, Any] | None = None) -> Desired:
        file = self.folder / "stacks" / "demo" / "plan.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        copy_waivers(file.parent)
        file.write_text(yaml.safe_dump(plan or self.plan, sort_keys=False), encoding="utf-8")
        nobody = PeopleFiles(users=self.folder / "none.csv", groups=self.folder / "none.csv")
        _, desired = derive_phase(self.folder, "demo", nobody, datetime.date(2026, 1, 1))
        assert not desired.errors
        return desired

    def up(self) -> list[tuple[str, str]]:
        changes = self.run.up(self.derived()).changes
        self.simulator.clock.advance(200)
        return changes

    def enabled_tasks(self) -> list[str]:
        listed = self.api("GET", "/api/scheduling/tasks?limit=100")["data"]
        return sorted(t["name"] for t in listed if t["enabled"])

    def source_app(self, name: str) -> str:
        return next(a.id for a in load_bundle(self.folder / "exports" / "sample").apps if a.name == name)

    def export(self) -> None:
        export_from(self.simulator, self.folder)

    def apps(self, name: str) -> list[dict[str, Any]]:
        return [a for a in dump(self.simulator.world)["apps"] if a["name"] == name]

    def published(self, name: str) -> dict[str, Any]:
        [app] = [a for a in self.apps(name) if a["published"]]
        return app

    def peoples_objects(self, name: str) -> dict[str, str]:
        """Private and community objects of a published app, and whose they are."""
        objects = self.published(name)["objects"]
        return {o["engineObjectId"]: o["owner"] for o in objects if not o["approved"]}

    def space(self, name: str) -> dict[str, Any]:
        return next(dict(s) for s in dump(self.simulator.world)["spaces"] if s["name"] == name)

    def roles(self, space: str) -> dict[str, list[str]]:
        return {a["assignee"]: a["roles"] for a in self.space(space)["assignments"]}

    def id_of(self, kind: str, key_begin: str) -> str:
        """Of the shortest such key: `finance` before `finance-staging`, in whatever order they were made."""
        keys = [k for k in self.run.state if k[0] == kind and k[1].startswith(key_begin)]
        return self.run.state[min(keys, key=lambda k: len(k[1]))].id

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """As somebody with the tenant's API key."""
        tenant = self.simulator.description["tenant"]
        headers = {"Authorization": f"Bearer {tenant['api_key']}"}
        answer = httpx.request(method, tenant["url"] + path, json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def copy(self, app_id: str, **attributes: str) -> str:
        made = self.api("POST", f"/api/v1/apps/{app_id}/copy", {"attributes": attributes})
        return str(made["attributes"]["id"])

    def user_id(self, subject: str) -> str:
        users = self.api("GET", "/api/v1/users?limit=100")["data"]
        return next(str(u["id"]) for u in users if u["subject"] == subject)


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(tmp_path, Switches(**getattr(request, "param", {})))
    yield made
    made.simulator.stop()


def positions(name: str, *values: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "world", [{name: v} for v in values], indirect=True, ids=[f"{name}={v}" for v in values]
    )


@positions("private_objects_on_copy", "dropped", "kept", "exposed")
def test_a_private_sheet_that_appears_later_stays_in_the_source(world: World) -> None:
    """A republish must neither show it to everybody nor give it to the tool."""
    world.up()
    before = world.peoples_objects(LEDGER)
    assert before
    app = world.source_app(LEDGER)
    user = next(
        u.id for u in load_bundle(world.folder / "exports" / "sample").users if u.user_id == "zoe.dahl"
    )
    later = add_private_sheet(world.simulator.store, app, user, "Only mine")
    edit_sheet(world.simulator.store, app)
    world.export()
    assert world.up()
    assert world.peoples_objects(LEDGER) == before
    assert later not in [o["engineObjectId"] for o in world.published(LEDGER)["objects"]]
    assert not world.up()


def test_a_republish_leaves_the_owners_role_alone(world: World) -> None:
    """Somebody made the owner of an app facilitator of its space: not what owning the app gave."""
    world.up()
    space_id = world.id_of("Space", "finance")
    owner = world.published(LEDGER)["owner"]
    body = {"type": "user", "assigneeId": world.user_id(owner), "roles": ["facilitator"]}
    world.api("POST", f"/api/v1/spaces/{space_id}/assignments", body)
    edit_sheet(world.simulator.store, world.source_app(LEDGER))
    world.export()
    assert world.up()
    assert world.roles("Finance")[f"user {owner}"] == ["facilitator"]
    assert not world.up()


@positions("tasks_on_app_move", "disabled", "deleted")
def test_apps_move_to_another_shared_space_with_roles_and_tasks(world: World) -> None:
    world.plan["schedules"] = {"enabled": True}
    world.up()
    enabled = world.enabled_tasks()
    assert enabled
    world.plan["spaces"]["Sales New"] = world.plan["spaces"].pop("Sales Lab")
    world.up()
    planned = {a.assignee.name for a in world.derived().assignments if a.space == "sales-new"}
    bot = "qlikbot"
    assert all(bot in who or any(who.endswith(n) for n in planned if n) for who in world.roles("Sales New"))
    assert world.enabled_tasks() == enabled
    assert not world.up()


def test_a_space_that_its_own_phase_renames_moves_nothing_here(tmp_path: Path, world: World) -> None:
    """Finance is made by the phase `foundation`; this one refers to it by name."""
    foundation = InProcess(world.simulator, world.store)
    alone = {**world.plan, "spaces": {"Finance": {"type": "managed"}}, "select": {"streams": []}}
    foundation.up(world.derived(alone))
    world.plan["uses"] = ["foundation"]
    world.plan["spaces"]["Finance"] = {
        "from": {"stream": "Finance"},
        "type": "managed",
        "of": "foundation",
    }
    world.up()
    ids = {k: e.id for k, e in world.run.state.items() if k[0] == "AppPublication"}
    alone["spaces"]["Finance"]["name"] = "Finance Europe"
    foundation.up(world.derived(alone))
    world.simulator.clock.advance(200)
    # The plan still says the old name, then the new one.
    assert not world.up()
    world.plan["spaces"]["Finance"]["name"] = "Finance Europe"
    ran = world.run.up(world.derived())
    assert not ran.replaced and not ran.deleted
    assert {k: e.id for k, e in world.run.state.items() if k[0] == "AppPublication"} == ids


@positions("publish_move_keeps_id", True, False)
@pytest.mark.parametrize("action", ["drop", "status:504"])
def test_the_lost_answer_of_a_move_is_found_out(world: World, action: str) -> None:
    world.simulator.faults.add(Fault(method="POST", path="/publish$", when="after", action=action))
    world.up()
    assert len([a for a in world.apps(LEDGER) if a["published"]]) == 1
    assert not world.up()


@positions("app_missing_status", 404, 403)
def test_a_published_app_that_somebody_deleted_comes_back(world: World) -> None:
    world.up()
    world.api("DELETE", f"/api/v1/apps/{world.id_of('AppPublication', 'general-ledger')}")
    world.simulator.clock.advance(200)
    assert world.up()
    assert world.published(LEDGER)
    world.run.destroy()
    assert not world.apps(LEDGER)


def test_copies_that_a_killed_run_left_are_removed(world: World) -> None:
    """Its last import was not listed when the next run looked; then it is found by its marker name."""
    world.up()
    known = world.id_of("App", "pipeline-review")
    live = world.api("GET", f"/api/v1/apps/{known}")["attributes"]
    marker = live["description"].rsplit("\n", 1)[-1]
    copied = world.copy(known, name=marker, spaceId=live["spaceId"])
    world.api("PUT", f"/api/v1/apps/{copied}", {"attributes": {"name": marker, "description": ""}})
    duplicate = world.copy(known, name="My own copy", spaceId=live["spaceId"])
    world.simulator.clock.advance(200)
    assert world.up()
    assert not world.apps(marker) and world.apps(live["name"])
    # What people duplicated is theirs, though it carries our line in its description.
    assert world.api("GET", f"/api/v1/apps/{duplicate}")
    assert not world.up()


def test_a_file_whose_bytes_changed_is_not_sent(world: World) -> None:
    bundle = load_bundle(world.folder / "exports" / "sample")
    file = Path(world.store.path(bundle.app_files[world.source_app("Pipeline Review")].sha256))
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Exception, match=r'app "Pipeline Review".*is not what was exported'):
        world.up()
    assert not world.apps("Pipeline Review")
    file.write_bytes(data[:100])
    with pytest.raises(Refused, match="has 100 bytes, not the"):
        world.up()


def test_another_name_for_a_person_and_other_roles_at_once(world: World) -> None:
    zoe = {"user": "ACME\\zoe.dahl", "roles": ["consumer"]}
    world.plan["spaces"]["Sales Lab"]["access"] = [zoe]
    world.up()
    zoe["roles"] = ["producer"]
    world.plan["users"] = {
        "match_by": "email",
        "rules": [{"directory": "ACME"}, {"directory": "PARTNER"}],
        "missing_owner": world.plan["users"]["missing_owner"],
    }
    world.up()
    assert world.roles("Sales Lab")["user ACME\\zoe.dahl"] == ["producer"]
    assert not world.up()


def test_an_oauth_client_without_the_scope_is_told_in_the_preview(world: World) -> None:
    client = world.simulator.store.get(CLIENT, CLIENT_ID)
    assert client is not None
    client["allowedScopes"] = [s for s in client["allowedScopes"] if s != "admin.apps"]
    with pytest.raises(Refused, match=r"scope admin\.apps"):
        world.up()


@positions("owner_assignment", "accepted", "refused")
def test_a_spaces_owner_may_stand_in_its_access_too(world: World) -> None:
    world.plan["spaces"]["Finance"]["access"] = [
        "from_rules",
        {"user": "ACME\\qlik.admin", "roles": ["facilitator"]},
    ]
    before = {k: v for k, v in dump(world.simulator.world).items() if k != "runs"}
    world.up()
    assert world.space("Finance")["owner"] == "ACME\\qlik.admin"
    assert not world.up()
    world.run.destroy()
    assert {k: v for k, v in dump(world.simulator.world).items() if k != "runs"} == before


@positions("assigned_space_owner", "kept", "removed")
def test_a_role_that_ownership_takes_away_is_no_drift(world: World) -> None:
    world.plan["spaces"]["Finance"]["access"] = [
        "from_rules",
        {"user": "ACME\\qlik.admin", "roles": ["facilitator"]},
    ]
    world.up()
    assert not world.up()
    world.run.destroy()
