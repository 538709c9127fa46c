"""Reading an archive member by member: nothing is written to disk, and nothing may grow without limit."""

import io
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safs.errors import SafsError

CHUNK = 1 << 16
MEMORY = 256 << 20  # bytes; the decoder of the strongest xz preset needs 65 MiB


class Unpacked(io.RawIOBase):
    """The content of an .xz file as a stream that ends in an error beyond `limit` bytes.

    Args:
        path: the file.
        limit: how many bytes it may unpack to.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._limit, self._count = path, limit, 0
        self._file = path.open("rb")
        self._decoder = lzma.LZMADecompressor(memlimit=MEMORY)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one piece goes; 0 at the end.

        Raises:
            SafsError: the file is damaged or too large.
        """
        data = b""
        while not data and not self._decoder.eof:
            packed = self._file.read(CHUNK) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not packed:
                raise SafsError(f"{self._path} ends too early; fetch it again")
            try:
                data = self._decoder.decompress(packed, len(buffer))
            except lzma.LZMAError as error:
                raise SafsError(f"{self._path} is not a sound .xz file: {error}") from None
        self._count += len(data)
        if self._count > self._limit:
            raise SafsError(f"{self._path} unpacks to more than {self._limit:,} bytes, which no sound file does")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def tar_members(path: Path, limit: int, member_limit: int) -> Iterator[tuple[str, bytes]]:
    """The regular files of a .tar.xz archive, one after the other: name and content.

    Names are handed on as they stand in the archive, so a caller must not use them as paths.

    Args:
        path: the archive.
        limit: how many bytes it may unpack to.
        member_limit: how many bytes a member may have.

    Raises:
        SafsError: the archive is damaged, too large, or has links or devices.
    """
    try:
        with Unpacked(path, limit) as stream, tarfile.open(fileobj=io.BufferedReader(stream), mode="r|") as archive:
            for member in archive:
                if member.isdir():
                    continue
                if not member.isreg() or member.size > member_limit:
                    raise SafsError(
                        f"{path}: member {member.name[:100]!r} of {member.size:,} bytes is not a file of at most "
                        f"{member_limit:,} bytes"
                    )
                file = archive.extractfile(member)
                assert file is not None
                yield member.name, file.read()
            while stream.read(CHUNK):  # the checksum stands at the end
                pass
    except (tarfile.TarError, OSError, EOFError) as error:
        raise SafsError(f"{path} is not a sound .tar.xz archive: {error}") from None
