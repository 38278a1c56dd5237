"""What a `plan.yaml` may say: strict models, every key with a default or a clear error.

`docs/plan.md` is the reference for people; a test compares its keys with these models.
"""

from __future__ import annotations

from datetime import date
from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

PLAN_SITE = "plan"
"""Stands for the site in the provenance of spaces that only the plan knows."""

PHASE_NAME = r"^[a-z0-9][a-z0-9-]*$"

RULE_FIELDS = ("user_id", "directory", "name", "email")
"""What the templates of user rules may use."""


def _template(text: str) -> str:
    try:
        parts = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise ValueError(f"not a template: {error}") from None
    for name, form, conversion in parts:
        if name not in RULE_FIELDS:
            known = ", ".join(f"{{{name}}}" for name in RULE_FIELDS)
            raise ValueError(f"unknown field {{{name}}}; known are {known}")
        if form or conversion:
            raise ValueError(f"{{{name}}} takes no format after `:` or `!`")
    return text


Template = Annotated[str, AfterValidator(_template)]
Word = Annotated[str, Field(min_length=1, max_length=1_000)]
LongText = Annotated[str, Field(max_length=10_000)]
SpaceType = Literal["managed", "shared"]


class PlanModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceBundle(PlanModel):
    site: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    bundle: Word
    """Folder, relative to the repository."""
    blobs: Word | None = None
    """App-file store, a folder or URL. Default: `blobs` in the bundle."""

    @model_validator(mode="after")
    def _not_the_plan(self) -> Self:
        if self.site == PLAN_SITE:
            raise ValueError(f"a site cannot be called {PLAN_SITE}: the word stands for the plan itself")
        return self


class AppSelection(PlanModel):
    """Narrows the apps of the selected streams and people. An app has to satisfy every key given here."""

    tags: tuple[Word, ...] = ()
    """Any of them."""
    ids: tuple[Word, ...] = ()
    names: tuple[Word, ...] = ()
    custom_properties: dict[Word, Word] = {}
    """All of them."""


class PersonalSelection(PlanModel):
    """Unpublished apps of some people: their logins, or the groups they are in."""

    owners: tuple[Word, ...] = ()
    groups: tuple[Word, ...] = ()


class Selection(PlanModel):
    streams: tuple[Word, ...] | Literal["all"] | None = None
    """Names or ids; default: those that `spaces` come from."""
    apps: AppSelection = AppSelection()
    personal: StrictBool | PersonalSelection = False


class UserRule(PlanModel):
    directory: Word
    subject: Template | None = None
    email: Template | None = None
    """Default: the user's own e-mail at the source."""


class MissingOwner(PlanModel):
    assign_to: Word
    """A user of the tenant, named as `match_by` says, or a login of the source."""


class UserMapping(PlanModel):
    rules: tuple[UserRule, ...] = ()
    match_by: Literal["subject", "email"] = "subject"
    missing: Literal["error"] = "error"
    missing_owner: MissingOwner | None = None


class GroupMapping(PlanModel):
    map: Word | None = None
    """CSV file beside the plan; it goes before the target's own groups file."""
    missing: Literal["error"] = "error"
    everyone: Word | None = None
    """The tenant's group that stands for everybody who can log in."""


class FromStream(PlanModel):
    stream: Word
    """Name or id."""
    site: Word | None = None
    """Needed when several sites have such a stream."""


class Grant(PlanModel):
    """Roles in a space for a user (a login of the source, or a user of the tenant) or a tenant's group."""

    user: Word | None = None
    group: Word | None = None
    roles: Annotated[tuple[Word, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_assignee(self) -> Self:
        if (self.user is None) == (self.group is None):
            raise ValueError("needs either `user` or `group`")
        return self


Access = Literal["from_rules", "none"] | tuple[Literal["from_rules"] | Grant, ...]


class SpacePlan(PlanModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    type: SpaceType
    from_: FromStream | None = Field(None, alias="from")
    name: Word | None = None
    """Default: the key."""
    description: LongText = ""
    staging: Word | None = None
    """Managed spaces: key of the shared space where their apps are imported. Default: one of its own."""
    owner: Word | None = None
    """Default: the identity that qlift works as."""
    access: Access | None = None
    """Default: from_rules when the space comes from a stream, else none."""
    handed_over: StrictBool = False
    """It is people's from now on, with all that is in it: nothing of it is enforced or deleted any more."""
    working_role: StrictBool = True
    """Whether qlift's own identity gets a role in the space while it works there."""
    of: Word | None = None
    """The phase that makes the space; here it is only referred to, by its name."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.type == "shared" and self.staging is not None:
            raise ValueError("`staging` belongs to managed spaces; apps go straight into a shared one")
        if self.of is not None:
            fixed = [
                k for k in ("owner", "access", "description", "handed_over") if k in self.model_fields_set
            ]
            if fixed:
                raise ValueError(f"`{fixed[0]}` is for the phase that makes the space (`of: {self.of}`)")
        return self


class SpacesRule(PlanModel):
    """Spaces for all selected streams that `spaces` does not name."""

    type: SpaceType
    prefix: Annotated[str, Field(max_length=1_000)] = ""
    suffix: Annotated[str, Field(max_length=1_000)] = ""
    owner: Word | None = None
    access: Literal["from_rules", "none"] = "from_rules"


class AcceptedWidening(PlanModel):
    rule: Word
    until: date
    """The last day on which it is accepted."""


class AccessPlan(PlanModel):
    accept_widening: tuple[AcceptedWidening, ...] = ()


class AppsPlan(PlanModel):
    publish: Literal["move", "copy"] = "move"
    data: Literal["all", "none"] | None = None
    """What the export has to hold; default: whatever it holds."""
    scope: Literal["all", "published", "approved"] | None = None
    on_source_change: Literal["ask", "republish", "new_copy"] = "ask"
    """What becomes of an app whose source changed, and which people changed in the tenant too."""
    handed_over: tuple[Word, ...] = ()
    """Names or ids of apps that are people's from now on."""


class SchedulesPlan(PlanModel):
    enabled: StrictBool = False
    confirmed: tuple[Word, ...] = ()
    """Ids of triggers in doubt that a person has compared: they are enabled as the others."""


class Plan(PlanModel):
    version: Literal[1]
    phase: Annotated[str, Field(pattern=PHASE_NAME)]
    sources: Annotated[tuple[SourceBundle, ...], Field(min_length=1)]
    handed_over: StrictBool = False
    """All of it is people's from now on."""
    uses: tuple[Word, ...] = ()
    """Other phases whose spaces this one refers to."""
    select: Selection = Selection()
    users: UserMapping = UserMapping()
    groups: GroupMapping = GroupMapping()
    spaces: dict[Word, SpacePlan] = {}
    spaces_rule: SpacesRule | None = None
    access: AccessPlan = AccessPlan()
    apps: AppsPlan = AppsPlan()
    schedules: SchedulesPlan = SchedulesPlan()
    jobs: Literal["standard"] = "standard"
    provenance: Literal["description", "none"] = "description"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sites = [source.site for source in self.sources]
        twice = sorted({site for site in sites if sites.count(site) > 1})
        if twice:
            raise ValueError(f"the site {twice[0]} stands twice in `sources`")
        unknown = sorted({s.of for s in self.spaces.values() if s.of is not None} - set(self.uses))
        if unknown:
            raise ValueError(f"the phase {unknown[0]} of a space is missing from `uses`")
        return self
