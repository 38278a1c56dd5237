"""A pretend tenant and a pretend site: real HTTP servers for tests, the demo and `qlift simulate`."""

from __future__ import annotations

from qlift.simulator.clock import Clock
from qlift.simulator.description import Description
from qlift.simulator.faults import Fault
from qlift.simulator.ports import SimulatorError
from qlift.simulator.server import Simulator
from qlift.simulator.site.switches import SiteSwitches
from qlift.simulator.store import Store
from qlift.simulator.switches import Switches, positions

__all__ = [
    "Clock",
    "Description",
    "Fault",
    "Simulator",
    "SimulatorError",
    "SiteSwitches",
    "Store",
    "Switches",
    "positions",
]
