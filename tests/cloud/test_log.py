from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from qlift.cloud.client import Client
from qlift.cloud.errors import Ambiguous, Conflict
from qlift.cloud.log import LogError, RequestLog
from qlift.simulator import Simulator
from tests.cloud.conftest import Break, Connect
from tests.cloud.servers import Time


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "requests.jsonl"


@pytest.fixture
def logged(simulator: Simulator, connect: Connect, time: Time, file: Path) -> Client:
    tenant = simulator.description["tenant"]
    return connect(tenant["url"], tenant["api_key"], time, log=RequestLog(file))


def _make(client: Client, name: str) -> str:
    body = {"name": name, "type": "shared", "description": "a private word"}
    return str(client.post("/api/v1/spaces", subject=f'space "{name}"', json=body).data["id"])


def test_every_change_has_a_line_and_questions_have_none(
    logged: Client, file: Path, simulator: Simulator, fault: Break
) -> None:
    logged.me()
    id_ = _make(logged, "Löhne")
    with pytest.raises(Conflict) as conflict:
        _make(logged, "Löhne")
    fault("drop", "/api/v1/spaces", "POST")
    with pytest.raises(Ambiguous):
        _make(logged, "Lost")
    logged.delete(f"/api/v1/spaces/{id_}", subject="space")
    text = file.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(x["method"], x["path"], x["status"]) for x in lines] == [
        ("POST", "/api/v1/spaces", 201),
        ("POST", "/api/v1/spaces", 409),
        ("POST", "/api/v1/spaces", None),
        ("DELETE", f"/api/v1/spaces/{id_}", 204),
    ]
    assert lines[0]["subject"] == 'space "Löhne"'
    assert lines[1]["trace_id"] == conflict.value.trace_id is not None
    assert all(x["milliseconds"] >= 0 and x["time"] for x in lines)
    assert "a private word" not in text
    assert simulator.description["tenant"]["api_key"] not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_several_processes_append_to_one_file(file: Path) -> None:
    for _ in range(2):
        log = RequestLog(file)
        log.note(method="PUT", path="/x?secret=1", subject="x", status=200, trace_id=None, seconds=0.1)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [x["path"] for x in lines] == ["/x", "/x"]


def test_the_environment_names_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QLIFT_LOG", str(file))
    RequestLog.from_environment()
    assert file.exists()
    monkeypatch.delenv("QLIFT_LOG")
    RequestLog.from_environment().note(
        method="PUT", path="/x", subject="x", status=200, trace_id=None, seconds=0.1
    )
    assert file.read_text() == ""


def test_a_log_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "log"):
        with pytest.raises(LogError, match="QLIFT_LOG"):
            RequestLog(path)


def test_a_log_that_fails_later_does_not_fail_a_change(
    logged: Client, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(file.parent)
    assert _make(logged, "Still made")
    assert "Still made" in caplog.text


def test_a_write_that_takes_less_goes_on_and_a_cut_line_spoils_no_other(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = os.write
    full: list[bool] = []

    def little(descriptor: int, content: bytes) -> int:
        if full and full.pop():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[:50])

    def note(path: str) -> None:
        log = RequestLog(file)
        log.note(method="PUT", path=path, subject=path, status=200, trace_id=None, seconds=0.1)

    monkeypatch.setattr(os, "write", little)
    note("/whole")
    assert [json.loads(t)["path"] for t in file.read_text().splitlines()] == ["/whole"]
    full.extend((True, False))
    note("/cut")
    assert "/cut is missing in the log" in caplog.text
    note("/next")
    _, cut, last = file.read_text().splitlines()
    assert len(cut) == 50 and json.loads(last)["path"] == "/next"
