"""The references for people say what the code says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from qlift.cli.phase import phase
from qlift.derivation.permissions.conditions import parse
from qlift.derivation.plan import STANDARD_JOBS, STEPS, Plan, SpacePlan
from qlift.derivation.plan_file import load_plan
from qlift.derivation.template import plan_text
from tests.derivation.site import SiteBuilder, derived, guid, small_site

ROOT = Path(__file__).parents[2]


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for inside in get_args(annotation):
        yield from models(inside)


def test_every_key_of_the_plan_is_explained() -> None:
    text = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"[`{]([a-z_]+)[`}]", text))
    keys = {f.alias or name for model in models(Plan) for name, f in model.model_fields.items()}
    assert keys <= explained, sorted(keys - explained)
    rows = re.findall(r"^\| (`[^|]+`) \|", text, re.M)
    unknown = {k for row in rows for k in re.findall(r"`([a-z_]+)`", row)} - keys
    assert not unknown


def test_the_example_in_the_reference_is_a_plan(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "plan.yaml").write_text(example, encoding="utf-8")
    assert load_plan(tmp_path / "plan.yaml").phase == "finance"


def test_every_finding_has_its_line_with_its_severities() -> None:
    table = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([A-Z-]+)` \| ([a-z, ]+) \|", table, re.M))
    raised: dict[str, set[str]] = {}
    for file in sorted((ROOT / "qlift" / "derivation").rglob("*.py")):
        calls = re.findall(r'\.(error|warning|info)\(\s*"([A-Z][A-Z-]+)"', file.read_text(encoding="utf-8"))
        for severity, code in calls:
            raised.setdefault(code, set()).add(severity)
    assert {code: ", ".join(sorted(s)) for code, s in raised.items()} == listed
    assert list(listed) == sorted(listed)


def test_the_template_is_a_plan_that_takes_every_stream(tmp_path: Path) -> None:
    site, jane, _, _ = small_site()
    for name in ("Finance: 'Q1'", "yes", "2024", "#Ops", 'Überblick \\ "x"'):
        site.stream(name, jane)
    bundle = site.write(tmp_path / "b")
    file = tmp_path / "plan.yaml"
    file.write_text(plan_text("finance", bundle, "exports/prod", bundle.streams), encoding="utf-8")
    plan = load_plan(file)
    taken = {s.from_.stream for s in plan.spaces.values() if s.from_ is not None}
    assert taken == {s.name for s in bundle.streams}
    assert plan.sources[0].bundle == "exports/prod"


def test_what_the_template_comments_out_is_valid_too(tmp_path: Path) -> None:
    site, *_ = small_site()
    bundle = site.write(tmp_path / "b")
    text = plan_text("finance", bundle, "exports/prod", bundle.streams)
    commented = r"^( *)# (?=[a-z_]+:|  accept_widening|- name|  steps|  select)"
    shown = re.sub(commented, r"\1", text, flags=re.M)
    file = tmp_path / "plan.yaml"
    file.write_text(shown, encoding="utf-8")
    plan = load_plan(file)
    assert plan.groups.everyone and plan.users.missing_owner and plan.spaces_rule and plan.select.streams
    assert plan.access.accept_widening and isinstance(plan.spaces["Finance"], SpacePlan)
    assert plan.spaces["Finance"].owner
    assert plan.jobs != "standard" and len(plan.jobs) == len(STANDARD_JOBS) + 2
    assert [j.name for j in plan.jobs[-2:]] == ["apps of EMEA", "apps of Jane"]


def test_the_template_derives_as_the_standard_jobs_do(tmp_path: Path) -> None:
    site, jane, *_ = small_site()
    site.timed(site.task(site.app("Budget", jane, site.stream("Lab", jane))))
    bundle = site.write(tmp_path / "b")
    text = plan_text("finance", bundle, "exports/prod", bundle.streams)
    written = derived(tmp_path, bundle, plan=text)
    assert written.schedules and len(written.publications) == 2 and not written.errors
    assert derived(tmp_path, bundle, plan=text, jobs="standard") == written
    assert yaml.safe_load(text)["jobs"] == [{"name": s, "steps": [s]} for s in STEPS]


def test_the_demo_plan_is_a_plan() -> None:
    plan = load_plan(ROOT / "stacks" / "demo" / "plan.yaml")
    assert {s.type for s in plan.spaces.values()} == {"managed", "shared"}
    assert plan.apps.publish == "move" and plan.select.personal


class Shell:
    def __init__(self) -> None:
        self.runner = CliRunner()

    def run(self, *args: str) -> tuple[int, str]:
        result = self.runner.invoke(phase, list(args))
        return result.exit_code, result.output


def written(site: SiteBuilder, folder: Path) -> None:
    site.write(folder / "exports" / "prod")


def test_a_new_phase_can_be_shown_at_once(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    site, *_ = small_site()
    written(site, tmp_path)
    shell = Shell()
    code, said = shell.run("new", "finance", "--bundle", "exports/prod", "--target", "prod")
    assert code == 0 and "1 streams, 1 apps" in said
    stack = yaml.safe_load((tmp_path / "stacks" / "Pulumi.finance-prod.yaml").read_text(encoding="utf-8"))
    assert stack == {"config": {"qlift:target": "prod", "qlift:phase": "finance"}}
    code, said = shell.run("show", "finance")
    assert code == 0 and "2 spaces" in said and "[SCRIPTS-UNCHANGED]" in said
    plan = tmp_path / "stacks" / "finance" / "plan.yaml"
    before = plan.read_bytes()
    assert shell.run("new", "finance", "--bundle", "exports/prod")[0] == 2
    assert plan.read_bytes() == before, "what people wrote is never overwritten"


def test_a_new_phase_of_some_streams(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    site, jane, *_ = small_site()
    site.app("Stock", jane, site.stream("Supply Chain", jane))
    twice = [site.stream("Twice", jane), site.stream("Twice", jane)]
    twice[1]["id"] = guid("prod", "stream", "Twice again")
    site.app("Bench", jane, site.stream("Lab", jane))
    written(site, tmp_path)
    shell = Shell()
    code, said = shell.run("new", "finance", "--from", "Suply chain", "--from", "Twice", "--from", "Lab")
    assert code == 2 and "did you mean Supply Chain?" in said, said
    assert all(t["id"] in said for t in twice) and not (tmp_path / "stacks").exists()
    wanted = ("--from", "Lab", "--from", "Supply Chain", "--from", str(twice[0]["id"]))
    code, said = shell.run("new", "finance", *wanted)
    assert code == 0 and "3 streams, 2 apps" in said
    path = tmp_path / "stacks" / "finance" / "plan.yaml"
    taken = {s.from_.stream for s in load_plan(path).spaces.values() if s.from_}
    assert taken == {"Lab", "Supply Chain", twice[0]["id"]}
    first = path.read_text(encoding="utf-8").splitlines()[0]
    schema = path.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert schema.read_text(encoding="utf-8") == shell.run("schema")[1]
    code, said = shell.run("show", "finance")
    assert code == 0 and "2 apps" in said
    site.name = "test"
    site.write(tmp_path / "exports" / "test")
    code, said = shell.run("new", "other")
    assert code == 2 and "exports/prod" in said and "exports/test" in said and "--bundle" in said


def test_messages_of_the_command_are_for_people(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    shell = Shell()
    assert shell.run("new", "Finance!", "--bundle", "x")[0] == 2
    code, said = shell.run("new", "finance", "--bundle", "exports/none")
    assert code == 2 and "exports/none" in said and "qlift export" in said
    code, said = shell.run("show", "finance")
    assert code == 2 and "qlift phase new" in said
    site, *_ = small_site()
    site.files.clear()
    written(site, tmp_path)
    shell.run("new", "finance", "--bundle", "exports/prod")
    code, said = shell.run("show", "finance")
    assert code == 1 and "Ledger" in said and "[APP-FILE-MISSING]" in said
    (tmp_path / "exports" / "prod" / "app.json").write_text("[]")
    code, said = shell.run("show", "finance")
    assert code == 2 and "app.json" in said and "Traceback" not in said


def test_every_condition_in_the_reference_of_permissions_can_be_read() -> None:
    text = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    table = text.split("| condition |")[1].split("\n\n")[0]
    conditions = re.findall(r"^\| `(.+?)` \| ", table, re.M)
    assert len(conditions) > 20
    for condition in conditions:
        parse(condition)
