"""QlikView sites: an offline folder, read and checked; nothing is derived from it yet."""

from qlift.bundle.qlikview.reader import load_qlikview
from qlift.bundle.qlikview.site import QlikViewBundle

__all__ = ["QlikViewBundle", "load_qlikview"]
