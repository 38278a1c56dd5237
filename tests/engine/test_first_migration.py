"""`docs/first-migration.md` as a newcomer types it: the commands of the document itself, in one shell.

Only its first section is left out, which installs what the test runs with.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from tests.support.project import ROOT, clone_project

pytestmark = pytest.mark.engine

DOCUMENT = ROOT / "docs" / "first-migration.md"


def commands() -> list[str]:
    """The document's shell blocks after the set-up."""
    text = DOCUMENT.read_text(encoding="utf-8").partition("\n## 2. ")[2]
    return re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def script() -> str:
    """Stops at the first block that does not do what the document says of it."""
    lines = ["set -m  # as in a person's shell, where `kill %1` means the simulator"]
    for number, block in enumerate(commands(), 1):
        lines.append(f"echo '--- block {number}' >&2")
        if "# refused" in block:
            command = block.partition("  # refused")[0]
            lines.append(f"if {command}; then echo 'block {number} went through'; exit 9; fi")
        else:
            lines.append(f"{{\nset -e\n{block}}}\nset +e")
    return "\n".join(lines)


def test_the_document_does_what_it_says(engine: Engine, tmp_path: Path) -> None:
    clone = clone_project(engine, tmp_path)
    git = "git init -q -b main && git config user.name Jane && git config user.email jane@example.invalid"
    start = f"{git} && git add . && git commit -qm Clone && git switch -qc first-migration"
    subprocess.run(["bash", "-c", start], cwd=clone.folder, env=clone.env, check=True)
    done = subprocess.run(
        ["bash", "-c", script()],
        cwd=clone.folder,
        env=clone.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    said = done.stdout
    assert "9 people will see what they could not see before (1 space, 3 apps)" in said
    assert "1 person will see" in said
    assert "stacks/finance/plan.yaml" in said.partition("--- block 11")[2].partition("--- block 12")[0]
    assert "would delete 20 of 20" in said
    kept = subprocess.check_output(["git", "status", "--porcelain"], cwd=clone.folder, env=clone.env)
    assert kept == b""
