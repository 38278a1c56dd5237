"""Describe the two ends that `qlift simulate` serves, as `docs/first-migration.md` needs them.

    eval "$(python docs/examples/simulated/describe.py .qlift/try/ends.json try)"

Writes stacks/sources/<name>.yaml and stacks/targets/<name>.yaml, and prints the credentials as shell
commands: with real ends they come from a store of secrets and are never in a file of the repository.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path


def main(ends_file: str, name: str) -> None:
    ends = json.loads(Path(ends_file).read_text(encoding="utf-8"))
    site, tenant = ends["site"]["header"], ends["tenant"]
    source = f"""\
site: {name}
kind: qlik-sense
url: {site["url"]}
way:
  header: {{name: {site["name"]}, value_env: QLIFT_SOURCE_USER}}
"""
    # A simulated tenant lists what was made at once; real ones get more time.
    target = f"url: {tenant['url']}\nlist_lag_seconds: 2\n"
    for folder, text in (("sources", source), ("targets", target)):
        path = Path("stacks", folder, f"{name}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    secrets = {
        "QLIFT_SOURCE_USER": site["value"],
        "QLIFT_CLIENT_ID": tenant["client_id"],
        "QLIFT_CLIENT_SECRET": tenant["client_secret"],
    }
    for variable, value in secrets.items():
        sys.stdout.write(f"export {variable}={shlex.quote(value)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
