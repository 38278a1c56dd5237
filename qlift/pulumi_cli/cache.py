"""Where engines that we brought ourselves live, and how one is found again without starting it.

`$XDG_CACHE_HOME/qlift` (by default `~/.cache/qlift`) belongs to the user, not to a checkout:

    pulumi-3.259.0/bin/         the engine and its helpers
    pulumi-3.259.0/engine.json  the stamp: written last, so a folder without it is not an engine
    pulumi-3.259.0.lock         held while somebody installs or builds
    home/                       Pulumi's own folder (PULUMI_HOME) for these engines
    on-path.json                what the `pulumi` on PATH answered when it was last asked for its version
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

ENGINE_VERSION = "3.259.0"
"""The version we install and build; the SDK in pyproject.toml is pinned to the same."""

MINIMUM_VERSION = "3.214.0"
"""The oldest `pulumi` accepted from PATH (December 2025). Only ENGINE_VERSION has been tried."""

Way = Literal["path", "installed", "built"]


class Stamp(BaseModel):
    """Says that the folder holds a complete engine, and how it got there (`seconds` of wall time)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    way: Way
    seconds: float


class PathStamp(BaseModel):
    """The version of one particular executable file; void once the file has another size or date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    binary: str
    size: int
    mtime_ns: int
    version: str


def cache_folder() -> Path:
    """The user's cache folder for qlift (it may not exist yet)."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    # The base-directory specification tells to ignore a relative path.
    base = Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"
    return base / "qlift"


def engine_folder() -> Path:
    """The folder of the engine of our version (it may not exist yet)."""
    return cache_folder() / f"pulumi-{ENGINE_VERSION}"


def read_stamp(folder: Path) -> Stamp | None:
    """The stamp of an engine's folder, or None where there is no complete engine."""
    try:
        return Stamp.model_validate_json((folder / "engine.json").read_text())
    except (OSError, ValidationError):
        return None


def write_stamp(folder: Path, stamp: Stamp) -> None:
    (folder / "engine.json").write_text(stamp.model_dump_json(indent=2) + "\n")


def read_path_stamp() -> PathStamp | None:
    try:
        return PathStamp.model_validate_json((cache_folder() / "on-path.json").read_text())
    except (OSError, ValidationError):
        return None


def write_path_stamp(stamp: PathStamp) -> None:
    """Remember a version; a cache that cannot be written costs time, nothing else."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        replace_text(cache_folder() / "on-path.json", stamp.model_dump_json(indent=2) + "\n")
    except OSError:
        pass


def replace_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a small file so that a concurrent reader sees the old or the new text, never half of one."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(text)
    new.chmod(mode)
    new.replace(path)
