"""One image file to pixels: what is taken, what is turned, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from safs.errors import SafsError

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SMALLEST, LARGEST = 4, 16_384  # pixels a side
MOST = 64_000_000  # pixels an image
Image.init()  # else a format that is not yet loaded is a KeyError


def read_image(path: Path, side: int = 0) -> tuple[NDArray[np.uint8], str]:
    """Read an image file; its content decides what it is, not its name.

    Grey images have one channel, all others three; a palette becomes colours; the camera's orientation is applied; an
    alpha channel that hides nothing is dropped.

    Args:
        path: the file.
        side: bring the shorter side to so many pixels (bilinear) and cut the middle out; 0 keeps the size.

    Returns:
        Pixels [channels, height, width], and the format.

    Raises:
        SafsError: the file is damaged or no image, has more than one frame, more than 8 bits a channel, transparent
            pixels, colours other than grey or RGB, or a side below 4 or above 16,384 pixels.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            _check(image, path)
            image.load()
            upright = ImageOps.exif_transpose(image)
            pixels = np.asarray(_resize(_plain(upright, path), side))
            kind = "JPEG" if image.format == "MPO" else str(image.format)
    except SafsError:
        raise
    except Image.DecompressionBombError:
        raise SafsError(f"{path} would unpack to more than {MOST:,} pixels; it is refused as a bomb") from None
    except Exception as error:  # decoders fail in ways that Pillow does not list
        reason = "is empty" if path.stat().st_size == 0 else f"is damaged or no image ({' '.join(str(error).split())})"
        raise SafsError(f"{path} {reason}; replace or remove it") from None
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)), kind


def _check(image: Any, path: Path) -> None:
    width, height = image.size
    if width * height > MOST or max(width, height) > LARGEST:
        raise SafsError(
            f"{path} has {width}x{height} pixels; at most {MOST:,} and {LARGEST:,} a side are taken, so that no file unpacks "
            "without limit"
        )
    if min(width, height) < SMALLEST:
        raise SafsError(
            f"{path} has {width}x{height} pixels; at least {SMALLEST}x{SMALLEST} are needed to show anything"
        )
    if image.format not in {"JPEG", "MPO"} and getattr(image, "n_frames", 1) > 1:
        raise SafsError(f"{path} has {image.n_frames} frames; save the one that counts as a file of its own")
    raw = str(image.tile[0][3]) if image.tile else ""
    if image.mode.startswith(("I", "F")) or ";16" in raw:
        raise SafsError(
            f"{path} has more than 8 bits a channel ({image.mode}); bring it to 8 bits, by a rule you choose"
        )
    if image.mode not in {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX"}:
        raise SafsError(f"{path} has {image.mode} colours; grey and RGB are taken, convert it with its colour profile")


def _plain(image: Any, path: Path) -> Any:
    if image.mode in {"1", "L"} and "transparency" not in image.info:
        return image.convert("L")
    if image.mode in {"LA", "La", "PA", "RGBA"} or "transparency" in image.info:
        grey = image.mode in {"LA", "La", "L", "1"}
        image = image.convert("LA" if grey else "RGBA")
        if image.getchannel("A").getextrema()[0] < 255:
            raise SafsError(f"{path} has transparent pixels; put it on the background it should have")
        return image.convert("L" if grey else "RGB")
    return image.convert("RGB")


def _resize(image: Any, side: int) -> Any:
    return ImageOps.fit(image, (side, side), Image.Resampling.BILINEAR) if side else image
