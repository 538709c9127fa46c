"""How the machine's loops are compiled: to code that needs neither Python nor Numba."""

from numba import njit

options = {"error_model": "numpy", "_nrt": False}  # no counting of references: nothing is allocated
quick = njit(**options)
reordered = njit(fastmath={"reassoc", "contract", "nsz"}, **options)
