"""Load scripts: from the engine, or from app files when the engine cannot be had."""

from __future__ import annotations

import io
import os
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import trustme

from qlift.bundle import load_bundle
from qlift.simulator import Fault, Simulator, qvf
from qlift.simulator.site.changes import edit_script, nightly_reload
from qlift.sources.qlik_sense import engine
from qlift.sources.qlik_sense.app_script import find_script
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.errors import EngineError, Unreachable
from tests.sources.ends import USER, by_header, client_of, export, source_file

MB = 1024 * 1024


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def scripts(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "script").iterdir()}


def test_the_engine_and_the_files_say_the_same(simulator: Simulator, tmp_path: Path) -> None:
    site = by_header(simulator, tmp_path)
    report = export(site, tmp_path / "engine")
    assert (report.scripts, report.scripts_from_files) == (14, 0)
    site.close()
    site = client_of(closed_engine(simulator, tmp_path), header(simulator))
    report = export(site, tmp_path / "files")
    site.close()
    assert (report.scripts, report.scripts_from_files, report.failed) == (0, 14, [])
    assert len(report.notes) == 1 and "load scripts come from the app files" in report.notes[0]
    assert scripts(tmp_path / "engine") == scripts(tmp_path / "files")
    one, two = (load_bundle(tmp_path / name) for name in ("engine", "files"))
    assert one.redactions == two.redactions and one.digest == two.digest


def header(simulator: Simulator) -> dict[str, str]:
    return {USER: simulator.description["site"]["header"]["value"]}


def closed_engine(simulator: Simulator, folder: Path) -> Path:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return with_engine(simulator, folder, port)


def with_engine(simulator: Simulator, folder: Path, port: int, scheme: str = "ws") -> Path:
    given = simulator.description["site"]["header"]
    way = {"header": {"name": given["name"], "value_env": USER}}
    return source_file(folder, given["url"], way, engine=f"{scheme}://127.0.0.1:{port}")


@contextmanager
def silent_engine(
    over: Callable[[socket.socket], socket.socket],
) -> Iterator[tuple[int, list[socket.socket]]]:
    """Takes connections and never answers; `over` makes of each what is spoken over, such as TLS."""
    knocks: list[socket.socket] = []
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()

        def accept() -> None:
            while True:
                try:
                    knocks.append(over(silent.accept()[0]))
                except OSError:
                    return

        thread = Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield silent.getsockname()[1], knocks
        finally:
            silent.shutdown(socket.SHUT_RDWR)
            thread.join()
            for knock in knocks:
                knock.close()


def test_an_engine_that_does_not_answer_costs_one_time_out(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 0.3)
    with silent_engine(lambda plain: plain) as (port, knocks):
        site = client_of(with_engine(simulator, tmp_path, port), header(simulator))
        report = export(site, tmp_path / "b")
        site.close()
    assert report.scripts_from_files == 14 and not report.failed
    # Four at once, and whoever went on before three of them had given up.
    assert len(knocks) <= 8


@pytest.mark.timeout(60)
def test_nor_does_an_engine_that_does_not_answer_over_tls_hold_us(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TLS 1.3 the reader has something to read (tickets) that is no answer."""
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 0.3)
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with silent_engine(lambda plain: tls.wrap_socket(plain, server_side=True)) as (port, knocks):
        path = with_engine(simulator, tmp_path, port, scheme="wss")
        site = client_of(path, header(simulator))
        authority.configure_trust(site.entrance.tls)
        with pytest.raises(Unreachable, match="does not answer in time"):
            engine.Engine(site).script("00000000-0000-0000-0000-000000000001")
        site.close()
    assert len(knocks) == 1


def test_what_the_engine_refuses_comes_from_the_file(simulator: Simulator, tmp_path: Path) -> None:
    simulator.site_switches.script_access = "root_admin"
    admin = next(u for u in simulator.store.all("site/user") if "ContentAdmin" in u["roles"])
    site = by_header(simulator, tmp_path, f"{admin['userDirectory']}\\{admin['userId']}")
    try:
        report = export(site, tmp_path / "b")
    finally:
        site.close()
        simulator.site_switches.script_access = "update"
    assert report.scripts == 0 and report.scripts_from_files == report.fetched > 5
    assert len(report.notes) == 1 and "the engine did not give the load scripts" in report.notes[0]


def test_a_socket_that_breaks_costs_one_app(simulator: Simulator, tmp_path: Path) -> None:
    simulator.faults.add(Fault(side="site", method="WEBSOCKET", path="/app/", nth=5, action="drop"))
    site = by_header(simulator, tmp_path)
    report = export(site, tmp_path / "b")
    site.close()
    assert (report.scripts, report.scripts_from_files, report.failed) == (13, 1, [])
    assert len(report.notes) == 1 and "did not give the load scripts of 1 apps" in report.notes[0]


def test_only_changed_scripts_are_asked_again(simulator: Simulator, tmp_path: Path) -> None:
    site = by_header(simulator, tmp_path)
    export(site, tmp_path / "b")
    before = load_bundle(tmp_path / "b")
    edited, reloaded = before.apps[0].id, before.apps[1].id
    edit_script(simulator.store, edited, "LET vToken='tell-nobody';\r\nTRACE new;\r\n")
    nightly_reload(simulator.store, reloaded)
    report = export(site, tmp_path / "b")
    site.close()
    after = load_bundle(tmp_path / "b")
    # A reload changes the app's date too, and nothing else says that the script is the same.
    assert report.scripts == 2
    assert after.script(edited) == "LET vToken=(redacted);\r\nTRACE new;\r\n"
    assert after.script(reloaded) == before.script(reloaded)
    kept = [r for r in before.redactions if r.id not in (edited, reloaded)]
    assert [r for r in after.redactions if r.id not in (edited, reloaded)] == kept
    assert [r.field for r in after.redactions if (r.kind, r.id) == ("script", edited)] == ["line 1"]


def block(text: str, level: int = 6) -> bytes:
    return zlib.compress(text.encode() + b"\0", level)


@pytest.mark.parametrize("at", [20, 600, MB - 1, MB - 5, MB, 2 * MB - 700, 3 * MB + 17])
def test_wherever_the_block_lies(at: int) -> None:
    wanted = "///$tab Main\r\n" + "".join(f"LOAD {n} AS n{n};\r\n" for n in range(3000))
    other = block('{"qMetaData":{"qType":"sheet"}}')
    content = qvf.SIGNATURE.ljust(at, b"\0")[:at] + block(f'{{"qScript":{_quoted(wanted)}}}') + other
    assert find_script(io.BytesIO(content + os.urandom(200_000))) == wanted
    assert find_script(io.BytesIO(other * 3 + os.urandom(3 * MB))) is None


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)


def test_a_block_that_is_broken_or_too_large_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    good = block('{"qScript":"LOAD 1;"}')
    broken = block('{"qScript":"LOAD 2;"}')[:-6]
    assert find_script(io.BytesIO(broken + b"\0" * 600 + good)) == "LOAD 1;"
    bomb = block('{"a":"' + " " * (40 * MB) + '"}')
    assert find_script(io.BytesIO(bomb + good)) == "LOAD 1;"


def test_real_app_files() -> None:
    default = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("QLIFT_REAL_DATA", default)) / "qvf"
    if not folder.is_dir():
        pytest.skip(f"no real files: {folder} is absent (set QLIFT_REAL_DATA)")
    for path in sorted(folder.glob("*.qvf")):
        with path.open("rb") as file:
            script = find_script(file)
        assert script is not None and ("SET" in script or "set a = 10" in script), path.name


def test_the_engine_of_the_certificate_port(simulator: Simulator, tmp_path: Path) -> None:
    given = simulator.description["site"]["certificate"]
    way = {"certificate": {"folder": str(Path(given["ca"]).parent), "user_id": "sa_api"}}
    path = source_file(tmp_path, given["url"], way, engine=given["engine_url"])
    assert load_connection(path).engine_url.startswith("wss://")
    site = client_of(path, {})
    app = simulator.store.all("site/app")[0]["id"]
    assert engine.Engine(site).script(app)
    with pytest.raises(EngineError, match="1003 App not found"):
        engine.Engine(site).script("00000000-0000-0000-0000-000000000001")
    site.close()
