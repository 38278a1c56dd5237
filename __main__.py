"""The Pulumi program: reads the stack's phase and declares its jobs."""

from qlift.program import declare_phase

declare_phase()
