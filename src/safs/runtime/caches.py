"""The caches that a core has to itself."""

from pathlib import Path

PLACE = Path("/sys/devices/system/cpu/cpu0/cache")
LEAST = {1: 2**15, 2: 2**19}  # bytes, where the system does not say


def cache(level: int, place: Path = PLACE) -> int:
    """Bytes of the first or the second cache of a core, for data.

    Args:
        level: 1 or 2.
        place: where Linux describes the caches.
    """
    found = [LEAST[level]]
    for index in place.glob("index*"):
        try:
            said = {name: (index / name).read_text().strip() for name in ("level", "type", "size")}
            if said["level"] == str(level) and said["type"] != "Instruction":
                found.append(int(said["size"].removesuffix("K")) * 1024)
        except (OSError, ValueError):  # nothing is said of this one
            continue
    return max(found)
