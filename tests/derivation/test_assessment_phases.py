"""Which streams are put together, in which order, and what a phase costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from qlift.derivation.assessment import groups, phases
from qlift.derivation.assessment.effort import Work, effort
from qlift.derivation.assessment.model import Assessment
from tests.derivation.assessed import FACTS, assessed
from tests.derivation.site import Raw, SiteBuilder

GIB = 1024**3


class Streams:
    """A site with streams of so many apps each; nothing ties them yet."""

    def __init__(self, **sizes: int) -> None:
        self.site = SiteBuilder("prod")
        self.jane = self.site.user("CORP\\jane", ("All",), "jane@corp.example")
        self.streams = {name: self.site.stream(name) for name in sizes}
        self.apps: dict[str, list[Raw]] = {}
        for name, count in sizes.items():
            self.apps[name] = [
                self.site.app(f"{name} {n}", self.jane, self.streams[name]) for n in range(count)
            ]

    def script(self, stream: str, text: str, number: int = 0) -> None:
        self.site.script(self.apps[stream][number], text)

    def chain(self, up: str, down: str) -> None:
        first = self.site.task(self.apps[up][0], f"Task of {up}")
        self.site.chained(self.site.task(self.apps[down][0], f"Task of {down}"), first)

    def readers(self, stream: str, *logins: str) -> None:
        known = {u["userId"]: u for u in self.site.kinds["user"]}
        for login in logins:
            user = known.get(login) or self.site.user(f"CORP\\{login}")
            self.site.allow(self.streams[stream], user)


@pytest.fixture(autouse=True)
def _small_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small streams stay alone, so that only links put them together."""
    monkeypatch.setattr(groups, "LEAST", 1)
    for module in (groups, phases):
        monkeypatch.setattr(module, "MOST", 4)


def together(found: Assessment) -> list[set[str]]:
    return [set(p.streams) for p in found.phases if p.kind == "streams"]


def test_streams_without_links_stay_apart(tmp_path: Path) -> None:
    found = assessed(Streams(A=1, B=1).site, tmp_path)
    assert together(found) == [{"A"}, {"B"}]
    assert [p.kind for p in found.phases] == ["streams", "streams"]


def test_a_task_chain_ties_and_the_first_link_goes_first(tmp_path: Path) -> None:
    streams = Streams(A=1, B=1, C=1)
    streams.chain("C", "A")
    found = assessed(streams.site, tmp_path)
    assert {"A", "C"} in together(found)
    [link] = found.links
    assert (set(link.streams), link.weight) == ({"A", "C"}, 1.0)
    assert "task chains: A – C" in next(p for p in found.phases if "C" in p.streams).because


def test_a_qvd_file_ties_who_writes_and_who_reads_it(tmp_path: Path) -> None:
    streams = Streams(A=1, B=1, C=1)
    streams.script("B", "STORE T INTO [lib://Files/x.qvd] (qvd);")
    streams.script("C", "LOAD * FROM [LIB://files/X.qvd] (qvd);")
    streams.script("A", "LOAD * FROM [lib://Files/from-outside.qvd] (qvd);")
    streams.site.connection("Files", "folder")
    assert {"B", "C"} in together(assessed(streams.site, tmp_path))


def test_a_connection_of_two_ties_and_one_of_all_does_not(tmp_path: Path) -> None:
    streams = Streams(A=1, B=1, C=1, D=1)
    for name in ("Common", "Own"):
        streams.site.connection(name, "ODBC")
    for stream in "ABCD":
        own = "LIB CONNECT TO 'Own';" if stream in "BD" else ""
        streams.script(stream, f"LIB CONNECT TO 'Common'; {own}")
    found = assessed(streams.site, tmp_path)
    assert sorted(map(sorted, together(found))) == [["A"], ["B", "D"], ["C"]]


def test_the_same_readers_tie_and_a_crowd_does_not(tmp_path: Path) -> None:
    streams = Streams(A=1, B=1, C=1, D=1)
    for number in range(20):
        streams.site.user(f"CORP\\idle{number}")
    streams.readers("A", "kim", "lee", "max")
    streams.readers("B", "kim", "lee", "max")
    everybody = [u["userId"] for u in streams.site.kinds["user"]]
    streams.readers("C", *everybody)
    streams.readers("D", *everybody)
    found = assessed(streams.site, tmp_path)
    assert sorted(map(sorted, together(found))) == [["A", "B"], ["C"], ["D"]]
    assert {p.people for p in found.phases} == {3, len(everybody)}


def test_a_phase_does_not_grow_over_its_size_and_says_what_it_cuts(tmp_path: Path) -> None:
    streams = Streams(A=3, B=3)
    streams.chain("B", "A")
    found = assessed(streams.site, tmp_path)
    assert together(found) == [{"B"}, {"A"}]
    first, second = found.phases
    assert (first.after, second.after) == ((), ("b",))
    assert second.cut == ("tasks of A follow tasks of B (phase b)",)


def test_phases_that_need_each_other_say_so(tmp_path: Path) -> None:
    streams = Streams(A=3, B=3)
    streams.site.connection("Files", "folder")
    streams.script("A", "STORE T INTO [lib://Files/a.qvd] (qvd); LOAD * FROM [lib://Files/b.qvd] (qvd);")
    streams.script("B", "STORE T INTO [lib://Files/b.qvd] (qvd); LOAD * FROM [lib://Files/a.qvd] (qvd);")
    found = assessed(streams.site, tmp_path)
    foundation, first, second = found.phases
    assert second.after == (first.key,)
    assert first.cut == (
        f"also reads or follows phase {second.key}, which comes later: they need each other",
    )
    assert foundation.key == "foundation"


def test_shared_data_makes_a_foundation(tmp_path: Path) -> None:
    streams = Streams(A=3, B=3, C=3)
    streams.site.connection("DWH", "ODBC")
    for stream in "ABC":
        streams.script(stream, "LIB CONNECT TO 'DWH';")
    found = assessed(streams.site, tmp_path)
    foundation = found.phases[0]
    assert (foundation.kind, foundation.shared) == ("foundation", ("connection DWH (3 phases)",))
    assert (foundation.apps, foundation.writes, foundation.import_days) == (0, 3, 0)


def test_small_streams_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LEAST", 3)
    found = assessed(Streams(A=1, B=1, C=1, D=1).site, tmp_path)
    # D alone would be too small, and the others have room for one app.
    assert together(found) == [{"A", "B", "C", "D"}]


def test_personal_apps_come_last_and_stay_with_their_owner(tmp_path: Path) -> None:
    streams = Streams(A=1)
    kim = streams.site.user("CORP\\kim")
    for number in range(3):
        streams.site.app(f"Jane's {number}", streams.jane)
        streams.site.app(f"Kim's {number}", kim)
    found = assessed(streams.site, tmp_path)
    assert [(p.key, p.apps) for p in found.phases] == [("a", 1), ("personal-1", 3), ("personal-2", 3)]
    by_phase = {r.phase: {x.owner for x in found.apps if x.phase == r.phase} for r in found.apps}
    assert by_phase["personal-1"] == {"CORP\\jane"} and by_phase["personal-2"] == {"CORP\\kim"}


def test_every_app_that_moves_is_in_one_phase(tmp_path: Path) -> None:
    streams = Streams(A=4, B=2, C=1)
    streams.site.app("Mine", streams.jane)
    found = assessed(streams.site, tmp_path)
    keys = [p.key for p in found.phases]
    assert len(keys) == len(set(keys))
    for phase in found.phases:
        assert phase.apps == sum(a.phase == phase.key for a in found.apps)
        assert sum(phase.parts) == phase.apps
    assert sum(p.apps for p in found.phases) == len(found.apps) == 8


def test_keys_are_phase_names_even_where_streams_are_alike(tmp_path: Path) -> None:
    site = SiteBuilder("prod")
    jane = site.user("CORP\\jane")
    for number in range(2):
        stream = site.stream("Sales/Süd", id=f"{number}" * 8)
        stream["id"] = f"stream-{number}"
        for n in range(3):
            site.app(f"App {number} {n}", jane, stream)
    assert [p.key for p in assessed(site, tmp_path).phases] == ["sales-sud", "sales-sud-2"]


# Effort.


def test_an_app_with_private_content_is_imported_twice(tmp_path: Path) -> None:
    streams = Streams(A=1)
    plain = assessed(streams.site, tmp_path / "plain").phases[0]
    app = streams.apps["A"][0]
    streams.site.object(app, streams.jane, "sheet", "Mine", public=False)
    private = assessed(streams.site, tmp_path / "private").phases[0]
    assert (plain.imports, plain.bytes) == (1, 10)
    assert (private.imports, private.bytes) == (2, 20)
    # The second import, and the sheet that is given to its owner.
    assert private.writes == plain.writes + 2


def test_writes_are_those_of_every_object(tmp_path: Path) -> None:
    streams = Streams(A=2)
    stream = streams.streams["A"]
    streams.site.rule("Readers", '((user.group="All"))', f"Stream_{stream['id']}")
    streams.site.allow(stream, streams.jane)
    streams.site.timed(streams.site.task(streams.apps["A"][0]))
    [phase] = assessed(streams.site, tmp_path).phases
    spaces, roles = 2, 3  # Managed and staging; qlift's own in both, and the readers' group.
    each = 4  # Import, name, publish, owner.
    assert phase.writes == spaces + roles + 2 * each + 1


@pytest.mark.parametrize(
    ("work", "days", "seconds"),
    [
        (Work(), 0, 0),
        (Work(imports=300, writes=500), 1, 0),
        (Work(imports=300, writes=501), 1, 300),
        (Work(imports=300, writes=1_001), 1, 600),
        (Work(imports=301, writes=600), 2, 86_400),
        (Work(imports=900, writes=600), 3, 172_800),
        (Work(imports=1, writes=4, uploads=4_001), 1, 300),
    ],
)
def test_floors_of_time(work: Work, days: int, seconds: int) -> None:
    """A window of five minutes holds 500 writes or 4,000 requests of uploads; a day so many imports."""
    needed = effort(work, FACTS)
    assert (needed.import_days, needed.floor_seconds) == (days, seconds)


def test_days_under_each_subscription(tmp_path: Path) -> None:
    streams = Streams(A=4)
    found = assessed(streams.site, tmp_path)
    assert found.import_days == {300: 1, 2_000: 1, 10_000: 1}
    assert assessed(streams.site, tmp_path / "b", imports_per_day=1).effort.import_days == 4
