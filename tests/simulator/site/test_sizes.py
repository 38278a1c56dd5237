"""The sites S and L of the source reference: how much there is of what, and that it is served in bulk."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from qlift.bundle import models
from qlift.simulator.clock import Clock
from qlift.simulator.sample import SITE_ADMIN, SIZES, SampleOptions, seed_sample
from qlift.simulator.site import appfile, create_site_app, lists
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    COMPOSITE_EVENT,
    DATA_CONNECTION,
    EXTERNAL_TASK,
    KINDS,
    RELOAD_TASK,
    SCHEMA_EVENT,
    STREAM,
    SYSTEM_RULE,
    TASK_KINDS,
    USER,
    full,
)
from qlift.simulator.store import Store

KEY = "0123456789abcdef"


def _seeded(options: SampleOptions) -> Iterator[Store]:
    store = Store(None)
    seed_sample(store, options)
    yield store
    store.close()


def _people(store: Store) -> list[models.User]:
    users = [models.User.model_validate(full(item)) for item in store.all(USER.stored)]
    return [user for user in users if user.user_directory != "INTERNAL"]


def test_site_s() -> None:
    for store in _seeded(SIZES["small"]):
        assert (store.count(APP.stored), store.count(STREAM.stored), len(_people(store))) == (40, 6, 60)
        assert sum(store.count(kind.stored) for kind in TASK_KINDS) == 50


def test_site_l(clock: Clock, serve: Callable[[FastAPI], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One test, so that the site is made once, whichever worker has it."""
    for large in _seeded(SIZES["large"]):
        _has_the_numbers(large)
        _files_take_no_room(large)
        _has_triggers_of_all_sorts(large)
        _is_served_in_bulk(large, serve(create_site_app(large, clock, "header", "hdr-usr")))
        _lists_of_one_app_look_at_no_other(large, monkeypatch)


def _has_the_numbers(large: Store) -> None:
    counts = {kind: large.count(kind.stored) for kind in KINDS}
    assert (counts[APP], counts[STREAM], counts[DATA_CONNECTION]) == (2_000, 150, 300)
    assert (counts[RELOAD_TASK], counts[EXTERNAL_TASK]) == (1_500, 40)
    assert (counts[SCHEMA_EVENT], counts[COMPOSITE_EVENT], counts[APP_OBJECT]) == (1_800, 900, 150_000)
    assert sum(1 for item in large.all(APP.stored) if not item["published"]) == 1_200
    custom = [
        r for r in large.all(SYSTEM_RULE.stored) if r["type"] == "Custom" and r["category"] == "Security"
    ]
    assert len(custom) == 120
    people = _people(large)
    groups = Counter(len(set(person.groups)) for person in people)
    assert len(people) == 20_000 and groups[15] > 19_900
    assert len({(p.user_directory.lower(), p.user_id.lower()) for p in people}) == 20_000
    for kind in KINDS:
        assert len({item["id"] for item in large.all(kind.stored)}) == counts[kind]


def _files_take_no_room(large: Store) -> None:
    sizes = [item["fileSize"] for item in large.all(APP.stored)]
    assert 8_000_000 < statistics.median(sizes) < 12_500_000
    assert 1_500_000_000 < statistics.quantiles(sizes, n=100)[98] < 6_000_000_000
    assert sum(sizes) > 100e9
    assert sum(file.stat().st_size for file in large.folder.iterdir() if file.is_file()) < 20_000_000
    app = min(large.all(APP.stored), key=lambda item: abs(item["fileSize"] - 10_000_000))
    digests = [hashlib.sha256(), hashlib.sha256()]
    for digest in digests:
        for chunk in appfile.body(large, app).chunks():
            digest.update(chunk)
    assert digests[0].digest() == digests[1].digest()


def _has_triggers_of_all_sorts(large: Store) -> None:
    events = large.all(SCHEMA_EVENT.stored)
    shapes = {(item["incrementDescription"], *item["schemaFilterDescription"]) for item in events}
    assert len(shapes) > 10 and {item["daylightSavingTime"] for item in events} == {0, 1}
    per_task = Counter(item["reloadTask"]["id"] for item in events if item["reloadTask"])
    assert max(per_task.values()) > 1
    per_app = Counter(item["app"]["id"] for item in large.all(RELOAD_TASK.stored))
    assert max(per_app.values()) <= 10
    follows = {
        (event["reloadTask"]["id"], rule["reloadTask"]["id"])
        for event in large.all(COMPOSITE_EVENT.stored)
        for rule in event["compositeRules"]
        if event["reloadTask"] and rule["reloadTask"]
    }
    assert any((second, first) in follows for first, second in follows), "no circle"
    rules = [event["compositeRules"] for event in large.all(COMPOSITE_EVENT.stored)]
    assert {len(found) for found in rules} == {1, 2}
    assert any(rule["externalProgramTask"] for found in rules for rule in found)
    assert any(rule["ruleState"] == 2 for found in rules for rule in found)


def _is_served_in_bulk(large: Store, address: str) -> None:
    headers = {"hdr-usr": SITE_ADMIN, "X-Qlik-Xrfkey": KEY}
    with httpx.Client(base_url=address, headers=headers, timeout=120, trust_env=False) as client:
        for kind in (USER, APP, SCHEMA_EVENT):
            with client.stream("GET", f"/qrs/{kind.path}/full", params={"xrfkey": KEY}) as answer:
                text = b"".join(answer.iter_bytes())
            found = json.loads(text)
            assert [item["id"] for item in found] == [item["id"] for item in large.all(kind.stored)]
            assert found[-1].keys() == full(large.all(kind.stored)[-1]).keys()
        app = large.all(APP.stored)[77]
        # Whatever else is asked of it, a list of one app's objects comes from an index.
        query = {"xrfkey": KEY, "filter": f"app.id eq {app['id']} and approved eq true"}
        objects = client.get("/qrs/app/object/full", params=query).json()
        assert {item["app"]["id"] for item in objects} == {app["id"]} and len(objects) > 10
        everything = client.get("/qrs/app/object/count", params={"xrfkey": KEY})
        assert everything.json() == {"value": 150_000}


def _lists_of_one_app_look_at_no_other(large: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_kind: str) -> list[models.Raw]:
        raise AssertionError("the whole kind was read")

    app = large.all(APP.stored)[5]
    monkeypatch.setattr(large, "all", refuse)
    assert len(lists.matching(large, APP_OBJECT, f"app.id eq {app['id']}")) == 75
    assert len(lists.matching(large, APP_OBJECT, f"(app.id eq {app['id']}) and objectType eq 'sheet'")) > 3
    with pytest.raises(AssertionError, match="whole kind"):
        lists.matching(large, APP_OBJECT, f"app.id eq {app['id']} or objectType eq 'sheet'")


@pytest.mark.parametrize(
    ("asked", "apps", "personal", "objects", "users"),
    [
        ((None, None, None), 2_000, 1_200, 150_000, 20_000),
        ((200, 50, 3), 200, 120, 15_000, 50),
        ((0, None, None), 0, 0, 0, 20_000),
    ],
)
def test_other_numbers_keep_the_shares(
    asked: tuple[int | None, int | None, int | None], apps: int, personal: int, objects: int, users: int
) -> None:
    options = SIZES["large"].of(*asked)
    assert (options.apps, options.personal, options.app_objects, options.users) == (
        apps,
        personal,
        objects,
        users,
    )
    assert SIZES["sample"].of(None, None, None) == SampleOptions()
