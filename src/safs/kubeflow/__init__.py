"""Kubeflow Pipelines: the compiled pipeline, its parameters, local runs and submission."""
