"""What the program declares, as a graph: the real `qlift.program` without the SDK behind it.

A run under Pulumi's mocks takes a tenth of a second, most of it the SDK's own serialisation; this takes less
than a millisecond, so thousands of runs can be tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi.dynamic
import pytest
from pulumi.dynamic import ResourceProvider

from qlift.derivation.desired import Desired
from qlift.program.phase import declare

Key = tuple[str, str]
"""Kind and logical name."""


@dataclass(frozen=True)
class Reference:
    """An output of another resource, as an input."""

    key: Key
    name: str


@dataclass(frozen=True)
class Declared:
    key: Key
    provider: ResourceProvider
    inputs: dict[str, Any]
    depends_on: frozenset[Key]
    former_names: tuple[str, ...] = ()
    """Aliases."""


@dataclass
class _Recorder:
    declared: list[Declared] = field(default_factory=list)
    keys: dict[int, Key] = field(default_factory=dict)
    """By the identity of the resource."""
    children: dict[int, list[Key]] = field(default_factory=dict)
    """Of components: to depend on one is to depend on what is in it."""
    kept_alive: list[Any] = field(default_factory=list)

    def resource(
        self, resource: Any, provider: ResourceProvider, name: str, props: Any, opts: Any = None
    ) -> None:
        self.kept_alive.append(resource)
        key = (str(getattr(type(provider), "kind", "")), name)
        after = set(self._expanded(opts.depends_on or ()))
        after |= {v.key for v in props.values() if isinstance(v, Reference)}
        former = tuple(str(a.name) for a in opts.aliases or ())
        inputs = {k: v for k, v in props.items() if v is not None}
        self.declared.append(Declared(key, provider, inputs, frozenset(after), former))
        self.keys[id(resource)] = key
        if opts.parent is not None:
            self.children[id(opts.parent)].append(key)
        vars(resource).update({n: Reference(key, n) for n in (*props, "id")})

    def component(self, component: Any, type_: str, name: str, *_: Any) -> None:
        self.kept_alive.append(component)
        component._name = name
        self.children[id(component)] = []

    def _expanded(self, resources: Iterable[Any]) -> Iterable[Key]:
        for resource in resources:
            if id(resource) in self.children:
                yield from self.children[id(resource)]
            else:
                yield self.keys[id(resource)]


def declarations(desired: Desired, *, stack: str, provenance: str) -> list[Declared]:
    """In the order of the program."""
    recorder = _Recorder()

    def resource(self: Any, provider: ResourceProvider, name: str, props: Any, opts: Any = None) -> None:
        recorder.resource(self, provider, name, props, opts)

    def component(self: Any, type_: str, name: str, *more: Any) -> None:
        recorder.component(self, type_, name, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulumi.dynamic.Resource, "__init__", resource)
        patch.setattr(pulumi.ComponentResource, "__init__", component)
        patch.setattr(pulumi, "get_stack", lambda: stack)
        declare(desired, stack=stack, provenance=provenance, digests={})
    return recorder.declared
