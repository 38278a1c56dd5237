"""Extensions and the apps that are known to use them."""

from __future__ import annotations

from collections import defaultdict

from qlift.bundle.models import App
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import ExtensionRow


def extensions_of(ground: Ground, app: App) -> tuple[str, ...]:
    """Extensions whose name is the type of one of the app's objects."""
    types = {t.casefold() for t in ground.contents[app.id].types}
    return tuple(sorted({e.name for e in ground.bundle.extensions if e.name.casefold() in types}))


def extension_rows(ground: Ground) -> tuple[ExtensionRow, ...]:
    using: dict[str, list[str]] = defaultdict(list)
    for app in ground.bundle.apps:
        for name in extensions_of(ground, app):
            using[name].append(app.name)
    rows = [
        ExtensionRow(
            name=e.name,
            owner=e.owner.login if e.owner else "",
            apps=tuple(sorted(using[e.name])),
        )
        for e in ground.bundle.extensions
    ]
    return tuple(sorted(rows, key=lambda r: (-len(r.apps), r.name.casefold(), r.name)))
