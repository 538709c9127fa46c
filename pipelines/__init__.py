"""Kubeflow pipelines; what they compile to is kept in `safs.kubeflow`."""
