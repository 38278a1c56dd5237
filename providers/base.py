"""Everything that is Pulumi's and not Qlik's, once for all providers.

A kind is a subclass of `Provider` with a model of its inputs and short methods that call `qlift.cloud`.
Providers are stateless and importable: Pulumi stores a reference to the class in each resource's state
(`__provider`), so a class is never renamed or moved after a release.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

import pulumi
from deepdiff import DeepDiff
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown
from pydantic import BaseModel, ConfigDict, ValidationError

from providers import conflicts, watchdog
from providers.claims import Claims
from qlift.cloud.log import End, Work, working_on

log = logging.getLogger("qlift.providers")

PROVIDER_KEY = "__provider"

claims = Claims()
"""Of this process."""


class Refusal(Exception):
    """Something a person has to settle. The message is one line: what, which object, what to do."""


class Inputs(BaseModel):
    """Inputs of a kind. An unknown id (its object is created by this run) arrives as None."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    """Logical name; the guard counts by it."""
    job: str = ""
    """`<stack>/<job>` of the last write, for the log. The engine tells a provider neither."""
    handed_over: bool = False
    """It is people's now: nothing of it is read, enforced or deleted any more."""

    @property
    def adopted(self) -> bool:
        """Taken over from people: an undo gives it back, and never deletes it."""
        return False

    @property
    def of_source(self) -> str:
        """Id of what it is made from, for the log."""
        return ""


JOB = "job"
"""Compared for no kind: an object may change its job."""


def declared(name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> dict[str, Any]:
    """A resource's inputs, with what all kinds have."""
    job = opts.parent.pulumi_resource_name if opts.parent is not None else ""
    return {"key": name, JOB: f"{pulumi.get_stack()}/{job}", **props}


I = TypeVar("I", bound=Inputs)  # noqa: E741


class Gone(Exception):
    """Raised by `find` when the object does not exist any more (its own GET said so, not a list)."""


class Provider(ResourceProvider, Generic[I]):
    """Subclasses set the class attributes and implement `make`, `find`, `change` and `remove`."""

    serialize_as_secret_always = False

    kind: ClassVar[str]
    model: ClassVar[type[Inputs]]
    references: ClassVar[dict[str, str]] = {}
    """Label → id: the label is ignored where both sides' ids are known and equal."""
    replaced_by: ClassVar[frozenset[str]] = frozenset()
    """Fields whose change makes a new object; a reference is named by its label."""
    not_compared: ClassVar[frozenset[str]] = frozenset()
    """Fields that a create needs and a change of which alone means nothing."""
    counted: ClassVar[bool] = True
    """Whether it stands for something in the tenant; the guard counts only those."""

    def problems(self, new: I, old: I | None) -> list[tuple[str, str]]:
        """Conflicts with the tenant and forbidden changes, as (field, one line). Asked in preview too."""
        return []

    def about_adoption(self, new: I, old: I | None) -> list[tuple[str, str]]:
        """As `problems`, and before them."""
        return []

    def resolve(self, new: I, old: I | None) -> I:
        """With the ids of what the tenant has to hold already (another phase's space, a person)."""
        return new

    def make(self, new: I) -> tuple[str, dict[str, Any]]:
        """Look up, create, finish. Returns the id and what only the state has to know."""
        raise NotImplementedError

    def take_over(self, new: I) -> tuple[str, dict[str, Any]]:
        """As `make`, of an adopted object."""
        raise NotImplementedError

    def find(self, id_: str, known: I) -> dict[str, Any]:
        """The live values of the fields that are compared. Raises `Gone`."""
        raise NotImplementedError

    def change(self, id_: str, old: I, new: I) -> dict[str, Any]:
        """Update in place. Returns what only the state has to know."""
        raise NotImplementedError

    def remove(self, id_: str, known: I) -> None:
        """Delete. An object that is gone already is a success."""
        raise NotImplementedError

    def note_state(self, id_: str, known: I, outputs: dict[str, Any]) -> None:
        """The state holds this object: called before anything is done with it."""

    def replacing(self, id_: str, old: I, new: I, changed: set[str]) -> list[str]:
        """Which of the changed fields make a new object. May raise for a conflict."""
        return sorted(changed & self.replaced_by)

    def refuse_deletes(self) -> None:
        """Raises `Refusal` when the deletes of this run would lose what they must not."""

    def give_back(self, id_: str, known: I) -> None:
        """Instead of `remove`, of an adopted object: write its former values."""
        raise NotImplementedError

    def connect(self, config: Any) -> None:
        """Prepare the process for this kind, once."""

    def note_end(self, work: Work, event: End, why: str = "") -> None:
        """What became of a create, update or delete."""

    @contextmanager
    def _noted(self, known: I, id_: str = "") -> Iterator[Work]:
        """Every request inside is noted as this object's, and so is its failure."""
        stack, _, job = known.job.rpartition("/")
        work = Work(stack, job, self.kind, known.key, known.of_source, id_)
        try:
            with working_on(work), _one_line(self.kind, known.key):
                yield work
        except Refusal as refusal:
            self.note_end(work, "failed", str(refusal))
            raise

    # What Pulumi calls.

    def configure(self, req: ConfigureRequest) -> None:
        watchdog.start()
        self.connect(req.config)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        try:
            new = self._parse(news)
        except ValidationError as error:
            return CheckResult(news, [_failure(e) for e in error.errors()])
        old = self._parse_state(_olds) if _olds else None
        claims.note_checked(self.kind, new.key, old.key if old else None)
        with _one_line(self.kind, new.key):
            new, problems = self._about_handed_over(new, old) if new.handed_over else self._checked(new, old)
        inputs = new.model_dump(mode="json")
        inputs.update({k: v for k, v in news.items() if isinstance(v, Unknown)})
        if conflicts.are_collected():
            for field, why in problems:
                conflicts.note(self.kind, new.key, field, why)
            problems = []
        return CheckResult(inputs, [CheckFailure(f, f"{self.kind} {new.key}: {why}") for f, why in problems])

    def _checked(self, new: I, old: I | None) -> tuple[I, list[tuple[str, str]]]:
        try:
            new = self.resolve(new, old)
            return new, self.about_adoption(new, old) or self.problems(new, old)
        except Refusal as refusal:
            if not conflicts.are_collected():
                raise
            return new, [("", str(refusal))]

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        old = self._parse_state(_olds)
        try:
            new = self._parse(_news)
        except ValidationError:
            unknown = {k for k, v in _news.items() if isinstance(v, Unknown)}
            if not unknown:
                raise
            # A destroy of single targets asks what would become of this if what it refers to went.
            return DiffResult(changes=True, replaces=sorted(unknown & self.replaced_by))
        if old.handed_over or new.handed_over:
            if claims.is_kept(self.kind, new.key):
                claims.claim(self.kind, _id)
            return DiffResult(changes=old.handed_over != new.handed_over, replaces=[])
        self.note_state(_id, old, _plain(_olds))
        changed = self._changed(old, new)
        with _one_line(self.kind, new.key):
            replaces = self._replaced(_id, old, new, changed)
        if not replaces and claims.is_kept(self.kind, new.key):
            claims.claim(self.kind, _id)
        if not changed:
            claims.note_done(self.kind, new.key)
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=False)

    def _replaced(self, id_: str, old: I, new: I, changed: set[str]) -> list[str]:
        try:
            return self.replacing(id_, old, new, changed)
        except Refusal as refusal:
            if not conflicts.are_collected():
                raise
            conflicts.note(self.kind, new.key, "", str(refusal))
            return sorted(changed & self.replaced_by)

    def create(self, props: dict[str, Any]) -> CreateResult:
        new = self._parse(props)
        _refuse_to_write()
        with self._noted(new) as work:
            id_, extra = self.take_over(new) if new.adopted else self.make(new)
        self.note_end(replace(work, cloud_id=id_), "created")
        claims.claim(self.kind, id_)
        claims.note_done(self.kind, new.key)
        return CreateResult(id_, {**new.model_dump(mode="json"), **extra})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        known = self._parse_state(props)
        if known.handed_over:
            # People may rename, move and delete it: the state remembers it as it was.
            claims.note_handed_over(self.kind, id_, known)
            return ReadResult(id_, _plain(props), known.model_dump(mode="json"))
        self.note_state(id_, known, _plain(props))
        if self.counted:
            claims.note_read(self.kind, known.key, id_)
        try:
            with _one_line(self.kind, known.key):
                live = self.find(id_, known)
        except Gone:
            # The empty id says "gone"; without outs the SDK breaks.
            return ReadResult("", {})
        inputs = self._validated({**known.model_dump(mode="json"), **live}).model_dump(mode="json")
        return ReadResult(id_, {**_plain(props), **inputs}, inputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        old, new = self._parse_state(_olds), self._parse(_news)
        _refuse_to_write()
        claims.claim(self.kind, _id)
        if old.handed_over != new.handed_over:
            # The claim alone comes and goes. What the plan wants shows in the next preview.
            claims.note_done(self.kind, new.key)
            return UpdateResult({**_plain(_olds), "handed_over": new.handed_over})
        with self._noted(new, _id) as work:
            extra = self.change(_id, old, new)
        self.note_end(work, "updated")
        claims.note_done(self.kind, new.key)
        carried = {k: v for k, v in _plain(_olds).items() if k not in self.model.model_fields}
        kept = {k: v for k, v in old.model_dump(mode="json").items() if k in self.not_compared}
        return UpdateResult({**carried, **new.model_dump(mode="json"), **kept, **extra})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        known = self._parse_state(_props)
        if known.handed_over:
            log.warning("%s %s: %s is handed over; it stays in the tenant", self.kind, known.key, _id)
            return
        _refuse_to_write()
        if claims.is_claimed(self.kind, _id):
            log.warning("%s %s: %s is in use by a live resource; not deleted", self.kind, known.key, _id)
            return
        self.note_state(_id, known, _plain(_props))
        refusal = claims.refusal_of_delete(self.kind, known.key) if self.counted else claims.refusal()
        if refusal is not None:
            raise Refusal(refusal)
        with self._noted(known, _id) as work:
            self.refuse_deletes()
            if known.adopted:
                self.give_back(_id, known)
            else:
                self.remove(_id, known)
        self.note_end(work, "deleted")

    def _about_handed_over(self, new: I, old: I | None) -> tuple[I, list[tuple[str, str]]]:
        """Nothing is asked of the tenant, and nothing is made."""
        if old is not None:
            return new, []
        reason = (
            "does not exist yet, and nothing new is made of what is handed over: leave it out of `select`, "
            "or run it once without `handed_over`"
        )
        return new, [("handed_over", reason)]

    def changed(self, olds: dict[str, Any], news: dict[str, Any]) -> set[str]:
        """Names of the fields that a diff of these property bags finds changed."""
        old, new = self._parse_state(olds), self._parse(news)
        if old.handed_over or new.handed_over:
            return {"handed_over"} if old.handed_over != new.handed_over else set()
        return self._changed(old, new)

    # Between Pulumi's property bags and the models.

    def _validated(self, values: dict[str, Any]) -> I:
        return self.model.model_validate(values)  # type: ignore[return-value]

    def _parse(self, props: dict[str, Any]) -> I:
        return self._validated({k: None if isinstance(v, Unknown) else v for k, v in _plain(props).items()})

    def _parse_state(self, props: dict[str, Any]) -> I:
        """Outputs hold more than the inputs; older states may hold fields that no longer exist."""
        return self._parse({k: v for k, v in props.items() if k in self.model.model_fields})

    def _changed(self, old: I, new: I) -> set[str]:
        ids = {*self.references.values(), JOB}
        was = old.model_dump(mode="json", exclude=ids | self.not_compared)
        will = new.model_dump(mode="json", exclude=ids | self.not_compared)
        for label, id_field in self.references.items():
            before, after = getattr(old, id_field), getattr(new, id_field)
            if before and after and before == after:
                del was[label], will[label]
            elif will[label] is not None and (after is None or (before and after)):
                # Unknown: this run makes the object. Or both are known and differ.
                was[label], will[label] = before, after or "(new)"
        if was == will:
            # Most objects of most runs; DeepDiff takes a millisecond to say so.
            return set()
        return set(DeepDiff(was, will, ignore_numeric_type_changes=True).affected_root_keys)


def _refuse_to_write() -> None:
    if (refusal := conflicts.refusal_of_write()) is not None:
        raise Refusal(refusal)


def _plain(props: dict[str, Any]) -> dict[str, Any]:
    """Without Pulumi's own key; whole floats are ints again (numbers travel as doubles)."""
    return {k: _number(v) for k, v in props.items() if k != PROVIDER_KEY}


def _number(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_number(v) for v in value]
    if isinstance(value, dict):
        return {k: _number(v) for k, v in value.items()}
    return value


def _failure(error: Any) -> CheckFailure:
    return CheckFailure(".".join(str(p) for p in error["loc"]), error["msg"])


class _one_line:  # noqa: N801
    """Puts kind and name before a message, all in one line: Pulumi shows the message as it is."""

    def __init__(self, kind: str, key: str) -> None:
        self.kind, self.key = kind, key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, Gone):
            return
        log.debug("%s %s failed", self.kind, self.key, exc_info=error)
        text = " ".join(str(error).split()) or type(error).__name__
        raise Refusal(f"{self.kind} {self.key}: {text}") from None
