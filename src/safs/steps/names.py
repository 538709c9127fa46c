"""Names that a pipeline run uses, checked before its first step rather than after an hour of training."""

from collections.abc import Mapping
from typing import Any

from safs.errors import unknown


def check_names(arguments: Mapping[str, Any]) -> None:
    """Check the data set, and the model and the operators where they are not the default ones.

    Args:
        arguments: the pipeline's parameters.

    Raises:
        SafsError: a name is unknown, or the data set's folder is missing.
    """
    from safs.data import source_named

    source_named(arguments["dataset"], arguments["data_root"])
    if arguments["operators"]:
        from safs.activations import operator_named  # takes torch, and that a second

        for name in arguments["operators"]:
            operator_named(name)
    if arguments["model"] != "lenet5":
        from safs.models import MODELS

        if arguments["model"] not in MODELS:
            raise unknown("model", arguments["model"], MODELS)
