"""A review as the comment of a pull request: ten lines of summary, then folded tables, cut by importance."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from qlift.derivation.desired import Finding, Severity
from qlift.reports import formats
from qlift.reports.review import words
from qlift.reports.review.budget import Section, fitted
from qlift.reports.review.model import COMPARED, AppAccess, Change, FieldChange, Op, Review, Who

LIMIT = 60_000
"""Characters; GitHub takes 65,536."""
LONGEST_CELL = 300
NAMES_IN_LINE = 8
WHERE = "`review.html` and `review.json` have all of them"


def markdown(review: Review) -> str:
    head = "\n".join(_summary(review)) + "\n\n"
    return head + fitted(_sections(review), LIMIT - len(head), WHERE)


def _summary(review: Review) -> list[str]:
    """At most ten lines. Deletes stand before access, as the worse of the two."""
    access = review.access
    lines = [f"## Review of {formats.in_comment(review.stack)}: {words.verdict(review)}", ""]
    deletes, widens, narrows = words.deletes(review), words.widens(access), words.narrows(access)
    unknown = "not known: there is no complete preview" if review.errors else ""
    nothing = f"What is deleted or replaced is {unknown}." if unknown else "Deletes and replaces nothing."
    lines.append(f"- **{deletes}**" if deletes else f"- {nothing}")
    nobody = (
        f"Who sees more or less than before is {unknown}." if unknown else "Nobody sees more than before."
    )
    widens = f"**Widens access**: {widens}" if widens else nobody
    if access.wider:
        widens += f" **More than the source allows**: {len(access.wider)} accepted, see below."
    lines.append(f"- {widens}")
    if narrows:
        lines.append(f"- **Takes access away**: {narrows}")
    if refused := words.in_the_way(review):
        lines.append(f"- **{refused}** to settle first.")
    if review.first:
        lines.append(f"- **To do first**: {'. '.join(map(_text, review.first))}.")
    drift = words.drift(review)
    changed = f" **{drift}.**" if drift else ""
    if review.warnings:
        changed += f" **{formats.plural(len(review.warnings), 'warning')} of the preview, see below.**"
    objects = "Objects of that part" if unknown else "Objects"
    lines.append(f"- {objects}: {words.counts(review)}.{changed}")
    lines.append(f"- {formats.capitalized(words.time_needed(review))}.")
    saved = f" update plan `{review.update_plan[:12]}` saved," if review.update_plan else ""
    place = f"phase {formats.in_comment(review.phase)} on {formats.in_comment(review.target)}"
    lines.append(
        f"- Digest of bundle and plan `{review.digest}`{_text(words.promoted(review))};{saved} "
        f"findings: {words.findings(review)}; "
        f"{place}, Pulumi {review.engine}."
    )
    return lines


def _sections(review: Review) -> list[Section]:
    """By importance."""
    access = review.access
    return [
        _list("Errors", "errors", review.errors),
        _table(
            "Conflicts with the tenant",
            "conflicts",
            ("object", "what is in the way, and what to do"),
            ((_name(c.object), _text(c.reason)) for c in review.conflicts),
            open_=True,
        ),
        _list("Errors of the plan", "errors", map(_finding, _of(review, Severity.ERROR))),
        _list("Warnings of the preview", "warnings", review.warnings),
        _changes(review, "delete", "Deletes"),
        _changes(review, "replace", "Replacements"),
        _changes(review, "give back", "Given back"),
        _changes(review, "adopt", "Adopted"),
        _list("More than the source allows, and accepted", "findings", map(_finding, access.wider)),
        _who(review, "gain", "Who will see what they could not see before"),
        _who(review, "lose", "Who loses what they see now"),
        _apps(review),
        _who(review, "other", "Other changes of roles"),
        _members(review),
        _table(
            "Changed by others in the tenant since the last run; a run puts it back",
            "changes",
            ("object", "what"),
            ((_name(d.object), "is gone" if d.gone else _fields(d.fields)) for d in review.drift),
        ),
        _changes(review, "update", "Updates"),
        _table(
            f"Waivers: {len(review.waivers):,}",
            "waivers",
            ("finding", "object", "accepted by", "until"),
            ((_text(w.code), _name(w.object), _name(w.owner), w.until.isoformat()) for w in review.waivers),
        ),
        _list("Warnings", "warnings", map(_finding, _of(review, Severity.WARNING))),
        _changes(review, "create", "Creates"),
        _list("Notes", "notes", map(_finding, _of(review, Severity.INFO))),
    ]


def _changes(review: Review, op: Op, title: str) -> Section:
    rank = {job: n for n, job in enumerate(review.jobs)}
    chosen = sorted((c for c in review.changes if c.op == op), key=lambda c: rank.get(c.job, len(rank)))
    compared = op in COMPARED
    header = ("job", "object", "before → after") if compared else ("job", "object", "space")
    rows = ((_text(c.job), _name(c.object), _compared(c) if compared else _space(c)) for c in chosen)
    jobs = {c.job: 0 for c in chosen}
    for change in chosen:
        jobs[change.job] += 1
    by_job = ", ".join(f"{job or 'no job'} {n:,}" for job, n in jobs.items())
    return _table(
        f"{title}: {len(chosen):,}",
        title.lower() if op not in ("give back", "adopt") else f"objects {words.TO_DO[op]}",
        header,
        rows,
        intro=f"By job: {formats.in_comment(by_job)}",
        open_=op not in ("update", "create"),
    )


def _compared(change: Change) -> str:
    adopted = change.op in ("adopt", "give back")
    return _fields(change.fields) if change.fields or not adopted else "stays as it is"


def _space(change: Change) -> str:
    return _name(change.space) if change.space and change.kind != "Space" else ""


def _who(review: Review, part: str, title: str) -> Section:
    rows = [
        (
            _name(space.space) + {"new": " (new)", "deleted": " (deleted)", "kept": ""}[space.state],
            f"{who.type} {_name(who.name)}",
            words.people(who),
            _text(words.roles(who)),
        )
        for space in review.access.spaces
        for who in _groups_first(getattr(space, part))
    ]
    return _table(
        title, "people and groups", ("space", "who", "people", "roles"), rows, open_=part != "other"
    )


def _groups_first(found: Iterable[Who]) -> list[Who]:
    return sorted(found, key=lambda w: (w.type != "group", -(w.people or 0), w.name.casefold()))


def _apps(review: Review) -> Section:
    rows = [_app(s.space, a) for s in review.access.spaces for a in s.apps]
    rows += [_app("", a) for a in review.access.personal]
    return _table(
        "By app: how many people see it who could not, or lose it",
        "apps",
        ("space", "app", "see it newly", "lose it", "besides"),
        rows,
    )


def _app(space: str, app: AppAccess) -> tuple[str, ...]:
    besides = [f"owner {_name(n)}" for n in app.owners]
    besides += [f"group {_name(g)} (members not known)" for g in app.unknown_groups]
    place = _name(space) if space else "personal"
    return place, _name(app.app), f"{app.sees:,}", f"{app.loses:,}", ", ".join(besides[:NAMES_IN_LINE])


def _members(review: Review) -> Section:
    rows = []
    for group, members in review.access.members.items():
        more = len(members) - NAMES_IN_LINE
        names = ", ".join(_name(m) for m in members[:NAMES_IN_LINE]) + (
            f" and {more:,} more" if more > 0 else ""
        )
        rows.append((_name(group), f"{len(members):,}", names))
    return _table("Members of these groups, as far as known", "groups", ("group", "people", "who"), rows)


def _of(review: Review, severity: Severity) -> list[Finding]:
    return [f for f in review.findings if f.severity is severity]


def _finding(finding: Finding) -> str:
    return f"{finding.object}: {finding.message}. To do: {finding.remedy} ({finding.code})"


def _fields(fields: Iterable[FieldChange]) -> str:
    return (
        "<br>".join(f"{_text(f.name)}: {_value(f.before)} → {_value(f.after)}" for f in fields)
        or "what it depends on"
    )


def _value(value: object) -> str:
    text = words.shown(value)
    return text if text == "–" else _name(text)


def _list(title: str, what: str, texts: Iterable[str]) -> Section:
    rows = [f"- {_text(t)}" for t in texts]
    return Section(f"{title}: {len(rows):,}", what, (), rows, open=title.startswith("Errors"))


def _table(
    title: str,
    what: str,
    header: tuple[str, ...],
    rows: Iterable[tuple[str, ...]],
    *,
    intro: str = "",
    open_: bool = False,
) -> Section:
    lines = [f"| {' | '.join(r)} |" for r in rows]
    heading = (f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}")
    return Section(title, what, heading, lines, intro=intro, open=open_)


def _name(text: str) -> Markup:
    return formats.name_in_markdown(_cut(text))


def _text(text: str) -> Markup:
    return formats.in_comment(_cut(text, 4 * LONGEST_CELL))


def _cut(text: str, longest: int = LONGEST_CELL) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
