"""One stack for all service tests."""

from collections.abc import Iterator

import pytest

from tests.stack import Stack, missing, running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """PostgreSQL, an S3 server, and an MLflow server on both."""
    if missing():
        pytest.skip(missing())
    with running() as stack:
        yield stack
