"""Desired state → component resources: the only room that declares anything to Pulumi."""

from qlift.program.phase import declare_phase

__all__ = ["declare_phase"]
