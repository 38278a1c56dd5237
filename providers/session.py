"""What all providers of this process share: the tenant, who is who in it, and the app files of the phase.

Pulumi configures each provider class once, with the stack's whole configuration, secrets decrypted. They
stay in this process: no provider has attributes, so nothing of it gets into the state.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict

import providers.base
from providers.base import I, Provider, Refusal, log
from providers.edits import Edits
from providers.strays import Strays
from qlift.bundle.blobs import BlobStore
from qlift.cloud.auth import OAuthClient
from qlift.cloud.index import NOT_LIVE, Index
from qlift.cloud.log import End, LogError, RequestLog, Work
from qlift.cloud.log_files import gone_apps, log_files
from qlift.cloud.models import Group, User
from qlift.cloud.settings import connect_target, credentials_from, load_target
from qlift.cloud.tenant import Tenant
from qlift.derivation.phase import phase_blobs


class ObjectOwner(BaseModel):
    """A private or community object (its engine object id) and whose it becomes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: str
    owner: str
    match_by: Literal["subject", "email"]


SPACE_LABELS = ("space", "staging")
"""References that may name a space of another phase."""


@dataclass
class Session:
    tenant: Tenant
    stores: Callable[[], tuple[BlobStore, ...]]
    """Of the phase's bundles. Asked for when a file is needed: an undo works without plan and bundle."""
    root: Path | None = None
    """The project's folder, which has the logs of this stack's runs in it."""
    new_spaces: dict[str, set[str]] = field(default_factory=dict)
    """Names that this run is about to create, by type of space: a quota counts them all."""

    edits: Edits = field(init=False)
    strays: Strays = field(init=False)

    verified: set[str] = field(default_factory=set)
    """Hashes of app files whose bytes were read and compared."""
    _deleted: dict[str, set[str]] = field(default_factory=dict)
    """Ids of apps, by stack."""

    def __post_init__(self) -> None:
        self.edits, self.strays = Edits(self.tenant), Strays(self.tenant)

    def stored(self, sha256: str, size: int, subject: str) -> BlobStore:
        """The store that holds the file, in the size that the bundle says."""
        store = next((s for s in self.stores() if s.exists(sha256)), None)
        if store is None:
            raise Refusal(
                f"the file of {subject} ({sha256[:12]}...) is in no app-file store of the phase's bundles; "
                "run `qlift export` again, or put the store where the plan says"
            )
        if store.size(sha256) != size:
            raise Refusal(
                f"the file of {subject} ({sha256[:12]}...) has {store.size(sha256):,} bytes, not the "
                f"{size:,} of its export; remove it from the store and run `qlift export` again"
            )
        return store

    def open_file(self, sha256: str, size: int, subject: str) -> Callable[[], BinaryIO]:
        """Once its bytes were found to be those of its name."""
        store = self.stored(sha256, size, subject)
        if sha256 not in self.verified:
            if not store.verify(sha256):
                raise Refusal(
                    f"the file of {subject} ({sha256[:12]}...) is not what was exported (its bytes changed); "
                    "remove it from the store and run `qlift export` again"
                )
            self.verified.add(sha256)
        return lambda: store.open(sha256)

    @property
    def reaches_personal_spaces(self) -> bool:
        """Only an OAuth client (with the scope `admin.apps`) reaches content in other people's spaces."""
        client = self.tenant.client
        return isinstance(client.credentials, OAuthClient) and client.may("admin.apps")

    def has_deleted(self, app_id: str, stack: str) -> bool:
        """Whether earlier runs of the stack left this app deleted, or about to be, as their logs tell.

        Asked about what is out of reach in somebody's personal space, where the tenant's answer says nothing.
        """
        if self.root is None or not self.reaches_personal_spaces:
            return False
        if stack not in self._deleted:
            try:
                self._deleted[stack] = gone_apps(log_files(self.root, stack), stack)
            except LogError as error:
                log.warning("%s; whether this stack deleted an app cannot be known", error)
                self._deleted[stack] = set()
        return app_id in self._deleted[stack]

    def user(self, by: str, name: str) -> User:
        found = self.tenant.index.users_by("email" if by == "email" else "subject", name)
        if not found:
            raise Refusal(
                f"the tenant has no active user with the {by} {name}; invite or create that user, or "
                "correct the row in the target's users file (`qlift users` writes it)"
            )
        if len(found) > 1:
            raise Refusal(
                f"{len(found)} active users of the tenant have the {by} {name}; such users cannot log in "
                "(LOGIN-12): remove all but one, or match by subject"
            )
        return found[0]

    def resolved(self, owners: list[ObjectOwner]) -> list[tuple[str, str]]:
        """Pairs of object id and user id."""
        return [(o.object, self.user(o.match_by, o.owner).id) for o in owners]

    def user_or_none(self, by: str, name: str) -> User | None:
        try:
            return self.user(by, name)
        except Refusal:
            return None

    def user_label(self, user_id: str) -> str:
        """How a preview names a user that the plan does not: subject, or the id of one who is gone."""
        found = self.tenant.index.user(user_id)
        return found.subject if found and found.status not in NOT_LIVE else user_id

    def group(self, name: str) -> Group:
        found = self.tenant.index.group_named(name)
        if found is None:
            raise Refusal(
                f"the tenant has no group {name}; it appears when a member first logs in, or create it "
                "there, or correct the target's groups file"
            )
        return found

    def space_id(self, label: str, id_: str | None) -> str:
        """Of a reference: the id, or the space of another phase that has the label for a name."""
        if id_:
            return id_
        found = self.tenant.index.space_named(label)
        if found is None:
            raise Refusal(
                f'the tenant has no space "{label}"; run the phase that makes it first, or correct `uses`'
            )
        return found.id

    def space_ids(self, new: I, old: I | None, references: dict[str, str]) -> dict[str, str]:
        """Of the references whose id is empty: spaces of another phase. An unknown id (None) stays.

        A space that was found under this name once stays the same when it is renamed there.
        """
        found: dict[str, str] = {}
        for label, id_field in references.items():
            name = getattr(new, label)
            if label not in SPACE_LABELS or not name or getattr(new, id_field) != "":
                continue
            known = getattr(old, id_field) if old is not None and getattr(old, label) == name else None
            if known and self.tenant.index.space(known) is not None:
                found[id_field] = known
            else:
                found[id_field] = self.space_id(name, None)
        return found


_session: Session | None = None
_lock = threading.Lock()


def open_session() -> Session | None:
    return _session


def session() -> Session:
    if _session is None:
        raise Refusal("the provider was not configured; this is a defect of qlift")
    return _session


def _open(config: Any) -> Session:
    target, phase = config.get("qlift:target"), config.get("qlift:phase")
    if not target or not phase:
        raise Refusal("the stack's settings lack qlift:target or qlift:phase (stacks/Pulumi.<stack>.yaml)")
    root = Path.cwd()
    keys = ("apiKey", "clientId", "clientSecret")
    settings = {k: str(v) for k in keys if (v := config.get(f"qlift:{k}"))}
    loaded = load_target(target, root)
    client = connect_target(
        loaded,
        credentials_from(loaded, settings, os.environ),
        log=RequestLog.from_environment(root),
        waiting=_Waiting(),
    )
    tenant = Tenant(client, Index(client), loaded.list_lag_seconds)
    return Session(tenant, lambda: phase_blobs(root, phase), root)


class _Waiting:
    """Says so when the tenant's limits make the run wait, once a pause: four calls wait at once."""

    def __init__(self) -> None:
        self._said_until = 0.0
        self._lock = threading.Lock()

    def __call__(self, tier: str, seconds: float) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._said_until:
                return
            self._said_until = now + seconds
        done, known = providers.base.claims.progress()
        # The engine shows what a provider writes to its standard error.
        sys.stderr.write(
            f"waiting {math.ceil(seconds)} s for the tenant's limit of {tier}, "
            f"{done:,} of {known:,} objects done\n"
        )
        sys.stderr.flush()


class TenantProvider(Provider[I]):
    """A provider of a kind that lives in the tenant."""

    def connect(self, config: Any) -> None:
        global _session
        with _lock:
            if _session is None:
                _session = _open(config)

    def resolve(self, new: I, old: I | None) -> I:
        """With the ids of other phases' spaces, so that a space which is renamed there is no move here."""
        return new.model_copy(update=session().space_ids(new, old, self.references))

    def note_end(self, work: Work, event: End, why: str = "") -> None:
        session().tenant.client.log.note_end(work, event, why)

    def refuse_deletes(self) -> None:
        if (refusal := session().edits.refusal()) is not None:
            raise Refusal(refusal)


def refusals(*checks: tuple[str, Callable[[], object]]) -> list[tuple[str, str]]:
    """Run look-ups for a `check`; those that refuse become problems of their field."""
    problems = []
    for name, look in checks:
        try:
            look()
        except Refusal as refusal:
            problems.append((name, str(refusal)))
    return problems
