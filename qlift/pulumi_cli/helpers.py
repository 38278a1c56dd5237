"""The three programs beside a built engine that let it run Python.

An official installation brings them along. With a built engine two come from Pulumi's SDK module, which
the build has downloaded anyway; the third, the language host, is a stand-in of ours (`language_host`).
"""

import shutil
from pathlib import Path

from qlift.pulumi_cli.cache import replace_text

# Where the two lie in the module github.com/pulumi/pulumi/sdk/v3.
FROM_SDK_MODULE = (
    Path("python/cmd/pulumi-language-python-exec"),
    Path("python/dist/pulumi-resource-pulumi-python"),
)

# The cache is shared by all checkouts of a user, so this names none: it runs the Python of the project that
# it is started in. `exec` matters: the host watches whether its parent, the engine, is still there.
LANGUAGE_HOST = """\
#!/bin/sh
# The Python language host of a Pulumi engine built by qlift: finds the project's Python and its qlift.
python=${QLIFT_PYTHON:-}
folder=$PWD
while [ -z "$python" ]; do
  if [ -x "$folder/.venv/bin/python" ]; then python=$folder/.venv/bin/python
  elif [ "$folder" = / ]; then
    echo "qlift: no .venv/bin/python in $PWD or above it; run make setup, or set QLIFT_PYTHON." >&2
    exit 1
  else folder=$(dirname "$folder")
  fi
done
here=$(cd "$(dirname "$0")" && pwd)
exec "$python" -m qlift.pulumi_cli.language_host "$here/pulumi-language-python-exec" "$@"
"""


def copy_from_sdk_module(module: Path, bin_folder: Path) -> None:
    """Copy the two helpers; the module cache is read-only, the copies are not."""
    for source in FROM_SDK_MODULE:
        target = bin_folder / source.name
        shutil.copyfile(module / source, target)
        target.chmod(0o755)


def refresh_language_host(bin_folder: Path) -> None:
    """Write the language host's script where it is missing or of another version of qlift."""
    path = bin_folder / "pulumi-language-python"
    if not path.exists() or path.read_text() != LANGUAGE_HOST:
        replace_text(path, LANGUAGE_HOST, mode=0o755)
