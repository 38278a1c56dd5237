"""The security rules of the sample site: the default ones that matter here, and what people added."""

from __future__ import annotations

from collections.abc import Sequence

from qlift.simulator.site.documents import Ids, system_rule
from qlift.simulator.site.kinds import Document

EVERYONE_STREAM = "aaec8d41-5201-43ab-809f-3063750dfafd"
"""The built-in stream has this id on every site that was looked at."""

_CONTENT = (
    "Stream_*, App*, ReloadTask_*, ExternalProgramTask_*, SchemaEvent_*, CompositeEvent_*, User*, "
    "CustomProperty*, Tag_*, DataConnection_*, Extension_*"
)

# name, resource filter, condition, actions, context, type
_DEFAULTS: tuple[tuple[str, str, str, int, int, str], ...] = (
    (
        "ServiceAccount",
        "*",
        '((user.userDirectory="INTERNAL" and user.userId like "sa_*"))',
        8191,
        0,
        "Read only",
    ),
    ("RootAdmin", "*", '((user.roles="RootAdmin"))', 8191, 2, "Read only"),
    ("ContentAdmin", _CONTENT, '((user.roles="ContentAdmin"))', 2271, 2, "Default"),
    (
        "ContentAdminRulesAccess",
        "SystemRule_*",
        '((user.roles="ContentAdmin" and resource.category="Security" and '
        'resource.resourceFilter matches "DataConnection_\\w{8}-.*"))',
        15,
        2,
        "Default",
    ),
    ("AuditAdmin", "*", '((user.roles="AuditAdmin"))', 2, 2, "Default"),
    (
        "Stream",
        "App*",
        '(resource.resourcetype = "App" and resource.stream.HasPrivilege("read")) or '
        '((resource.resourcetype = "App.Object" and resource.published = "true" and '
        'resource.objectType != "app_appscript") and resource.app.stream.HasPrivilege("read"))',
        2,
        0,
        "Read only",
    ),
    (
        "OwnerRead",
        "*",
        "resource.IsOwned() and resource.owner = user and !user.IsAnonymous()",
        2,
        0,
        "Default",
    ),
    (
        "OwnerUpdate",
        "App*, DataConnection_*",
        "resource.IsOwned() and resource.owner = user and !user.IsAnonymous()",
        28,
        0,
        "Default",
    ),
    (
        "CreateAppObjectsPublishedApp",
        "App.Object_*",
        '!resource.App.stream.Empty() and resource.App.HasPrivilege("read") and '
        '(resource.objectType = "userstate" or resource.objectType = "sheet" or '
        'resource.objectType = "story" or '
        'resource.objectType = "bookmark" or resource.objectType = "snapshot" or '
        'resource.objectType = "embeddedsnapshot" or resource.objectType = "hiddenbookmark") '
        "and !user.IsAnonymous()",
        1,
        0,
        "Default",
    ),
    ("CreateApp", "App_*", "!user.IsAnonymous()", 1, 1, "Default"),
    (
        "ExportAppData",
        "App_*",
        'resource.HasPrivilege("read") and !user.IsAnonymous()',
        256,
        0,
        "Default",
    ),
    ("StreamEveryone", f"Stream_{EVERYONE_STREAM}", "!user.IsAnonymous()", 34, 0, "Default"),
    ("StreamEveryoneAnonymous", f"Stream_{EVERYONE_STREAM}", "user.IsAnonymous()", 2, 1, "Default"),
)


def default_rules(ids: Ids) -> list[Document]:
    rules = [
        system_rule(
            ids("rule", name),
            name,
            filter_,
            rule,
            actions,
            type_=type_,
            context=context,
            comment="Default rule",
        )
        for name, filter_, rule, actions, context, type_ in _DEFAULTS
    ]
    rules.append(
        system_rule(
            ids("rule", "License"),
            "Professional access",
            "License.ProfessionalAccessGroup_*",
            '((user.name like "*"))',
            1,
            category="License",
        )
    )
    return rules


def custom_rules(
    ids: Ids, streams: Sequence[Document], users: Sequence[Document], groups: Sequence[str]
) -> list[Document]:
    """`streams`: finance, sales, HR, supply chain, in this order; `users` as `people` orders them."""
    finance, sales, human, supply = (f"Stream_{streams[n % len(streams)]['id']}" for n in range(4))
    readers, publishers = groups[0], groups[3 % len(groups)]
    editor, reader = users[3], users[8]

    def rule(name: str, filter_: str, text: str, actions: int, context: int = 0, **more: bool) -> Document:
        return system_rule(
            ids("rule", name),
            name,
            filter_,
            text,
            actions,
            context=context,
            disabled=more.get("disabled", False),
        )

    return [
        rule("Finance readers", finance, f'((user.group="{readers}"))', 2),
        rule("Report publishers", f"{finance},{sales},{supply}", f'((user.group="{publishers}"))', 34),
        rule("Departments read their stream", "Stream_*", "((resource.@Department=user.group))", 2),
        rule(
            "HR editor",
            human,
            f'((user.userId="{editor["userId"]}" and user.userDirectory="{editor["userDirectory"]}"))',
            34,
        ),
        rule("HR works council", human, f'((user.userId="{reader["userId"]}"))', 2),
        rule(
            "HR for cleared publishers",
            human,
            f'((user.group="{publishers}" and user.@Clearance="high" and !(user.userDirectory="PARTNER")))',
            2,
        ),
        rule("App level access", "App_*", "((resource.@AppLevelMgmt=user.userId))", 2),
        rule(
            "Finance sees all streams in the console", "Stream_*", f'((user.group="{readers}"))', 2, context=2
        ),
        rule("Sales for all (retired)", sales, '((user.name like "*"))', 2, disabled=True),
    ]
