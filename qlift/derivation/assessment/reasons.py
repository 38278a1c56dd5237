"""Every reason that holds an app up: how bad it is, what it is called, what to do.

`docs/assessment.md` explains them. `cannot`: no plan helps under these tenant facts. `needs work`: a person
has to change the app, or to find something out. `ready with changes`: what has to change is known; a plan or
a setting of the tenant says it.
"""

from __future__ import annotations

from dataclasses import dataclass

from qlift.derivation.assessment.model import Readiness, Reason

CHANGES, WORK, CANNOT = Readiness.CHANGES, Readiness.WORK, Readiness.CANNOT


@dataclass(frozen=True)
class Known:
    readiness: Readiness
    title: str
    remedy: str


REASONS = {
    "APP-FILE-MISSING": Known(
        WORK,
        "App file not exported",
        "run `qlift export` again; if it fails again, ask what the site's log says",
    ),
    "APP-FILE-STALE": Known(CHANGES, "Changed while it was exported", "run `qlift export` again"),
    "APP-LARGE": Known(
        CHANGES,
        "File over 1 GiB",
        "compare with the tenant's quota `app_upload_disk_size`, or export without data",
    ),
    "APP-TOO-LARGE": Known(
        CANNOT, "Larger than the tenant allows", "load less, split it, or buy large-app capacity"
    ),
    "CONNECTION-COMPUTED": Known(
        WORK, "Connection computed by the script", "find out which connections these are"
    ),
    "CONNECTION-FILES": Known(
        CHANGES,
        "Reads or writes folders",
        "say in the plan which space's data files take their place, and bring the files there",
    ),
    "CONNECTION-GATEWAY": Known(
        CHANGES,
        "Reads databases",
        "make the connections in the tenant, behind a gateway where a firewall is between",
    ),
    "CONNECTION-NATIVE": Known(CHANGES, "Reads web or cloud services", "make the connections in the tenant"),
    "CONNECTION-REVIEW": Known(WORK, "Connector to be reviewed", "find out what can take its place"),
    "CONNECTION-UNKNOWN": Known(
        WORK, "Connection that does not exist", "find out what they were, or drop those lines"
    ),
    "CREDENTIAL-IN-SCRIPT": Known(WORK, "Credential in the script", "move it into a data connection"),
    "EXTENSION-NEEDED": Known(
        CHANGES, "Uses extensions", "upload them in the tenant before people open the app"
    ),
    "FILE-PATHS": Known(
        WORK,
        "Files by their path",
        "bring the files into a space's data files and change the script; the cloud has no disk",
    ),
    "MONITORING-APP": Known(
        CANNOT, "Monitors the site itself", "leave it; Qlik Cloud has monitoring apps of its own"
    ),
    "NAME-TWICE": Known(
        CHANGES,
        "Name stands twice in its stream",
        "keep one of them, or rename one: people see two apps of one name in the space",
    ),
    "OWNER-LEFT": Known(CHANGES, "Owner has left", "say in the plan who gets it: `users.missing_owner`"),
    "PRIVATE-CONTENT-NOT-EXPORTED": Known(WORK, "Private content not exported", "export with `--scope all`"),
    "RELOAD-TOO-LONG": Known(WORK, "Reload over three hours", "split the load, or load less"),
    "SCRIPT-INCLUDES": Known(
        WORK,
        "Includes other scripts",
        "look through them, and put them where the script finds them in the tenant",
    ),
    "SCRIPT-UNKNOWN": Known(
        CHANGES, "Script not known", "export with access to the engine, or look into the script"
    ),
    "SECTION-ACCESS": Known(
        WORK,
        "Section access",
        "change its user column to what the tenant knows, and keep qlift's identity in it",
    ),
    "TAGGED-REMEDIATION": Known(
        WORK, "Tagged for remediation", "ask who did, and take the tag off when it is done"
    ),
    "TOO-MANY-TASKS": Known(WORK, "More than ten tasks", "merge triggers in the source"),
    "TRIGGER-BY-HAND": Known(
        CHANGES, "Trigger to be made by hand", "see the schedules; make a task by hand in the tenant"
    ),
    "TRIGGER-IN-DOUBT": Known(
        CHANGES,
        "Trigger with two readings",
        "see the schedules; confirm the right one in the plan: `schedules.confirmed`",
    ),
}
ORDER = {r: n for n, r in enumerate(Readiness)}


def reason(code: str, message: str) -> Reason:
    known = REASONS[code]
    return Reason(code=code, readiness=known.readiness, message=message, remedy=known.remedy)


def worst(reasons: tuple[Reason, ...]) -> Readiness:
    return max((r.readiness for r in reasons), key=ORDER.__getitem__, default=Readiness.READY)
