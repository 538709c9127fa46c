import inspect
import math
from pathlib import Path
from typing import Any

import pytest

from safs.errors import SafsError
from safs.steps import STEPS
from safs.steps.arguments import check_arguments, parameter_docs, step_parameters


def has_default(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty


def check(step: str, **arguments: Any) -> dict[str, Any]:
    """Check arguments of a step, with some folder for every one that has no default."""
    parameters = step_parameters(STEPS[step])
    needed = {
        name: ["some"] if parameter.annotation == list[Path] else "some" for name, parameter in parameters.items()
    }
    given = {name: value for name, value in needed.items() if not has_default(parameters[name])}
    return check_arguments(parameters, {**given, **arguments}, parameter_docs(STEPS[step]))


@pytest.mark.parametrize("step", STEPS)
def test_every_parameter_is_documented_and_the_context_is_hidden(step: str):
    parameters, docs = step_parameters(STEPS[step]), parameter_docs(STEPS[step])
    assert "context" not in parameters
    assert list(docs) == list(parameters)
    assert all(docs.values())


@pytest.mark.parametrize("step", STEPS)
def test_defaults_pass_their_own_rules(step: str):
    checked = check(step)
    for name, parameter in step_parameters(STEPS[step]).items():
        if has_default(parameter):
            assert checked[name] == parameter.default


@pytest.mark.parametrize(
    ("step", "name", "value", "rule"),
    [
        ("prune", "sparsity", 1.0, "less than 1"),
        ("prune", "sparsity", 1.5, "less than 1"),
        ("prune", "sparsity", -0.1, "greater than or equal to 0"),
        ("prune", "sparsity", math.nan, ""),
        ("prune", "sparsity", "much", "valid number"),
        ("prune", "scope", "everywhere", "'layerwise', 'global', 'erk' or 'lamp'"),
        ("pretrain", "dense_epochs", 0, "greater than or equal to 1"),
        ("pretrain", "dense_epochs", 1.5, "valid integer"),
        ("pretrain", "learning_rate", 0.0, "greater than 0"),
        ("pretrain", "learning_rate", math.nan, ""),
        ("pretrain", "learning_rate", math.inf, "finite"),
        ("pretrain", "weight_decay", -1e-4, "greater than or equal to 0"),
        ("pretrain", "weight_decay", math.inf, "finite"),
        ("pretrain", "optimizer", "adm", "'adam', 'adamw' or 'sgd'"),
        ("pretrain", "seeds", [], "at least 1 item"),
        ("search", "candidates", -3, "greater than or equal to 1"),
        ("search", "history", 0, "greater than or equal to 1"),
        ("prepare", "split_seed", -1, "greater than or equal to 0"),
        ("prepare", "dataset", None, "valid string"),
    ],
)
def test_an_error_names_parameter_value_and_rule(step: str, name: str, value: Any, rule: str):
    with pytest.raises(SafsError) as caught:
        check(step, **{name: value})
    text = str(caught.value)
    assert text.startswith(f"{name} is {value!r}: ")
    assert rule in text
    assert parameter_docs(STEPS[step])[name] in text


def test_the_bad_one_of_several_values_is_named():
    with pytest.raises(SafsError, match=r"^seeds is -1: input should be greater than or equal to 0"):
        check("pretrain", seeds=[0, -1])


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(SafsError, match=r"unknown parameter 'sparsty'; did you mean 'sparsity'\?"):
        check("prune", sparsty=0.9)


def test_a_missing_parameter_is_named_with_what_it_is():
    with pytest.raises(SafsError, match=r"parameter out is missing: Folder to write the data set to"):
        check_arguments(step_parameters(STEPS["prepare"]), {}, parameter_docs(STEPS["prepare"]))


def test_values_are_brought_to_their_types():
    checked = check("pretrain", data="some/where", seeds=["3", 4], dense_epochs="7", learning_rate="1e-2")
    assert checked["data"] == Path("some/where")
    assert checked["seeds"] == [3, 4]
    assert checked["dense_epochs"] == 7
    assert checked["learning_rate"] == 0.01


def test_the_limits_of_a_selection_are_checked():
    assert check("select")["evaluations"] == [Path("some")]
    for name, value in (("accuracy_floor", 1.1), ("max_bytes", -1), ("prefer", "speed")):
        with pytest.raises(SafsError, match=f"^{name} is {value!r}: "):
            check("select", **{name: value})
