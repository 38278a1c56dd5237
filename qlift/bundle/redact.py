"""Takes credentials out of what a bundle keeps."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from qlift.bundle.models import Raw, Redaction

REDACTED = "(redacted)"
GONE = r"[\"']?\(redacted\)"
_NAMES = (
    r"pwd|pass(?:word|wd|phrase|wort)|kennwort|token|secret(?:[ _-]?key)?|api[ _-]?key|private[ _-]?key|"
    r"(?:account|(?:shared[ _-]?)?access)[ _-]?key|shared[ _-]?access[ _-]?signature|(?<![a-z])sig"
)
"""Ends of names: `client_secret` and `aws_secret_access_key` are among them."""
_QUOTED = r'\\"(?:(?!\\").)*\\"|"(?:[^"\\]|""|\\.)*"|' + r"'(?:[^']|'')*'|{(?:[^}]|}})*}"
"""Within an escaped string, in JSON, and as drivers quote: a doubled end is part of the value."""
_CODE = (
    r"(?:load|select|sql|mapping|noconcatenate|concatenate|left|right|inner|outer|add|replace|first|buffer)"
)
"""What follows a label of a load script: `Token: LOAD ...`."""
_PAIR = re.compile(
    rf"(?i)(?P<key>(?:{_NAMES})(?:\\?[\"'])?[ \t]*)"
    rf"(?:(?P<sign>:?=[ \t]*)(?P<value>(?:{_QUOTED})(?=[ \t]*(?:[;,&)\]}}\r\n]|\s|$))"
    rf"|(?:{_QUOTED})?[^;\r\n]+)"
    rf"|(?P<colon>:[ \t]*)(?!{_CODE}\b)(?P<said>{_QUOTED}|[^\s;,\"'}}]+))"
)
"""Unquoted after `=`, a value ends with the part of the connection string: it may hold blanks and quotes."""
_FIELD = re.compile(rf"(?i)(?:{_NAMES}|secretvalue)$")
"""Fields, and names of settings whose `value` is a credential even where the site does not call it secret:
they end with such a word (`LDAP Password`, `dbPassword`)."""
_OPTION = re.compile(
    rf"(?i)(?P<key>(?<!\S)[-/]{{1,2}}[\w-]*(?:{_NAMES})(?:\s+|[:=]))(?P<value>\"[^\"]*\"|'[^']*'|\S+)"
)
"""An option on a command line: `--password x`, `/token:x`."""
_NAMED = (
    *("pwd", "pass", "kennwort", "token", "secret", "signature"),
    *(f"sig{end}" for end in ("=", ":", " ", "\t", '"', "'", "\\")),
    *(f"{of}{by}key" for of in ("api", "private", "account", "access") for by in ("", " ", "_", "-")),
)
"""One of these stands, in small letters, in every text that `_NAMES` matches. Most texts of a large site
have none, and looking for words is quick."""
_OTHERS = (
    # A header, in any notation: `Authorization: Bearer x`, `"Authorization" "Bearer x"`.
    (
        ("authorization",),
        re.compile(
            r"(?i)(?P<key>authorization(?:[\"'\\]*\s*[:=]\s*[\"'\\]*|[\"'\\]+\s*[\"'\\]+)"
            r"(?:[a-z]+[ \t]+(?=\S))?)(?P<value>[^\s\"'\\,;]+)"
        ),
    ),
    (
        ("bearer",),
        re.compile(r"(?i)(?P<key>\bbearer\s+)(?P<value>(?=[\w.~+/=-]*[\d._~+/=])[\w.~+/=-]{8,})"),
    ),
    # As curl takes it. What follows may be the path of a Windows drive.
    (
        ("-u", "--proxy-user"),
        re.compile(
            r"(?P<key>(?<!\S)(?:-[uU]|--(?:proxy-)?user)[ \t=]+[\"']?[^\s:\"']+:)"
            r"(?P<value>(?![\\/])[^\s\"']+)"
        ),
    ),
    (
        ("curl",),
        re.compile(r"(?P<key>\bcurl\b[^\r\n]*\s-u[\"']?[^\s:\"']+:)(?P<value>(?![\\/])[^\s\"']+)"),
    ),
    # As people write it.
    (
        (" is", " was", " ist", " lautet"),
        re.compile(
            rf"(?i)(?P<key>\bX?(?:{_NAMES})\s+(?:is|was|ist|lautet)\s*:?\s+[\"']?)(?!(?:not?|now|the|an?|in|on|at|by|"
            r"to|set|kept|stored|required|needed|missing|wrong|invalid|incorrect|expired|changed|encrypted|hidden|"
            r"empty|optional|unknown|taken|read|given|used|valid|too|also|only|always|never|case|nicht|kein|im|"
            r"falsch)\b)(?P<value>[^\s\"',;]+)"
        ),
    ),
    # Names that are too short or too common to be looked for at the end of any word.
    (
        ("pass", "pw", "credential", "bearer"),
        re.compile(
            rf"(?i)(?P<key>(?<![a-z0-9_])v?(?:pass|pw|credentials?|bearer)[ \t]*:?=[ \t]*)"
            rf"(?!{GONE})(?P<value>{_QUOTED}|[^\s;,)]+)"
        ),
    ),
    # In the query of an address.
    (
        ("?key=", "&key=", "?code=", "&code="),
        re.compile(rf"(?i)(?P<key>[?&](?:key|code)=)(?!{GONE})(?P<value>[^&\s\"'\])>]+)"),
    ),
    (
        ("httpheader",),
        re.compile(
            r"(?i)(?P<key>\bhttpheader\s+[\"'][^\"']*(?:key|token|secret|auth|cookie)[^\"']*[\"']\s+[\"'])"
            rf"(?!{GONE})(?P<value>[^\"']+)"
        ),
    ),
    (
        ("--",),
        re.compile(
            rf"(?i)(?P<key>(?<!\S)--[\w-]*(?:{_NAMES})(?:[ \t]+|=))"
            rf"(?!{GONE})(?P<value>\"[^\"]*\"|'[^']*'|[^\s;]+)"
        ),
    ),
    # A JSON Web Token, whatever it stands in.
    (("eyj",), re.compile(r"(?P<key>\b)(?P<value>eyJ[\w-]{8,}\.eyJ[\w-]{4,}\.[\w-]+)")),
    (("://",), re.compile(r"(?P<key>[a-zA-Z][\w+.-]*://[^/\s:@]*:)(?P<value>[^/\s]+)(?=@)")),
)
"""Words of which one has to be there, and the form."""
_KEY_BLOCK = re.compile(
    r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)(.*?)"
    r"(-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)"
)
_NEXT_LINE = re.compile(
    rf"(?i)(?P<key>(?:{_NAMES})[ \t]*:?=[ \t]*\r?\n[ \t]*)(?P<value>'[^'\r\n]*'|\"[^\"\r\n]*\")"
)
_LINE = re.compile(r"[^\r\n]+")
_COMMAND_LINES = frozenset({"parameters"})


def redact_text(text: str) -> str:
    """Without the values of `password=...` and the like, passwords of addresses, tokens, private keys."""
    lower = text.lower()
    if "private key" in lower:
        text = _KEY_BLOCK.sub(_hide_block, text)
    for words, pattern in _OTHERS:
        if _has(lower, words):
            text = pattern.sub(_hide, text)
    return _PAIR.sub(_hide_pair, text) if _has(lower, _NAMED) else text


def may_hold_credentials(text: str) -> bool:
    """Whether it is worth looking closely."""
    lower = text.lower()
    return _has(lower, _NAMED) or any(_has(lower, words) for words, _ in _OTHERS)


def _has(lower: str, words: tuple[str, ...]) -> bool:
    # A loop, not `any`: this runs some ten million times for a large site.
    for word in words:  # noqa: SIM110
        if word in lower:
            return True
    return False


def _hide(match: re.Match[str]) -> str:
    return match["key"] + REDACTED


def _hide_block(match: re.Match[str]) -> str:
    return match[1] + _LINE.sub(REDACTED, match[2]) + match[3]


def _hide_pair(match: re.Match[str]) -> str:
    value = match["value"] or match["said"]
    if value.strip("\\\"' ") == REDACTED or value.startswith(REDACTED):
        return match[0]
    if match["colon"]:
        # What stands in quotes keeps them: it may be JSON.
        quote = '\\"' if value.startswith('\\"') else value[0] if value[0] in "\"'" else ""
        return f"{match['key']}{match['colon']}{quote}{REDACTED}{quote}"
    return f"{match['key']}{match['sign']}{REDACTED}"


def redact_entity(kind: str, entity: Raw) -> tuple[Raw, list[Redaction]]:
    """The entity without credentials, and where they were. Nested values are looked through too."""
    found: list[str] = []
    clean = _clean(entity, "", found)
    name = str(entity.get("name", ""))
    return clean, [Redaction(kind=kind, id=str(entity["id"]), name=name, field=f) for f in sorted(set(found))]


def redact_script(app_id: str, app_name: str, script: str) -> tuple[str, list[Redaction]]:
    """A load script without credentials, and where they were (`line 12`, counted from 1)."""
    # Blocks first, for they are longer than a line; they keep their lines.
    blocks = _NEXT_LINE.sub(_hide, _KEY_BLOCK.sub(_hide_block, script))
    lines, found = [], []
    for number, (line, before) in enumerate(zip(blocks.split("\n"), script.split("\n"), strict=True), 1):
        clean = redact_text(line)
        if clean != before:
            found.append(Redaction(kind="script", id=app_id, name=app_name, field=f"line {number}"))
        lines.append(clean)
    return "\n".join(lines), found


def _clean(value: Any, where: str, found: list[str]) -> Any:
    if isinstance(value, dict):
        hidden = _hidden(value)
        return {
            k: _field(k, v, f"{where}.{k}" if where else k, found, secret=k in hidden)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_clean(v, where, found) for v in value]
    if isinstance(value, str):
        if _is_name(where) and "=" not in value and "://" not in value:
            # Names migrate: `Secret: Project X` is none.
            return value
        clean = redact_text(value)
        if clean != value:
            found.append(where)
        return clean
    return value


def _is_name(where: str) -> bool:
    return where == "name" or where.endswith(".name")


def _hidden(entity: Raw) -> frozenset[str]:
    """Fields that are secret because of what stands beside them: those of a setting of a user directory."""
    if "value" not in entity and "secretValue" not in entity:
        return frozenset()
    if entity.get("secret") is True or _FIELD.search(str(entity.get("name") or "")):
        return frozenset({"value", "secretValue"} & entity.keys())
    return frozenset()


@cache
def _is_secret(field: str) -> bool:
    """There are few fields, and millions of values."""
    return _FIELD.search(field) is not None


def _field(key: str, value: Any, where: str, found: list[str], *, secret: bool) -> Any:
    if isinstance(value, str) and value and value != REDACTED:
        if secret or _is_secret(key):
            found.append(where)
            return REDACTED
        if key in _COMMAND_LINES:
            clean = _OPTION.sub(lambda match: match["key"] + REDACTED, redact_text(value))
            if clean != value:
                found.append(where)
            return clean
    return _clean(value, where, found)
