"""The ways into a site, one module each. A way's settings name files and environment variables, never a
secret; `enter` makes of them what requests need.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import model_validator

from qlift.sources.qlik_sense.ways.certificate import Certificate
from qlift.sources.qlik_sense.ways.common import Entrance, Settings, Site
from qlift.sources.qlik_sense.ways.header import Header
from qlift.sources.qlik_sense.ways.jwt import Jwt
from qlift.sources.qlik_sense.ways.ntlm import Ntlm
from qlift.sources.qlik_sense.ways.ticket import Ticket

__all__ = ["Certificate", "Entrance", "Header", "Jwt", "Ntlm", "Site", "Ticket", "Way"]


class Way(Settings):
    """Exactly one."""

    certificate: Certificate | None = None
    header: Header | None = None
    jwt: Jwt | None = None
    ticket: Ticket | None = None
    ntlm: Ntlm | None = None

    @model_validator(mode="after")
    def _one(self) -> Way:
        if len(self._given()) != 1:
            raise ValueError(f"give exactly one way in: {', '.join(type(self).model_fields)}")
        return self

    def enter(self, site: Site, env: Mapping[str, str]) -> Entrance:
        """Raises `ConnectionSettings`; nothing is sent yet."""
        return self._given()[0].enter(site, env)

    def _given(self) -> list[Certificate | Header | Jwt | Ticket | Ntlm]:
        ways = (self.certificate, self.header, self.jwt, self.ticket, self.ntlm)
        return [way for way in ways if way is not None]
