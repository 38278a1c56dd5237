"""A run of what was reviewed: refuses another bundle, plan or target, and names the files that differ.

The update plan holds the digests too (`providers.delete_guard`), so `pulumi up --plan` alone refuses as well;
it knows no files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from qlift.derivation.digest import Digests

VARIABLE = "QLIFT_REVIEWED"
"""Path of the review.json whose plan is applied."""


def refusal(now: Digests, stack: str, env: Mapping[str, str] = os.environ) -> str | None:
    path = env.get(VARIABLE)
    if not path:
        return None
    try:
        review = json.loads(Path(path).read_bytes())
        of, reviewed = str(review["stack"]), Digests.model_validate(review["digests"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return f"{VARIABLE}: {path} is no review that `qlift review` wrote; correct the path"
    if of != stack:
        return f"{path} is a review of the stack {of}, this is {stack}; review this one"
    changes = now.changes_since(reviewed)
    if not changes:
        return None
    lines = "\n".join(f"  {c}" for c in changes)
    return f"not what was reviewed; run `qlift review {stack}` again and have it read:\n{lines}"
