"""What is installed is what was locked, by hash; and `make audit` says clearly what it knows."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.audit.__main__ import LOCK, audit, locked
from tests.cloud.servers import Asked, Reply, odd_server

ROOT = Path(__file__).parents[2]


def declared() -> list[Requirement]:
    """Of the project and its extras, as far as they are for this machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    found = [Requirement(line) for line in (*project["dependencies"], *extras)]
    return [r for r in found if r.marker is None or r.marker.evaluate()]


def versions() -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in locked(LOCK).items()}


def test_the_lock_covers_what_the_project_declares() -> None:
    known = versions()
    assert len(known) > 50
    missing = [
        f"{r} (locked: {known.get(canonicalize_name(r.name))})"
        for r in declared()
        if canonicalize_name(r.name) not in known
        or not r.specifier.contains(known[canonicalize_name(r.name)], prereleases=True)
    ]
    assert missing == [], "run `make lock`"


def test_the_lock_covers_what_those_need() -> None:
    known = versions()
    wanted = {
        (name, need.name)
        for name, version in known.items()
        if _installed(name) == version
        for line in metadata.requires(name) or []
        if (need := Requirement(line)).marker is None or need.marker.evaluate({"extra": ""})
        if canonicalize_name(need.name) not in known
    }
    assert wanted == set(), "run `make lock`"


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@pytest.mark.parametrize("lock", [LOCK, ROOT / ".ci" / "moto.lock"], ids=lambda p: p.name)
def test_every_line_of_a_lock_is_a_version_and_its_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = [e for e in re.sub(r"\\\n\s*", " ", text).splitlines() if e.strip() and not e.startswith("#")]
    form = re.compile(r"[a-z0-9._\[\],-]+==[^\s;]+( ;[^#]+)?( +--hash=sha256:[0-9a-f]{64})+\s*")
    assert [e[:80] for e in entries if not form.fullmatch(e)] == []
    assert "://" not in text and "--index" not in text and "--trusted" not in text
    setup = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements.lock" in setup
    others = [line for line in setup.splitlines() if "pip install" in line and "--require-hashes" not in line]
    assert all("--no-deps" in line for line in others)


def lock_file(folder: Path) -> Path:
    lock = folder / "requirements.lock"
    lock.write_text("a==1.0 \\\n    --hash=sha256:00\nb==2.0 \\\n    --hash=sha256:00\n")
    return lock


@pytest.mark.parametrize(
    ("results", "code", "words"),
    [
        ([{}, {}], 0, "2 packages of requirements.lock: 0 with known"),
        ([{}, {"vulns": [{"id": "GHSA-x"}, {"id": "CVE-1"}]}], 1, "b 2.0: CVE-1, GHSA-x"),
        ([{}], 2, "answered 1 of 2"),
        (None, 2, "Nothing was audited"),
        ("odd", 2, "Nothing was audited"),
    ],
)
def test_an_audit_says_what_it_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], results: object, code: int, words: str
) -> None:
    def answer(asked: Asked) -> Reply:
        names = [q["package"]["name"] + q["version"] for q in json.loads(asked.body)["queries"]]
        assert (asked.path, names) == ("/v1/querybatch", ["a1.0", "b2.0"])
        return Reply(body=json.dumps({"results": results}).encode())

    with odd_server(answer) as database:
        assert audit(lock_file(tmp_path), database.url) == code
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("reply", [None, Reply(500), Reply(403, b"blocked", {"Content-Type": "text/html"})])
def test_an_audit_that_reaches_nothing_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reply: Reply | None
) -> None:
    with odd_server(lambda asked: reply) as database:
        assert audit(lock_file(tmp_path), database.url) == 2
    assert "Nothing was audited" in capsys.readouterr().out
