"""Lets `pulumi up --continue-on-error` go on past objects that depend on a failed one.

In SDK 3.259 a resource with a failed dependency ends the whole program with a traceback, wherever the other
registrations are. Ending it is right in the end: an engine whose program ends well deletes what was not
declared, and what depends on a failure was not. So the failure is held back until nothing else is running,
then raised as one plain line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pulumi
from pulumi.runtime.settings import _get_rpc_manager
from pulumi.runtime.stack import ResourceRegistrationFailed

_POLL_SECONDS = 0.05


def hold_back_dependents() -> None:
    """Call once, before anything is declared."""
    manager = _get_rpc_manager()
    do_rpc = manager.do_rpc
    running = 0
    skipped = 0

    def held_back(name: str, rpc: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal running, skipped
            running += 1
            try:
                return await rpc(*args, **kwargs)
            except ResourceRegistrationFailed:
                skipped += 1
            finally:
                running -= 1
            while running:
                await asyncio.sleep(_POLL_SECONDS)
            raise pulumi.RunError(
                f"{skipped} more resources were left as they are, because something that they depend on "
                "failed (see the errors of the others); nothing was deleted. Settle those and run it again."
            )

        return do_rpc(name, call)

    manager.do_rpc = held_back  # type: ignore[assignment, method-assign]
