"""What a `plan.yaml` may say: strict models, every key with a default or a clear error.

`docs/plan.md` is the reference for people; a test compares its keys with these models. What stands below a
key is its description in the JSON Schema, which editors show.
"""

from __future__ import annotations

from datetime import date
from string import Formatter
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    field_validator,
    model_validator,
)

from qlift.derivation.names import slug

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


def _not_empty(given: tuple[object, ...]) -> tuple[object, ...]:
    """After its items: pydantic's own `min_length` counts the sound ones, and complains twice."""
    if not given:
        raise ValueError("should name at least one; or leave it out")
    return given


NOT_EMPTY = AfterValidator(_not_empty)
AT_LEAST_ONE = Field(json_schema_extra={"minItems": 1})
Words = Annotated[tuple[Word, ...], NOT_EMPTY, AT_LEAST_ONE]
SpaceType = Literal["managed", "shared"]
Step = Literal["spaces", "apps", "publications", "permissions", "owners", "schedules"]
STEPS: tuple[Step, ...] = get_args(Step)
"""In their order inside a job."""


class PlanModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SourceBundle(PlanModel):
    """An export that goes into this phase."""

    site: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """The site's name, as in the bundle."""
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
    """Any of them: ids in the source."""
    names: tuple[Word, ...] = ()
    """Any of them: whole names."""
    custom_properties: dict[Word, Word] = {}
    """All of them, each with its value."""


class PersonalSelection(PlanModel):
    """Unpublished apps of some people: their logins, or the groups they are in."""

    owners: tuple[Word, ...] = ()
    """Logins, such as `CORP\\jane`."""
    groups: tuple[Word, ...] = ()
    """Groups of the source's user directory."""


class Selection(PlanModel):
    """Streams, apps and personal apps."""

    streams: tuple[Word, ...] | Literal["all"] | None = None
    """Names or ids, or `all`. Default: those that `spaces` come from."""
    apps: AppSelection = AppSelection()
    """Narrows the apps of the selected streams and people."""
    personal: StrictBool | PersonalSelection = False
    """Unpublished apps: all of them, or those of some people. Needs an OAuth client with `admin.apps`."""


class UserRule(PlanModel):
    """How users of one directory are known to the tenant."""

    directory: Word
    """The user directory in the source."""
    subject: Template | None = None
    """Template of the subject, such as `CORP\\{user_id}`; it may use user_id, directory, name and email."""
    email: Template | None = None
    """Template of the e-mail. Default: the user's own at the source."""


class MissingOwner(PlanModel):
    """Who gets what belonged to people who left."""

    assign_to: Word
    """A user of the tenant, named as `match_by` says, or a login of the source."""


class UserMapping(PlanModel):
    """Who is who; the target's users file goes before this."""

    rules: tuple[UserRule, ...] = ()
    """One for each directory."""
    match_by: Literal["subject", "email"] = "subject"
    """By what the tenant's users are found."""
    missing: Literal["error"] = "error"
    """What becomes of users whom the tenant has not: the only value yet."""
    missing_owner: MissingOwner | None = None
    """Who gets what belonged to people who left. Default: an error."""


class GroupMapping(PlanModel):
    """Which group is which; without a row in a groups file its name stays."""

    map: Word | None = None
    """CSV file beside the plan; it goes before the target's own groups file."""
    missing: Literal["error"] = "error"
    """What becomes of groups that the tenant has not: the only value yet."""
    everyone: Word | None = None
    """The tenant's group that stands for everybody who can log in."""


class FromStream(PlanModel):
    """The stream that a space is made from."""

    stream: Word
    """Name or id."""
    site: Word | None = None
    """Needed when several sites have such a stream."""


class Grant(PlanModel):
    """Roles in a space for a user (a login of the source, or a user of the tenant) or a tenant's group."""

    user: Word | None = None
    """A login of the source, or a user of the tenant."""
    group: Word | None = None
    """A group of the tenant."""
    roles: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Such as `consumer`; which ones there are depends on the space's type."""

    @model_validator(mode="after")
    def _one_assignee(self) -> Self:
        if (self.user is None) == (self.group is None):
            raise ValueError("needs either `user` or `group`")
        return self


Access = Literal["from_rules", "none"] | tuple[Literal["from_rules"] | Grant, ...]


class SpacePlan(PlanModel):
    """A space of the tenant. Its key is its logical name and never changes."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    type: SpaceType
    """`managed`: apps are imported into a staging space and published. `shared`: they go straight in."""
    from_: FromStream | None = Field(None, alias="from")
    """The stream that it is made from."""
    name: Word | None = None
    """Its name in the tenant. Default: the key."""
    description: LongText = ""
    """In the tenant."""
    staging: Word | None = None
    """Managed spaces: key of the shared space where their apps are imported. Default: one of its own."""
    owner: Word | None = None
    """A login of the source, or a user of the tenant. Default: the identity that qlift works as."""
    access: Access | None = None
    """Who gets roles: `from_rules`, `none`, or a list of `from_rules` and grants.

    Default: from_rules when the space comes from a stream, else none.
    """
    handed_over: StrictBool = False
    """It is people's from now on, with all that is in it: nothing of it is enforced or deleted any more."""
    working_role: StrictBool = True
    """Whether qlift's own identity gets a role in the space while it works there."""
    of: Word | None = None
    """The phase that makes the space; here it is only referred to, by its name."""
    adopt: StrictBool = False
    """A space of that name that is in the tenant already is taken over."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.type == "shared" and self.staging is not None:
            raise ValueError("`staging` belongs to managed spaces; apps go straight into a shared one")
        if self.of is not None:
            mine = ("owner", "access", "description", "adopt", "handed_over")
            fixed = [k for k in mine if k in self.model_fields_set]
            if fixed:
                raise ValueError(f"`{fixed[0]}` is for the phase that makes the space (`of: {self.of}`)")
        return self


class SpacesRule(PlanModel):
    """Spaces for all selected streams that `spaces` does not name."""

    type: SpaceType
    """Of all these spaces."""
    prefix: Annotated[str, Field(max_length=1_000)] = ""
    """Before the stream's name."""
    suffix: Annotated[str, Field(max_length=1_000)] = ""
    """After the stream's name."""
    owner: Word | None = None
    """Of all these spaces. Default: the identity that qlift works as."""
    access: Literal["from_rules", "none"] = "from_rules"
    """Whether people get roles by the source's rules."""


class AcceptedWidening(PlanModel):
    """A rule that may let in more people than the source does: a person answers for it."""

    rule: Word
    """Its name in the source."""
    until: date
    """The last day on which it is accepted."""


class AccessPlan(PlanModel):
    """Exceptions to what the source allows."""

    accept_widening: tuple[AcceptedWidening, ...] = ()
    """Rules that may let in more people than the source does."""


class AppsPlan(PlanModel):
    """Settings for all apps of the phase."""

    publish: Literal["move", "copy"] = "move"
    """`move` keeps private and community content with its owners; `copy` is for public content only."""
    data: Literal["all", "none"] | None = None
    """The data that the export has to hold. Default: whatever it holds."""
    scope: Literal["all", "published", "approved"] | None = None
    """The objects that the export has to hold. Default: whatever it holds."""
    on_source_change: Literal["ask", "republish", "new_copy"] = "ask"
    """What becomes of an app whose source changed, and which people changed in the tenant too."""
    handed_over: tuple[Word, ...] = ()
    """Names or ids of apps that are people's from now on."""


class SchedulesPlan(PlanModel):
    """Settings for all reload tasks of the phase."""

    enabled: StrictBool = False
    """`true` is the cut-over. What is disabled in the source stays disabled."""
    confirmed: tuple[Word, ...] = ()
    """Ids of triggers in doubt that a person has compared: they are enabled as the others."""


def _kinds(given: object) -> object:
    if isinstance(given, bool):
        raise ValueError("name the kinds, such as `adopt: {spaces: true}`, or single objects of them")
    return given


class AdoptPlan(PlanModel):
    """What is taken over where the tenant has it already: all of a kind, or objects by name."""

    spaces: StrictBool | tuple[Word, ...] = ()
    """Found by name, of the same type."""
    assignments: StrictBool | tuple[Word, ...] = ()
    """The roles of somebody in a space."""
    apps: StrictBool | tuple[Word, ...] = ()
    """Apps in shared spaces; their content stays what it is."""
    schedules: StrictBool | tuple[Word, ...] = ()
    """Reload tasks."""


_SELECTS_NOTHING = "selects nothing; name something, or leave `select` out: what no other job takes"


class JobSelection(PlanModel):
    """Objects of the phase. One has to satisfy every key given here.

    Publications, schedules and owners of apps go by their app; permissions and owners of spaces by their
    space, which goes by its stream.
    """

    streams: Words = ()
    """Any of them: names or ids."""
    tags: Words = ()
    """Any of them: of the app, or of the stream."""
    owners: Words = ()
    """Any of them: logins, of the app's or the stream's owner in the source."""
    custom_properties: Annotated[dict[Word, Word], Field(min_length=1)] = {}
    """All of them, each with its value: of the app, or of the stream."""
    ids: Words = ()
    """Any of them: ids of apps or streams in the source."""
    names: Words = ()
    """Any of them: names of apps or spaces; `*` stands for any text, `?` for one character."""

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(_SELECTS_NOTHING)
        return self


class JobPlan(PlanModel):
    """A job: some steps for some objects."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """Of its own in the plan."""
    steps: Annotated[tuple[Step, ...], NOT_EMPTY, AT_LEAST_ONE]
    """They run in their own order, whatever the order here."""
    select: JobSelection | None = None
    """Its objects. Default: those that no other job takes."""
    _line: int = PrivateAttr(0)

    @property
    def line(self) -> int:
        """Where it stands in plan.yaml, for messages; 0: in no file."""
        return self._line

    def at_line(self, line: int) -> None:
        self._line = line

    @property
    def key(self) -> str:
        """Logical name."""
        return slug(self.name)

    @field_validator("select", mode="before")
    @classmethod
    def _nothing_is_not_the_rest(cls, given: object) -> object:
        """Elsewhere a key with nothing after it is left out; here that would select other objects."""
        if given is None:
            raise ValueError(_SELECTS_NOTHING)
        return given

    @model_validator(mode="after")
    def _steps_once(self) -> Self:
        twice = [s for s in STEPS if self.steps.count(s) > 1]
        if twice:
            raise ValueError(f"the step {twice[0]} stands twice in `steps`")
        return self


STANDARD_JOBS = tuple(JobPlan(name=step, steps=(step,)) for step in STEPS)


JobsPlan = Literal["standard"] | Annotated[tuple[JobPlan, ...], NOT_EMPTY, AT_LEAST_ONE]


def _distinct(given: JobsPlan) -> JobsPlan:
    if given == "standard":
        return given
    problems = []
    for number, job in enumerate(given):
        for other in given[:number]:
            if other.name == job.name:
                problems.append(f"two jobs are called {job.name}; call one of them otherwise")
            elif other.key == job.key:
                both = f"the jobs {other.name} and {job.name} would both have the logical name {job.key}"
                problems.append(f"{both}; call one of them otherwise")
            if other.select is None and job.select is None:
                problems += [
                    f"the jobs {other.name} and {job.name} both take what no other job takes of the step "
                    f"{step}; give one of them `select`"
                    for step in STEPS
                    if step in other.steps and step in job.steps
                ]
    if problems:
        raise ValueError("; ".join(problems))
    return given


class Plan(PlanModel):
    """What goes where in one phase of a migration."""

    version: Literal[1]
    """Of this format."""
    phase: Annotated[str, Field(pattern=PHASE_NAME)]
    """Name of the phase, as its folder's."""
    sources: Annotated[tuple[SourceBundle, ...], Field(min_length=1)]
    """The bundles that go into this phase."""
    handed_over: StrictBool = False
    """All of it is people's from now on."""
    uses: tuple[Word, ...] = ()
    """Other phases whose spaces this one refers to."""
    select: Selection = Selection()
    """What belongs to this phase."""
    users: UserMapping = UserMapping()
    """Who is who."""
    groups: GroupMapping = GroupMapping()
    """Which group is which."""
    spaces: dict[Word, SpacePlan] = {}
    """Spaces by key. Keys never change."""
    spaces_rule: SpacesRule | None = None
    """Spaces for selected streams that `spaces` does not name."""
    access: AccessPlan = AccessPlan()
    """What a person answers for."""
    apps: AppsPlan = AppsPlan()
    """How apps get into the tenant."""
    schedules: SchedulesPlan = SchedulesPlan()
    """What becomes of reload tasks."""
    adopt: Annotated[AdoptPlan, BeforeValidator(_kinds)] = AdoptPlan()
    """What is taken over where the tenant has it already."""
    jobs: Annotated[JobsPlan, AfterValidator(_distinct)] = "standard"
    """The work in jobs, in the order in which people read them. `standard`: one job for each step."""
    provenance: Literal["description", "none"] = "description"
    """`description`: one last line in descriptions by which qlift knows its own work.

    `none`: only Pulumi's state knows.
    """

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
