"""`qlift log`: what was written is read, filtered, and safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import stat
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qlift.cli import app
from qlift.cli.run_progress import line as progress_line
from qlift.cloud.log import RequestLog, Work, working_on
from qlift.cloud.log_files import (
    deleted_apps,
    follow,
    log_files,
    of_object,
    read_lines,
    successors,
    undone_apps,
)
from qlift.pulumi_cli import Engine
from qlift.review.make import Stack
from qlift.runs.graph import Graph, Node
from qlift.runs.run import Failure, Progress, Ran

STACK = "finance-prod"
APP = Work(STACK, "apps", "App", "ledger.site.0123456789ab", "0123456789ab")
EVIL = '=HYPERLINK("http://x")'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QLIFT_LOG", raising=False)
    return tmp_path


def call(
    log: RequestLog, work: Work, status: int | None = 201, *, subject: str = "app", made: str = "id-1"
) -> None:
    with working_on(work):
        log.note(
            method="POST",
            path="/api/v1/apps",
            subject=subject,
            status=status,
            trace_id=None,
            seconds=1,
            made=made,
        )


def qlift(*args: str) -> str:
    done = CliRunner().invoke(app, ["log", STACK, *args])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_by_default_a_stack_has_a_folder(root: Path) -> None:
    log = RequestLog.from_environment(root)
    assert not (root / "logs").exists(), "nothing was changed, nothing is written"
    call(log, APP)
    [file] = log_files(root, STACK)
    assert file.parent == root / "logs" / STACK and stat.S_IMODE(file.stat().st_mode) == 0o600
    [line] = read_lines([file], STACK)
    assert (line.job, line.step, line.object) == ("apps", "App", APP.object)
    assert (line.source_id, line.cloud_id, line.milliseconds) == ("0123456789ab", "id-1", 1000)
    assert [x.object for x in read_lines([file], "org/qlift/finance-prod")] == [APP.object]


def test_a_state_names_no_folder_elsewhere(root: Path) -> None:
    for name in ("..", "../../etc", "", "a/..", "/tmp"):
        call(RequestLog.from_environment(root), Work(name, "j", "App", "k"))
    assert {f.relative_to(root).parts[0] for f in root.rglob("*.jsonl")} == {"logs"}
    assert all(len(f.relative_to(root).parts) == 3 for f in root.rglob("*.jsonl"))


def test_the_list_of_objects(root: Path) -> None:
    log = RequestLog.from_environment(root)
    failing = Work(STACK, "apps", "App", "bad", "", "")
    call(log, APP, subject=EVIL)
    log.note_end(Work(**{**vars(APP), "cloud_id": "id-1"}), "created")
    call(log, failing, 400, subject="+1")
    log.note_end(failing, "failed", "-2+3; =1+1")
    # Replaced: the new one is made, then the old one goes.
    log.note_end(Work(**{**vars(APP), "cloud_id": "id-0"}), "deleted")
    call(log, Work(STACK, "apps", "App", "cut off"))
    call(log, Work("other", "apps", "App", "of another stack"))
    text = qlift("--csv", "-")
    rows = {r["object"]: r for r in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {APP.object, "bad", "cut off"}
    assert (rows[APP.object]["what"], rows[APP.object]["cloud_id"]) == ("created", "id-1")
    assert (rows["bad"]["what"], rows["cut off"]["what"]) == ("failed", "interrupted")
    for row in csv.reader(io.StringIO(text)):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row), row
    assert set(csv.DictReader(io.StringIO(qlift("--csv", "-", "--failed"))).__next__()["object"].split()) == {
        "bad"
    }
    assert (
        qlift("--csv", "list.csv") == "list.csv\n" and (root / "list.csv").read_bytes()[:3] == b"\xef\xbb\xbf"
    )


def test_filters(root: Path) -> None:
    log = RequestLog.from_environment(root)
    call(log, APP)
    call(log, APP, None, subject="Lost")
    assert [json.loads(t).get("status") for t in qlift("--failed", "--json").splitlines()] == [None]
    assert len(qlift("--object", "LEDGER").splitlines()) == 2
    assert "no answer" in qlift("--object", "lost", "--failed")
    assert qlift("--object", "x-y-z") == ""


def test_filters_take_objects_whole(root: Path) -> None:
    log = RequestLog.from_environment(root)
    names = {"ledger": "General Ledger", "slow": "Slow", "bad": "Bad", "half": "Half"}
    works = {key: Work(STACK, "apps", "App", key) for key in names}

    def requests(key: str, *statuses: int) -> None:
        for status in statuses:
            call(log, works[key], status, subject=f'app "{names[key]}"', made="")

    requests("ledger", 400)
    log.note_end(works["ledger"], "failed", "refused")
    requests("ledger", 201)
    log.note_end(works["ledger"], "created")
    requests("slow", 429, 201)
    log.note_end(works["slow"], "created")
    requests("bad", 201, 500)
    log.note_end(works["bad"], "failed", "broken")
    requests("half", 429)

    def became(*args: str) -> dict[str, tuple[str, str]]:
        rows = csv.DictReader(io.StringIO(qlift("--csv", "-", *args)))
        return {row["object"]: (row["what"], row["requests"]) for row in rows}

    assert became("--failed") == {"bad": ("failed", "2")}
    assert became("--object", "General Ledger") == {"ledger": ("created", "2")}
    assert became("--object", "General Ledger", "--failed") == {}
    told = [json.loads(t) for t in qlift("--object", "General Ledger", "--json").splitlines()]
    assert [x.get("event") or x["status"] for x in told] == [400, "failed", 201, "created"]
    told = [json.loads(t) for t in qlift("--object", "General Ledger", "--json", "--failed").splitlines()]
    assert [x.get("event") or x["status"] for x in told] == [400, "failed"]


def test_an_object_stays_chosen_while_following(root: Path) -> None:
    log = RequestLog.from_environment(root)
    call(log, APP, subject="Known", made="1")
    pauses = iter((lambda: log.note_end(APP, "created"),))
    told = of_object(follow(root, STACK, lambda: next(pauses)()), "known")
    assert [[x.event for x in next(told)] for _ in range(2)] == [[""], ["created"]]


def test_following_tells_each_line_once(root: Path) -> None:
    log = RequestLog.from_environment(root)
    call(log, APP, made="1")
    pauses = iter((lambda: call(log, APP, made="2"), lambda: None, lambda: call(log, APP, made="3")))
    told = follow(root, STACK, lambda: next(pauses)())
    assert [[x.cloud_id for x in next(told)] for _ in range(4)] == [["1"], ["2"], [], ["3"]]


def test_following_waits_for_the_end_of_a_line(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    call(RequestLog.from_environment(root), APP, made="1")
    [file] = log_files(root, STACK)
    line = json.dumps({"time": "2026-11-01T12:00:00Z", "object": "Löhne"}, ensure_ascii=False).encode()
    middle = line.index("ö".encode()) + 1

    def add(piece: bytes) -> None:
        with file.open("ab") as opened:
            opened.write(piece)

    pieces = iter((line[:middle], line[middle:], b"\n"))
    told = follow(root, STACK, lambda: add(next(pieces)))
    assert [[x.object for x in next(told)] for _ in range(4)] == [[APP.object], [], [], ["Löhne"]]
    assert caplog.text == ""


def test_times_are_utc(root: Path) -> None:
    folder = root / "logs" / STACK
    folder.mkdir(parents=True)
    (folder / "x.jsonl").write_text(
        '{"time": "2026-11-01T01:00:00+02:00", "object": "x", "event": "created"}\n'
    )
    assert qlift().startswith("2026-10-31 23:00:00 UTC ")
    [row] = csv.DictReader(io.StringIO(qlift("--csv", "-")))
    assert row["time"] == "2026-10-31T23:00:00+00:00"


def test_lines_that_are_not_readable_are_said_and_left_out(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = root / "logs" / STACK
    folder.mkdir(parents=True)
    good = {"time": "2026-11-01T12:00:00Z", "stack": STACK, "event": "created", "object": "a\u2028b"}
    without_zone = {**good, "time": "2026-11-01T12:00:00"}
    lines = [b'{"time": "2026', "L\u00f6".encode()[:2], json.dumps(without_zone).encode()]
    lines.append(json.dumps(good, ensure_ascii=False).encode())
    (folder / "x.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert len(qlift("--json").strip("\n").split("\n")) == 1
    assert caplog.text.count("is not readable") == 3


def test_deleted_apps_of_all_files_the_last_of_each(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(app_id: str, day: int, event: str = "app deleted", hour: int = 12) -> str:
        return json.dumps(
            {
                # Of this machine, whose clock is two hours behind the tenant's.
                "time": f"2026-11-{day:02}T{hour - 2}:00:00Z",
                "event": event,
                "stack": STACK,
                "kind": "App",
                "key": "k",
                "app": app_id,
                "name": "n",
                "superseded": False,
                "changes": [],
                "recoverable_until": None,
                "deleted_at": f"2026-11-{day:02}T{hour if event == 'app deleted' else hour - 2}:00:00Z",
            }
        )

    folder = root / "logs" / STACK
    folder.mkdir(parents=True)
    (folder / "2026-11-01.jsonl").write_text(entry("old", 1) + "\n")
    (root / "own.jsonl").write_text(entry("new", 2) + "\n")

    def undone() -> list[str]:
        return [e.app for e in undone_apps(deleted_apps(log_files(root, STACK), STACK))]

    assert undone() == ["old"]
    monkeypatch.setenv("QLIFT_LOG", str(root / "own.jsonl"))
    assert undone() == ["new"]
    # Brought back, and about to be deleted once more: the last word counts, whatever the tenant's clock says.
    lines = [entry("new", 2), entry("new", 2, "app to be deleted", 13)]
    (root / "own.jsonl").write_text("".join(f"{x}\n" for x in lines))
    told = deleted_apps(log_files(root, STACK), STACK)
    assert [(e.app, e.announced) for e in told] == [("old", False), ("new", True)]
    assert undone() == ["new"]


def test_only_what_a_later_run_made_is_a_successor(root: Path) -> None:
    """One that was made before, and became people's, is none; of the last one nothing is known here."""
    delete: dict[str, Any] = {"kind": "App", "key": "k", "name": "n", "superseded": False, "changes": []}
    delete |= {"deleted_at": "2026-11-02T00:00:00Z", "recoverable_until": None}
    created = {"event": "created", "step": "App", "object": "k"}
    lines = [
        {"time": "2026-11-01T12:00:00Z", **created, "cloud_id": "theirs"},
        {"time": "2026-11-02T12:00:00Z", "event": "app deleted", "app": "first", **delete},
    ]
    later = {"time": "2026-11-03T12:00:00Z", **created, "cloud_id": "second"}

    def found(*told: dict[str, Any]) -> dict[str, str]:
        file = root / "x.jsonl"
        file.write_text("".join(json.dumps({**x, "stack": STACK}) + "\n" for x in told))
        return successors(deleted_apps([file], STACK), [file], STACK)

    assert found(*lines) == {}
    assert found(*lines, {**later, "step": "AppOwner"}, {**later, "object": "other"}) == {}
    assert found(*lines, later) == {"first": "second"}


def test_progress_in_lines() -> None:
    assert progress_line(Progress(12, 0), 40, 3) == "0 of 40 objects done, 12 looked at"
    assert progress_line(Progress(50, 10), 40, 60) == "10 of 40 objects done, about 3 min 0 s left"
    waiting = Progress(50, 30, "waiting 12 s for the tenant's limit of writes")
    assert progress_line(waiting, 40, 60).endswith("20 s left, waiting 12 s for the tenant's limit of writes")


def test_a_run_is_summed_up_even_if_its_log_is_lost(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(root, STACK, Engine(root, root, "", "path"), {})
    node = Node("urn:x", "App", "bad", "apps", frozenset(), "same")

    def loses_its_log(*_: object, **__: object) -> Ran:
        [file] = log_files(root, STACK)
        file.unlink()
        return Ran(False, False, {"deleted": 2}, (Failure("apps", "App", "bad", "refused"),), ())

    module = import_module("qlift.cli.up")  # The package has the command under this name.
    monkeypatch.setattr(module, "stack_named", lambda _: stack)
    monkeypatch.setattr(module, "state_of", lambda _: Graph([node]))
    monkeypatch.setattr(module, "run", loses_its_log)
    done = CliRunner().invoke(app, ["undo", STACK, "--yes"])
    assert done.exit_code == 1, done.output
    assert "2 deleted" in done.stdout
    assert "cannot be read" in done.stderr and "apps: refused" in done.stderr
