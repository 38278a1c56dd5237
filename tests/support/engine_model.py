"""A model of Pulumi's engine in this process: thousands of runs, and every order that its rules allow.

It does what `pulumi preview`, `up`, `refresh` and `destroy` of version 3.259 do with `refresh: always`, read
off the engine's source (resource/deploy: RefreshStep.Apply, GenerateDeletes, ScheduleDeletes,
cancelDueToError) and the SDK's (`pulumi/dynamic/__main__.py`):

* first every object of the state is read, old halves of replacements too, and `diff` is called with what was
  read and the former inputs (so it is also called for what is about to be deleted);
* then each declared resource, when all that it depends on is done: `check` with the former inputs, `diff` and
  `update` with the former outputs, `create`; a replacement creates first and marks the old half;
* deletes come last, what depends on others first; after a failure nothing is deleted;
* a failure ends the run; with `--continue-on-error` only what depends on it is left out;
* numbers travel as doubles, properties that are None do not travel, unknown ids are `Unknown` in a preview;
* the state after a failure is what the steps before it wrote; a create that raised left nothing in it.

What it leaves out: calls run one by one, in an order that `random` chooses; the engine runs four at once.
`tests/engine/test_model.py` holds it against the real engine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi.dynamic import ResourceProvider
from pulumi.output import Unknown

from tests.support.declared import Declared, Key, Reference


@dataclass(frozen=True)
class Resource:
    """A row of the state."""

    key: Key
    id: str
    provider: ResourceProvider
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    depends_on: frozenset[Key]
    doomed: bool = False
    """The old half of a replacement, not deleted yet."""


@dataclass
class Ran:
    """What a run did (or would do), by kind of operation, and what failed, in people's words."""

    created: list[Key] = field(default_factory=list)
    updated: list[Key] = field(default_factory=list)
    replaced: list[Key] = field(default_factory=list)
    deleted: list[Key] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    settled: bool = False
    """All that was declared is in order; what failed, if anything, was a delete."""

    @property
    def changes(self) -> list[Key]:
        return sorted([*self.created, *self.updated, *self.replaced, *self.deleted])


class Failed(Exception):
    """A step failed; the run is over."""


_UNKNOWN = Unknown()  # type: ignore[no-untyped-call]
Failures = tuple[type[Exception], ...]


class EngineModel:
    """`state` in the order of its making. `begin` makes a new provider process.

    Only `expected` exceptions are failures of a step, and only where they put one `of` these into words;
    others are defects and come out as they are.
    """

    def __init__(self, begin: Callable[[], None], expected: Failures, *, of: Failures = (Exception,)) -> None:
        self._begin, self._expected, self._of = begin, expected, of
        self.state: list[Resource] = []

    def up(self, program: list[Declared], order: random.Random, *, go_on: bool = False) -> Ran:
        """`go_on`: --continue-on-error."""
        ran = Ran()
        self._begin()
        try:
            self._read_all(order)
            self._register(program, order, ran, go_on=go_on)
            ran.settled = not ran.failures
            if ran.settled:
                declared = {d.key for d in program}
                self._delete([r for r in self.state if r.doomed or r.key not in declared], order, ran)
        except Failed as failure:
            ran.failures.append(str(failure))
        return ran

    def preview(self, program: list[Declared], order: random.Random) -> Ran:
        """In a process of its own; neither the state nor the tenant changes."""
        return _Preview(self).run(program, order)

    def refresh(self, order: random.Random) -> Ran:
        ran = Ran()
        self._begin()
        try:
            self._read_all(order)
        except Failed as failure:
            ran.failures.append(str(failure))
        return ran

    def destroy(self, order: random.Random, *, go_on: bool = False) -> Ran:
        ran = Ran()
        self._begin()
        try:
            self._read_all(order)
            self._delete(list(self.state), order, ran, go_on=go_on)
        except Failed as failure:
            ran.failures.append(str(failure))
        return ran

    # Reading.

    def _read_all(self, order: random.Random) -> None:
        for row in _any_order(self.state, order):
            read = self._step(row.provider.read, row.id, dict(row.outputs))
            if not read.id:
                self.state.remove(row)
                continue
            inputs = row.inputs if read.inputs is None else wire(read.inputs)
            fresh = replace(row, id=read.id, inputs=inputs, outputs=wire(read.outs or {}))
            self.state[self.state.index(row)] = fresh
            self._step(row.provider.diff, fresh.id, dict(fresh.outputs), dict(row.inputs))

    # Registering.

    def _register(self, program: list[Declared], order: random.Random, ran: Ran, *, go_on: bool) -> None:
        left_out: set[Key] = set()
        for declared in _in_dependency_order(program, order):
            if declared.depends_on & left_out:
                left_out.add(declared.key)
                continue
            try:
                self._settle(declared, ran)
            except Failed as failure:
                left_out.add(declared.key)
                ran.failures.append(str(failure))
                if not go_on:
                    return

    def _settle(self, declared: Declared, ran: Ran) -> None:
        known = self._known(declared)
        wanted = wire({k: self._value(v) for k, v in declared.inputs.items()})
        checked = self._step(declared.provider.check, dict(known.inputs) if known else {}, wanted)
        if checked.failures:
            raise Failed("; ".join(f.reason for f in checked.failures))
        inputs = wire(checked.inputs)
        if known is None:
            self._create(declared, inputs)
            ran.created.append(declared.key)
            return
        difference = self._step(declared.provider.diff, known.id, dict(known.outputs), dict(inputs))
        if difference.replaces:
            self._create(declared, inputs)
            self.state[self.state.index(known)] = replace(known, doomed=True)
            ran.replaced.append(declared.key)
            return
        outputs = known.outputs
        if difference.changes:
            updated = self._step(declared.provider.update, known.id, dict(known.outputs), dict(inputs))
            outputs = wire(updated.outs or {})
            ran.updated.append(declared.key)
        self.state[self.state.index(known)] = replace(
            known, key=declared.key, inputs=inputs, outputs=outputs, depends_on=declared.depends_on
        )

    def _known(self, declared: Declared) -> Resource | None:
        kind, name = declared.key
        names = (name, *declared.former_names)
        return next((r for n in names for r in self.state if r.key == (kind, n) and not r.doomed), None)

    def _create(self, declared: Declared, inputs: dict[str, Any]) -> None:
        made = self._step(declared.provider.create, dict(inputs))
        outputs = wire(made.outs or {})
        self.state.append(
            Resource(declared.key, made.id, declared.provider, inputs, outputs, declared.depends_on)
        )

    def _value(self, value: Any) -> Any:
        if not isinstance(value, Reference):
            return value
        row = next(r for r in self.state if r.key == value.key and not r.doomed)
        return row.id if value.name == "id" else row.outputs.get(value.name)

    # Deleting.

    def _delete(self, rows: list[Resource], order: random.Random, ran: Ran, *, go_on: bool = False) -> None:
        kept: set[Key] = set()
        for layer in _layers(rows):
            for row in _any_order(layer, order):
                if row.key in kept:
                    kept |= row.depends_on
                    continue
                try:
                    self._step(row.provider.delete, row.id, dict(row.outputs))
                except Failed as failure:
                    ran.failures.append(str(failure))
                    if not go_on:
                        return
                    kept |= row.depends_on
                    continue
                self.state.remove(row)
                if not row.doomed:
                    ran.deleted.append(row.key)

    def _step(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return call(*args)
        except self._expected as error:
            if error.__context__ is not None and not isinstance(error.__context__, self._of):
                raise
            raise Failed(str(error)) from error


class _Preview(EngineModel):
    """Asks `check` and `diff` alone; what would be made has an unknown id and its inputs as outputs."""

    def __init__(self, of: EngineModel) -> None:
        super().__init__(of._begin, of._expected, of=of._of)
        self.state = list(of.state)

    def run(self, program: list[Declared], order: random.Random) -> Ran:
        ran = Ran()
        self._begin()
        try:
            self._read_all(order)
            self._register(program, order, ran, go_on=False)
        except Failed as failure:
            ran.failures.append(str(failure))
        declared = {d.key for d in program}
        ran.deleted += [r.key for r in self.state if r.key not in declared and not r.doomed]
        return ran

    def _settle(self, declared: Declared, ran: Ran) -> None:
        known = self._known(declared)
        wanted = wire({k: self._value(v) for k, v in declared.inputs.items()})
        checked = self._step(declared.provider.check, dict(known.inputs) if known else {}, wanted)
        if checked.failures:
            raise Failed("; ".join(f.reason for f in checked.failures))
        inputs = wire(checked.inputs)
        if known is None:
            ran.created.append(declared.key)
            self.state.append(
                Resource(declared.key, "", declared.provider, inputs, inputs, declared.depends_on)
            )
            return
        difference = self._step(declared.provider.diff, known.id, dict(known.outputs), dict(inputs))
        id_ = "" if difference.replaces else known.id
        if difference.replaces:
            ran.replaced.append(declared.key)
        elif difference.changes:
            ran.updated.append(declared.key)
        self.state[self.state.index(known)] = replace(
            known, key=declared.key, id=id_, inputs=inputs, outputs={**known.outputs, **inputs}
        )

    def _value(self, value: Any) -> Any:
        found = super()._value(value)
        return _UNKNOWN if isinstance(value, Reference) and value.name == "id" and not found else found


def wire(props: dict[str, Any]) -> dict[str, Any]:
    """As they arrive at the other side."""
    return {k: _travelled(v) for k, v in props.items() if v is not None}


def _travelled(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, dict):
        return {k: _travelled(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_travelled(v) for v in value]
    return value


def _any_order(rows: Iterable[Resource], order: random.Random) -> list[Resource]:
    mixed = list(rows)
    order.shuffle(mixed)
    return mixed


def _in_dependency_order(program: list[Declared], order: random.Random) -> Iterable[Declared]:
    left, done = list(program), set[Key]()
    while left:
        ready = [d for d in left if d.depends_on <= done]
        chosen = order.choice(ready)
        left.remove(chosen)
        yield chosen
        done.add(chosen.key)


def _layers(rows: list[Resource]) -> list[list[Resource]]:
    """What depends on nothing that is deleted goes last; each layer may be deleted at once."""
    left, layers = list(rows), []
    while left:
        keys = {r.key for r in left}
        layer = [r for r in left if not (r.depends_on - {r.key}) & keys]
        layers.append(layer)
        left = [r for r in left if r not in layer]
    return layers[::-1]
