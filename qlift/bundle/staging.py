"""The unfinished export: written beside the bundle, put in place when it is complete.

Until then the former export stays whole and readable, and an interrupted one resumes. Putting in place is
repeatable: whoever comes after a kill in the middle of it finishes it first.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from qlift.bundle import layout
from qlift.bundle.errors import BundleError
from qlift.bundle.files import write_text

FOLDER = ".unfinished"
CHANGES = "changes.md"
"""The change report, while its export is not in place."""
_COMMIT = "commit"
_FOLDERS = (layout.OBJECTS, layout.SCRIPTS)
_UNLISTED = (layout.APP_FILES, layout.RUNTIME_MANIFEST, layout.MANIFEST)
"""Files of every bundle that the manifest does not list, the manifest itself last."""


class Staging:
    def __init__(self, bundle: Path) -> None:
        self.bundle = bundle
        self.folder = bundle / FOLDER
        self.recovered: str | None = None
        """The change report of an export that was killed while it was put in place, and is in place now."""

    def open(self) -> None:
        """What an earlier process was putting in place is put in place; what it was gathering stays."""
        self._refuse_links()
        if (self.folder / _COMMIT).exists():
            told = self.folder / CHANGES
            self.recovered = told.read_text(encoding="utf-8") if told.exists() else None
            self._apply()
        # Nobody should commit half an export to git.
        write_text(self.folder / ".gitignore", "*\n")

    def _refuse_links(self) -> None:
        """What is written into the bundle stays in it, whatever a clone of the repository brings."""
        inside = (self.folder, *(self.folder / n for n in _FOLDERS), *(self.bundle / n for n in _FOLDERS))
        links = [path for path in inside if path.is_symlink()]
        if links:
            raise BundleError(
                [f"{path}: a link; remove it, an export writes no file beyond it" for path in links]
            )

    def commit(self) -> None:
        """Everything is written, the staged manifest lists it: now it becomes the bundle."""
        write_text(self.folder / _COMMIT, "")
        self._apply()

    def _apply(self) -> None:
        manifest = self.folder / layout.MANIFEST
        if manifest.exists():
            listed = set(json.loads(manifest.read_text(encoding="utf-8"))["sha256"])
            expected = listed | {f"{k}.runtime.json" for k in layout.KINDS if f"{k}.json" in listed}
            # A mixture of two exports must not look like one.
            (self.bundle / layout.MANIFEST).unlink(missing_ok=True)
            for name in self._present() - expected:
                (self.bundle / name).unlink(missing_ok=True)
            for name in (*sorted(expected), *_UNLISTED):
                self._move(name)
        shutil.rmtree(self.folder)

    def _present(self) -> set[str]:
        """Files of the bundle that another export may no longer have."""
        names = {f"{kind}{end}" for kind in layout.KINDS for end in (".json", ".runtime.json")}
        for folder, pattern in ((layout.OBJECTS, "*.json"), (layout.SCRIPTS, "*.qvs")):
            names |= {f"{folder}/{path.name}" for path in (self.bundle / folder).glob(pattern)}
        return names

    def _move(self, name: str) -> None:
        staged, target = self.folder / name, self.bundle / name
        if staged.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
