"""What people do in the tenant beside us: to what is ours, and with things of their own.

They work in the hub, so this changes the simulated tenant itself. What an edit makes belongs to them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from qlift.cloud.provenance import without_line
from qlift.simulator.tenant import items
from qlift.simulator.tenant.apps import new_app, save
from qlift.simulator.tenant.content import new_object
from qlift.simulator.tenant.rights import assignment_of, new_assignment, settle_owner
from qlift.simulator.tenant.spaces import new_space
from qlift.simulator.tenant.tasks import app_moved, delete_tasks_of_app, disable_tasks_of_app
from qlift.simulator.tenant.world import APP, ASSIGNMENT, SPACE, TASK, USER
from tests.faults.tenant import FaultyTenant, subject
from tests.support.engine_model import EngineModel, Resource

Document = dict[str, Any]
Known = tuple[str, str]
"""Kind of document and id."""


class Others:
    """`made`: their own things as they left them. What goes with something of ours that goes is let go."""

    def __init__(self, tenant: FaultyTenant, engine: EngineModel) -> None:
        self._tenant, self._world, self._engine = tenant, tenant.world, engine
        self.made: dict[Known, Document] = {}
        self.wrong: list[str] = []
        self.sheets: dict[str, str] = {}
        """Objects of theirs in our apps: engine object id → id of the app."""
        self.edited_apps: set[str] = set()
        """Ours that they changed, or scheduled."""

    def do(self, edit: str, pick: int) -> bool:
        """One of `EDITS`; `pick` chooses among the objects it could be done to. False: there is none."""
        self.wrong = self.touched()
        before = set(self._tenant.copy_of_ids())
        done = EDITS[edit](self, pick)
        for known in self._tenant.copy_of_ids():
            if known in self.made or (known not in before and known[0] in (SPACE, APP, ASSIGNMENT, TASK)):
                self._note(known)
        return done

    def touched(self) -> list[str]:
        """What of theirs is not as they left it."""
        wrong = list(self.wrong)
        for (kind, id_), left in self.made.items():
            now = self._world.store.get(kind, id_)
            home = left.get("spaceId")
            if now is None and kind == ASSIGNMENT and self._world.store.get(SPACE, home or "") is None:
                continue
            if now is None and kind == TASK and self._is_gone_with_app(left):
                continue
            if now != left:
                wrong.append(f"{kind} {left.get('name', id_)}: {left} became {now}")
        for sheet, app_id in self.sheets.items():
            app = self._world.app(app_id)
            if app is not None and all(o["engineObjectId"] != sheet for o in app["_objects"]):
                wrong.append(f"a sheet of theirs is gone from {app['name']}")
        return wrong

    def leave(self) -> None:
        """They take their apps out of our spaces and their tasks off our apps, so that those can go."""
        ours = {r.id for r in self._engine.state if r.key[0] == "Space"}
        theirs = new_space(self._world, "Moved out", "shared", "", self._user("otto"))
        self._world.store.put(SPACE, theirs["id"], theirs)
        self._note((SPACE, theirs["id"]))
        for known in [k for k in self.made if k[0] == APP]:
            app = self._world.store.get(*known)
            if app is not None and app["spaceId"] in ours:
                app["spaceId"] = theirs["id"]
                save(self._world, app)
                self._note(known)

        for known in [k for k in self.made if k[0] == TASK]:
            self._world.store.delete(*known)
            del self.made[known]

    def apps(self, ids: set[str]) -> dict[str, Document]:
        """As they are now, those that are there."""
        found = ((i, self._world.app(i)) for i in ids)
        return {i: copy.deepcopy(a) for i, a in found if a is not None and a["_deletedAt"] is None}

    def keep(self, left: dict[str, Document]) -> None:
        """Of the apps that a run left, what they had changed is theirs now, and as it was before the run."""
        for app_id, app in self.apps(left.keys() & self.edited_apps).items():
            before = left[app_id]
            now, was = ({**a, "description": without_line(a["description"])} for a in (app, before))
            now["modifiedDate"] = was["modifiedDate"]
            if now != was:
                self.wrong.append(f"{before['name']}, which is theirs now: {before} became {app}")
            self._note((APP, app_id))

    def _is_gone_with_app(self, task: Document) -> bool:
        moves_delete = self._world.switches.tasks_on_app_move == "deleted"
        return moves_delete or self._world.app(task["resourceId"]) is None

    def _note(self, known: Known) -> None:
        document = self._world.store.get(*known)
        assert document is not None
        self.made[known] = copy.deepcopy(document)

    # To what is ours.

    def _rename_space(self, pick: int) -> bool:
        return self._changed(SPACE, "Space", pick, lambda s: s.update(name=f"{s['name']} (old)"))

    def _describe_space(self, pick: int) -> bool:
        return self._changed(SPACE, "Space", pick, lambda s: s.update(description="Ask Olga"))

    def _give_space(self, pick: int) -> bool:
        return self._changed(SPACE, "SpaceOwner", pick, lambda s: s.update(ownerId=self._user("olga")))

    def _rename_app(self, pick: int) -> bool:
        return self._edited("App", pick, lambda a: a.update(name=f"{a['name']} v2"))

    def _describe_publication(self, pick: int) -> bool:
        return self._edited("AppPublication", pick, lambda a: a.update(description="Ask Olga"))

    def _give_app(self, pick: int) -> bool:
        app = self._document(APP, "AppOwner", pick)
        if app is None:
            return False
        app["ownerId"] = self._user("olga")
        self._save(app)
        disable_tasks_of_app(self._world, app["id"], "OWNER-MOVED")
        settle_owner(self._world, app)
        return True

    def _delete_app(self, pick: int) -> bool:
        return self._deleted("App", pick)

    def _delete_publication(self, pick: int) -> bool:
        return self._deleted("AppPublication", pick)

    def _toggle_task(self, pick: int) -> bool:
        return self._changed(TASK, "ReloadSchedule", pick, lambda t: t.update(enabled=not t["enabled"]))

    def _delete_task(self, pick: int) -> bool:
        task = self._document(TASK, "ReloadSchedule", pick)
        if task is not None:
            self._world.store.delete(TASK, task["id"])
        return task is not None

    def _keep_duplicate_of_task(self, pick: int) -> bool:
        """Theirs runs more often and ends in our mark; ours, which it was made from, they delete."""
        ours = self._document(TASK, "ReloadSchedule", pick)
        if ours is None:
            return False
        theirs = copy.deepcopy(ours)
        theirs |= {"id": self._world.new_uuid("task"), "name": f"Copy of {ours['name']}"}
        # Not enabled: a tenant disables the tasks of an app that is given away or moved, whosever they are.
        theirs |= {n: self._user("otto") for n in ("_ownerId", "_createdBy", "_updatedBy")} | {
            "enabled": False
        }
        if "start" in theirs:
            theirs["start"]["schedule"]["recurrence"] = "RRULE:FREQ=HOURLY"
        self._world.store.put(TASK, theirs["id"], theirs)
        self._world.store.delete(TASK, ours["id"])
        self.edited_apps.add(theirs["resourceId"])
        return True

    def _change_roles(self, pick: int) -> bool:
        assignment = self._assignment(pick)
        if assignment is not None:
            assignment["roles"] = ["dataconsumer", "facilitator"]
            self._world.store.put(ASSIGNMENT, assignment["id"], assignment)
        return assignment is not None

    def _remove_role(self, pick: int) -> bool:
        assignment = self._assignment(pick)
        if assignment is None:
            return False
        space = self._world.store.get(SPACE, assignment["spaceId"])
        if space is not None and space["ownerId"] == assignment["assigneeId"]:
            # Whether owners can be assigned is not documented, so theirs is not missed: they have every role.
            return False
        self._world.store.delete(ASSIGNMENT, assignment["id"])
        return True

    def _move_app(self, pick: int) -> bool:
        app = self._document(APP, "App", pick)
        spaces = [self._world.store.get(SPACE, r.id) for r in self._rows("Space")]
        places = [
            s["id"] for s in spaces if s and s["type"] == "shared" and app and s["id"] != app["spaceId"]
        ]
        if app is None or not app["spaceId"] or not places:
            return False
        app["spaceId"] = places[0]
        self._save(app)
        app_moved(self._world, app["id"])
        settle_owner(self._world, app)
        return True

    # Things of their own.

    def _own_space(self, pick: int) -> bool:
        space = new_space(self._world, f"Theirs {len(self.made)}", "shared", "", self._user("otto"))
        self._world.store.put(SPACE, space["id"], space)
        app = new_app(self._world, "Ledger", self._user("otto"), space["id"])
        save(self._world, app)
        return True

    def _own_app_in_our_space(self, pick: int) -> bool:
        space = self._document(SPACE, "Space", pick)
        if space is None or space["type"] != "shared":
            return False
        app = new_app(self._world, "Ledger", self._user("otto"), space["id"])
        save(self._world, app)
        settle_owner(self._world, app)
        return True

    def _duplicate(self, pick: int) -> bool:
        """Of our app, in its space, with its description: our provenance stands in it."""
        return self._copied(pick, None)

    def _duplicate_to_own_space(self, pick: int) -> bool:
        space = new_space(self._world, f"Copies {len(self.made)}", "shared", "", self._user("otto"))
        self._world.store.put(SPACE, space["id"], space)
        return self._copied(pick, space["id"])

    def _own_role(self, pick: int) -> bool:
        space = self._document(SPACE, "Space", pick)
        if space is None or assignment_of(self._world, space["id"], self._user("otto")) is not None:
            return False
        id_ = self._world.new_id("assignment")
        who = self._user("otto")
        made = new_assignment(self._world, id_, space["id"], "user", who, ["facilitator"], who)
        self._world.store.put(ASSIGNMENT, id_, made)
        return True

    def _own_sheet(self, pick: int) -> bool:
        app = self._document(APP, "AppPublication", pick)
        if app is None:
            return False
        sheet = self._world.new_uuid("object")
        app["_objects"].append(
            new_object(
                engine_object_id=sheet,
                object_type="sheet",
                name="Mine",
                published=False,
                approved=False,
                owner_id=self._user("olga"),
                content=0,
            )
        )
        self._save(app)
        self.sheets[sheet] = app["id"]
        return True

    # Helpers.

    def _copied(self, pick: int, space_id: str | None) -> bool:
        source = self._document(APP, "App", pick)
        if source is None or not source["spaceId"]:
            return False
        app = new_app(
            self._world, f"Copy of {source['name']}", self._user("otto"), space_id or source["spaceId"]
        )
        app |= {n: copy.deepcopy(source[n]) for n in ("description", "_blob", "_data", "_size", "_objects")}
        save(self._world, app)
        settle_owner(self._world, app)
        return True

    def _rows(self, kind: str) -> list[Resource]:
        return [r for r in self._engine.state if r.key[0] == kind and not r.doomed]

    def _document(self, kind: str, resource: str, pick: int) -> Document | None:
        rows = [d for r in self._rows(resource) if (d := self._world.store.get(kind, r.id)) is not None]
        rows = [d for d in rows if d.get("_deletedAt") is None]
        return rows[pick % len(rows)] if rows else None

    def _assignment(self, pick: int) -> Document | None:
        """Of ours, the tool's own among them."""
        pairs = [r.id.split("/") for r in self._rows("SpaceAssignment")]
        found = [a for s, who in pairs if (a := assignment_of(self._world, s, who)) is not None]
        return found[pick % len(found)] if found else None

    def _changed(self, kind: str, resource: str, pick: int, change: Callable[[Document], Any]) -> bool:
        document = self._document(kind, resource, pick)
        if document is not None:
            change(document)
            self._world.store.put(kind, document["id"], document)
        return document is not None

    def _edited(self, resource: str, pick: int, change: Callable[[Document], Any]) -> bool:
        app = self._document(APP, resource, pick)
        if app is not None:
            change(app)
            self._save(app)
        return app is not None

    def _save(self, app: Document) -> None:
        save(self._world, app)
        self.edited_apps.add(app["id"])

    def _deleted(self, resource: str, pick: int) -> bool:
        app = self._document(APP, resource, pick)
        if app is None or not app["spaceId"]:
            # What is out of reach in a personal space never counts as gone: that one would not come back.
            return False
        delete_tasks_of_app(self._world, app["id"])
        items.record(self._world, app, None)
        self._world.store.delete(APP, app["id"])
        return True

    def _user(self, name: str) -> str:
        return next(str(u["id"]) for u in self._world.store.all(USER) if u["subject"] == subject(name))


EDITS: dict[str, Callable[[Others, int], bool]] = {
    "rename our space": Others._rename_space,
    "describe our space": Others._describe_space,
    "give our space away": Others._give_space,
    "rename our app": Others._rename_app,
    "describe our publication": Others._describe_publication,
    "give our app away": Others._give_app,
    "delete our app": Others._delete_app,
    "delete our publication": Others._delete_publication,
    "toggle our task": Others._toggle_task,
    "delete our task": Others._delete_task,
    "delete our task and keep a duplicate": Others._keep_duplicate_of_task,
    "change our roles": Others._change_roles,
    "remove our role": Others._remove_role,
    "move our app": Others._move_app,
    "a space of their own": Others._own_space,
    "an app of their own in our space": Others._own_app_in_our_space,
    "a duplicate of our app": Others._duplicate,
    "a duplicate in a space of their own": Others._duplicate_to_own_space,
    "a role of their own in our space": Others._own_role,
    "a sheet of their own in our publication": Others._own_sheet,
}
