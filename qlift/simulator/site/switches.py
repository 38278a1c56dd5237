"""Where the contract of the Repository Service, proxy and engine is silent: one switch for each doubt.

Defaults are what the source reference calls most likely. A client has to work in every position.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class SiteSwitches(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True, use_attribute_docstrings=True)

    count: Literal["everything", "visible"] = "everything"
    """Whether `/count` knows of objects that the caller's list leaves out (1.4 has clients compare both)."""
    download_path: Literal["bare", "prefixed"] = "bare"
    """Whether `downloadPath` behind a virtual proxy has its prefix (4: no; 13: a client relies on it)."""
    script_access: Literal["update", "object", "root_admin"] = "update"
    """Who gets a script from the engine: who may update the app, who may read its `app_appscript` object, or
    people with the role RootAdmin alone."""
