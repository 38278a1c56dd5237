"""A whole run, with secrets planted wherever they may come from: none is left anywhere or seen by others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from qlift.pulumi_cli import Engine
from qlift.pulumi_cli.cache import engine_folder
from qlift.simulator import Simulator
from qlift.simulator.sample import SAMPLE_PASSWORDS
from tests.cloud.servers import Asked, Odd, Reply, odd_server
from tests.crash_matrix.compact import PLAN, SAMPLE
from tests.support.phase import Phase
from tests.support.planted import found_below, found_in, spellings, watched_processes
from tests.support.project import ROOT, Result

pytestmark = pytest.mark.engine

PASSPHRASE = 'planted "Pass phrase"/1 + more'
IN_ANSWERS, IN_SCRIPT, KEY_WORD = "planted.In-Answers~77", "planted.In-Script~78", "planted.Of-Key~79"
SCRIPT = f"""LET vPassword = '{IN_SCRIPT}';
LOAD * FROM [https://host/x] (URL IS [https://u:{IN_SCRIPT}@host]);"""

DUMPED = ("app", "stream", "user", "dataconnection", "userdirectory", "externalprogramtask")


class Talkative:
    """A proxy before the tenant that, told to, answers with all that it was sent, as debugging ones do."""

    def __init__(self, tenant: str) -> None:
        self._tenant = httpx.Client(base_url=tenant, timeout=60, trust_env=False)
        self.tokens: set[str] = set()
        self.talks: tuple[str, str] | None = None
        """Method, and part of a path: it answers so from now on."""

    def answer(self, asked: Asked) -> Reply:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            self.tokens.add(token)
        if self.talks and asked.method == self.talks[0] and self.talks[1] in asked.path:
            sent = f"{asked.headers} {asked.body.decode(errors='replace')[:2000]}"
            error = {"title": "Refused", "detail": f"password is {IN_ANSWERS}; got {sent}", "code": "ODD-1"}
            body = {"errors": [error], "password": IN_ANSWERS, "traceId": f"password={IN_ANSWERS}"}
            return Reply(403, json.dumps(body).encode())
        got = self._tenant.request(asked.method, asked.path, content=asked.body, headers=asked.headers)
        gone = ("content-length", "transfer-encoding", "connection", "content-encoding")
        return Reply(got.status_code, got.content, {k: v for k, v in got.headers.items() if k not in gone})

    @contextmanager
    def serving(self) -> Iterator[Odd]:
        try:
            with odd_server(self.answer) as server:
                yield server
        finally:
            self._tenant.close()


def _command(phase: Phase, folder: Path, env: dict[str, str], *args: str, code: int = 0) -> str:
    """Keeps what it says in a file of `folder`, and returns it."""
    done = subprocess.run(
        [sys.executable, "-m", "qlift.cli", *args],
        cwd=phase.folder,
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    said = done.stdout + done.stderr
    (folder / f"qlift-{args[0]}-{len(list(folder.iterdir()))}").write_bytes(said)
    assert done.returncode == code, said.decode()
    return said.decode()


def _certificate_with_a_password(given: Mapping[str, Any], folder: Path) -> Path:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key(Path(given["key"]).read_bytes(), None)
    path = folder / "client_key.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(KEY_WORD.encode()))
    )
    return path


def test_no_secret_is_left_or_seen(engine: Engine, tmp_path: Path) -> None:
    written, kept = tmp_path / "written", tmp_path / "kept"
    for name in ("home", "temporary", "outputs"):
        (written / name).mkdir(parents=True)
    kept.mkdir()
    sample = replace(SAMPLE, connections=4, external_tasks=1)
    _share_the_engine(written / "home")
    with Simulator(sample=sample) as simulator:
        ends = simulator.description
        talkative = Talkative(ends["tenant"]["url"])
        tenant, site = ends["tenant"], ends["site"]["certificate"]
        env = {
            "HOME": str(written / "home"),
            "PULUMI_HOME": str(written / "home" / ".pulumi"),
            "TMPDIR": str(written / "temporary"),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "QLIFT_SITE_KEY": KEY_WORD,
        }
        with talkative.serving() as proxy, watched_processes() as command_lines:
            phase = Phase(engine, simulator, written, env=env)
            phase.set_target(url=proxy.url)
            phase.plan |= PLAN
            scripted = _plant_in_a_script(phase)
            way = {
                "ca": site["ca"],
                "certificate": site["cert"],
                "key": str(_certificate_with_a_password(site, kept)),
                "password_env": "QLIFT_SITE_KEY",
                "user_directory": site["user_directory"],
                "user_id": site["user_id"],
            }
            source = {"site": "sample", "kind": "qlik-sense", "url": site["url"], "way": {"certificate": way}}
            (phase.folder / "stacks" / "sources").mkdir()
            (phase.folder / "stacks" / "sources" / "sample.yaml").write_text(yaml.safe_dump(source))
            phase.write_plan()
            waiver = {"code": "SCRIPT-CREDENTIAL", "object": scripted, "owner": "test", "until": "2099-12-31"}
            (phase.folder / "stacks" / "demo" / "waivers.yaml").write_text(f"- {json.dumps(waiver)}\n")

            outputs = written / "outputs"
            client = {k: phase.project.env[k] for k in ("QLIFT_CLIENT_ID", "QLIFT_CLIENT_SECRET")}
            for args in (
                ("connect", "--source", "sample", "--target", "test"),
                ("export", "sample", "--since-report", "changes.md"),
                ("users", "test", "--phase", "demo"),
                ("phase", "show", "demo", "--target", "test"),
                ("assess", "sample"),
            ):
                _command(phase, outputs, env | client, *args)
            _dump(phase, scripted, kept / "dump")
            dumped = _command(phase, outputs, env, "import-dump", str(kept / "dump"), "--json", code=1)
            assert json.loads(dumped.partition("\n")[0])["redactions"] and '"scripts": 1' in dumped

            def qlift(*args: str, code: int = 0) -> str:
                return _command(phase, outputs, phase.project.env | client, *args, code=code)

            outcomes = _runs(phase, talkative, tenant, qlift)
            for number, run in enumerate(outcomes):
                (outputs / f"pulumi-{number}").write_text(run.output)

        assert talkative.tokens and (phase.folder / "reports" / "demo" / "plan.json").exists()
        secrets = {
            "client secret": tenant["client_secret"],
            "API key": tenant["api_key"],
            "passphrase": PASSPHRASE,
            "password of the certificate's key": KEY_WORD,
            **{f"token {n}": token for n, token in enumerate(sorted(talkative.tokens))},
            **{f"password {n}": word for n, word in enumerate(SAMPLE_PASSWORDS)},
            **{f"key {n}": line for n, line in enumerate(_lines(site["key"], str(way["key"])))},
            "in answers": IN_ANSWERS,
        }
        assert found_below(written, secrets) == []
        # The app's file holds its script, as people uploaded it; that is what the finding says.
        in_scripts = [f for _, f in found_below(written, {"script": IN_SCRIPT}) if not f.endswith(".qvf")]
        assert in_scripts == []
        assert len(command_lines) > 20
        assert found_in(b"\n".join(command_lines), secrets | {"script": IN_SCRIPT}) == set()


def _runs(
    phase: Phase, talkative: Talkative, tenant: Mapping[str, Any], qlift: Callable[..., str]
) -> list[Result]:
    """From preview to adoption, with answers in between that repeat what they were sent."""
    project = phase.project
    talkative.talks = ("POST", "/api/v1/spaces")
    # From 9 on, Pulumi's own log shows secrets of the stack's settings: here they come from the environment.
    told = [project.up("--skip-preview", "-v=9", "--logtostderr")]

    without = {"QLIFT_CLIENT_ID": "", "QLIFT_CLIENT_SECRET": ""}
    _set_secret(phase, tenant)
    talkative.talks = ("GET", "/api/v1/spaces")
    told.append(project.preview("--diff", env=without))
    talkative.talks = ("POST", "/oauth/token")
    assert "ODD-1" in qlift("review", "demo", code=1)
    talkative.talks = ("POST", "/api/v1/apps/import")
    told.append(project.up("--skip-preview", "-v=8", "--logtostderr", env=without))
    talkative.talks = None
    for run in told:
        assert not run.ok and "ODD-1" in run.output, run.output[-3000:]
    assert json.loads(qlift("review", "demo", "--save-plan", "--json").partition("\n}\n")[0] + "}")["changes"]
    _job_by_job(talkative, qlift)
    good = [
        project.up("--diff", env=without),
        project.run("stack", "export", "--file", "state.json"),
    ]
    phase.simulator.clock.advance(3600)  # What is younger is not kept.
    good.append(project.destroy(env=phase.allowed_deletes() | without))
    for run in good:
        assert run.ok, run.output
    _given_back_and_taken_over(phase, talkative, qlift)
    return told + good


def _job_by_job(talkative: Talkative, qlift: Callable[..., str]) -> None:
    """On Pulumi's Automation API, with a run that is refused; what it wrote is watched too."""
    assert "spaces" in qlift("jobs", "demo")
    assert "--target" in qlift("targets", "demo", "spaces")
    talkative.talks = ("POST", "/api/scheduling/tasks")
    assert "ODD-1" in qlift("up", "demo", "--yes", code=1)
    assert "ODD-1" in qlift("jobs", "demo", "--json")
    talkative.talks = None
    qlift("undo", "demo", "--job", "permissions", "--yes", code=4)
    qlift("undo", "demo", "--job", "owners", "--yes")
    assert "ODD-1" in qlift("log", "demo")
    qlift("log", "demo", "--csv", "became.csv")


def _given_back_and_taken_over(phase: Phase, talkative: Talkative, qlift: Callable[..., str]) -> None:
    """What people made by hand is adopted; the words of both commands, with refusals."""
    talkative.talks = ("POST", "/actions/restore")
    assert "not restored" in qlift("restore", "demo", code=1)
    talkative.talks = None
    assert "restored" in qlift("restore", "demo")
    phase.tenant_api("POST", "/api/v1/spaces", {"name": "Finance", "type": "managed"})
    phase.plan["adopt"] = {"spaces": True}
    phase.write_plan()
    talkative.talks = ("GET", "/api/v1/spaces")
    assert "ODD-1" in qlift("adopt", "demo", code=1)
    talkative.talks = None
    assert "space finance: as it is now" in qlift("adopt", "demo")


def _share_the_engine(home: Path) -> None:
    """For `qlift review`, which looks for it in the home folder."""
    if engine_folder().exists():
        (home / ".cache" / "qlift").mkdir(parents=True)
        (home / ".cache" / "qlift" / engine_folder().name).symlink_to(engine_folder())


def _dump(phase: Phase, scripted: str, folder: Path) -> None:
    """Raw answers of the site, and one app file, as people have them who wrote them down with curl."""
    folder.mkdir()
    for kind in DUMPED:
        (folder / f"{kind}.json").write_text(json.dumps(_asked(phase, f"{kind}/full")))
    bundle = phase.bundle()
    app = next(a for a in bundle.apps if a.name == scripted)
    file = phase.folder / "exports" / "sample" / "blobs" / f"{bundle.app_files[app.id].sha256}.qvf"
    (folder / f"{app.id}.qvf").write_bytes(file.read_bytes())


def _plant_in_a_script(phase: Phase) -> str:
    """Returns the name of the app."""
    app = next(a for a in _asked(phase, "app") if a["name"] == "General Ledger")
    phase.control("POST", "site/edit_script", {"id": app["id"], "text": SCRIPT})
    return str(app["name"])


def _asked(phase: Phase, what: str) -> list[dict[str, Any]]:
    header = phase.ends["site"]["header"]
    key = "0123456789abcdef"
    named = {"X-Qlik-Xrfkey": key, header["name"]: header["value"]}
    answer = httpx.get(f"{header['url']}/qrs/{what}?xrfkey={key}", headers=named, trust_env=False)
    return list(answer.raise_for_status().json())


def _set_secret(phase: Phase, tenant: Mapping[str, Any]) -> None:
    assert phase.project.run("config", "set", "qlift:clientId", tenant["client_id"]).ok
    # On the command line everybody on the machine could read it.
    done = subprocess.run(
        [str(phase.project.binary), "--non-interactive", "config", "set", "--secret", "qlift:clientSecret"],
        cwd=phase.folder,
        env={**os.environ, **phase.project.env},
        input=tenant["client_secret"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _lines(*files: str) -> list[str]:
    """Of keys in PEM: each full line of them is secret enough."""
    lines = [line for file in files for line in Path(file).read_text().splitlines()]
    return [line for line in lines if len(line) > 30 and not line.startswith("-")]


@pytest.mark.parametrize("secret", ['a"b\\c/d e', "plain0123456789", "ü~%+=ü~%+=12345"])
def test_a_planted_secret_is_found(tmp_path: Path, secret: str) -> None:
    """Else the test above would prove nothing."""
    import base64
    from urllib.parse import quote

    for number, text in enumerate(
        (
            secret.encode(),
            b"x" + base64.b64encode(f"id:{secret}:x".encode()),
            base64.urlsafe_b64encode(f"i:{secret}".encode()),
            json.dumps({"a": json.dumps({"b": secret})}).encode(),
            quote(secret, safe="").encode(),
        )
    ):
        assert found_in(b"before " + text + b" after", {"s": secret}) == {"s"}
        (tmp_path / str(number)).write_bytes(text)
    assert len(found_below(tmp_path, {"s": secret})) == 5
    assert all(len(s) >= 6 for s in spellings(secret))


def test_what_stands_on_a_command_line_is_seen() -> None:
    with watched_processes() as seen:
        shown = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "planted-Argument"])
        while not found_in(b"".join(list(seen)), {"s": "planted-Argument"}):
            assert shown.poll() is None
        shown.kill()
        shown.wait()
