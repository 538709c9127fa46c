"""Training kernels that touch only the weights that are left, compiled by Numba on the user's machine."""
