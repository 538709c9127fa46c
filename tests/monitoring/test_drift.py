"""Drifted digits are found, clean ones are left alone: with the statistics alone, without a registry."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression

from safs.data.digits import CLASSES, read_digits
from safs.data.tensors import as_inputs
from safs.monitoring.drift import compare
from safs.monitoring.limits import Limits
from safs.monitoring.metrics import render_metrics
from safs.monitoring.outcome import Outcome, State, conclude
from safs.reference.features import blank_share, features_of, repeated_share
from safs.reference.holm import holm
from safs.reference.profile import Profile, make_profile, read_profile, write_profile

Change = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]
RANDOM = np.random.default_rng(0)


class World:
    """A simple classifier of digits, its profile, and batches of the digits it has not seen."""

    def __init__(self) -> None:
        parts = read_digits(0)
        self.x, self.y = as_inputs(parts["test"].x), parts["test"].y
        train, validation = parts["train"], parts["validation"]
        self.model = LogisticRegression(max_iter=300).fit(as_inputs(train.x).reshape(len(train.x), -1), train.y)
        reference = as_inputs(validation.x)
        self.profile = make_profile(reference, self.predict(reference), validation.y, CLASSES)

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self.model.predict_proba(x.reshape(len(x), -1)), np.float32)

    def look(self, x: NDArray[np.float32], labels: NDArray[np.int64] | None = None, limits: Limits = Limits()):
        findings = compare(self.profile, limits, x, self.predict(x), labels)
        return conclude([], findings, None, limits, []), findings


@pytest.fixture(scope="module")
def world() -> World:
    return World()


DRIFTS: dict[str, Change] = {
    "noise": lambda x, _: np.clip(x + RANDOM.normal(0, 0.15, x.shape), 0, 1).astype(np.float32),
    "blur": lambda x, _: ndimage.gaussian_filter(x, (0, 0, 1.5, 1.5)),
    "inversion": lambda x, _: 1 - x,
    "darkness": lambda x, _: x * np.float32(0.7),
    "class shift": lambda x, y: np.concatenate([x[y < 3], x[y >= 3][:20]]),
    "one class": lambda x, y: np.repeat(x[y == 4], 3, axis=0)[:100],
}


@pytest.mark.parametrize("kind", DRIFTS)
def test_drifted_digits_are_found(world: World, kind: str):
    (state, reason, drifted), findings = world.look(DRIFTS[kind](world.x, world.y))
    assert state is State.DRIFT, reason
    assert drifted
    families = {finding.family for finding in findings if finding.drifted}
    assert ("predictions" if "class" in kind else "inputs") in families


def test_of_ten_clean_batches_at_most_one_is_an_alarm(world: World):
    random = np.random.default_rng(7)
    alarms = 0
    for _ in range(10):
        chosen = random.choice(len(world.x), 150, replace=False)
        (state, _, _), _ = world.look(world.x[chosen], world.y[chosen])
        alarms += state is not State.FINE
    assert alarms <= 1


def test_false_alarms_are_as_rare_as_the_budget_says():
    """Reference and batches drawn from one distribution, anew each time; a budget of one in ten to see anything at all."""
    random, limits, alarms, repeats = (
        np.random.default_rng(1),
        Limits(false_alarms=1, batches=10, min_effect=0.0),
        0,
        300,
    )
    for _ in range(repeats):
        x = random.normal(0, 1, (260, 1, 16)).astype(np.float32)
        probabilities = random.dirichlet(np.ones(3), 260).astype(np.float32)
        labels = random.integers(0, 3, 260)
        profile = make_profile(x[:150], probabilities[:150], labels[:150], "abc")
        findings = compare(profile, limits, x[150:], probabilities[150:], labels[150:])
        alarms += any(finding.drifted for finding in findings)
    assert alarms / repeats <= 0.13  # 0.1, and a standard deviation and a half of 200 draws


def test_lost_accuracy_is_found_where_labels_are_known(world: World):
    wrong = world.y.copy()
    wrong[::4] = (wrong[::4] + 1) % 10
    (state, reason, _), _ = world.look(world.x, wrong)
    assert state is State.LESS_ACCURATE
    assert "lower than on the reference" in reason
    (state, _, _), _ = world.look(world.x, world.y)
    assert state is State.FINE


def test_persistence_waits_for_batches_in_a_row(world: World):
    limits = Limits(persistence=2)
    findings = compare(world.profile, limits, 1 - world.x, world.predict(1 - world.x), None)
    assert conclude([], findings, None, limits, [])[::2] == (State.FINE, True)
    assert conclude([], findings, None, limits, [False, True])[0] is State.FINE
    assert conclude([], findings, None, limits, [True])[0] is State.DRIFT


def test_a_certain_but_tiny_difference_is_none(world: World):
    brighter = world.x * np.float32(1.004)
    assert world.look(brighter)[0][0] is State.FINE


def test_a_slow_model_is_said_to_be_slow():
    assert conclude([], [], 3.0, Limits(max_latency_ms=2), [])[0] is State.SLOW
    assert conclude([], [], 3.0, Limits(), [])[0] is State.FINE


def test_a_profile_is_compact_and_read_back_as_it_was(world: World, tmp_path):
    write_profile(tmp_path, world.profile)
    assert read_profile(tmp_path) == world.profile
    assert (tmp_path / "profile.json").stat().st_size < 150_000
    (tmp_path / "profile.json").write_text(json.dumps({"version": 1}))
    with pytest.raises(Exception, match="not a reference profile"):
        read_profile(tmp_path)


def test_features_of_series_and_images_have_one_value_an_example():
    for shape in ((5, 3, 64), (5, 1, 28, 28), (5, 3, 7, 9), (5, 2, 2)):
        found = features_of(np.random.default_rng(0).random(shape, np.float32))
        assert {values.shape for values in found.values()} == {(5,)}
        assert len(found) >= 5 * shape[1]


def test_shares_of_blank_and_repeated_examples():
    x = np.random.default_rng(0).random((10, 1, 4, 4), np.float32)
    assert (blank_share(x), repeated_share(x)) == (0, 0)
    x[3:5] = 0.5
    assert blank_share(x) == 0.2
    assert repeated_share(x) == pytest.approx(0.1)


def test_holm_adjusts_as_in_the_textbook():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_metrics_are_in_the_form_of_prometheus(world: World):
    from prometheus_client.parser import text_string_to_metric_families

    (state, reason, drifted), findings = world.look(1 - world.x)
    outcome = Outcome(state, reason, "b", "f", 9, [], findings, 0.5, 0.9, 2.0, drifted, Limits())
    text = render_metrics(outcome, 'sa"fs', "3")
    samples = {
        (sample.name, sample.labels.get("family")): sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["safs_monitor_state", None].value == 3
    assert samples["safs_monitor_state", None].labels == {"model": 'sa"fs', "version": "3"}
    assert samples["safs_monitor_drifted", "inputs"].value > 0
    assert samples["safs_monitor_latency_seconds", None].value == 0.002
    assert isinstance(world.profile, Profile)
