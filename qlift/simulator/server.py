"""The simulator as a process: tenant, site (proxy, and ports for certificates) and control."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from starlette.types import ASGIApp

from qlift.simulator.certificates import Certificates, certificates
from qlift.simulator.clock import Clock
from qlift.simulator.control import CLOCK, SWITCHES, create_control_app
from qlift.simulator.description import CertificateFiles, Description, SiteAccess
from qlift.simulator.faults import FaultMiddleware, Faults
from qlift.simulator.ports import HOST, Endpoint, Servers, SimulatorError
from qlift.simulator.site import (
    SITE_SWITCHES,
    SampleOptions,
    SiteSwitches,
    seed_from_bundle,
    seed_sample,
)
from qlift.simulator.site.ends import (
    HEADER,
    HEADER_PREFIX,
    JWT_PREFIX,
    TICKET_PREFIX,
    WINDOWS_PREFIX,
    SiteEnds,
    login_parts,
)
from qlift.simulator.store import Store
from qlift.simulator.switches import Switches
from qlift.simulator.tenant import (
    Credentials,
    Person,
    World,
    create_tenant_app,
    end_access_tokens,
    seed_tenant,
)

_SERVICE_ACCOUNT = ("INTERNAL", "sa_api")


class Simulator:
    """`state` None: nothing is kept. Else a second start has the same content, addresses and secrets.

    `sample` and `bundle` seed an empty state; a seeded one stays as it is. Without a bundle the site is the
    generated sample, and in either case the tenant knows the site's people.
    """

    def __init__(
        self,
        state: Path | None = None,
        *,
        sample: SampleOptions | None = None,
        bundle: Path | None = None,
        https: bool = False,
        clock: Clock | None = None,
        switches: Switches | None = None,
        site_switches: SiteSwitches | None = None,
    ) -> None:
        self.store = Store(state)
        self.clock = clock or Clock()
        if clock is None:
            self.clock.advance(float(self.store.get_setting(CLOCK) or 0.0))
        self.faults = Faults(self.clock)
        kept = self.store.get_setting(SWITCHES)
        self._world = World(
            self.store, self.clock, switches or Switches.model_validate(kept if kept is not None else {})
        )
        self.site_switches = site_switches or SiteSwitches.model_validate(
            self.store.get_setting(SITE_SWITCHES) or {}
        )
        """The ones in force. Setting a field takes effect with the next request."""
        self._https = bool(self.store.get_setting("https")) or https
        self.store.put_setting("https", self._https)
        try:
            self._credentials = self._seed(sample or SampleOptions(), bundle)
            self._certificates = certificates(self.store)
            self._site = SiteEnds(self.store, self.clock, self.site_switches, _site_admin(self.store))
        except BaseException:
            self.store.close()
            raise
        self._servers: Servers | None = None

    @property
    def switches(self) -> Switches:
        """The ones in force. Setting a field takes effect with the next request."""
        return self._world.switches

    @property
    def world(self) -> World:
        """The tenant, for tests that look behind its interface."""
        return self._world

    def start(self) -> Self:
        """Serves in a thread until `stop`. Raises SimulatorError."""
        self._servers = Servers(self._endpoints(), self._certificates, self.store.get_setting("ports") or {})
        try:
            self._servers.start()
        except SimulatorError:
            self.store.close()
            raise
        self.store.put_setting("ports", self._servers.ports)
        return self

    def stop(self) -> None:
        """Ends the servers and closes the state. Harmless when it is not running."""
        if self._servers is not None:
            self._servers.stop()
            self._servers = None
        self.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def description(self) -> Description:
        """Known once it is started."""
        if self._servers is None:
            raise SimulatorError("the simulator is not running")
        ports = {name: f"{HOST}:{port}" for name, port in self._servers.ports.items()}
        scheme = "https" if self._https else "http"
        return {
            "tenant": {"url": f"{scheme}://{ports['tenant']}", **self._credentials},
            "site": self._site_access(ports, f"{scheme}://{ports['header']}"),
            "control": {"url": f"http://{ports['control']}"},
        }

    def _site_access(self, ports: Mapping[str, str], proxy: str) -> SiteAccess:
        directory, user_id = _SERVICE_ACCOUNT
        certificate: CertificateFiles = {
            "ca": str(self._certificates.ca.absolute()),
            "cert": str(self._certificates.client.absolute()),
            "key": str(self._certificates.client_key.absolute()),
        }
        admin = _site_admin(self.store)
        admin_directory, admin_id = login_parts(admin)
        access: SiteAccess = {
            "header": {"url": proxy, "name": HEADER, "value": admin},
            "prefixed_header": {"url": f"{proxy}/{HEADER_PREFIX}", "name": HEADER, "value": admin},
            "certificate": {
                "url": f"https://{ports['certificate']}",
                "engine_url": f"wss://{ports['engine']}",
                "user_directory": directory,
                "user_id": user_id,
                **certificate,
            },
            "jwt": {"url": f"{proxy}/{JWT_PREFIX}", "token": self._site.token},
            "ticket": {
                "url": f"{proxy}/{TICKET_PREFIX}",
                "qps_url": f"https://{ports['qps']}",
                "prefix": TICKET_PREFIX,
                "user_directory": admin_directory,
                "user_id": admin_id,
                **certificate,
            },
        }
        if self._site.windows is not None:
            access["ntlm"] = {
                "url": f"{proxy}/{WINDOWS_PREFIX}",
                "user": admin,
                "password": self._site.windows.password,
            }
        return access

    @property
    def certificates(self) -> Certificates:
        return self._certificates

    def _seed(self, sample: SampleOptions, bundle: Path | None) -> Credentials:
        if not self.store.get_setting("seeded"):
            if bundle is None:
                seed_sample(self.store, sample)
            else:
                seed_from_bundle(self.store, bundle)
            self.store.put_setting("seeded", True)
        people, groups = people_of_site(self.store)
        return seed_tenant(self.store, people, groups, self.clock)

    def _endpoints(self) -> list[Endpoint]:
        site = self._site
        public: Literal["none", "server"] = "server" if self._https else "none"

        def faulty(app: ASGIApp) -> ASGIApp:
            return FaultMiddleware(app, self.faults, "site")

        tenant = FaultMiddleware(
            create_tenant_app(self._world), self.faults, "tenant", lambda: end_access_tokens(self._world)
        )
        return [
            Endpoint("tenant", tenant, public),
            Endpoint("header", faulty(site.proxy), public, websockets=True),
            Endpoint("certificate", faulty(site.repository), "client"),
            Endpoint("engine", faulty(site.engine), "client", websockets=True),
            Endpoint("qps", faulty(site.qps), "client"),
            Endpoint("control", create_control_app(self._world, self.faults, self.site_switches)),
        ]


def people_of_site(store: Store) -> tuple[list[Person], list[str]]:
    """Everybody who can be expected in the tenant, and their groups: no service accounts, nobody who left."""
    people: list[Person] = []
    groups: set[str] = set()
    for user in store.all("site/user"):
        gone = user.get("inactive") or user.get("removedExternally")
        if user["userDirectory"] == "INTERNAL" or gone:
            continue
        values: dict[str, list[str]] = {}
        for attribute in user.get("attributes") or ():
            values.setdefault(attribute["attributeType"].lower(), []).append(attribute["attributeValue"])
        mine = values.get("group", [])
        groups.update(mine)
        people.append(
            {
                "subject": f"{user['userDirectory']}\\{user['userId']}",
                "email": next(iter(values.get("email", ())), ""),
                "name": user.get("name") or user["userId"],
                "groups": mine,
            }
        )
    return people, sorted(groups)


def _site_admin(store: Store) -> str:
    """A person with every right on the site, else the service account."""
    directory, user_id = _SERVICE_ACCOUNT
    for user in store.all("site/user"):
        if "RootAdmin" in (user.get("roles") or ()) and user["userDirectory"] != "INTERNAL":
            directory, user_id = user["userDirectory"], user["userId"]
            break
    return f"{directory}\\{user_id}"
