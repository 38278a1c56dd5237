"""Where the contract is silent: one switch for each doubt, with the behaviours that are plausible.

Defaults are what is most likely. A client has to work in every position. Sections are those of the reference
of Qlik Cloud's interface.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

_NUMBERS = {"item_lag": [0.0, 5.0], "space_lag": [0.0, 2.0], "grant_lag": [0.0, 2.0]}


class Switches(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True, use_attribute_docstrings=True)

    # Time and limits
    item_lag: float = Field(default=1.0, ge=0)
    """Seconds until a change of an app shows in its item. The lag is not documented (1.6)."""
    space_lag: float = Field(default=0.0, ge=0)
    """Seconds after its creation in which a space refuses imports and publications with 403 (1.6)."""
    grant_lag: float = Field(default=0.0, ge=0)
    """Seconds until a new or changed assignment takes effect (1.6)."""
    tier1_per_minute: int = Field(default=1000, ge=1)
    """Documented (1.5); settable, so that tests can run into it or past it."""
    tier2_per_minute: int = Field(default=100, ge=1)
    """Documented (1.5)."""
    limit_window_seconds: int = Field(default=300, ge=1)
    """Documented (1.5)."""
    rate_limits: bool = True
    """Off: no request is ever limited."""

    # Tenant's size
    imports_per_day: int = Field(default=10_000, ge=0)
    """By subscription 300, 2,000 or 10,000 (17)."""
    app_upload_disk_size: int = -1
    """Largest app file in bytes, -1: none; what an import past it answers is not published (413 here)."""
    shared_spaces: int = -1
    """Quota of shared spaces, -1: none (1.7)."""
    managed_spaces: int = -1
    """Quota of managed spaces, -1: none (1.7)."""

    # Lists
    last_page_link: Literal["absent", "null"] = "absent"
    """`links.next` on the last page is absent, or an object whose `href` is null (1.3)."""

    location: Literal["absolute", "path"] = "absolute"
    """`Location` of exports and uploads: with the client's origin, or the path alone (4.1, 18)."""

    # Spaces
    space_name_case_sensitive: bool = True
    """Whether "Sales" and "SALES" are two names (16)."""
    space_name_scope: Literal["tenant", "type"] = "tenant"
    """Whether a shared and a managed space may have the same name (3.1)."""
    rename_conflict_status: Literal[409, 400] = 409
    """Renaming a space to a name that is taken (16)."""
    bad_space_name_status: Literal[400, 422] = 400
    """A name with forbidden characters (3.1)."""
    owner_assignment: Literal["accepted", "refused"] = "accepted"
    """Assigning the owner of a space explicitly; refused with 409 (3.4)."""
    bot_assignee: Literal["either", "user", "bot"] = "either"
    """As what an OAuth client's bot user is assigned; 400 for the other type (3.4 lists three)."""
    assignments_block_space_delete: bool = False
    """Whether assignments make a space non-empty (3.3)."""
    assigned_space_owner: Literal["kept", "removed"] = "kept"
    """What becomes of somebody's assignment when they become the owner (3.4)."""

    # Rights
    admin_needs_space_role: bool = True
    """A tenant admin without a role cannot publish, import or edit in a space: so in the UI's tables (17)."""
    app_owner_elevation: bool = True
    """Who is given an app gets a role in its space (producer in shared, facilitator in managed ones)."""

    # Apps
    app_error_body: Literal["errors", "empty", "text"] = "errors"
    """No error schema of the apps service is published (1.4)."""
    app_missing_status: Literal[404, 403] = 404
    """An app that does not exist or is out of reach (16)."""
    app_refusal_status: Literal[400, 403, 422] = 403
    """Publishing into a shared space, moving out of a managed one, and the like (16)."""
    corrupt_import_status: Literal[400, 422, 500] = 400
    """Importing what is no app file (16)."""
    object_not_owned_status: Literal[404, 400, 403] = 404
    """Giving away somebody else's object; 400 and 404 are documented, without words (4.1)."""
    managed_import: Literal["refused", "accepted"] = "refused"
    """Importing straight into a managed space (4.3)."""
    deleted_app_get_status: Literal[404, 410, 403] = 404
    """A softly deleted app (16)."""
    restored_without_space: Literal["personal", "kept", "refused"] = "personal"
    """Where a restored app goes whose space is gone: to its owner, to nowhere, or not at all (4.6)."""
    restore_status: Literal[404, 400, 403] = 404
    """Restoring what is not deleted, or was purged: all three are documented, without words (4.1)."""
    reload_moves_modified_date: bool = False
    """Whether a reload counts as a change of the app (4.2)."""
    own_objects_move_modified_date: bool = True
    """Whether a sheet or bookmark that a user makes for themselves counts as a change of the app (4.2)."""
    publish_move_keeps_id: bool = True
    """Whether publishing by move keeps the app's id (17)."""
    publish_twice: Literal["two_apps", "refused"] = "two_apps"
    """Publishing the same app into the same space again; refused with 409 (4.5)."""
    private_objects_on_copy: Literal["dropped", "kept", "exposed"] = "dropped"
    """What publishing by copy does with other people's private objects (17)."""
    community_objects_on_copy: Literal["approved", "kept"] = "approved"
    """Objects that their owner published: part of the published app's base, or still community (17)."""
    origin_check_default: bool = False
    """`checkOriginAppId` when it is not sent (4.5)."""
    origin_check_status: Literal[403, 400, 409] = 403
    """Republishing from an app that is not the origin, with the check on (4.5)."""
    republish_origin_app_id: Literal["staged", "unchanged"] = "staged"
    """`originAppId` of the published app after a republish (4.5: staged, in one example)."""
    republish_data_default: Literal["source", "target"] = "source"
    """Which data a republish leaves when `data` is not sent (16)."""

    # Tasks
    tasks_on_app_move: Literal["disabled", "deleted"] = "disabled"
    """Disabled by the types; deleted by what users report (4.6)."""
    script_change_disables_tasks: bool = True
    """Changing a script "may" disable tasks (4.7)."""
    republish_disables_tasks: bool = False
    """Whether a republish counts as a change of the script (4.7)."""
    task_cron: Literal["refused", "accepted"] = "refused"
    """`start.schedule.cron` and `interval` are in the schema and in no example (16)."""
    task_patch_answer: Literal[200, 204] = 200
    """Both are documented (6.3)."""

    # Users
    deleted_user_get: Literal["404", "status"] = "404"
    """A deleted user is gone, or answered with status `deleted` (16)."""


def positions() -> dict[str, list[Any]]:
    """For every switch that stands for a doubt: all its positions, the default first."""
    found: dict[str, list[Any]] = {}
    for name, field in Switches.model_fields.items():
        if name == "rate_limits":
            continue
        if field.annotation is bool:
            values: list[Any] = [True, False]
        elif get_origin(field.annotation) is Literal:
            values = list(get_args(field.annotation))
        elif name in _NUMBERS:
            values = list(_NUMBERS[name])
        else:
            continue
        found[name] = [field.default, *(value for value in values if value != field.default)]
    return found
