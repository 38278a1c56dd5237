"""Schedules on their way: what the derivation issues, the tenant takes, keeps and gives back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from qlift.bundle import BlobStore
from qlift.cloud.auth import OAuthClient
from qlift.cloud.client import Client
from qlift.derivation.desired import Desired, ReloadSchedule, Source
from qlift.simulator import Simulator
from qlift.simulator.tenant.dump import dump
from tests.program.test_switches import derived
from tests.support.export import demo_repository
from tests.support.in_process import InProcess


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_repository(tmp_path_factory.mktemp("repository"))


def schedule(key: str, mark: str, publication: str, **more: Any) -> ReloadSchedule:
    return ReloadSchedule(
        key=key,
        name=f"Task {mark}",
        mark=mark,
        source=Source(site="sample", id=key.partition(".")[0]),
        publication=publication,
        job="schedules",
        **more,
    )


def with_schedules(desired: Desired, *schedules: ReloadSchedule) -> Desired:
    return desired.model_copy(update={"schedules": schedules})


def of_every_shape(app: str) -> tuple[ReloadSchedule, ...]:
    """One for each form of rule that the derivation issues."""
    rules = (
        "FREQ=DAILY;COUNT=1",
        "FREQ=MINUTELY;INTERVAL=44761",
        "FREQ=HOURLY;INTERVAL=2;BYHOUR=8,10;BYDAY=MO;BYMONTHDAY=-7,-6,-5,-4,-3,-2,-1;BYMONTH=1,6",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SA",
        "FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR",
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "FREQ=HOURLY;BYMINUTE=0,30",
    )
    zones = ("UTC", "Etc/GMT-2", "Etc/GMT+5", "Europe/Kyiv")
    return tuple(
        schedule(
            f"e{n}",
            f"{n:012x}",
            app,
            recurrence=f"RRULE:{rule}",
            timezone=zones[n % len(zones)],
            start="2026-01-05T08:00:00",
            end="2027-06-30T08:00:59" if n % 2 else None,
        )
        for n, rule in enumerate(rules)
    )


def tasks(simulator: Simulator) -> dict[str, dict[str, Any]]:
    """Of the tenant, by name."""
    return {t["name"]: t for t in simulator.store.all("tenant/task")}


def test_every_form_of_rule_is_taken_and_stays(repository: Path) -> None:
    demo = derived(repository)
    desired = with_schedules(demo, *of_every_shape(demo.publications[0].key))
    with Simulator() as simulator:
        run = InProcess(simulator, BlobStore(str(repository / "exports" / "sample" / "blobs")))
        before = dump(simulator.world)
        run.up(desired)
        made = tasks(simulator)
        assert {s.name for s in desired.schedules} == set(made)
        for wanted in desired.schedules:
            live = made[wanted.name]["start"]["schedule"]
            assert (live["recurrence"], live["timezone"]) == (wanted.recurrence, wanted.timezone)
            assert (live["startDateTime"], live.get("endDateTime")) == (wanted.start, wanted.end)
        simulator.clock.advance(10)
        assert not run.up(desired).changes
        run.destroy()
        simulator.clock.advance(10)
        assert dump(simulator.world) == before


def test_a_chain_of_several_tasks_for_one_event(repository: Path) -> None:
    """Two triggers upstream, so two tasks downstream: of one app and one event, told apart by their marks."""
    demo = derived(repository)
    app, other = demo.publications[0].key, demo.publications[1].key
    daily = {"recurrence": "RRULE:FREQ=DAILY", "timezone": "UTC"}
    upstream = [
        schedule(f"u{n}", f"aaaaaaaaaaa{n}", app, start=f"2026-01-05T0{n}:00:00", **daily) for n in (1, 2)
    ]
    followers = [
        schedule("c", "bbbbbbbbbbbb", other, after="u1", after_status="succeeded"),
        schedule("c.cccccccccccc", "cccccccccccc", other, after="u2", after_status="succeeded"),
    ]
    desired = with_schedules(demo, *upstream, *followers)
    with Simulator() as simulator:
        run = InProcess(simulator, BlobStore(str(repository / "exports" / "sample" / "blobs")))
        run.up(desired)
        simulator.clock.advance(10)
        made = tasks(simulator)

        def follows(name: str) -> str:
            [event] = made[name]["events"]
            return str(event["correlation"][0]["contextAttributeValue"])

        assert follows("Task bbbbbbbbbbbb") == made["Task aaaaaaaaaaa1"]["id"]
        assert follows("Task cccccccccccc") == made["Task aaaaaaaaaaa2"]["id"]
        assert not run.up(desired).changes
        # The state of a killed run is lost: each task is known again by its mark.
        for key in [k for k in run.state if k[0] == "ReloadSchedule"]:
            del run.state[key]
        run.up(desired)
        assert {n: t["id"] for n, t in tasks(simulator).items()} == {n: t["id"] for n, t in made.items()}
        # One trigger less upstream: its follower goes with it, the other stays.
        fewer = with_schedules(demo, upstream[0], followers[0])
        ran = run.up(fewer)
        assert sorted(key for _, key in ran.deleted) == ["c.cccccccccccc", "u2"] and not ran.replaced
        assert set(tasks(simulator)) == {"Task aaaaaaaaaaa1", "Task bbbbbbbbbbbb"}


def test_a_task_that_was_committed_after_the_rerun_had_looked(repository: Path) -> None:
    """A killed run's last request may take effect late: the next run removes the twin, and an undo too."""
    demo = derived(repository)
    desired = with_schedules(demo, *of_every_shape(demo.publications[0].key)[:2])
    with Simulator() as simulator:
        run = InProcess(simulator, BlobStore(str(repository / "exports" / "sample" / "blobs")))
        before = dump(simulator.world)
        run.up(desired)
        simulator.clock.advance(10)
        made = simulator.store.all("tenant/task")

        def late() -> None:
            first = made[0]
            document = {k: first[k] for k in ("name", "specVersion", "enabled", "states", "start")}
            tenant = simulator.description["tenant"]
            key = OAuthClient(tenant["client_id"], SecretStr(tenant["client_secret"]))
            with closing(Client(tenant["url"], key)) as client:
                client.post("/api/scheduling/tasks", subject="a late task", json=document)
            simulator.clock.advance(10)

        late()
        assert len(simulator.store.all("tenant/task")) == 3
        [mended] = run.up(desired).changes
        assert mended == (
            "ReloadSchedule",
            next(s.key for s in desired.schedules if s.name == made[0]["name"]),
        )
        assert {t["id"] for t in simulator.store.all("tenant/task")} == {t["id"] for t in made}
        simulator.clock.advance(10)
        assert not run.up(desired).changes
        late()
        run.destroy()
        simulator.clock.advance(10)
        assert dump(simulator.world) == before


def test_a_persons_duplicate_of_our_task_is_not_taken_over(repository: Path) -> None:
    """Its name ends in our mark; ours is gone. A preview would say "create", so a new one is made."""
    demo = derived(repository)
    desired = with_schedules(demo, *of_every_shape(demo.publications[0].key)[:1])
    with Simulator() as simulator:
        run = InProcess(simulator, BlobStore(str(repository / "exports" / "sample" / "blobs")))
        run.up(desired)
        [ours] = simulator.store.all("tenant/task")
        somebody = next(u["id"] for u in simulator.store.all("tenant/user") if u["id"] != ours["_ownerId"])
        theirs = {**ours, "id": "f" * 24, "name": f"Copy of {ours['name']}", "_ownerId": somebody}
        simulator.store.put("tenant/task", theirs["id"], theirs)
        simulator.store.delete("tenant/task", ours["id"])
        simulator.clock.advance(200)
        [(made, _)] = run.up(desired).created
        assert made == "ReloadSchedule"
        assert simulator.store.get("tenant/task", theirs["id"]) == theirs
        assert set(tasks(simulator)) == {ours["name"], theirs["name"]}
        simulator.clock.advance(200)
        assert not run.up(desired).changes
        # Of a state that is lost, the tool's own is known again, and theirs still is not.
        del run.state[next(k for k in run.state if k[0] == "ReloadSchedule")]
        run.up(desired)
        assert simulator.store.get("tenant/task", theirs["id"]) == theirs
        assert set(tasks(simulator)) == {ours["name"], theirs["name"]}
