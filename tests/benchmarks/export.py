"""What the export of a generated site costs: requests by kind, time, peak memory of the exporter.

Run by hand (`python -m tests.benchmarks.export --size large`); no test measures time. Exporter and site are
processes of their own on this machine. Without `--files` it ends when the app files begin: those of the large
site have hundreds of GB.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import yaml

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
USER_VARIABLE = "QLIFT_BENCHMARK_USER"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("sample", "small", "large"), default="small")
    parser.add_argument("--files", action="store_true", help="the app files too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        command = ["simulate", "--size", arguments.size, "--state", "site.db", "--json", "site.json"]
        simulator = _qlift(command, folder, folder / "simulator.log")
        try:
            while not (folder / "site.json").exists():
                if simulator.poll() is not None:
                    sys.exit((folder / "simulator.log").read_text())
                time.sleep(0.5)
            measure(folder, arguments.files)
        finally:
            simulator.terminate()
            simulator.wait()


def measure(folder: Path, files: bool) -> None:
    served = json.loads((folder / "site.json").read_text())
    header, control = served["site"]["header"], served["control"]["url"]
    (folder / "source.yaml").write_text(
        yaml.safe_dump(
            {
                "site": "big",
                "kind": "qlik-sense",
                "url": header["url"],
                "way": {"header": {"name": header["name"], "value_env": USER_VARIABLE}},
            }
        )
    )
    os.environ[USER_VARIABLE] = header["value"]
    began = time.monotonic()
    export = _qlift(["export", "big", "--source", "source.yaml", "--out", "big"], folder, folder / "log")
    peak = 0
    while export.poll() is None:
        peak = max(peak, _peak_kib(export.pid))
        if not files and "app files: " in (folder / "log").read_text():
            export.terminate()
            export.wait()
        time.sleep(0.5)
    requests = httpx.get(f"{control}/control/requests", timeout=60).json()
    seen = Counter(_kind(r["method"], r["path"]) for r in requests)
    print((folder / "log").read_text()[-1500:])  # noqa: T201
    took = f"{time.monotonic() - began:.0f} s"
    print(f"exit code {export.returncode}, {took}, peak memory {peak / 1024:.0f} MiB")  # noqa: T201
    for kind, count in sorted(seen.items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"{count:6}  {kind}")  # noqa: T201


def _qlift(arguments: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "qlift.cli", *arguments]
    with log.open("wb") as output:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)


def _kind(method: str, path: str) -> str:
    known = ID.sub("<id>", urlsplit(path).path)
    return f"{method} {'/tempcontent/<id>/<file>' if known.startswith('/tempcontent/') else known}"


def _peak_kib(pid: int) -> int:
    """Linux: the high-water mark of resident memory."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
