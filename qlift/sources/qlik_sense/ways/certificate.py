"""The way of the site's own services: a client certificate, to port 4242 (and 4747 for the engine)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from pydantic import model_validator

from qlift.sources.qlik_sense.errors import ConnectionSettings
from qlift.sources.qlik_sense.ways.common import Entrance, Plain, Settings, Site, broken, tls


class Files(Settings):
    """Certificates as the QMC exports them in PEM format: a folder, or each file. Relative to the file."""

    folder: Path | None = None
    """Holds root.pem, client.pem and client_key.pem."""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    password_env: str | None = None
    """Names the environment variable with the password of the key, if the export was given one."""

    @model_validator(mode="after")
    def _complete(self) -> Files:
        single = (self.ca, self.certificate, self.key)
        if (self.folder is None) == (None in single) or (self.folder and any(single)):
            raise ValueError("give either `folder`, or `ca`, `certificate` and `key`")
        return self

    @property
    def root(self) -> Path:
        return self.ca or Path(self.folder or "", "root.pem")

    def context(self, site: Site, env: Mapping[str, str]) -> ssl.SSLContext:
        """Raises `ConnectionSettings`."""
        certificate = self.certificate or Path(self.folder or "", "client.pem")
        key = self.key or Path(self.folder or "", "client_key.pem")
        password = site.secret(self.password_env, env, "the key's password") if self.password_env else None
        context = tls(site, self.root)

        def asked() -> str:
            # Without an answer OpenSSL would ask at the terminal.
            if password is None:
                raise ConnectionSettings(
                    f"{site.file}: {key} is encrypted; name the environment variable with its password in "
                    "`password_env`"
                )
            return password

        try:
            context.load_cert_chain(site.beside(certificate), site.beside(key), password=asked)
        except (OSError, ssl.SSLError) as error:
            raise broken(site, error) from None
        return context


class Certificate(Files):
    """The header names the user whose rights count; `sa_repository` sees everything."""

    user_directory: str = "INTERNAL"
    user_id: str = "sa_repository"

    def enter(self, site: Site, env: Mapping[str, str]) -> Entrance:
        # Values are URL-encoded UTF-8 (QRS: "Connecting to the QRS API", X-Qlik-User).
        user = f"UserDirectory={quote(self.user_directory)}; UserId={quote(self.user_id)}"
        login = f"{self.user_directory}\\{self.user_id}"
        return Plain(login, self.context(site, env), {"X-Qlik-User": user})
