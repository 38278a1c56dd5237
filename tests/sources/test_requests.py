"""How many requests an export makes: for metadata as many for a large site as for a small one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from qlift.simulator import Simulator
from qlift.simulator.site import SIZES
from tests.sources.ends import by_header, export

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BY_APP = ("/qrs/app/object/full", "/app/<id>", "/qrs/app/<id>", "/qrs/app/<id>/export/<id>")
BY_STREAM = "/qrs/systemrule/security/audit/matrix"


def requests(folder: Path, apps: int, users: int) -> tuple[Counter[str], int, int]:
    """By path; and how many apps and streams the site has."""
    sample = SIZES["sample"].of(apps, users, 7)
    with Simulator(sample=sample) as simulator:
        site = by_header(simulator, folder)
        export(site, folder / "b")
        site.close()
        made = Counter(ID.sub("<id>", urlsplit(r["path"]).path) for r in simulator.faults.requests())
        store = simulator.store
        return made, len(store.all("site/app")), len(store.all("site/stream"))


def test_a_larger_site_needs_no_more_requests_for_its_lists(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "large").mkdir()
    small, few, streams = requests(tmp_path / "small", 10, 20)
    large, many, more_streams = requests(tmp_path / "large", 40, 200)
    assert (few, many) == (10, 40)

    def lists(made: Counter[str]) -> Counter[str]:
        """What is asked neither of each app nor of each stream."""
        return Counter(
            {p: n for p, n in made.items() if p not in (*BY_APP, BY_STREAM) and "/tempcontent/" not in p}
        )

    assert lists(small) == lists(large)
    assert 0 < lists(large).total() < 50
    for made, apps in ((small, few), (large, many)):
        assert made["/qrs/app/object/full"] == made["/app/<id>"] == apps
    # The audit answers for one stream and its page of users at a time.
    assert small[BY_STREAM] - streams == large[BY_STREAM] - more_streams
