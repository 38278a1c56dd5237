"""Which files a review is of, and that another one is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qlift.derivation import PeopleFiles
from qlift.derivation.digest import Digests, phase_digests
from qlift.program.reviewed import VARIABLE, refusal


@pytest.fixture
def root(tmp_path: Path) -> Path:
    plan = "version: 1\nphase: demo\nsources: [{site: qs, bundle: exports/qs}]\n"
    for name, text in {
        "stacks/demo/plan.yaml": plan,
        "stacks/demo/waivers.yaml": "[]",
        "stacks/targets/prod.yaml": "url: https://acme.example",
        "stacks/targets/prod.users.csv": "site",
        "exports/qs/manifest.json": "{}",
        "exports/qs/app.runtime.json": "[]",
        "exports/qs/app.json": "[]",
        "exports/qs/blobs/ab.qvf": "x",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def of(root: Path, target: str = "prod") -> Digests:
    folder = root / "stacks" / "targets"
    people = PeopleFiles(users=folder / f"{target}.users.csv", groups=folder / f"{target}.groups.csv")
    return phase_digests(root, "demo", folder / f"{target}.yaml", people)


def test_every_file_that_counts_and_no_other(root: Path) -> None:
    before = of(root)
    assert set(before.bundle) == {"exports/qs/manifest.json", "exports/qs/app.json"}
    assert set(before.plan) == {"stacks/demo/plan.yaml", "stacks/demo/waivers.yaml"}
    assert set(before.target) == {"stacks/targets/prod.yaml", "stacks/targets/prod.users.csv"}
    for name in ("exports/qs/app.runtime.json", "exports/qs/blobs/ab.qvf", "stacks/demo/.plan.yaml.swp"):
        (root / name).write_text("other")
    assert of(root) == before and of(root).short() == before.short()
    plan = root / "stacks/demo/plan.yaml"
    plan.write_text(plan.read_text() + "# said otherwise\n")
    (root / "stacks/demo/apps.csv").write_text("a")
    (root / "stacks/demo/waivers.yaml").unlink()
    assert of(root).changes_since(before) == [
        "plan: stacks/demo/apps.csv is new",
        "plan: stacks/demo/plan.yaml changed",
        "plan: stacks/demo/waivers.yaml is gone",
    ]
    assert of(root).short()["plan"] != before.short()["plan"]
    assert of(root).short()["bundle"] == before.short()["bundle"]


@pytest.mark.parametrize(
    "given", ["maps/groups.csv", "groups.csv", "../groups.csv", "../maps/groups.tsv", "/"]
)
def test_the_plans_own_groups_count_wherever_they_stand(root: Path, given: str) -> None:
    folder = root / "stacks/demo"
    outside = root.parent / f"{root.name}-outside" / "groups.tsv"
    file = outside if given == "/" else (folder / given).resolve()
    file.parent.mkdir(exist_ok=True)
    file.write_text("a")
    plan = folder / "plan.yaml"
    plan.write_text(plan.read_text() + f"groups: {{map: {file if given == '/' else given}}}\n")
    before = of(root)
    named = str(file) if given == "/" else file.relative_to(root).as_posix()
    assert named in before.plan and named not in before.target
    file.write_text("b")
    assert of(root).changes_since(before) == [f"plan: {named} changed"]
    assert of(root).whole() != before.whole()


def test_promotion_is_the_same_digest_on_another_target(root: Path) -> None:
    before = of(root).whole()
    (root / "stacks/targets/dev.yaml").write_text("url: https://dev.example")
    # What was in a tenant before is of that tenant.
    (root / "stacks/demo/adopted.yaml").write_text("dev: {}")
    assert of(root).whole() == before and "stacks/demo/adopted.yaml" in of(root).target
    assert of(root, "dev").whole() == of(root).whole()
    assert of(root, "dev").short()["target"] != of(root).short()["target"]


def test_a_run_of_something_else_is_refused(root: Path) -> None:
    review = root / "review.json"
    review.write_text(json.dumps({"stack": "demo-prod", "digests": of(root).model_dump()}))
    env = {VARIABLE: str(review)}
    assert refusal(of(root), "demo-prod", {}) is None
    assert refusal(of(root), "demo-prod", env) is None
    assert "of the stack demo-prod, this is demo-dev" in str(refusal(of(root), "demo-dev", env))
    (root / "exports/qs/app.json").write_text("[{}]")
    assert "bundle: exports/qs/app.json changed" in str(refusal(of(root), "demo-prod", env))
    for spoiled in ("{}", "not JSON", '{"stack": "demo-prod", "digests": {}}'):
        review.write_text(spoiled)
        assert "is no review" in str(refusal(of(root), "demo-prod", env))
    assert "is no review" in str(refusal(of(root), "demo-prod", {VARIABLE: str(root / "none.json")}))
