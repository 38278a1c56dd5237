"""The pretend Qlik Cloud tenant."""

from __future__ import annotations

from qlift.simulator.tenant.app import create_tenant_app
from qlift.simulator.tenant.seed import Credentials, Person, seed_tenant
from qlift.simulator.tenant.tokens import end_access_tokens
from qlift.simulator.tenant.world import World

__all__ = ["Credentials", "Person", "World", "create_tenant_app", "end_access_tokens", "seed_tenant"]
