"""Who calls: the xrfkey of every request, and who is behind it by header or certificate.

Other ways in are the business of the proxy, which leaves the user that it found in the request's scope.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from starlette.requests import HTTPConnection

from qlift.simulator.site.kinds import USER, Document
from qlift.simulator.store import Store

Way = Literal["header", "certificate"]

LOGIN_PATH = "/internal_forms_authentication/"

PROXIED = "qlift.user"
"""Key of a request's scope: the user whom the proxy has let in."""
PREFIX = "qlift.prefix"
"""Key of a request's scope: the virtual proxy's prefix with its slash, or nothing."""

_KEY = re.compile(r"[0-9a-zA-Z]{16}")
_QLIK_USER = re.compile(r"\s*UserDirectory\s*=\s*([^;]+?)\s*;\s*UserId\s*=\s*(.+?)\s*", re.IGNORECASE)


class Refusal(Exception):
    """An answer other than success: status and plain text, or where to log in."""

    def __init__(self, status: int, message: str = "", location: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.location = location


@dataclass(frozen=True)
class Gate:
    """`header`: behind a proxy that trusts a header; `certificate`: the port for certificates.

    That a certificate was shown is the business of the TLS layer.
    """

    store: Store
    way: Way
    header_name: str

    def caller(self, request: HTTPConnection) -> Document:
        """The user who calls, over HTTP. Raises Refusal."""
        user = self._user(request)
        if user is None and self.way == "header":
            raise Refusal(302, location=f"{LOGIN_PATH}?targetId=00000000-0000-0000-0000-000000000000")
        check_key(request)
        if user is None:
            raise Refusal(403, "Forbidden")
        _check_query(request)
        return user

    def connected(self, connection: HTTPConnection) -> Document:
        """The user who opens a websocket: the engine wants no xrfkey. Raises Refusal."""
        user = self._user(connection)
        if user is None:
            raise Refusal(403, "Forbidden")
        return user

    def _user(self, request: HTTPConnection) -> Document | None:
        proxied: Document | None = request.scope.get(PROXIED)
        if proxied is not None:
            return proxied
        if self.way == "header":
            return by_header(self.store, self.header_name, request)
        match = _QLIK_USER.fullmatch(request.headers.get("x-qlik-user", ""))
        directory, user_id = (unquote(match[1]), unquote(match[2])) if match else ("", "")
        return find_user(self.store, directory, user_id)


def by_header(store: Store, name: str, request: HTTPConnection) -> Document | None:
    """The user whom the header `name` names."""
    directory, _, user_id = unquote(request.headers.get(name, "")).rpartition("\\")
    return find_user(store, directory, user_id)


def find_user(store: Store, directory: str, user_id: str) -> Document | None:
    """A user who may come in, by name; capitals do not matter."""
    for user in store.where(USER.stored, "userId", user_id):
        if user["userDirectory"].lower() == directory.lower():
            shut_out = any(user.get(reason) for reason in ("inactive", "removedExternally", "blacklisted"))
            return None if shut_out else user
    return None


def check_key(request: HTTPConnection) -> None:
    """Every request carries the same 16 letters and digits in the query and in a header. Raises Refusal."""
    in_query = [value for name, value in request.query_params.items() if name.lower() == "xrfkey"]
    in_header = request.headers.get("x-qlik-xrfkey", "")
    if not in_query or in_query[0] != in_header or not _KEY.fullmatch(in_header):
        raise Refusal(403, "XSRF prevention check failed. Possible XSRF discovered.")


def _check_query(request: HTTPConnection) -> None:
    """A part of the query without `=`, as an unescaped `&` in a filter makes one, is refused."""
    query = request.url.query
    if any("=" not in part for part in query.split("&") if part):
        raise Refusal(400, "Missing parameter value(s)")
