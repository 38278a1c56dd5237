"""What the Repository Service says about itself."""

from __future__ import annotations

ABOUT = {
    "buildVersion": "38.35.0.0",
    "buildDate": "9/20/2013 10:09:00 AM",
    "databaseProvider": "Devart.Data.PostgreSql",
    "nodeType": 1,
    "sharedPersistence": True,
    "requiresBootstrap": False,
    "singleNodeOnly": False,
    "schemaPath": "About",
}
ENUMS: dict[str, dict[str, list[str]]] = {
    "DaylightSavingTimeEnum": {
        "values": [
            "0: ObserveDaylightSavingTime",
            "1: PermanentStandardTime",
            "2: PermanentDaylightSavingTime",
        ],
        "usages": ["SchemaEvent.DaylightSavingTime"],
    },
    "IncrementOptionEnum": {
        "values": ["0: once", "1: hourly", "2: daily", "3: weekly", "4: monthly", "5: custom"],
        "usages": ["SchemaEvent.IncrementOption"],
    },
    "RuleStateEnum": {
        "values": ["0: Undefined", "1: TaskSuccessful", "2: TaskFail"],
        "usages": ["CompositeEventRule.RuleState"],
    },
    "TaskTypeEnum": {
        "values": ["0: Reload", "1: ExternalProgram", "2: UserSync", "3: Distribute"],
        "usages": [
            "Task.TaskType",
            "ReloadTask.TaskType",
            "ExternalProgramTask.TaskType",
            "UserSyncTask.TaskType",
        ],
    },
    "TaskExecutionStatusEnum": {
        "values": [
            "0: NeverStarted",
            "1: Triggered",
            "2: Started",
            "3: Queued",
            "4: AbortInitiated",
            "5: Aborting",
            "6: Aborted",
            "7: FinishedSuccess",
            "8: FinishedFail",
            "9: Skipped",
            "10: Retry",
            "11: Error",
            "12: Reset",
            "13: DistributionQueue",
            "14: DistributionRunning",
        ],
        "usages": ["ExecutionResult.Status"],
    },
    "RuleContextEnum": {
        "values": ["0: BothQlikSenseAndQMC", "1: QlikSenseOnly", "2: QMCOnly"],
        "usages": ["SystemRule.RuleContext"],
    },
    "EventTypeEnum": {
        "values": ["0: Schema", "1: Composite"],
        "usages": ["SchemaEvent.EventType", "CompositeEvent.EventType"],
    },
    "DetailsTypeEnum": {
        "values": ["0: Error", "1: Warning", "2: Information"],
        "usages": ["ExecutionResult.Detail.DetailsType"],
    },
    "AppAvailabilityStatusEnum": {
        "values": [
            "0: NotApplicable",
            "1: Available",
            "2: NoActiveRoute",
            "3: NoConfiguredRoute",
            "4: NotSynced",
            "5: NotMigrated",
        ],
        "usages": ["App.AvailabilityStatus"],
    },
    "LogOnEnum": {"values": ["0: ServiceUser", "1: CurrentUser"], "usages": ["DataConnection.LogOn"]},
    "ArchitectureEnum": {
        "values": ["0: Undefined", "1: x86", "2: x64"],
        "usages": ["DataConnection.Architecture"],
    },
}
"""The members of the service have `values` and `usages`; their names are not documented."""
