"""The `qlift` command, and `python -m qlift`."""

from __future__ import annotations

import sys


def main() -> None:
    """Ctrl-C is no traceback, not even while the modules are read (a second or two on a busy machine)."""
    try:
        from qlift.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
