"""What the plan selects: streams with their spaces, and apps. Every name is resolved here."""

from __future__ import annotations

import difflib

from qlift.bundle.models import App, Stream
from qlift.derivation import names
from qlift.derivation.context import Context, Place, SelectedApp, Site, properties_of
from qlift.derivation.names import slug
from qlift.derivation.plan import FromStream, PersonalSelection, SpacePlan


def places(context: Context) -> tuple[Place, ...]:
    """The spaces of the plan, and those that `other_streams` makes, sorted by key."""
    selected = _selected_streams(context)
    found: dict[str, Place] = {}
    taken: set[tuple[str, str]] = set()
    for name, plan in context.plan.spaces.items():
        key = slug(name)
        if key in found:
            context.findings.error(
                "SPACE-KEY-TWICE",
                name,
                f"its logical name {key} is that of {found[key].name} too",
                "call one of them otherwise; `name` keeps the name in the tenant",
            )
            continue
        if plan.from_ is None:
            found[key] = Place(key, plan.name or name, plan, None, None)
            continue
        source = _stream(context, plan.from_, f"spaces.{name}.from.stream")
        if source is None:
            continue
        site, stream = source
        if (site.name, stream.id) in taken:
            context.findings.error(
                "STREAM-TWICE",
                stream.name,
                "two spaces of the plan are made from this stream",
                "keep one of them",
            )
            continue
        taken.add((site.name, stream.id))
        found[key] = Place(key, plan.name or name, plan, site, stream)
    for site, stream in selected:
        if (site.name, stream.id) in taken:
            continue
        _other(context, site, stream, found)
    return tuple(found[k] for k in sorted(found))


def _other(context: Context, site: Site, stream: Stream, found: dict[str, Place]) -> None:
    rule = context.plan.spaces_rule
    if rule is None:
        context.findings.error(
            "STREAM-WITHOUT-SPACE",
            stream.name,
            "the stream is selected, but no space is made from it",
            "add it under `spaces`, or say under `spaces_rule` what becomes of such streams",
        )
        return
    key = names.stable(site.bundle, "stream", stream.id, stream.name)
    made = SpacePlan(
        from_=FromStream(stream=stream.name, site=site.name),
        type=rule.type,
        owner=rule.owner,
        access=rule.access,
    )
    found[key] = Place(key, f"{rule.prefix}{stream.name}{rule.suffix}", made, site, stream)


def _selected_streams(context: Context) -> list[tuple[Site, Stream]]:
    wanted = context.plan.select.streams
    if wanted is None:
        return []
    if wanted == "all":
        return [(site, s) for site in context.sites for s in site.bundle.streams]
    found = []
    for name in wanted:
        source = _stream(context, FromStream(stream=name), "select.streams")
        if source is not None:
            found.append(source)
    return found


def _stream(context: Context, wanted: FromStream, where: str) -> tuple[Site, Stream] | None:
    sites = [s for s in context.sites if wanted.site in (None, s.name)]
    hits = [(site, s) for site in sites for s in site.bundle.streams if wanted.stream in (s.name, s.id)]
    if not hits:
        hits = [(x, s) for x in sites for s in x.bundle.streams if wanted.stream in x.former_names(s)]
    if len(hits) == 1:
        return hits[0]
    if hits:
        context.findings.error(
            "STREAM-AMBIGUOUS",
            wanted.stream,
            f"{where}: {len(hits)} streams have this name",
            "say which site (`site:`), or rename one in the source",
        )
        return None
    known = [s.name for site in sites for s in site.bundle.streams]
    near = difflib.get_close_matches(wanted.stream, known, n=1)
    context.findings.error(
        "STREAM-UNKNOWN",
        wanted.stream,
        f"{where}: no bundle of the plan has this stream",
        f"did you mean {near[0]}?" if near else f"the streams are {', '.join(sorted(known)) or 'none'}",
    )
    return None


def select_apps(context: Context, all_places: tuple[Place, ...]) -> tuple[SelectedApp, ...]:
    """Sorted by site and id. What is not selected is counted in one finding."""
    by_stream = {(p.site.name, p.stream.id): p for p in all_places if p.site and p.stream}
    chosen = {(s.name, x.id) for s, x in _chosen_streams(context, all_places)}
    found, left = [], 0
    for site in context.sites:
        for app in site.bundle.apps:
            if not _meets(context, app):
                left += 1
            elif app.stream is not None and (site.name, app.stream.id) in chosen:
                found.append(SelectedApp(site, app, by_stream.get((site.name, app.stream.id))))
            elif app.stream is None and _personal(context, site, app):
                found.append(SelectedApp(site, app, None))
            else:
                left += 1
    if left:
        context.findings.info(
            "APPS-NOT-SELECTED",
            f"{left} apps",
            "the plan does not select them",
            "widen `select` if they belong here",
        )
    _unknown_ids(context)
    return tuple(found)


def _chosen_streams(context: Context, all_places: tuple[Place, ...]) -> list[tuple[Site, Stream]]:
    if context.plan.select.streams == "all":
        return [(site, s) for site in context.sites for s in site.bundle.streams]
    wanted = context.plan.select.streams
    made = [(p.site, p.stream) for p in all_places if p.site and p.stream]
    if wanted is None:
        return made
    return [(site, s) for site, s in made if s.name in wanted or s.id in wanted]


def _meets(context: Context, app: App) -> bool:
    wanted = context.plan.select.apps
    return (
        (not wanted.ids or app.id in wanted.ids)
        and (not wanted.names or app.name in wanted.names)
        and (not wanted.tags or any(t.name in wanted.tags for t in app.tags))
        and set(wanted.custom_properties.items()) <= properties_of(app)
    )


def _personal(context: Context, site: Site, app: App) -> bool:
    personal = context.plan.select.personal
    if not isinstance(personal, PersonalSelection):
        return personal
    owner = site.users.get(app.owner.id)
    groups = set(owner.groups) if owner else set()
    return app.owner.login.casefold() in {o.casefold() for o in personal.owners} or bool(
        groups & set(personal.groups)
    )


def _unknown_ids(context: Context) -> None:
    known = {a.id for site in context.sites for a in site.bundle.apps}
    for app_id in context.plan.select.apps.ids:
        if app_id not in known:
            context.findings.error(
                "APP-UNKNOWN", app_id, "select.apps.ids: no bundle of the plan has this app", "correct the id"
            )
    titles = {a.name for site in context.sites for a in site.bundle.apps}
    for name in context.plan.select.apps.names:
        if name not in titles:
            near = difflib.get_close_matches(name, sorted(titles), n=1)
            remedy = f"did you mean {near[0]}?" if near else "correct the name"
            context.findings.error(
                "APP-UNKNOWN", name, "select.apps.names: no bundle of the plan has this app", remedy
            )
