"""A virtual proxy that takes the user from a header."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import punctuation
from urllib.parse import quote

from qlift.sources.qlik_sense.ways.common import Entrance, Plain, Settings, Site, tls


class Header(Settings):
    """`name` is the proxy's setting; `value_env` names the environment variable with the user."""

    name: str
    value_env: str
    ca: Path | None = None

    def enter(self, site: Site, env: Mapping[str, str]) -> Entrance:
        login = site.secret(self.value_env, env, f"the value of the header {self.name}")
        # A header is ASCII; what is more is URL-encoded UTF-8, as in the services' own X-Qlik-User.
        value = login if login.isascii() else quote(login, safe=punctuation + " ")
        return Plain(login, tls(site, self.ca), {self.name: value})
