"""Collects findings while a phase is derived. Codes are stable: waivers and reviews name them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from qlift.bundle.errors import for_people
from qlift.derivation.desired import Finding, Severity, Waiver

LONGEST = 20_000
NOT_WAIVABLE = {
    "ACCESS-WIDENS": "accept the rule by its name under access.accept_widening instead",
    "PRIVATE-CONTENT-COPIED": "publish by move instead",
    "PRIVATE-CONTENT-NOT-EXPORTED": "export it with all of its objects instead",
}
"""What would show people what they may not see, or lose their work: a waiver is not the place for that."""


def _printable(text: str) -> str:
    """Names come from a site where anybody may have chosen them, and go to terminals."""
    return for_people(text, LONGEST, keep="\n\t")


class Findings:
    def __init__(self) -> None:
        self._found: list[Finding] = []

    def error(self, code: str, object_: str, message: str, remedy: str, people: Iterable[str] = ()) -> None:
        self._add(code, Severity.ERROR, object_, message, remedy, people)

    def warning(self, code: str, object_: str, message: str, remedy: str, people: Iterable[str] = ()) -> None:
        self._add(code, Severity.WARNING, object_, message, remedy, people)

    def info(self, code: str, object_: str, message: str, remedy: str, people: Iterable[str] = ()) -> None:
        self._add(code, Severity.INFO, object_, message, remedy, people)

    def _add(
        self,
        code: str,
        severity: Severity,
        object_: str,
        message: str,
        remedy: str,
        people: Iterable[str],
    ) -> None:
        """`people`: logins."""
        self._found.append(
            Finding(
                code=code,
                severity=severity,
                object=_printable(object_),
                message=_printable(message),
                remedy=_printable(remedy),
                people=tuple(_printable(login) for login in sorted(people)),
            )
        )

    def add(self, finding: Finding) -> None:
        self._found.append(finding)

    def result(self, waivers: Iterable[Waiver], as_of: date) -> tuple[Finding, ...]:
        """Sorted, without doubles; errors that a valid waiver names have become warnings."""
        by_place = {(w.code, w.object): w for w in waivers}
        for code, object_ in sorted(by_place.keys() - {(f.code, f.object) for f in self._found}):
            self.info("WAIVER-UNUSED", object_, f"nothing is found for its waiver of {code}", "remove it")
        found = {self._waived(f, by_place.get((f.code, f.object)), as_of) for f in self._found}
        order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
        return tuple(sorted(found, key=lambda f: (order[f.severity], f.code, f.object, f.message, f.remedy)))

    @staticmethod
    def _waived(finding: Finding, waiver: Waiver | None, as_of: date) -> Finding:
        if waiver is None or finding.severity is not Severity.ERROR:
            return finding
        if instead := NOT_WAIVABLE.get(finding.code):
            return finding.model_copy(
                update={"message": f"{finding.message} (this cannot be waived; {instead})"}
            )
        if waiver.until < as_of:
            return finding.model_copy(
                update={"message": f"{finding.message} (the waiver of {waiver.owner} ended {waiver.until})"}
            )
        note = f"{finding.message} (waived by {waiver.owner} until {waiver.until})"
        return finding.model_copy(update={"severity": Severity.WARNING, "message": note})
