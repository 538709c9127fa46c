"""How much memory a data set may take."""

from pathlib import Path

from safs.errors import SafsError

SHARE = 0.25  # of what is free: two steps may run at a time, and each needs memory for more than its data
LIMITS = (("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
          ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"))  # fmt: skip
UNKNOWN = 8 << 30  # bytes; taken to be free where the system does not say


def budget_bytes(memory_gib: float) -> int:
    """Bytes that a data set may take.

    Args:
        memory_gib: in GiB; 0 for a quarter of what is free on this machine, or in this container.

    Raises:
        SafsError: it is negative.
    """
    if memory_gib < 0:
        raise SafsError(f"memory_gib is {memory_gib}; it is a size in GiB, or 0 for a quarter of what is free")
    return int(memory_gib * 2**30) if memory_gib else int(SHARE * free_bytes())


def free_bytes() -> int:
    """Memory that is free on this machine, or in this container if it has less."""
    free = [UNKNOWN]
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        free = [1024 * int(lines["MemAvailable"].split()[0])]
    for limit, used in LIMITS:
        if Path(limit).exists() and (value := Path(limit).read_text().strip()) != "max":
            free.append(max(0, int(value) - int(Path(used).read_text())))
    return min(free)
