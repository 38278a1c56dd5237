"""Bad input and conflicts: a message that names object and remedy, a non-zero exit, an untouched tenant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.support.phase import Phase

pytestmark = pytest.mark.engine

SOMEBODY_ELSE = "somebody.else@acme.example"


def name_taken(phase: Phase) -> dict[str, str]:
    phase.tenant_api("POST", "/api/v1/spaces", {"name": "Sales Lab", "type": "shared"})
    return {}


def other_roles_there(phase: Phase) -> dict[str, str]:
    """In a space that an earlier run made, somebody gave roles that the plan now wants otherwise."""
    assert phase.up("--skip-preview").ok
    phase.plan["spaces"]["Sales Lab"]["access"] = [{"group": "BI-Finance-Readers", "roles": ["consumer"]}]
    space = phase.ids("Space")["sales-lab"]
    groups = phase.tenant_api("GET", "/api/v1/groups?limit=100", None)["data"]
    group = next(g["id"] for g in groups if g["name"] == "BI-Finance-Readers")
    body = {"type": "group", "assigneeId": group, "roles": ["facilitator"]}
    phase.tenant_api("POST", f"/api/v1/spaces/{space}/assignments", body)
    return {}


def user_missing(phase: Phase) -> dict[str, str]:
    phase.plan["spaces"]["HR"]["owner"] = SOMEBODY_ELSE
    return {}


def two_users_with_one_mail(phase: Phase) -> dict[str, str]:
    for subject in ("twin one", "twin two"):
        body = {"subject": subject, "name": subject, "email": SOMEBODY_ELSE}
        phase.tenant_api("POST", "/api/v1/users", body)
    phase.plan["users"] = {**phase.plan["users"], "match_by": "email"}
    phase.plan["spaces"]["Finance"]["owner"] = SOMEBODY_ELSE
    phase.plan["select"]["streams"] = ["Finance"]
    phase.plan["select"]["personal"] = False
    return {}


def wrong_key(phase: Phase) -> dict[str, str]:
    phase.plan["select"]["personal"] = False
    return {"QLIFT_CLIENT_ID": "", "QLIFT_CLIENT_SECRET": "", "QLIFT_API_KEY": "not-a-key-of-this-tenant"}


def no_credentials(phase: Phase) -> dict[str, str]:
    return {"QLIFT_CLIENT_ID": "", "QLIFT_CLIENT_SECRET": ""}


def corrupt_bundle(phase: Phase) -> dict[str, str]:
    file = phase.folder / "exports" / "sample" / "stream.json"
    file.write_text(file.read_text().replace("Finance", "Finances"))
    return {}


def app_file_lost(phase: Phase) -> dict[str, str]:
    for file in (phase.folder / "exports" / "sample" / "blobs").iterdir():
        file.unlink()
    return {}


def misspelt_key(phase: Phase) -> dict[str, str]:
    phase.plan["schedule"] = phase.plan.pop("schedules")
    return {}


def space_type_changed(phase: Phase) -> dict[str, str]:
    assert phase.up("--skip-preview").ok
    phase.plan["spaces"]["Sales Lab"]["type"] = "managed"
    return {}


def private_content_copied(phase: Phase) -> dict[str, str]:
    phase.plan["apps"] = {"publish": "copy"}
    return {}


def app_too_large(phase: Phase) -> dict[str, str]:
    phase.control("PATCH", "switches", {"app_upload_disk_size": 4096})
    return {}


def too_many_spaces(phase: Phase) -> dict[str, str]:
    phase.control("PATCH", "switches", {"managed_spaces": 3})
    return {}


def not_yet(phase: Phase) -> dict[str, str]:
    phase.plan["connections"] = {"FinDW": {"space": "Finance"}}
    return {}


CASES: list[tuple[Callable[[Phase], dict[str, str]], list[str]]] = [
    (name_taken, ['the name "Sales Lab" is taken by a space that is not ours', "choose another name"]),
    (other_roles_there, ["has the roles facilitator there", "remove that assignment"]),
    (user_missing, ["no active user with the subject somebody.else@acme.example", "qlift users"]),
    (two_users_with_one_mail, ["2 active users of the tenant have the email", "LOGIN-12"]),
    (wrong_key, ["Invalid or missing credentials", "check qlift:apiKey"]),
    (no_credentials, ["no credentials for", "QLIFT_API_KEY"]),
    (corrupt_bundle, ["stream.json", "not as it was exported", "export again"]),
    (app_file_lost, ["is in no app-file store", "qlift export"]),
    (misspelt_key, ["unknown key `schedule`", "did you mean `schedules`?", "plan.yaml:"]),
    (space_type_changed, ["a space's type cannot change"]),
    (private_content_copied, ["PRIVATE-CONTENT-COPIED", "General Ledger", "apps.publish to move"]),
    (app_too_large, ["the tenant takes app files of up to 4,096", "--data none"]),
    (too_many_spaces, ["may have 3 managed spaces and has 0", "this would be new space 4"]),
    (not_yet, ["`connections`", "later"]),
]


@pytest.mark.parametrize(("spoil", "signs"), CASES, ids=[c[0].__name__ for c in CASES])
def test_refused_in_preview_and_in_up(
    phase: Phase, spoil: Callable[[Phase], dict[str, str]], signs: list[str]
) -> None:
    env = spoil(phase)
    before = phase.tenant()
    for result in (phase.preview(env=env), phase.up(env=env)):
        assert not result.ok
        flat = " ".join(result.output.split())
        for sign in signs:
            assert sign in flat
        assert "Traceback" not in result.output
        assert phase.tenant() == before


def test_the_days_imports_are_used_up_and_the_next_day_goes_on(phase: Phase) -> None:
    phase.control("PATCH", "switches", {"imports_per_day": 5})
    met = phase.up("--skip-preview")
    assert not met.ok and "run it again tomorrow" in " ".join(met.output.split())
    assert "Traceback" not in met.output
    phase.control("PATCH", "switches", {"imports_per_day": 10_000})
    up = phase.up("--skip-preview")
    assert up.ok, up.output
    assert phase.preview(expect_no_changes=True).ok


def test_a_dead_tenant(engine: Engine, tmp_path: Path) -> None:
    with Simulator() as simulator:
        phase = Phase(engine, simulator, tmp_path)
        phase.export()
    result = phase.preview()
    assert not result.ok
    assert f"the tenant {phase.ends['tenant']['url']} cannot be reached" in result.output
    assert "Traceback" not in result.output


def test_personal_apps_want_an_oauth_client(engine: Engine, tmp_path: Path) -> None:
    with Simulator() as simulator:
        phase = Phase(engine, simulator, tmp_path, api_key=True)
        phase.export()
        before = phase.tenant()
        refused = phase.preview()
        assert not refused.ok and "an OAuth client with the scope admin.apps" in refused.output
        phase.plan["select"]["personal"] = False
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        assert phase.preview(expect_no_changes=True).ok
        assert phase.destroy().ok
        assert phase.tenant() == before
