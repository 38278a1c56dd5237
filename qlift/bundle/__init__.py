"""The contract between the rooms: an export of a site, as files that people review and machines verify."""

from qlift.bundle.blobs import BlobStore
from qlift.bundle.errors import BlobError, BundleError
from qlift.bundle.reader import Bundle, load_bundle
from qlift.bundle.writer import Writer

__all__ = ["BlobError", "BlobStore", "Bundle", "BundleError", "Writer", "load_bundle"]
