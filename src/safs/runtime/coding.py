"""How numbers are laid down in a file: positions as 8-bit gaps, floats as planes of bytes, all of it in zstd frames."""

from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from safs.errors import SafsError

ESCAPE = 255  # a gap that goes on in the next byte
LEVEL = 19
WINDOW = 2**27  # bytes; what a decompressor may have to keep


def encode_gaps(positions: NDArray[np.int64]) -> bytes:
    """Rising positions as the number of zeros before each, in bytes; 255 stands for 255 zeros and goes on.

    Han et al. 2016, arXiv:1510.00149, has gaps of a fixed number of bits and fills with zeros; the escape needs none.
    """
    gaps = np.diff(positions, prepend=-1) - 1
    escapes, rest = np.divmod(gaps, ESCAPE)
    stream = np.full(int(escapes.sum()) + len(gaps), ESCAPE, np.uint8)
    stream[np.cumsum(escapes + 1) - 1] = rest
    return stream.tobytes()


def decode_gaps(stream: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The positions that `encode_gaps` was given.

    Raises:
        SafsError: the stream ends within a gap.
    """
    if len(stream) and stream[-1] == ESCAPE:
        raise SafsError("the file is damaged: a list of positions ends within a gap; export the model again")
    ends = stream != ESCAPE
    reached: NDArray[np.int64] = np.cumsum(stream.astype(np.int64) + ends)[ends] - 1
    return reached


def to_planes(values: NDArray[Any]) -> bytes:
    """Floats with all their first bytes first, then all the second: exponents lie together and compress."""
    raw = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return raw.view(np.uint8).reshape(-1, raw.itemsize).T.tobytes()


def from_planes(stream: bytes, kind: str) -> NDArray[Any]:
    """The floats of dtype `kind` that `to_planes` was given."""
    size = np.dtype(kind).itemsize
    turned = np.ascontiguousarray(np.frombuffer(stream, np.uint8).reshape(size, -1).T)
    return turned.view(np.dtype(kind).newbyteorder("<")).ravel()


def pack(raw: bytes) -> bytes:
    """One zstd frame that says how long its content is."""
    return zstandard.ZstdCompressor(level=LEVEL, write_content_size=True).compress(raw)


def unpack(frame: bytes, size: int) -> bytes:
    """The content of a frame that must be `size` bytes long.

    Raises:
        SafsError: the frame is damaged or says another size.
    """
    try:
        if zstandard.frame_content_size(frame) != size:
            raise SafsError("the file is damaged: a part of it is not as long as its header says")
        raw: bytes = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompress(
            frame, max_output_size=size, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise SafsError(f"the file is damaged: {error}; export the model again") from None
    if len(raw) != size:
        raise SafsError("the file is damaged: a part of it is not as long as its header says")
    return raw
