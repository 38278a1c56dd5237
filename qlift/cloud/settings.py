"""`stacks/targets/<target>.yaml` and where the credentials come from."""

from __future__ import annotations

import difflib
import re
import ssl
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from qlift.cloud.auth import ApiKey, Credentials, OAuthClient
from qlift.cloud.client import Client, origin_of
from qlift.cloud.limits import RateLimits, Waiting
from qlift.cloud.log import RequestLog
from qlift.cloud.tenant import LAG_SECONDS


class SettingsError(Exception):
    """One message that lists every problem of the file or the environment."""


class Target(BaseModel):
    """A tenant: its address and what differs by tenant. Never a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    users: Path | None = None
    """Default: `<target>.users.csv` beside the file."""
    groups: Path | None = None
    ca: Path | None = None
    """A certificate authority in PEM, for a proxy that has one of its own."""
    share: float = Field(1.0, gt=0, le=1)
    """Of the tenant's rate limits, for phases that run side by side."""
    limits: RateLimits = RateLimits()
    """Of a tenant that has others than Qlik documents, such as a simulated one."""
    imports_per_day: int = Field(300, gt=0)
    """App imports that the tenant takes, by its subscription: 300, 2,000 or 10,000. For reckoning only."""
    list_lag_seconds: float = Field(LAG_SECONDS, ge=0)
    """By how long the tenant's lists may be behind its objects."""
    api_key_env: str = "QLIFT_API_KEY"
    client_id_env: str = "QLIFT_CLIENT_ID"
    client_secret_env: str = "QLIFT_CLIENT_SECRET"

    path: Path = Field(exclude=True)
    """Of the file itself."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return origin_of(value)

    @property
    def users_file(self) -> Path:
        return self._beside(self.users, "users")

    @property
    def groups_file(self) -> Path:
        return self._beside(self.groups, "groups")

    def _beside(self, given: Path | None, kind: str) -> Path:
        return self.path.parent / (given or f"{self.path.stem}.{kind}.csv")


def load_target(name_or_path: str, root: Path) -> Target:
    """A name means `stacks/targets/<name>.yaml`. Raises `SettingsError`."""
    as_path = name_or_path.endswith((".yaml", ".yml"))
    path = root / name_or_path if as_path else root / "stacks" / "targets" / f"{name_or_path}.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such target; write it, it needs a `url`") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {_yaml_problem(error)}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected keys and values, such as `url: https://...`")
    keys = [k for k in Target.model_fields if k != "path"]
    problems = [_unknown(str(k), keys) for k in content if k not in keys]
    try:
        target = Target.model_validate({**{k: content[k] for k in keys if k in content}, "path": path})
    except ValidationError as error:
        problems += [
            f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        ]
    if problems:
        raise SettingsError("\n".join(f"{path}: {p}" for p in problems))
    return target


def _yaml_problem(error: Exception) -> str:
    """Line and problem, never what stands there: it may be a secret in the wrong place."""
    mark = getattr(error, "problem_mark", None)
    what = re.sub(r"'[^']{2,}'", "...", str(getattr(error, "problem", None) or "not UTF-8"))
    return f"not readable as YAML{f', line {mark.line + 1}' if mark else ''}: {what}"


def _unknown(key: str, keys: list[str]) -> str:
    near = difflib.get_close_matches(key, keys, n=1)
    return f"unknown key `{key}`; " + (
        f"did you mean `{near[0]}`?" if near else f"known are {', '.join(keys)}"
    )


def credentials_from(target: Target, config: Mapping[str, str], env: Mapping[str, str]) -> Credentials:
    """The stack's settings (`apiKey`, or `clientId` and `clientSecret`) go before the environment.

    Raises `SettingsError`; it names the ways, never a value.
    """
    places = (
        ("the stack's settings", config, ("apiKey", "clientId", "clientSecret")),
        ("the environment", env, (target.api_key_env, target.client_id_env, target.client_secret_env)),
    )
    for where, values, (key, client_id, client_secret) in places:
        has_key, has_client = bool(values.get(key)), bool(values.get(client_id) or values.get(client_secret))
        if has_key and has_client:
            raise SettingsError(
                f"{where}: both an API key ({key}) and an OAuth client ({client_id}, {client_secret}) "
                "are set; keep one of them"
            )
        if has_client:
            return OAuthClient(
                _word(values, client_id, where), SecretStr(_word(values, client_secret, where))
            )
        if has_key:
            return ApiKey(SecretStr(_word(values, key, where)))
    raise SettingsError(
        f"no credentials for {target.url}: set qlift:apiKey (secret), or qlift:clientId and "
        f"qlift:clientSecret (secret), with `pulumi config set --secret`; or the environment variables "
        f"{target.api_key_env}, or {target.client_id_env} and {target.client_secret_env}"
    )


def _word(values: Mapping[str, str], name: str, where: str) -> str:
    """Never says the value. A line feed at its end is what files and copies leave behind."""
    word = (values.get(name) or "").strip()
    if not word:
        raise SettingsError(f"{where}: {name} is missing or empty; an OAuth client takes an id and a secret")
    if not word.isascii() or not word.isprintable() or " " in word:
        raise SettingsError(f"{where}: {name} holds characters that no key has; copy it again")
    return word


def connect_target(
    target: Target, credentials: Credentials, log: RequestLog | None = None, waiting: Waiting | None = None
) -> Client:
    """Asks nothing yet. Raises `SettingsError`."""
    verify = None
    if target.ca is not None:
        path = target.path.parent / target.ca
        try:
            verify = ssl.create_default_context(cafile=str(path))
        except OSError as error:
            raise SettingsError(
                f"{target.path}: ca: {path} is not a readable file of certificates (PEM): "
                f"{error.strerror or error}"
            ) from None
    return Client(
        target.url,
        credentials,
        log=log,
        share=target.share,
        limits=target.limits,
        waiting=waiting,
        verify=verify,
    )
