"""The Pulumi program: reads the stack's phase and declares its jobs."""

from qlift.program.phase import declare_phase

declare_phase()
