"""Places where Pulumi keeps the state of a team, started for a test and gone after it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

Environment = dict[str, str]
"""What `pulumi` needs to reach the place."""
PASSWORD = "planted-Passw0rd/of+the=state"
ACCESS_KEY, SECRET_KEY = "AKIAPLANTEDSTATEKEY0", "planted/SecretKey+of/the/bucket=="
MOTO = "QLIFT_MOTO"
DEBIAN = Path("/usr/lib/postgresql")
_UNPRIVILEGED = ("postgres", "nobody")


@contextmanager
def file_backend() -> Iterator[Environment]:
    """The project's own: a folder beside it."""
    yield {}


@contextmanager
def postgresql() -> Iterator[Environment]:
    """A PostgreSQL on a loopback port, with a password. It refuses to run as root, so it does not."""
    programs = _postgresql_programs()
    if programs is None:
        _cannot(
            "no PostgreSQL: `initdb` is neither on PATH nor below /usr/lib/postgresql; apt install postgresql"
        )
    as_user = next(_users()) if os.getuid() == 0 else None
    # Not in pytest's folder: only its owner may look into that.
    folder = Path(tempfile.mkdtemp(prefix="qlift-postgresql-"))
    data, word = folder / "data", folder / "password"
    word.write_text(PASSWORD)
    if as_user:
        for path in (folder, word):
            shutil.chown(path, as_user)
    port = _free_port()
    quick = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
    where = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={port}", "-c", "unix_socket_directories="]
    begin: list[str | Path] = [
        "initdb",
        "-D",
        data,
        "-U",
        "qlift",
        "--pwfile",
        word,
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "-N",
    ]
    with _started(programs, as_user, [*begin, "--no-instructions"]) as making:
        output, _ = making.communicate(timeout=60)
        assert making.returncode == 0, output
    server = _started(programs, as_user, ["postgres", "-D", data, *where, *quick])
    try:
        _wait_for(server, b"ready to accept connections")
        yield {
            "PULUMI_BACKEND_URL": f"postgres://qlift@127.0.0.1:{port}/postgres?sslmode=disable",
            # Not in the address: Pulumi writes that into its log-in file and into messages.
            "PGPASSWORD": PASSWORD,
        }
    finally:
        # Immediate shutdown: nobody wants the data any more.
        server.send_signal(3)
        server.communicate(timeout=60)
        shutil.rmtree(folder)


@contextmanager
def s3() -> Iterator[Environment]:
    """A bucket of moto's server on a loopback port.

    It lives in an environment of its own (`.ci/run` makes it): in ours, it would hold back users.
    """
    program = os.environ.get(MOTO) or shutil.which("moto_server")
    if program is None:
        _cannot(
            f"no S3: `moto_server` is not on PATH, and {MOTO} does not name it; .ci/run installs it with "
            "`pip install --require-hashes -r .ci/moto.lock` in a virtual environment of its own"
        )
    port = _free_port()
    server = subprocess.Popen(
        [str(program), "-H", "127.0.0.1", "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_for(server, b"Running on")
        # What it says from now on would fill the pipe.
        drain = threading.Thread(target=server.communicate, daemon=True)
        drain.start()
        httpx.put(f"http://127.0.0.1:{port}/qlift-state", trust_env=False).raise_for_status()
        yield {
            "PULUMI_BACKEND_URL": f"s3://qlift-state/team?endpoint=http://127.0.0.1:{port}&s3ForcePathStyle=true",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            # Else the engine warns, at every answer, that the server sends no checksum.
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }
    finally:
        server.kill()
        server.wait()


BACKENDS: dict[str, Callable[[], AbstractContextManager[Environment]]] = {
    "file": file_backend,
    "postgresql": postgresql,
    "s3": s3,
}


def _cannot(reason: str) -> NoReturn:
    """In continuous integration that is a failure: `.ci/run` installs what is missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _postgresql_programs() -> Path | None:
    """The folder of `initdb`; Debian keeps it off PATH, by version."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max((p.parent for p in DEBIAN.glob("*/bin/initdb")), default=None)


def _users() -> Iterator[str]:
    for name in _UNPRIVILEGED:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        yield name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(programs: Path, as_user: str | None, command: list[str | Path]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [programs / str(command[0]), *command[1:]],
        cwd="/",
        # Messages in English: one of them is waited for.
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=as_user,
        group=pwd.getpwnam(as_user).pw_gid if as_user else None,
        extra_groups=[] if as_user else None,
    )


def _wait_for(server: subprocess.Popen[bytes], word: bytes) -> None:
    assert server.stdout is not None
    said = b""
    while word not in said:
        line = server.stdout.readline()
        assert line, f"the server did not start: {said.decode(errors='replace')}"
        said += line
