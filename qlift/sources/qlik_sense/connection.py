"""`stacks/sources/<site>.yaml`: where a site is and how to get in. Never a secret itself."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from qlift.sources.qlik_sense.errors import ConnectionSettings
from qlift.sources.qlik_sense.ways import Entrance, Site, Way
from qlift.sources.qlik_sense.ways.common import Settings, address, yaml_problem

ENGINE_PORT = 4747
"""The engine's own port, for client certificates."""


class Connection(Settings):
    site: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: Literal["qlik-sense"]
    url: str
    """With the virtual proxy's prefix, if it has one."""
    way: Way
    engine: str | None = None
    """Address of the engine's websockets (`wss://...`), if it is not where the url lets expect it."""
    server_name: str | None = None
    """The name in the site's certificate, where it is not the host name of the url."""
    path: Path = Field(exclude=True)

    @field_validator("url")
    @classmethod
    def _web(cls, value: str) -> str:
        return address(value, "https", "http")

    @field_validator("engine")
    @classmethod
    def _socket(cls, value: str | None) -> str | None:
        return value if value is None else address(value, "wss", "ws")

    def where(self) -> Site:
        return Site(self.url, self.path, self.server_name)

    def enter(self, site: Site, env: Mapping[str, str] = os.environ) -> Entrance:
        """Raises `ConnectionSettings`; nothing is sent yet."""
        return self.way.enter(site, env)

    @property
    def engine_url(self) -> str:
        """Where the engine's websockets are: as told, else its own port for certificates, else the proxy."""
        if self.engine:
            return self.engine
        url = urlsplit(self.url)
        scheme = "wss" if url.scheme == "https" else "ws"
        if self.way.certificate:
            host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
            return f"{scheme}://{host}:{ENGINE_PORT}"
        return f"{scheme}://{url.netloc}{url.path}"


def load_connection(path: Path) -> Connection:
    """Raises `ConnectionSettings` with every problem of the file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConnectionSettings(f"{path}: there is no such file; it describes the source site") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConnectionSettings(f"{path}: {yaml_problem(error)}") from None
    if not isinstance(content, dict):
        raise ConnectionSettings(f"{path}: expected keys and values (site, kind, url, way)")
    try:
        return Connection.model_validate({**content, "path": path})
    except ValidationError as error:
        # What was given is left out of the message: it may be a secret in the wrong place.
        problems = error.errors(include_input=False, include_url=False)
        raise ConnectionSettings("\n".join(f"{path}: {_problem(e)}" for e in problems)) from None


def _problem(error: Any) -> str:
    key = ".".join(str(p) for p in error["loc"])
    if error["type"] != "extra_forbidden":
        message = str(error["msg"]).removeprefix("Value error, ")
        return f"{key}: {message}" if key else message
    near = difflib.get_close_matches(str(error["loc"][-1]), sorted(set(_keys(Connection)) - {"path"}), n=1)
    return f"unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else "")


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, known in model.model_fields.items():
        yield name
        for part in (known.annotation, *getattr(known.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _keys(part)
