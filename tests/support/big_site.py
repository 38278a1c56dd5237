"""A generated site with something of everything, of any size and always the same: for looking at reports."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

from qlift.bundle import Bundle
from qlift.bundle.models import AppFile
from tests.derivation.site import TODAY, Raw, SiteBuilder, guid

_AREAS = (
    "Finance", "Sales", "HR", "Supply Chain", "Marketing", "Quality", "Service", "Purchasing", "Logistics",
    "Group",
)  # fmt: skip
_TOPICS = (
    "Overview", "Ledger", "Forecast", "Budget vs Actuals", "Margins", "Stock", "Returns", "Pipeline",
    "Headcount", "Absence", "Claims", "Energy", "Projects", "Cash Flow", "Ageing",
)  # fmt: skip
_CONNECTIONS = (
    ("DWH", "ODBC"), ("ERP", "OLEDB"), ("Shared Files", "folder"), ("Rates", "internet"),
    ("CRM", "QvRestConnector.exe"), ("Cloud Store", "QvWebStorageProviderConnectorPackage.exe"),
    ("Legacy Cube", "AcmeCubeConnector.exe"), ("Warehouse", "QvOdbcConnectorPackage.exe"),
)  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "a|b `c` *d* _e_ ~f~\n# g\n[h](javascript:i) https://evil.example",
    "exe.\u202egpj.hidden",
    "Ledger" + "OfTheWholeCompany" * 14,
    "</style></script><svg onload=alert(3)>",
    " {{ 7 * 7 }}{% raw %} ",
    "javascript:alert(4)//",
    "x' onfocus=alert(5) autofocus='",
    '" onmouseover="alert(6)',
    "www.evil.example [i]: //evil.example 'x'",
)
"""Names that a report has to survive."""


def big_site(folder: Path, *, apps: int = 120, streams: int = 12, people: int = 200, seed: int = 7) -> Bundle:
    """Sixty in a hundred apps are unpublished on a usual site; here forty."""
    chance = random.Random(seed)
    site = SiteBuilder("prod")
    users = [
        site.user(
            f"CORP\\user{n:05}",
            (f"BI-{_AREAS[n % len(_AREAS)]}-Readers", *(["BI-Publishers"] if n % 9 == 0 else [])),
            "" if n % 50 == 7 else f"user{n // 2 if n == 11 else n}@corp.example",
            name=f"Person {n}",
            inactive=n % 23 == 5,
            roles=["RootAdmin"] if n == 0 else ["ContentAdmin"] if n == 3 else [],
        )
        for n in range(people)
    ]
    places = [site.stream(_stream_name(n), users[n % len(users)]) for n in range(streams)]
    site.stream("Empty stream")
    monitoring = site.stream("Monitoring apps")
    for n, (name, type_) in enumerate(_CONNECTIONS):
        site.connection(name, type_, username="qlik" if n == 0 else "")
    for name in ("acme-gauge", "acme-theme-dark"):
        site.extension(name)
    _rules(site, places, users)
    made = [_app(site, chance, n, places, users) for n in range(apps)]
    site.app("License Monitor", users[0], monitoring)
    for n, name in enumerate(HOSTILE):
        _hostile(site, users[n], name)
    _tasks(site, chance, [a for a in made if a["stream"]])
    return site.write(folder)


def _hostile(site: SiteBuilder, user: Raw, name: str) -> None:
    """The name wherever a report shows one."""
    owner = site.user(f"CORP\\{name}", (name,), name=name, inactive=True)
    stream = site.stream(name)
    site.rule(name, f'((user.userId="{user["userId"]}"))', f"Stream_{stream['id']}")
    app = _dated(site.app(name, owner, stream), TODAY)
    site.connection(name, name)
    site.script(app, f"LIB CONNECT TO '{name}';")
    site.extension(name)
    site.timed(site.task(app, name), name=name)


def _stream_name(n: int) -> str:
    area = _AREAS[n % len(_AREAS)]
    return (
        area
        if n < len(_AREAS)
        else f"{area} {('Europe', 'Asia', 'Americas', 'Archive')[n // len(_AREAS) % 4]} {n}"
    )


def _rules(site: SiteBuilder, places: list[Raw], users: list[Raw]) -> None:
    for n, stream in enumerate(places):
        group = f"BI-{_AREAS[n % len(_AREAS)]}-Readers"
        site.rule(f"{stream['name']} readers", f'((user.group="{group}"))', f"Stream_{stream['id']}")
        members = [
            u
            for u in users
            if any(a["attributeValue"] == group for a in u["attributes"]) and not u["inactive"]
        ]
        site.allow(stream, *members)
    site.rule("Publishers", '((user.group="BI-Publishers"))', f"Stream_{places[0]['id']}", 34)
    site.rule("Odd one", '((user.group="A" and user.@Level="2"))', f"Stream_{places[-1]['id']}")


def _dated(app: Raw, day: date, changed: date | None = None) -> Raw:
    app["lastReloadTime"] = f"{day.isoformat()}T05:30:20.199Z"
    app["createdDate"] = f"{(changed or day).isoformat()}T08:00:00.000Z"
    app["modifiedDate"] = app["lastReloadTime"]
    return app


def _app(site: SiteBuilder, chance: random.Random, n: int, places: list[Raw], users: list[Raw]) -> Raw:
    personal = n % 5 in (1, 3)
    place = places[min(int(chance.expovariate(4) * len(places)), len(places) - 1)]
    owner = users[int(chance.paretovariate(1.2)) % len(users)]
    area = place["name"] if not personal else _AREAS[n % len(_AREAS)]
    name = f"{area} {_TOPICS[n % len(_TOPICS)]}" + (f" {n}" if n >= len(_TOPICS) and n % 17 else "")
    app = site.app(name, owner, None if personal else place, id=guid("app", n))
    age = int(chance.paretovariate(0.35))
    day = TODAY - timedelta(days=min(age, 1500))
    _dated(app, day, day - timedelta(days=int(chance.expovariate(0.006))))
    size = min(int(chance.lognormvariate(16.1, 2.4)), 9 * 1024**3)
    digest = f"{n:064x}"
    site.files[app["id"]] = AppFile(
        app=app["id"], sha256=digest, size=size, modified_date="", stale=n % 61 == 9
    )
    if n % 71 == 13:
        del site.files[app["id"]]
    for sheet in range(2 + n % 5):
        site.object(
            app,
            owner,
            "sheet",
            f"Sheet {sheet}",
            public=not personal,
            content=f"{n - 1 if n % 40 == 20 else n}-{sheet % (2 + (n - 1) % 5 if n % 40 == 20 else 9)}",
        )
    if not personal and n % 3 == 0:
        site.object(app, users[(n * 7) % len(users)], "sheet", "My own view", public=False)
    if n % 19 == 4:
        site.object(app, owner, "acme-gauge", "Gauge", public=not personal)
    if n % 13:
        site.script(app, _script(chance, n, place["name"]))
    return app


def _script(chance: random.Random, n: int, stream: str) -> str:
    first = _CONNECTIONS[min(int(chance.expovariate(0.7)), len(_CONNECTIONS) - 1)][0]
    lines = ["///$tab Main"]
    if n % 4:
        lines += [f"LIB CONNECT TO '{first}';", "T: SQL SELECT * FROM t;"]
    if n % 6 == 2:
        lines += [f"STORE T INTO [lib://Shared Files/{stream}/{n}.qvd] (qvd);"]
    if n % 6 == 4:
        lines += [f"LOAD * FROM [lib://Shared Files/{stream}/{n - 2}.qvd] (qvd);"]
    if n % 29 == 3:
        lines += ["LOAD * FROM [lib://Gone Share/x.csv];"]
    if n % 31 == 6:
        lines += [
            "Section Access;",
            "LOAD * INLINE [ACCESS, USERID",
            "ADMIN, CORP\\USER00001];",
            "Section Application;",
        ]
    return "\r\n".join(lines)


_TRIGGERS = (
    ("0 0 1 0", "* * - * * * * *", 2), ("0 2 0 0", "* * - * * * * *", 1), ("30 0 0 0", "* * - * * * * *", 1),
    ("0 0 1 0", "* * - 1,3,5 1 * * *", 3), ("0 0 1 0", "* * - * * 1,15 * *", 4),
    ("0 0 1 0", "* * 1 1 * * * *", 5),
    ("0 0 0 0", "* * - * * * * *", 0), ("2 0 0 0", "* * - * * * * *", 0),
    ("0 1 0 0", "* 9,10,11 - 1,2,3,4,5 * * * *", 5),
)  # fmt: skip


def _tasks(site: SiteBuilder, chance: random.Random, published: list[Raw]) -> None:
    of_stream: dict[str, list[Raw]] = {}
    for n, app in enumerate(published):
        before = of_stream.setdefault(app["stream"]["id"] if n % 10 else "any", [])
        if n % 4 == 3:
            continue
        took = {"status": 7, "duration": 60_000 * (250 if n % 37 == 5 else 4)}
        task = site.task(
            app, f"Reload {app['name']}", enabled=n % 11 != 6, operational={"lastExecutionResult": took}
        )
        if n % 7 == 2 and before:
            site.chained(task, *chance.sample(before, 1 if n % 14 == 2 else min(2, len(before))))
        else:
            increment, filter_, option = _TRIGGERS[n % len(_TRIGGERS)]
            site.timed(
                task,
                increment,
                schemaFilterDescription=[filter_],
                incrementOption=option,
                startDate=f"2026-01-05T{n % 24:02}:30:00.000",
            )
        before.append(task)
        of_stream.setdefault("any", []).append(task)
