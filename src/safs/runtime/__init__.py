"""Runs an exported network on a CPU, with NumPy and Numba alone: no torch, no Kubeflow, no MLflow."""
