"""What a phase wants of the tenant: bundle + plan + people → desired state and findings.

No network, no Pulumi, no clock: the same bundle and plan give the same desired state, byte for byte.
"""

from qlift.derivation.derive import derive
from qlift.derivation.phase import PeopleFiles, derive_phase
from qlift.derivation.plan_file import PlanError

__all__ = ["PeopleFiles", "PlanError", "derive", "derive_phase"]
