"""Windows authentication of the proxy: a real NTLM handshake, by the acceptor of pyspnego (extra `ntlm`)."""

from __future__ import annotations

import base64
import binascii
import importlib.util
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from qlift.simulator.site.identity import find_user
from qlift.simulator.site.kinds import Document
from qlift.simulator.store import Store

if TYPE_CHECKING:
    import spnego

_SETTING = "site ntlm"
_FILE = "ntlm-users"
_VARIABLE = "NTLM_USER_FILE"
_OPEN_HANDSHAKES = 100
_environment = Lock()


def available() -> bool:
    return importlib.util.find_spec("spnego") is not None


class WindowsLogin:
    """One user's password, and the handshakes that are under way. NTLM knows a client by its connection."""

    def __init__(self, store: Store, login: str) -> None:
        """`login` is `DIRECTORY\\user`."""
        self._store = store
        password: str | None = store.get_setting(_SETTING)
        if password is None:
            password = secrets.token_urlsafe(18)
            store.put_setting(_SETTING, password)
        self.password = password
        self._users = store.folder / _FILE
        directory, _, user_id = login.partition("\\")
        self._users.touch(mode=0o600)
        self._users.write_text(f"{directory}:{user_id}:{password}\n", encoding="utf-8")
        self._open: OrderedDict[Any, spnego.ContextProxy] = OrderedDict()

    def step(self, connection: Any, token: str) -> tuple[Document | None, str]:
        """The answer to one message: a user when the handshake has succeeded, else what to send back.

        `connection` is anything that tells connections apart; messages are in base64. An empty answer means
        that the handshake has failed or was never begun.
        """
        import spnego
        from spnego.exceptions import SpnegoError

        try:
            message = base64.b64decode(token, validate=True)
            context = self._open.pop(connection, None)
            with _user_file(self._users):
                if context is None:
                    context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
                answer = context.step(message)
        except (SpnegoError, ValueError, binascii.Error):
            return None, ""
        if not context.complete:
            self._open[connection] = context
            while len(self._open) > _OPEN_HANDSHAKES:
                self._open.popitem(last=False)
            return None, base64.b64encode(answer or b"").decode()
        directory, _, user_id = (context.client_principal or "").rpartition("\\")
        return find_user(self._store, directory, user_id), ""


@contextmanager
def _user_file(path: Path) -> Iterator[None]:
    """pyspnego takes its users from a file that an environment variable names, and the process has only one.

    It is set for the moment of each step, one at a time.
    """
    with _environment:
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = str(path)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before
