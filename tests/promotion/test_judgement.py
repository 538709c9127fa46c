"""Rules, and the verdict that they give."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from safs.errors import SafsError
from safs.promotion.judgement import Measured, judge
from safs.promotion.report import render_verdict
from safs.promotion.rules import Rules, read_rules

LABELS = np.arange(400) % 10
CLASSES = [f"<{n}>" for n in range(10)]
DATA = {"name": "digits", "fingerprint": "f"}


def measured(
    wrong: int = 20, version: str = "1", milliseconds: float = 1.0, size: int = 1000, data: str = "f"
) -> Measured:
    """A version with so many wrong predictions, the first of the examples."""
    predictions = LABELS.copy()
    predictions[:wrong] = (predictions[:wrong] + 1) % 10
    return Measured(version, predictions, np.full(50, milliseconds), size, data)


def broken(rules: Rules, challenger: Measured, champion: Measured | None) -> list[str]:
    verdict = judge(rules, challenger, champion, LABELS, CLASSES, DATA)
    assert verdict.promoted == all(check.kept for check in verdict.checks)
    return [check.rule for check in verdict.checks if not check.kept]


def test_an_equal_challenger_is_promoted():
    assert broken(Rules(), measured(version="2"), measured()) == []


@pytest.mark.parametrize(
    ("rules", "challenger", "expected"),
    [
        (Rules(), measured(60), ["max_accuracy_loss", "max_plausible_loss"]),
        (Rules(max_accuracy_loss=0.2, max_plausible_loss=0.2), measured(60), []),
        (Rules(max_accuracy_loss=0.04), measured(32), ["max_plausible_loss"]),
        (Rules(), measured(milliseconds=2.0), ["max_latency_ratio"]),
        (Rules(max_latency_ratio=0), measured(milliseconds=2.0), []),
        (Rules(), measured(size=3000), ["max_size_ratio"]),
        (Rules(min_accuracy=0.97), measured(), ["min_accuracy"]),
        (Rules(max_bytes=999), measured(), ["max_bytes"]),
        (Rules(max_latency_ms=0.5), measured(), ["max_latency_ms"]),
        (Rules(min_test_examples=401), measured(), ["min_test_examples"]),
        (Rules(), measured(data="other"), ["same_data"]),
        (Rules(same_data=False), measured(data="other"), []),
    ],
)
def test_each_rule_refuses_what_breaks_it(rules: Rules, challenger: Measured, expected: list[str]):
    assert broken(rules, challenger, measured()) == expected


def test_one_class_that_is_worse_is_enough():
    challenger = measured()
    threes = np.flatnonzero(LABELS == 3)
    challenger.predictions[threes[:14]] = 8
    loose = Rules(max_accuracy_loss=1, max_plausible_loss=1)
    assert broken(loose, challenger, measured()) == ["max_class_loss", "max_class_regressions"]
    assert "<3>" in judge(loose, challenger, measured(), LABELS, CLASSES, DATA).reason


def test_a_first_champion_needs_the_absolute_rules_only():
    verdict = judge(Rules(), measured(), None, LABELS, CLASSES, DATA)
    assert verdict.promoted
    assert verdict.champion is None
    assert "first champion" in verdict.reason
    assert broken(Rules(min_accuracy=0.99), measured(), None) == ["min_accuracy"]


def test_the_page_escapes_names_and_the_json_is_json():
    verdict = judge(Rules(), measured(60, "2"), measured(), LABELS, CLASSES, DATA)
    page = render_verdict(verdict, "<safs>")
    assert "<3>" not in page
    assert "&lt;3&gt;" in page
    assert "&lt;safs&gt; version 2 against version 1" in page
    assert "Refused" in page
    assert json.loads(json.dumps(verdict.as_json()))["difference"]["lost"] == 40


def test_rules_come_from_a_file_and_are_checked(tmp_path: Path):
    assert read_rules(None) == Rules()
    file = tmp_path / "rules.yaml"
    file.write_text("max_accuracy_loss: 0.01\nmin_accuracy: 0.9\n")
    assert read_rules(file) == Rules(max_accuracy_loss=0.01, min_accuracy=0.9)
    for text, words in {
        "max_acuracy_loss: 0.1": "did you mean 'max_accuracy_loss'",
        "min_accuracy: 97": "less than or equal to 1",
        "confidence: high": "confidence is 'high'",
        "- 1": "holds no names",
        "a: [": "not YAML",
    }.items():
        file.write_text(text)
        with pytest.raises(SafsError, match=words):
            read_rules(file)
    assert all(field.default is not None for field in fields(Rules))
