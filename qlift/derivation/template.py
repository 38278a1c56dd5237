"""A first plan for a site, with every key explained, for people to cut down: `qlift phase new`."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Sequence

import yaml

from qlift.bundle import Bundle
from qlift.bundle.models import App, Stream
from qlift.derivation.plan import STANDARD_JOBS
from qlift.derivation.plan_file import PlanError

SCHEMA = "plan.schema.json"
"""Beside the phases' folders: what editors complete and explain a plan from."""

_HEAD = """\
# yaml-language-server: $schema=../{schema}
# The plan of phase {phase}. `docs/plan.md` explains every key; what is commented out shows the default or an
# example. Try it without touching anything: qlift phase show {phase}
version: 1
phase: {phase}
sources:
  - {{site: {site}, bundle: {bundle}}}

# What belongs to this phase. Without `streams`: those that `spaces` come from.
select:
  # streams: [Finance]                  # names or ids, or: all
  # apps: {{tags: ["App - 30 Ready to Migrate"]}}   # also: ids, names, custom_properties; all must hold
  personal: false                       # true, or {{owners: ['CORP\\jane'], groups: [BI]}}: {personal}

# Who is who. `qlift users` looks everybody up in the tenant and writes a file for you to correct;
# what stands there goes before these rules.
users:
  match_by: subject                     # or: email
  rules:
{rules}
  # missing_owner: {{assign_to: 'CORP\\svc-bi'}}    # gets what belongs to people who left ({left} here)
groups:
  # everyone: All Staff                 # the tenant's group for rules that mean everybody

# A space for each stream. Drop the streams of other phases. Names may change later, keys must not.
# Apps of a managed space are imported into a staging space and published; into a shared one they go straight.
spaces:
"""
_TAIL = """\

# Spaces for all selected streams that are not named above; for sites with hundreds of them.
# spaces_rule: {{type: managed, prefix: "", suffix: "", access: from_rules}}

# Rules that may let in more people than the source does. A person has to answer for each of them.
# access:
#   accept_widening: [{{rule: Some Rule, until: 2027-03-31}}]

# What the tenant has already and this phase takes over; `qlift adopt <stack>` writes down what it was.
# adopt: {{spaces: true, assignments: true}}    # also: apps, schedules; true, or a list of objects

apps:
  publish: move                         # move keeps private sheets and bookmarks; copy: public content only
schedules:
  enabled: false                        # cut-over turns this to true, in a pull request

# The work in jobs: each can be reviewed, run and taken back by itself. `jobs: standard` means these six. Edit
# them, remove them (what they make is then left out, or is another job's), and add your own: a job takes the
# objects that its `select` says; without `select`, what no other job takes.
jobs:
{jobs}
  # - name: apps of EMEA                # by tag; further such jobs: apps of APAC, ...
  #   steps: [apps, publications, owners, schedules]
  #   select: {{tags: [EMEA]}}            # also: streams, ids, names, custom_properties: {{Region: EMEA}}
  # - name: apps of Jane                # by owner; all that `select` says must hold
  #   steps: [apps, publications, owners, schedules]
  #   select: {{owners: ['CORP\\jane']}}
provenance: description                 # one line in descriptions by which qlift knows its own work; or: none
"""


def plan_text(phase: str, bundle: Bundle, folder: str, streams: Sequence[Stream]) -> str:
    """`folder` is how the plan names the bundle. A space is made of each of the streams."""
    people = [u for u in bundle.users if u.user_directory != "INTERNAL"]
    directories = sorted({u.user_directory for u in people})
    return (
        _HEAD.format(
            schema=SCHEMA,
            phase=phase,
            site=bundle.site,
            bundle=_quoted(folder),
            personal=f"{sum(a.stream is None for a in bundle.apps)} apps here are unpublished",
            rules="\n".join(_rule(d) for d in directories) or "    []",
            left=sum(u.inactive or u.removed_externally for u in people),
        )
        + _spaces(bundle, streams)
        + _TAIL.format(
            jobs="\n".join(f"  - {{name: {j.name}, steps: [{j.steps[0]}]}}" for j in STANDARD_JOBS)
        )
    )


def named_streams(bundle: Bundle, wanted: Sequence[str]) -> list[Stream]:
    """By name or id; all of them where nothing is wanted. Raises `PlanError` with every problem."""
    if not wanted:
        return list(bundle.streams)
    found: dict[str, Stream] = {}
    problems = []
    for name in wanted:
        hits = [s for s in bundle.streams if name in (s.name, s.id)]
        if len(hits) == 1:
            found[hits[0].id] = hits[0]
        elif hits:
            ids = ", ".join(sorted(s.id for s in hits))
            problems.append(f"{name}: {len(hits)} streams have this name; name one by its id: {ids}")
        else:
            names = sorted({s.name for s in bundle.streams})
            folded = {n.casefold(): n for n in names}
            near = [folded[n] for n in difflib.get_close_matches(name.casefold(), folded, n=3)]
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names) or 'none'}"
            problems.append(f"{name}: {bundle.site} has no such stream; {hint}")
    if problems:
        raise PlanError(problems)
    return list(found.values())


def _rule(directory: str) -> str:
    literal = directory.replace("{", "{{").replace("}", "}}")
    subject = _quoted(literal + "\\{user_id}")
    return f"    - {{directory: {_quoted(directory)}, subject: {subject}}}"


def _spaces(bundle: Bundle, streams: Sequence[Stream]) -> str:
    if not streams:
        return "  {}\n"
    by_stream: dict[str, list[App]] = {}
    for app in bundle.apps:
        if app.stream is not None:
            by_stream.setdefault(app.stream.id, []).append(app)
    often = Counter(s.name for s in bundle.streams)
    text = ""
    for stream in sorted(streams, key=lambda s: (s.name, s.id)):
        count = len(by_stream.get(stream.id, []))
        twice = often[stream.name] > 1
        key = f"{stream.name} {stream.id[:8]}" if twice else stream.name
        source = stream.id if twice else stream.name
        text += (
            f"  {_quoted(key)}:                # {count} apps\n"
            f"    from: {{stream: {_quoted(source)}}}\n"
            "    type: managed\n"
            "    # owner: 'CORP\\jane'\n"
            "    # access: from_rules            # or: none, or a list of {user|group: ..., roles: [...]}\n"
        )
    return text


def _quoted(text: str) -> str:
    """YAML's plain form where that is safe, else its double-quoted form."""
    plain = text.replace(" ", "").replace("-", "").replace("_", "").replace("/", "").replace(".", "")
    words = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
    safe = plain.isascii() and plain.isalpha() and text.lower() not in words and text[0].isalpha()
    if safe and text == text.strip():
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf).strip()
