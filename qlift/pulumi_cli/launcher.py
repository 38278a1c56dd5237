"""The `pulumi` in `.venv/bin`: so that, with the environment activated, `pulumi preview` simply works.

Needed only where the engine is one of ours: an engine on PATH is found by the shell itself.
"""

import os
import shlex
from pathlib import Path

from qlift.pulumi_cli.cache import replace_text
from qlift.pulumi_cli.engine import Engine

_MARK = b"# qlift's launcher of the Pulumi engine"

_TEXT = """\
#!/bin/sh
{mark}. Written by `qlift engine`; changes are lost.
{settings}
PATH={path}:$PATH
export PATH
exec {binary} "$@"
"""


def is_launcher(path: Path) -> bool:
    """Whether the file is a launcher (of this or another checkout), not an engine."""
    try:
        with path.open("rb") as file:
            return _MARK in file.read(200)
    except OSError:
        return False


def update_launcher(engine: Engine, scripts: Path) -> None:
    """Make `scripts` (a virtual environment's bin folder) start this engine; a foreign `pulumi` is kept."""
    path = scripts / "pulumi"
    ours = is_launcher(path)
    if engine.way == "path":
        if ours:
            path.unlink()
    elif ours or not path.exists():
        text = launcher_text(engine, scripts)
        if not ours or path.read_text() != text or not os.access(path, os.X_OK):
            replace_text(path, text, mode=0o755)


def launcher_text(engine: Engine, scripts: Path) -> str:
    settings = engine.default_settings(scripts / "python")
    return _TEXT.format(
        mark=_MARK.decode(),
        # Set by people goes first: "${NAME:-default}" would need its own quoting, a test does not.
        settings="\n".join(
            f'[ -n "${{{name}:-}}" ] || {name}={shlex.quote(value)}; export {name}'
            for name, value in sorted(settings.items())
        ),
        path=":".join(shlex.quote(str(folder)) for folder in (engine.folder, scripts)),
        binary=shlex.quote(str(engine.binary)),
    )
