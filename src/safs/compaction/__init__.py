"""Compaction: a smaller network with the same outputs, without the units that do nothing."""

from safs.compaction.compact import Compacted, compact

__all__ = ["Compacted", "compact"]
