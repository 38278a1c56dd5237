"""A pretend tenant and a pretend site: real HTTP servers for tests, the demo and `qlift simulate`."""

from __future__ import annotations

from qlift.simulator.clock import Clock
from qlift.simulator.faults import Fault
from qlift.simulator.server import Description, Simulator, SimulatorError
from qlift.simulator.store import Store
from qlift.simulator.switches import Switches, positions

__all__ = [
    "Clock",
    "Description",
    "Fault",
    "Simulator",
    "SimulatorError",
    "Store",
    "Switches",
    "positions",
]
