"""App files by their content: `<store>/<sha256>.qvf`, in a folder or in object storage (fsspec)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable
from typing import Any, BinaryIO, cast

import fsspec

from qlift.bundle.errors import BlobError

CHUNK = 1024 * 1024


class BlobStore:
    """`url` is a folder or an fsspec URL. A file gets its final name when it is complete, never before.

    Raises `BlobError` for an address that nothing installed can write to.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._fs, self._root = _filesystem(url)
        except (ImportError, ValueError) as error:
            raise BlobError(f"the app-file store {url} cannot be used ({error})") from None

    def path(self, sha256: str) -> str:
        return f"{self._root}/{sha256}.qvf"

    def exists(self, sha256: str) -> bool:
        return bool(self._fs.exists(self.path(sha256)))

    def size(self, sha256: str) -> int:
        return int(self._fs.size(self.path(sha256)))

    def open(self, sha256: str) -> BinaryIO:
        return cast(BinaryIO, self._fs.open(self.path(sha256), "rb"))

    def put(self, chunks: Iterable[bytes], name: str = "") -> tuple[str, int]:
        """Store a stream, hashed while it passes. Returns sha256 and size (bytes).

        What breaks off leaves nothing behind; what a killed process left, the next one of the same `name`
        writes over, or `drop_parts` takes away. Raises `BlobError` when the store cannot take it.
        """
        part = self._part(name or uuid.uuid4().hex)
        try:
            return self._put(chunks, part)
        except OSError as error:
            raise BlobError(
                f"the app-file store {self.url} cannot be written ({error.strerror or error}); free some "
                "space "
                "or choose another place with --blobs"
            ) from None

    def drop_parts(self, names: Collection[str]) -> None:
        """Take away what killed processes left of streams with these names."""
        if not self._fs.exists(self._root):
            return
        for path in self._fs.glob(f"{self._root}/*.part"):
            if str(path).rsplit("/", 1)[-1].removesuffix(".part") in names:
                self._fs.rm(path)

    def _part(self, name: str) -> str:
        return f"{self._root}/{name}.part"

    def _put(self, chunks: Iterable[bytes], part: str) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        try:
            with self._fs.open(part, "wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
            sha256 = digest.hexdigest()
            if int(self._fs.size(part)) != size:
                raise BlobError(f"the app-file store {self.url} holds less than was written to it")
            self._fs.mv(part, self.path(sha256))
        except BaseException:
            if self._fs.exists(part):
                self._fs.rm(part)
            raise
        return sha256, size

    def verify(self, sha256: str) -> bool:
        """Whether the stored bytes are still those of the name."""
        digest = hashlib.sha256()
        with self.open(sha256) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest() == sha256


def _filesystem(url: str) -> tuple[Any, str]:
    if "://" not in url:
        return fsspec.filesystem("file", auto_mkdir=True), url.rstrip("/")
    filesystem, root = fsspec.core.url_to_fs(url)
    return filesystem, str(root).rstrip("/")
