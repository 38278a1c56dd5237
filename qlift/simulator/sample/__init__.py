"""The sample site: an invented company, generated from a seed."""

from __future__ import annotations

from qlift.simulator.sample.options import SIZES, SampleOptions
from qlift.simulator.sample.people import SITE_ADMIN, Person, people
from qlift.simulator.sample.scripts import SCRIPT_PASSWORD
from qlift.simulator.sample.seed import SAMPLE_PASSWORDS, seed_sample

__all__ = [
    "SAMPLE_PASSWORDS",
    "SCRIPT_PASSWORD",
    "SITE_ADMIN",
    "SIZES",
    "Person",
    "SampleOptions",
    "people",
    "seed_sample",
]
