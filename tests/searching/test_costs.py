import pytest

from safs.activations import OPERATORS
from safs.errors import SafsError
from safs.files import write_json
from safs.models import ModelSpec, fresh_model
from safs.runtime.prices import operator_prices
from safs.searching.costs import candidate_cost, pareto_front, read_prices, site_sizes
from safs.searching.study import read_study
from safs.steps.search import search
from tests.chain import SEARCH, Chain


def test_every_operator_has_a_price_and_relu_is_cheaper_than_what_takes_exponentials():
    prices = operator_prices()
    assert set(OPERATORS) <= set(prices)
    assert min(prices.values()) > 0
    assert prices["relu"] < prices["softplus"]
    with pytest.raises(SafsError, match="unknown activation operator 'rellu'"):
        operator_prices(["rellu"])


def test_prices_of_another_machine_decide_what_is_cheap(chain: Chain, tmp_path):
    dear = {name: 1.0 if name == "tanh" else 50.0 for name in OPERATORS}
    write_json(tmp_path / "prices.json", dear)
    given = {**SEARCH, "objective": "pareto", "prices": str(tmp_path / "prices.json")}
    search(chain.data, chain.prune, tmp_path / "out", **given)
    for study in read_study(tmp_path / "out"):
        for trial in study.trials:
            cheap = all(name == "tanh" for name in trial.activations.values())
            assert trial.cost == pytest.approx(1 / 50) if cheap else trial.cost > 1 / 50


@pytest.mark.parametrize(("content", "words"), [("[]", "does not hold prices"), ('{"relu": 1.0}', "has no price of")])
def test_a_file_without_the_prices_is_refused(tmp_path, content: str, words: str):
    (tmp_path / "prices.json").write_text(content)
    with pytest.raises(SafsError, match=words):
        read_prices(tmp_path / "prices.json", OPERATORS)


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
