"""Deleted apps come back: by `qlift restore`, then under management by the next `up`. In process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from providers.base import Refusal
from providers.edits import ALLOW_VARIABLE
from qlift.cli import app as command
from qlift.simulator import Fault, Switches
from tests.program.test_changes import LEDGER
from tests.program.test_undo import BUDGET, PIPELINE, Worked, with_switches

DAY = 24 * 3600


class Restored(Worked):
    def __init__(self, folder: Path, switches: Switches) -> None:
        super().__init__(folder, switches)
        self.log = self.run.log = folder / "changes.jsonl"
        (folder / "stacks" / "targets").mkdir(parents=True)
        target = {"url": self.simulator.description["tenant"]["url"]}
        (folder / "stacks" / "targets" / "test.yaml").write_text(yaml.safe_dump(target))
        settings = {"config": {"qlift:target": "test", "qlift:phase": "demo"}}
        (folder / "stacks" / "Pulumi.demo.yaml").write_text(yaml.safe_dump(settings))

    def restore(self, *args: str, stack: str = "demo") -> Result:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("QLIFT_CLIENT_ID", self.simulator.description["tenant"]["client_id"])
            patch.setenv("QLIFT_CLIENT_SECRET", self.simulator.description["tenant"]["client_secret"])
            return CliRunner().invoke(command, ["restore", stack, *args], catch_exceptions=True)

    def ids(self) -> dict[tuple[str, str], str]:
        return {k: e.id for k, e in self.run.state.items() if k[0] in ("App", "AppPublication")}


@pytest.fixture
def worked(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Restored]:
    made = Restored(tmp_path, Switches(**getattr(request, "param", {})))
    yield made
    made.simulator.stop()


@with_switches(
    {},
    {"restored_without_space": "kept"},
    {"deleted_app_get_status": 403, "app_missing_status": 403, "restore_status": 400},
)
def test_a_whole_undo_is_taken_back_with_the_same_ids(worked: Restored) -> None:
    before, ids = worked.everything(), worked.ids()
    worked.run.destroy()
    assert worked.is_undone()
    worked.wait()
    done = worked.restore("--log", str(worked.log))
    assert done.exit_code == 0, done.output
    assert f"{LEDGER} ({ids[_publication(ids)]}): restored" in done.output
    worked.wait()
    ran = worked.run.up(worked.derived())
    assert not ran.deleted and worked.ids() == ids
    assert worked.everything() == before
    worked.wait()
    assert not worked.run.up(worked.derived()).changes
    worked.run.destroy()
    assert worked.is_undone()


def _publication(ids: dict[tuple[str, str], str]) -> tuple[str, str]:
    return next(k for k in ids if k[0] == "AppPublication" and k[1].startswith("general-ledger"))


def test_single_apps_come_back_into_their_space_with_what_people_made(
    worked: Restored, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked.make_sheet(LEDGER, name="Made by people")
    before, ids = worked.everything(), worked.ids()
    everything = worked.plan["select"]
    others = sorted({a.name for a in worked.derived().apps} - {LEDGER})
    worked.plan["select"] = {**everything, "apps": {"names": others}}
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    assert worked.run.up(worked.derived()).deleted
    assert not worked.apps(LEDGER)
    worked.wait()
    done = worked.restore("--log", str(worked.log))
    assert done.exit_code == 0 and "people had changed it (changed 20" in done.output
    assert worked.restore("--log", str(worked.log)).output.count("is in the tenant") == 2
    worked.plan["select"] = everything
    worked.wait()
    ran = worked.run.up(worked.derived())
    assert not ran.deleted and worked.ids() == ids
    assert worked.everything() == before
    worked.wait()
    assert not worked.run.up(worked.derived()).changes


def test_after_fourteen_days_the_tenant_has_them_no_more(worked: Restored) -> None:
    id_ = worked.app_id(LEDGER)
    worked.run.destroy()
    worked.wait(14 * DAY + 1)
    done = worked.restore("--log", str(worked.log))
    assert done.exit_code == 1
    assert f"{LEDGER} ({id_}): not restored: the tenant has it no more" in done.output
    assert "Deleted apps are kept for 14 days, it was deleted on 20" in done.output
    assert "`pulumi up` imports it anew, with another id" in done.output
    assert "Traceback" not in done.output and "Next: pulumi up" not in done.output
    worked.run.up(worked.derived())
    assert worked.app_id(LEDGER) != id_


@with_switches({"restored_without_space": "refused"})
def test_a_tenant_that_gives_none_back_without_its_space(worked: Restored) -> None:
    worked.run.destroy()
    done = worked.restore("--log", str(worked.log), "--json")
    assert done.exit_code == 1
    states = {a["name"]: a["state"] for a in json.loads(done.output)["apps"]}
    assert "does not exist any more" in states[PIPELINE]


def test_apps_that_were_deleted_young_are_gone_and_it_says_so(
    worked: Restored, caplog: pytest.LogCaptureFixture
) -> None:
    worked.change_source(PIPELINE)
    worked.run.up(worked.derived())
    worked.wait()
    # The old half of a replacement is not what an undo would bring back.
    done = worked.restore("--log", str(worked.log))
    assert done.exit_code != 0 and "no log tells of an app" in f"{done.output}{done.exception}"
    new = worked.app_id(PIPELINE)
    worked.run.destroy()
    assert f'app "{PIPELINE}" ({new}) is deleted for good' in caplog.text
    done = worked.restore("--log", str(worked.log))
    assert done.exit_code == 1
    assert f"{PIPELINE} ({new}): gone for good: it was younger than 45 minutes" in done.output
    entries = [json.loads(x) for x in worked.log.read_text().splitlines()]
    old = [e for e in entries if e.get("event") == "app deleted" and e["superseded"]]
    assert [e["name"] for e in old] == [PIPELINE] and old[0]["app"] not in done.output


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("action", ["status:500", "drop"])
def test_an_app_whose_delete_was_announced_and_not_confirmed(
    worked: Restored, when: Any, action: str
) -> None:
    """Gone, it comes back; there still, it is left and named as such. Each app is shown once."""
    ids = worked.ids()
    first = next(ids[k] for k in reversed(worked.run.state) if k in ids)
    fault = Fault(method="DELETE", path=f"/apps/{first}$", when=when, action=action, times=9)
    worked.simulator.faults.add(fault)
    with pytest.raises(Refusal):
        worked.run.destroy()
    worked.simulator.faults.clear()
    [told] = json.loads(worked.restore("--log", str(worked.log), "--json").output)["apps"]
    there = "is in the tenant; there is nothing to do"
    assert (told["app"], told["state"]) == (first, "restored" if when == "after" else there)
    worked.wait()
    worked.run.destroy()
    assert worked.is_undone()
    done = json.loads(worked.restore("--log", str(worked.log), "--json").output)
    assert sorted(a["app"] for a in done["apps"]) == sorted(ids.values())
    assert {a["state"] for a in done["apps"]} == {"restored"}


def test_what_a_later_run_made_anew_is_not_brought_back_beside_it(worked: Restored) -> None:
    undone = worked.ids()
    worked.run.destroy()
    worked.wait(7200)
    worked.run.up(worked.derived())
    worked.wait(DAY)
    everything, live = worked.plan["select"], worked.ids()
    others = sorted({a.name for a in worked.derived().apps} - {PIPELINE})
    worked.plan["select"] = {**everything, "apps": {"names": others}}
    assert worked.run.up(worked.derived()).deleted
    worked.wait()
    apps = json.loads(worked.restore("--log", str(worked.log), "--json").output)["apps"]
    states = {a["app"]: a["state"].partition(":")[0] for a in apps}
    [gone] = [live[k] for k in live if k[1].startswith("pipeline")]
    left = [undone[k] for k in undone if not k[1].startswith("pipeline")]
    assert states == {gone: "restored"} | dict.fromkeys(left, "left")
    assert worked.apps(PIPELINE)
    # Named, it comes all the same; so does what somebody's delete left without a successor.
    assert worked.restore("--log", str(worked.log), "--app", left[0]).output.count("restored") == 1
    successor = next(live[k] for k in live if undone[k] == left[1])
    worked.api("DELETE", f"/api/v1/apps/{successor}")
    assert f"({left[1]}): restored" in worked.restore("--log", str(worked.log)).output


def test_the_log_of_the_undo_alone_does_not_bring_apps_back_beside_their_successors(
    worked: Restored,
) -> None:
    """Each run has a log of its own."""
    folder = worked.folder / "logs" / "demo"
    folder.mkdir(parents=True)
    worked.run.log = folder / "1.jsonl"
    worked.run.destroy()
    worked.run.log = folder / "2.jsonl"
    worked.wait(7200)
    worked.run.up(worked.derived())
    done = worked.restore("--log", str(folder / "1.jsonl"))
    assert "restored" not in done.output and done.output.count("left: a later run made it anew") == 9


def test_an_app_that_became_theirs_before_is_no_successor(
    worked: Restored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`new_copy` left it to people; what came in its place is what the undo deleted."""
    worked.make_sheet(LEDGER, name="Made by people")
    worked.change_source(LEDGER)
    worked.plan["apps"] = {**worked.plan.get("apps", {}), "on_source_change": "new_copy"}
    worked.run.up(worked.derived())
    ids = worked.ids()
    worked.wait(7200)
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    with pytest.raises(Refusal, match="not empty"):
        worked.run.destroy()
    done = worked.restore("--log", str(worked.log))
    assert f"({ids[_publication(ids)]}): restored" in done.output and "left:" not in done.output


def test_without_a_log_the_ids_of_the_messages_do(worked: Restored) -> None:
    id_ = worked.app_id(BUDGET)
    worked.run.destroy()
    assert worked.restore("--app", id_).exit_code == 0
    assert worked.apps(BUDGET)


@pytest.mark.parametrize("action", ["drop", "status:503"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_found_out(worked: Restored, when: Any, action: str) -> None:
    id_ = worked.app_id(BUDGET)
    worked.run.destroy()
    fault = Fault(method="POST", path="/actions/restore$", when=when, action=action)
    worked.simulator.faults.add(fault)
    done = worked.restore("--app", id_)
    assert done.exit_code == 0, done.output
    assert worked.apps(BUDGET)


def test_wrong_usage_is_told_in_one_line(worked: Restored, tmp_path: Path) -> None:
    worked.run.destroy()
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"event": "app deleted", "cut off')
    for args, stack, sign in (
        ([], "demo", "no log tells of an app that a run of the stack demo deleted"),
        (["--log", "none.jsonl"], "demo", "the log none.jsonl cannot be read"),
        (["--log", str(empty)], "demo", "no log tells of an app that a run of the stack demo deleted"),
        (["--log", str(worked.log)], "other", "is other the stack's name?"),
    ):
        done = worked.restore(*args, stack=stack)
        assert done.exit_code != 0 and sign in f"{done.output}{done.exception}", done.output
