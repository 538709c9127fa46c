"""When a model is trained anew."""

from dataclasses import replace
from pathlib import Path

import pytest

from safs.errors import SafsError
from safs.retraining.decision import Facts, Rules, decide, read_rules

WELL = Facts("3", 10.0, ["fine", "fine"], 5.0, False)


@pytest.mark.parametrize(
    ("facts", "rules", "word"),
    [
        (WELL, Rules(), ""),
        (replace(WELL, age_days=91), Rules(), "91 days old"),
        (replace(WELL, age_days=91), Rules(max_age_days=0), ""),
        (replace(WELL, states=["drift", "fine"]), Rules(), ""),
        (replace(WELL, states=["drift", "drift", "fine"]), Rules(), "the latest 2 batches: drift"),
        (replace(WELL, states=["drift", "data fault", "drift"]), Rules(), "the latest 2 batches: drift"),
        (replace(WELL, states=["data fault", "data fault"]), Rules(), ""),
        (replace(WELL, states=["drift"]), Rules(drifted_batches=1), "the latest batch: drift"),
        (replace(WELL, states=["less accurate"]), Rules(), "less accurate"),
        (replace(WELL, states=["less accurate"]), Rules(inaccurate_batches=0), ""),
        (replace(WELL, data_changed=True), Rules(), ""),
        (replace(WELL, data_changed=True), Rules(new_data=True), "new content"),
        (Facts("", 0, [], None), Rules(), "no champion"),
        (Facts("", 0, [], None), Rules(without_champion=False), ""),
    ],
)
def test_each_reason_starts_a_training(facts: Facts, rules: Rules, word: str):
    decision = decide(rules, facts)
    assert decision.start == bool(word)
    assert word in decision.reason


def test_nothing_is_started_more_often_than_allowed():
    again = replace(WELL, age_days=200, days_since_start=0.5)
    refused = decide(Rules(), again, "I want it")
    assert not refused.start
    assert (
        "12.0 hours ago, at most one in 1 days; wanted because I want it; the champion is 200 days old"
        in refused.reason
    )
    assert decide(Rules(min_days_between=0.4), again).start
    assert decide(Rules(), WELL, "I want it").start


def test_rules_come_from_a_file_and_are_checked(tmp_path: Path):
    file = tmp_path / "retrain.yaml"
    file.write_text("max_age_days: 30\nnew_data: true\n")
    assert read_rules(file) == Rules(max_age_days=30, new_data=True)
    file.write_text("max_age: 30\n")
    with pytest.raises(SafsError, match="did you mean 'max_age_days'"):
        read_rules(file)
