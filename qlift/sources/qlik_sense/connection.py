"""`stacks/sources/<site>.yaml`: where a site is and how to get in. Never a secret itself."""

from __future__ import annotations

import difflib
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qlift.sources.qlik_sense.errors import ConnectionSettings


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Certificate(_Strict):
    """Client certificate as the QMC exports it (PEM), to port 4242. Paths are relative to the file."""

    ca: Path
    certificate: Path
    key: Path
    user_directory: str = "INTERNAL"
    user_id: str = "sa_repository"


class Header(_Strict):
    """A virtual proxy that takes the user from a header. `value_env` names the environment variable."""

    name: str
    value_env: str
    ca: Path | None = None


class Way(_Strict):
    """Exactly one."""

    certificate: Certificate | None = None
    header: Header | None = None

    @model_validator(mode="after")
    def _one(self) -> Way:
        if (self.certificate is None) == (self.header is None):
            raise ValueError("give exactly one way in: certificate or header")
        return self


class Connection(_Strict):
    site: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: Literal["qlik-sense"]
    url: str
    """With the virtual proxy's prefix, if it has one."""
    way: Way
    path: Path = Field(exclude=True)

    def ssl_context(self) -> ssl.SSLContext | bool:
        """Raises `ConnectionSettings` for a file that is missing or no PEM."""
        certificate, header = self.way.certificate, self.way.header
        ca = certificate.ca if certificate else header.ca if header else None
        if ca is None:
            return True
        try:
            context = ssl.create_default_context(cafile=str(self._beside(ca)))
            if certificate:
                context.load_cert_chain(self._beside(certificate.certificate), self._beside(certificate.key))
        except (OSError, ssl.SSLError) as error:
            raise ConnectionSettings(
                f"{self.path}: a certificate file is missing or not PEM ({error}); export them in the QMC "
                "(Certificates, platform independent PEM format)"
            ) from None
        return context

    def identity_header(self, env: Mapping[str, str] = os.environ) -> dict[str, str]:
        certificate, header = self.way.certificate, self.way.header
        if certificate:
            value = f"UserDirectory={certificate.user_directory}; UserId={certificate.user_id}"
            return {"X-Qlik-User": value}
        assert header is not None
        value = env.get(header.value_env, "")
        if not value:
            raise ConnectionSettings(
                f"{self.path}: the environment variable {header.value_env} is not set; it holds the value "
                f"of the header {header.name}"
            )
        return {header.name: value}

    def _beside(self, file: Path) -> Path:
        return self.path.parent / file


def load_connection(path: Path) -> Connection:
    """Raises `ConnectionSettings` with every problem of the file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConnectionSettings(f"{path}: there is no such file; it describes the source site") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConnectionSettings(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConnectionSettings(f"{path}: expected keys and values (site, kind, url, way)")
    try:
        return Connection.model_validate({**content, "path": path})
    except ValidationError as error:
        raise ConnectionSettings("\n".join(f"{path}: {_problem(e)}" for e in error.errors())) from None


def _problem(error: Any) -> str:
    key = ".".join(str(p) for p in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{key}: {error['msg']}" if key else str(error["msg"])
    known = {k for m in (Connection, Way, Certificate, Header) for k in m.model_fields} - {"path"}
    near = difflib.get_close_matches(str(error["loc"][-1]), sorted(known), n=1)
    return f"unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else "")
