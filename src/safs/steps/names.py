"""Names that a pipeline run uses, checked before its first step rather than after an hour of training."""

from collections.abc import Mapping, Sequence
from typing import Any

from safs.errors import SafsError


def check_choice(operators: Sequence[str]) -> None:
    """Check that there is something to choose from; no operator named means all of them.

    Raises:
        SafsError: there is not.
    """
    if operators and len(set(operators)) < 2:
        raise SafsError(f"operators is {list(operators)}: name at least 2 to choose from, or none for all")


def check_names(arguments: Mapping[str, Any]) -> None:
    """Check the data set, and the model and the operators where they are not the default ones.

    Args:
        arguments: the pipeline's parameters.

    Raises:
        SafsError: a name is unknown, or the data set's folder is missing.
    """
    from safs.data import find_source

    find_source(arguments["dataset"], arguments["data_root"])
    if arguments["operators"]:
        from safs.activations import operator_named  # takes torch, and that a second

        for name in arguments["operators"]:
            operator_named(name)
        check_choice(arguments["operators"])
    if arguments["model"] != "lenet5":
        from safs.models.named import factory_of

        factory_of(arguments["model"])
