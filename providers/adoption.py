"""What all kinds share that can be adopted: taken over from people, and given back instead of deleted.

The former values are inputs. A create compares the live object with them and with what is wanted, field by
field, so a run that was killed between two writes goes on; what is neither was changed since the review.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from providers.base import Inputs, Refusal
from providers.session import TenantProvider, refusals, session
from qlift.cloud.index import NOT_LIVE
from qlift.cloud.provenance import Provenance, provenance_of
from qlift.derivation.former import Former, FormerOwner

_NO_REPLACEMENT = (
    "it was adopted, and an adopted object is never replaced by another; leave it out of the plan for one "
    "`up`, which gives it back, then plan it anew"
)
_MADE_HERE = (
    "adopted.yaml holds former values of it, and this stack made it itself, so an undo deletes it; write "
    "`new` there instead of them"
)
_LET_GO = (
    "it was adopted, and the plan or adopted.yaml does not say so any more: put that back; or, to let it go, "
    "leave it out of the plan for one `up`, which gives it back"
)
_REWRITTEN = (
    "its former values in adopted.yaml are not those that it was adopted with, which an undo has to write "
    "back; restore the file from git"
)
_AGAIN = "remove its entry from adopted.yaml and run `qlift adopt <stack>` again"


class AdoptableInputs(Inputs):
    former: Former | None = None
    """What it was before it was adopted; None: qlift made it."""

    @property
    def adopted(self) -> bool:
        return self.former is not None


A = TypeVar("A", bound=AdoptableInputs)


class AdoptingProvider(TenantProvider[A]):
    """Subclasses implement `accept` too."""

    def accept(self, new: A) -> Any:
        """The live object, if it is what it was or what is wanted. Raises `Refusal`."""
        raise NotImplementedError

    def about_adoption(self, new: A, old: A | None) -> list[tuple[str, str]]:
        if old is None:
            return refusals(("former", lambda: self.accept(new))) if new.adopted else []
        if old.former == new.former:
            replaced = self._changed(old, new) & self.replaced_by if new.adopted else set()
            return [(f, _NO_REPLACEMENT) for f in sorted(replaced)]
        reason = _MADE_HERE if old.former is None else _LET_GO if new.former is None else _REWRITTEN
        return [("former", reason)]


def gone(what: str) -> Refusal:
    return Refusal(
        f"adopted.yaml says that it is {what} of the tenant, which is not there any more; remove its entry "
        "from adopted.yaml and run `qlift adopt <stack>`: then it is made"
    )


def agree_on_owner(live_id: str, former: FormerOwner, wanted_id: str) -> None:
    if live_id not in (former.id, wanted_id):
        label = session().user_label
        agree([("owner", label(live_id), former.subject, label(wanted_id))])


def former_owner(former: FormerOwner) -> str:
    """The former owner's id of today: a user who was made anew has another. Raises `Refusal`."""
    known = session().tenant.index.user(former.id)
    if known is not None and known.status not in NOT_LIVE:
        return known.id
    again = session().user_or_none("subject", former.subject)
    if again is None:
        raise Refusal(
            f"its former owner {former.subject} ({former.id}) is no user of the tenant any more; give it to "
            "somebody there, then drop this resource from the state with `pulumi state delete`"
        )
    return again.id


def ours(text: str, line: Provenance) -> bool:
    """Whether a description says that this stack has it already. Raises `Refusal` for another stack's."""
    found = provenance_of(text)
    if found is None:
        return False
    if not line.same_object(found):
        raise Refusal(
            f"it is managed already: the stack {found.stack} made or adopted it from "
            f"{found.site}/{found.source}; let that stack give it up first, or do not adopt it here"
        )
    return True


def agree(fields: Iterable[tuple[str, Any, Any, Any]]) -> None:
    """Field, live, former and wanted value. Raises `Refusal` with all that are neither."""
    wrong = [
        f"its {name} is {live!r} in the tenant, neither {former!r} (adopted.yaml) nor {wanted!r} (the plan)"
        for name, live, former, wanted in fields
        if live not in (former, wanted)
    ]
    if wrong:
        raise Refusal(
            f"{'; '.join(wrong)}: somebody changed it since the review; change it back there, or {_AGAIN}"
        )
