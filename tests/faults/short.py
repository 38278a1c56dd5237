"""How a failing case is shown."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, cast

from pydantic import BaseModel


class Short:
    """Shows what is not as by default: a case has some hundred fields."""

    def __repr__(self) -> str:
        shown = [(f.name, getattr(self, f.name)) for f in fields(cast(Any, self)) if _told(self, f)]
        return f"{type(self).__name__}({', '.join(f'{n}={_short(v)}' for n, v in shown)})"


def _told(of: Any, field: Field[Any]) -> bool:
    return bool(getattr(of, field.name) != field.default)


def _short(value: Any) -> str:
    if isinstance(value, BaseModel):
        named = value.model_dump(exclude_defaults=True)
        return f"{type(value).__name__}({', '.join(f'{n}={v!r}' for n, v in named.items())})"
    if isinstance(value, tuple):
        return "(" + "".join(f"{_short(v)}, " for v in value) + ")"
    return repr(value)
