"""Arrays of the user's in one `.npz` file; nothing in it is unpickled, and its sizes are known before it is unpacked."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from safs.data.dataset import PARTS, Part
from safs.data.labelled import Found, Labelled
from safs.data.listing import check_name
from safs.errors import SafsError

LIMIT = 32 << 30  # bytes that a file may unpack to
RULE = (
    "x and y, which are split, or train_x, train_y and the same for validation and test; beside them classes (names in the order "
    "of the labels) and groups (for each of x)"
)


def read_npz(path: Path) -> Found:
    """Read arrays of images or series with their labels.

    Args:
        path: an `.npz` file with `x` and `y` or, for given parts, `train_x`, `train_y`, `test_x` and so on (Keras's order
            `x_train` will do). Images are uint8, [count, height, width], [count, channels, height, width] or
            [count, height, width, channels] with 1 or 3 channels; series are floats [count, channels, length]. Labels are
            whole numbers or strings.

    Raises:
        SafsError: the file is damaged, an array is missing, has another form, objects or values that are not finite.
    """
    arrays = {_usual(name): array for name, array in load_arrays(path).items()}
    known = {"classes", "groups", "x", "y"} | {f"{part}_{which}" for part in PARTS for which in "xy"}
    strange = sorted(set(arrays) - known - {f"{part}_groups" for part in PARTS})
    if strange:
        raise SafsError(f"{path} holds an array {strange[0]!r}; an .npz file holds {RULE}")
    classes = _classes(arrays.get("classes"), path)
    parts: dict[Part, Labelled] = {}
    if "x" in arrays or "y" in arrays:
        if any(name.endswith(("_x", "_y")) for name in arrays):
            raise SafsError(f"{path} holds x and y as well as parts; it holds {RULE}")
        parts["train"] = _part(path, "", arrays, classes)
    else:
        for part in PARTS:
            if f"{part}_x" in arrays or f"{part}_y" in arrays:
                parts[part] = _part(path, f"{part}_", arrays, classes)
    if not parts:
        raise SafsError(f"{path} holds {', '.join(arrays) or 'nothing'}; an .npz file holds {RULE}")
    return Found(parts)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name.

    Raises:
        SafsError: it is damaged, holds objects or a name twice, or unpacks to more than `LIMIT`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
            if total > LIMIT:
                raise SafsError(f"{path} unpacks to {total:,} bytes; at most {LIMIT:,} are taken")
            arrays = {}
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                check_name(name, f"{path}: {name}")
                if name in arrays:
                    raise SafsError(f"{path} holds {name!r} twice")
                with archive.open(entry) as file:
                    arrays[name] = _array(file, path, name, entry.file_size)
            return arrays
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SafsError(f"{path} is damaged or not an .npz file ({error}); write it with numpy.savez") from None


def _array(file: Any, path: Path, name: str, size: int) -> NDArray[Any]:
    try:
        version = npy.read_magic(file)
        shape, fortran, kind = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
        if kind.hasobject:
            raise SafsError(
                f"{path}: {name!r} holds Python objects, which only pickle reads, and pickle can run any code"
            )
        wanted = int(np.prod(shape, dtype=object)) * kind.itemsize
        if wanted > size:
            raise SafsError(f"{path}: {name!r} says it has {wanted:,} bytes in a file of {size:,}; it is damaged")
        raw = file.read(wanted)
        array = np.frombuffer(raw, kind).reshape(shape, order="F" if fortran else "C")
    except (ValueError, TypeError, SyntaxError) as error:
        raise SafsError(f"{path}: {name!r} is not an array of numpy's ({' '.join(str(error).split())})") from None
    return array


def _usual(name: str) -> str:
    """`x_train` is `train_x`, `x_val` and `val_x` are `validation_x`."""
    pieces = name.split("_")
    if len(pieces) == 2:
        which, part = pieces if pieces[0] in {"x", "y", "groups"} else (pieces[1], pieces[0])
        name = f"{ {'val': 'validation', 'valid': 'validation'}.get(part, part) }_{which}"
    return name


def _classes(array: NDArray[Any] | None, path: Path) -> tuple[str, ...]:
    if array is None:
        return ()
    if array.ndim != 1 or array.dtype.kind != "U":
        raise SafsError(f"{path}: classes is {array.dtype} {array.shape}; it is a list of strings")
    names = tuple(str(name) for name in array)
    for name in names:
        check_name(name, f"{path}: class {name}")
    if len(set(names)) < len(names):
        raise SafsError(f"{path}: classes has a name twice")
    return names


def _part(path: Path, prefix: str, arrays: dict[str, NDArray[Any]], classes: tuple[str, ...]) -> Labelled:
    for name in (f"{prefix}x", f"{prefix}y"):
        if name not in arrays:
            raise SafsError(f"{path} has no {name}; an .npz file holds {RULE}")
    x, y, groups = arrays[f"{prefix}x"], arrays[f"{prefix}y"], arrays.get(f"{prefix}groups")
    where = f"{path}: {prefix}x"
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or len(x) != len(y) or len(y) == 0:
        raise SafsError(f"{where} {x.shape} and {prefix}y {y.shape} do not belong together: a label for each example")
    if groups is not None and groups.shape != y.shape:
        raise SafsError(
            f"{path}: {prefix}groups has the shape {groups.shape}; it names a group for each of {len(y)} examples"
        )
    names = names_of(y, classes, f"{path}: {prefix}y")
    return Labelled(examples_of(x, where), names, tuple(str(group) for group in groups) if groups is not None else ())


def examples_of(x: NDArray[Any], where: str) -> NDArray[Any]:
    """An array's images, uint8 [count, channels, height, width], or series, float32 [count, channels, length].

    Raises:
        SafsError: it is neither, or has values that are not finite; `where` says which array.
    """
    if x.dtype == np.uint8 and x.ndim == 3:
        return x[:, None]
    if x.dtype == np.uint8 and x.ndim == 4:
        if x.shape[1] in {1, 3}:
            return x
        if x.shape[3] in {1, 3}:
            return np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        raise SafsError(f"{where} has the shape {x.shape}; the second or the last size is the channels, 1 or 3")
    if x.dtype.kind == "f" and x.ndim == 3:
        with np.errstate(over="ignore"):
            series = x.astype(np.float32)
        if not np.isfinite(series).all():
            place = np.argwhere(~np.isfinite(series))[0].tolist()
            raise SafsError(f"{where} has the value {x[tuple(place)]} at {place}; series hold finite numbers")
        return series
    raise SafsError(
        f"{where} is {x.dtype} {x.shape}; images are uint8 (0 to 255) of 3 or 4 dimensions, series are floats of 3 dimensions"
    )


def names_of(y: NDArray[Any], classes: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The names that labels stand for: themselves, or those of `classes` at their numbers.

    Raises:
        SafsError: they are neither strings nor numbers, or a number has no class.
    """
    if y.dtype.kind == "U":
        if classes:
            raise SafsError(f"{where} has strings, so classes is not needed; leave it out")
        names = tuple(str(label) for label in y)
        for name in set(names):
            check_name(name, f"{where}: {name}")
        return names
    if y.dtype.kind not in "iu":
        raise SafsError(f"{where} is {y.dtype}; labels are whole numbers or strings")
    if not classes:
        return tuple(str(label) for label in y.tolist())
    if int(y.min()) < 0 or int(y.max()) >= len(classes):
        wrong = int(y.min()) if int(y.min()) < 0 else int(y.max())
        raise SafsError(f"{where} has the label {wrong}; there are {len(classes)} classes, 0 to {len(classes) - 1}")
    return tuple(classes[label] for label in y.tolist())
