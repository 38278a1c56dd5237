"""The effort that an assessment counts, against what qlift really asks of a tenant."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

from qlift.bundle import BlobStore, load_bundle
from qlift.derivation import PeopleFiles, derive_phase
from qlift.derivation.assessment.effort import Work, Works
from qlift.derivation.assessment.ground import Ground
from qlift.simulator import Simulator
from tests.derivation.assessed import FACTS
from tests.support.export import demo_repository
from tests.support.in_process import InProcess

UPLOAD = re.compile(r"/api/v1/temp-contents")
NO_CHANGE = re.compile(r"/oauth/|/actions/filter")


def test_imports_uploads_and_writes_are_those_of_a_real_run(tmp_path: Path) -> None:
    repository = demo_repository(tmp_path)
    nobody = PeopleFiles(users=repository / "none.csv", groups=repository / "none.csv")
    as_of = date(2026, 1, 1)
    _, desired = derive_phase(repository, "demo", nobody, as_of)
    bundle = load_bundle(repository / "exports" / "sample")
    works = Works(Ground(bundle, FACTS, as_of, desired))
    moved = {a.source.id for a in desired.apps}
    expected = works.of([a for a in bundle.apps if a.id in moved])
    # The demo's plan has what no assessment counts: spaces without an app, and owners of spaces, after whose
    # change qlift's own role is put in place again.
    used = {a.space for a in desired.apps} | {p.space for p in desired.publications}
    besides = 2 * len(desired.space_owners) + sum(s.key not in used for s in desired.spaces)
    besides += sum(a.space not in used for a in desired.assignments)

    with Simulator() as simulator:
        InProcess(simulator, BlobStore(str(repository / "exports" / "sample" / "blobs"))).up(desired)
        log = [
            r
            for r in simulator.faults.requests()
            if r["side"] == "tenant" and r["method"] != "GET" and not NO_CHANGE.search(r["path"])
        ]
    uploads = [r for r in log if UPLOAD.search(r["path"])]
    writes = [r for r in log if not UPLOAD.search(r["path"])]
    imports = [r for r in writes if r["path"].startswith("/api/v1/apps/import")]
    assert (len(imports), len(uploads)) == (expected.imports, expected.uploads)
    # An owner's change raises a role, which is put back: one more write, or none. Nothing else is missing.
    roles = Counter(r["method"] for r in writes if "/assignments/" in r["path"])
    restored = roles["PUT"] + roles["DELETE"]
    assert len(writes) - restored - besides == expected.writes
    assert expected.bytes == sum(
        a.size * (2 if any(p.app == a.key and p.mode == "move" for p in desired.publications) else 1)
        for a in desired.apps
    )
    assert expected != Work()
