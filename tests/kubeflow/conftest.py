"""Fixtures of whole runs, and a Kubeflow of our own."""

import pytest
from kubeflow_server import Kubeflow, serving
from small_run import first_run

__all__ = ["first_run"]


@pytest.fixture
def kubeflow():
    """The Kubeflow's content, and its address."""
    content = Kubeflow()
    with serving(content) as host:
        yield content, host
