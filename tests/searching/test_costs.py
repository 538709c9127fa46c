import pytest

from safs.activations import OPERATORS
from safs.models import ModelSpec, fresh_model
from safs.searching.costs import candidate_cost, operator_costs, pareto_front, site_sizes


def test_every_operator_has_a_cost_and_relu_is_cheaper_than_what_takes_exponentials(training):
    costs = operator_costs(OPERATORS)
    assert set(costs) == set(OPERATORS)
    assert min(costs.values()) > 0
    assert costs["relu"] < costs["softplus"]


def test_sites_are_weighed_by_what_they_handle(spec: ModelSpec, training):
    model = fresh_model(spec)
    sizes = site_sizes(model, training.x[:1])

    assert sizes["act1"] > sizes["act2"] > sizes["act3"] > sizes["act4"] == 84
    assert model.training
    costs = {"relu": 1.0, "tanh": 10.0}
    early = candidate_cost({"act1": "tanh", "act4": "relu"}, sizes, costs)
    assert early == 10 * sizes["act1"] + 84


@pytest.mark.parametrize(
    ("accuracies", "costs", "front"),
    [([], [], []), ([0.5], [1], [0]), ([0.5, 0.5], [1, 1], [0]), ([0.5, 0.6], [1, 1], [1]), ([0.5, 0.4], [1, 2], [0])],
)
def test_the_front_holds_what_nothing_beats(accuracies, costs, front):
    assert pareto_front(accuracies, costs) == front
