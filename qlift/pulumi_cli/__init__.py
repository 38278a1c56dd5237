"""Finds, builds and runs the Pulumi engine (the `pulumi` command, which no Python package brings).

The engine comes, in this order, from `PATH`, from the SDK's own installer, or from its Go module (module
`ensure`). `find_engine` never builds; `ensure_engine` does whatever it takes and says how it goes.
"""

from qlift.pulumi_cli.cache import ENGINE_VERSION, MINIMUM_VERSION
from qlift.pulumi_cli.engine import Engine, Result
from qlift.pulumi_cli.ensure import ensure_engine, find_engine
from qlift.pulumi_cli.errors import EngineError

__all__ = [
    "ENGINE_VERSION",
    "MINIMUM_VERSION",
    "Engine",
    "EngineError",
    "Result",
    "ensure_engine",
    "find_engine",
]
