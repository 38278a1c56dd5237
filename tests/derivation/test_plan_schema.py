"""The JSON Schema from which editors complete and explain a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from qlift.derivation.plan_file import PlanError, load_plan
from qlift.derivation.plan_schema import schema_text
from qlift.derivation.template import SCHEMA, plan_text
from tests.derivation.site import PLAN, small_site

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema_rs.Draft202012Validator(json.loads(schema_text()))


def as_an_editor_reads(text: str) -> Any:
    """Dates are strings there."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def both_take(folder: Path, text: str) -> bool:
    """What the loader takes; the schema has to say the same."""
    file = folder / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        load_plan(file)
        taken = True
    except PlanError:
        taken = False
    assert VALIDATOR.is_valid(as_an_editor_reads(text)) == taken, text
    return taken


def test_the_committed_schema_is_that_of_the_models() -> None:
    committed = (ROOT / "stacks" / SCHEMA).read_text(encoding="utf-8")
    assert committed == schema_text(), f"run: .venv/bin/qlift phase schema > stacks/{SCHEMA}"


def test_every_key_is_explained() -> None:
    schema = json.loads(schema_text())
    models = {"Plan": schema, **schema["$defs"]}
    keys = {f"{m}.{k}": p for m, model in models.items() for k, p in model.get("properties", {}).items()}
    assert len(keys) > 60
    assert not [k for k, p in keys.items() if not p.get("description")]
    assert not [m for m, model in models.items() if not model.get("description")]


def test_real_plans_are_valid(tmp_path: Path) -> None:
    site, *_ = small_site()
    bundle = site.write(tmp_path / "b")
    example = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    demo = (ROOT / "stacks" / "demo" / "plan.yaml").read_text(encoding="utf-8")
    for text in (PLAN, demo, example, plan_text("finance", bundle, "exports/prod", bundle.streams)):
        assert both_take(tmp_path, text)


@pytest.mark.parametrize(
    ("more", "taken"),
    [
        ("groups:\n  # everyone: All", True),
        ("jobs: standard", True),
        ("jobs: [{name: a, steps: [apps, owners], select: {owners: ['CORP\\jane']}}]", True),
        ("select: {apps: {custom_properties: {Region: EMEA}}, personal: true}", True),
        ("access: {accept_widening: [{rule: x, until: 2027-03-31}]}", True),
        ("jbos: standard", False),
        ("jobs: standrad", False),
        ("jobs: []", False),
        ("jobs: [{name: a, steps: [aps]}]", False),
        ("jobs: [{name: a, steps: [apps], selct: {}}]", False),
        ("jobs: [{name: a, steps: [apps], select: {tags: []}}]", False),
        ("jobs: [{steps: [apps]}]", False),
        ("select: {personal: 1}", False),
        ("phase: Finance!", False),
        ("provenance: nowhere", False),
        ("spaces: {A: {type: manged}}", False),
        ("spaces: {A: {}}", False),
    ],
)
def test_the_schema_says_what_the_loader_says(tmp_path: Path, more: str, taken: bool) -> None:
    key = more.split(":")[0]
    kept = "\n".join(x for x in "version: 1\nphase: a\nsources: [{site: p, bundle: b}]".splitlines()
                     if not x.startswith(f"{key}:"))  # fmt: skip
    assert both_take(tmp_path, f"{kept}\n{more}\n") == taken
