"""Exact removal of the units that pruning has cut off."""
