"""`qlift assess`: what of a site moves, what changes, what cannot, how long, and what need not move at all.

No network and no clock: the same bundle, tenant facts and day give the same assessment, byte for byte.
"""

from qlift.derivation.assessment.assess import assess
from qlift.derivation.assessment.model import Assessment, TenantFacts

__all__ = ["Assessment", "TenantFacts", "assess"]
