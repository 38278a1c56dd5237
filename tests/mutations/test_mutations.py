"""Spoilt bundles, plans and files beside them end in findings or a clear error, never in a traceback."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qlift.bundle import BundleError, Writer
from qlift.cli import main
from qlift.derivation import PlanError
from qlift.derivation.phase import phase_blobs
from qlift.derivation.plan_file import load_plan
from tests.derivation.site import SiteBuilder, derived, guid, rehash, small_site
from tests.mutations.mutation import BUNDLE, Mutation
from tests.mutations.of_bundles import SEED, byte_mutations, type_mutations
from tests.mutations.of_paths import manifest_mutations, path_mutations
from tests.mutations.of_plans import plan_mutations
from tests.mutations.of_references import double_mutations, reference_mutations
from tests.mutations.repository import SECRET, Outcome, show, write_repository

ROOT = Path(__file__).parents[2]
MUTATIONS = [
    *byte_mutations(),
    *type_mutations(),
    *reference_mutations(),
    *double_mutations(),
    *path_mutations(),
    *manifest_mutations(),
    *plan_mutations(),
]
REMEDY = re.compile(
    r"; |should |is missing|expected |needs |unknown |belongs to|takes no|twice|name it by|cannot be called"
)
"""What to do, or what is wanted instead."""


@pytest.fixture(scope="session")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("valid") / "repository"
    write_repository(folder)
    rehash(folder / BUNDLE)
    return folder


@pytest.fixture
def repository(valid: Path, tmp_path: Path) -> Path:
    shutil.copytree(valid.parent, tmp_path / "copy")
    return tmp_path / "copy" / valid.name


@pytest.fixture(scope="session")
def undisturbed(valid: Path) -> list[Outcome]:
    """Filled by the first test that runs it."""
    return []


def test_there_are_many_and_they_differ() -> None:
    assert len({m.name for m in MUTATIONS}) == len(MUTATIONS)
    assert len(MUTATIONS) >= 200


def test_the_valid_repository_is_valid(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = show(repository, capsys)
    assert (found.code, found.err) == (0, "")
    assert {f["code"] for f in found.desired["findings"] if f["severity"] == "error"} == set()
    counts = {k: len(v) for k, v in found.desired.items() if isinstance(v, list)}
    assert counts["spaces"] == 3 and counts["apps"] == 3 and counts["schedules"] == 2, counts


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_mutation_is_told(
    mutation: Mutation, valid: Path, repository: Path, capsys: pytest.CaptureFixture[str],
    undisturbed: list[Outcome], tmp_path: Path,
) -> None:  # fmt: skip
    if not undisturbed:
        undisturbed.append(show(valid, capsys))
    before = undisturbed[0]
    mutation.apply(repository)
    found = show(repository, capsys)
    told = found.out + found.err
    assert not list(tmp_path.rglob("PWNED"))
    assert SECRET not in told and "Traceback" not in told
    if mutation.expected == "refused":
        assert found.code == 2 and not found.out, told[:2000]
        lines = found.err.splitlines()
        assert all(word in found.err for word in mutation.words), found.err[:2000]
        assert all(REMEDY.search(line) for line in lines), "a line without a remedy: " + found.err[:2000]
        assert all(len(line) < 1_000 for line in lines) and found.err.replace("\n", "").isprintable()
        assert len(lines) < 60
        return
    assert found.code in (0, 1) and not found.err, found.err[:2000]
    if mutation.expected == "same":
        assert found.desired == before.desired
        return
    new = [f for f in found.desired["findings"] if f not in before.desired["findings"]]
    assert {f["code"] for f in new} >= set(mutation.words), new
    assert all(f["object"] and f["message"] and f["remedy"] for f in new)


SAMPLE = random.Random(SEED).sample(MUTATIONS, 10)


@pytest.mark.parametrize("mutation", SAMPLE, ids=str)
def test_a_sample_through_the_real_command(mutation: Mutation, repository: Path) -> None:
    mutation.apply(repository)
    done = subprocess.run(
        [sys.executable, "-m", "qlift.cli", "phase", "show", "finance", "--target", "test", "--json"],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 2 if mutation.expected == "refused" else done.returncode in (0, 1), done.stderr
    assert done.stderr if done.returncode == 2 else json.loads(done.stdout)


HOSTILE = (
    "\x1b[2J", "a\u2028b", "x: {y}", "- *", "#", "'\"", "\\", "{0}", "%s", "yes", "😀", "é\u0301",
    " ", "@a", "!!x",
)  # fmt: skip


def test_a_new_plan_for_a_site_of_hostile_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = SiteBuilder("prod")
    for name in HOSTILE:
        owner = made.user(f"DIR {name}\\{name}", (name,))
        made.app(name, owner, made.stream(name, owner))
    made.write(tmp_path / "exports" / "prod")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(sys, "argv", ["qlift", "phase", "new", "finance", "--bundle", "exports/prod"])
        with pytest.raises(SystemExit) as stopped:
            main()
    assert not stopped.value.code, capsys.readouterr().err
    plan = load_plan(tmp_path / "stacks" / "finance" / "plan.yaml")
    assert {s.from_.stream for s in plan.spaces.values() if s.from_} == set(HOSTILE)
    assert {r.directory for r in plan.users.rules} == {f"DIR {name}".partition("\\")[0] for name in HOSTILE}


def test_findings_cannot_steer_a_terminal(tmp_path: Path) -> None:
    made, jane, stream, _ = small_site()
    made.task({"id": guid("gone"), "name": "x"}, name="\x1b[2Jred\x07")
    made.app("y" * 9_000, jane, stream, tags=[{"id": guid("t"), "name": "\x9b1m"}])
    found = derived(tmp_path, made.write(tmp_path / "b"))
    texts = [t for f in found.findings for t in (f.object, f.message)]
    assert any("\\x1b[2Jred\\x07" in t for t in texts) and all(t.isprintable() for t in texts)


def test_app_files_are_looked_for_where_the_plan_may_point(tmp_path: Path) -> None:
    file = tmp_path / "stacks" / "p" / "plan.yaml"
    file.parent.mkdir(parents=True)

    def stores(source: str) -> list[str]:
        file.write_text(f"version: 1\nphase: p\nsources: [{{site: prod, {source}}}]\n")
        return [s.url for s in phase_blobs(tmp_path, "p")]

    assert stores("bundle: exports/prod") == [f"{tmp_path}/exports/prod/blobs"]
    assert stores("bundle: b, blobs: store") == [f"{tmp_path}/store"]
    assert stores("bundle: b, blobs: /mnt/store") == ["/mnt/store"]
    assert stores("bundle: b, blobs: 'memory://x'") == ["memory://x"]
    for source in ("bundle: ../b", "bundle: b, blobs: ../../store"):
        with pytest.raises(PlanError, match="leads out of the repository"):
            stores(source)


def test_an_export_into_a_spoilt_folder_says_which_file(tmp_path: Path) -> None:
    small_site()[0].write(tmp_path)
    for name in ("stream.json", "renames.json"):
        kept = (tmp_path / name).read_bytes()
        for spoilt in (b"", b"{}", b"[1]", b'[{"id": "x", "a": 1}', b"[" * 100_000, b'[{"id": "/"}]'):
            if name == "stream.json" and spoilt.endswith(b'"/"}]'):
                continue
            (tmp_path / name).write_bytes(spoilt)
            with pytest.raises(BundleError, match=f"{name}: .*restore it from git"):
                writer = Writer(tmp_path)
                writer.begin()
                writer.entities("stream", [])
        (tmp_path / name).write_bytes(kept)
