"""The second way to an engine: the installer that Pulumi's own SDK brings (`PulumiCommand.install`).

It downloads the official release. Where there is no way out it may hang rather than fail, so it runs in a
process of its own and is given up as soon as nothing arrives any more. A refusal is not remembered: the
next set-up may have a network.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from qlift.pulumi_cli.cache import ENGINE_VERSION
from qlift.pulumi_cli.errors import WayFailed
from qlift.pulumi_cli.posix import kill_group
from qlift.pulumi_cli.progress import Progress

FIRST_BYTE_SECONDS = 5.0
NEXT_BYTE_SECONDS = 30.0

_INSTALL = """
import sys
from pulumi.automation import PulumiCommand
try:
    PulumiCommand.install(root=sys.argv[1])
except Exception as error:
    output = getattr(error, "output", None)
    sys.exit(f"{error} {output.decode(errors='replace') if output else ''}".strip())
"""
SDK_INSTALLER = (sys.executable, "-c", _INSTALL)


def install_engine(
    folder: Path,
    progress: Progress,
    *,
    installer: Sequence[str] = SDK_INSTALLER,
    first_byte: float = FIRST_BYTE_SECONDS,
    next_byte: float = NEXT_BYTE_SECONDS,
) -> None:
    """Run `installer <folder>`, which puts the engine into `<folder>/bin`; WayFailed where it does not.

    `first_byte` and `next_byte`: the seconds without anything new on disk after which it is given up.
    """
    with tempfile.TemporaryDirectory(prefix="qlift-install-", ignore_cleanup_errors=True) as temporary:
        # The installer downloads into TMPDIR, so that what arrives can be seen arriving.
        downloads = Path(temporary)
        with (downloads / "errors").open("w+") as errors:
            process = subprocess.Popen(
                [*installer, str(folder)],
                env={**os.environ, "TMPDIR": temporary},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
            try:
                _wait_while_something_arrives(
                    process, (downloads, folder), progress, first_byte=first_byte, next_byte=next_byte
                )
            finally:
                kill_group(process)
            errors.seek(0)
            said = errors.read().strip()
    if process.returncode != 0:
        raise WayFailed(said.splitlines()[-1] if said else f"it ended with exit code {process.returncode}")
    if not (folder / "bin" / "pulumi").is_file():
        raise WayFailed("it ended without an error, but left no engine")


def _wait_while_something_arrives(
    process: "subprocess.Popen[str]",
    folders: Sequence[Path],
    progress: Progress,
    *,
    first_byte: float,
    next_byte: float,
) -> None:
    arrived, since, limit = 0, time.monotonic(), first_byte
    while True:
        try:
            process.wait(timeout=min(0.2, limit))
            return
        except subprocess.TimeoutExpired:
            now = sum(_size(folder) for folder in folders)
        if now != arrived:
            if arrived == 0:
                progress.say(f"Downloading the Pulumi engine {ENGINE_VERSION} with the SDK's installer ...")
            progress.update(f"Downloading the Pulumi engine: {now / 1e6:.0f} MB")
            arrived, since, limit = now, time.monotonic(), next_byte
        elif time.monotonic() - since > limit:
            raise WayFailed(f"nothing arrived for {limit:g} s")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # moved or removed while we look
            continue
    return total
