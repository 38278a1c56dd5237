"""The simulated Qlik Sense site: a Repository Service, its sample content, and changes to it."""

from __future__ import annotations

from qlift.simulator.sample import (
    SAMPLE_PASSWORDS,
    SITE_ADMIN,
    SIZES,
    Person,
    SampleOptions,
    people,
    seed_sample,
)
from qlift.simulator.site.app import create_site_app
from qlift.simulator.site.bundles import SeedError, seed_from_bundle
from qlift.simulator.site.control import SITE_SWITCHES, control_router
from qlift.simulator.site.engine import Engine
from qlift.simulator.site.identity import Gate
from qlift.simulator.site.real import seed_real_qvf, tasks_from_ctrl_q
from qlift.simulator.site.switches import SiteSwitches

__all__ = [
    "SAMPLE_PASSWORDS",
    "SITE_ADMIN",
    "SITE_SWITCHES",
    "SIZES",
    "Engine",
    "Gate",
    "Person",
    "SampleOptions",
    "SeedError",
    "SiteSwitches",
    "control_router",
    "create_site_app",
    "people",
    "seed_from_bundle",
    "seed_real_qvf",
    "seed_sample",
    "tasks_from_ctrl_q",
]
