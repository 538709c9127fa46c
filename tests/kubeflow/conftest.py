"""Fixtures of whole runs."""

from small_run import first_run

__all__ = ["first_run"]
