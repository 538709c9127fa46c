"""The judgement: every rule, what was measured, and whether that is enough."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safs.promotion.paired import ClassChange, Difference, class_changes, paired_difference
from safs.promotion.rules import Rules


@dataclass(frozen=True)
class Measured:
    """What was measured of one version.

    Attributes:
        version: its number in the registry.
        predictions: the class of each test example, [examples].
        milliseconds: times of single predictions, [calls].
        bytes: its weights in the sparse form.
        data_fingerprint: of the data set that it was trained on.
    """

    version: str
    predictions: NDArray[np.int64]
    milliseconds: NDArray[np.float64]
    bytes: int
    data_fingerprint: str

    def summary(self, labels: NDArray[np.int64]) -> dict[str, Any]:
        """Its figures."""
        return {
            "version": self.version,
            "accuracy": float((self.predictions == labels).mean()),
            "latency_ms": float(np.median(self.milliseconds)),
            "latency_p95_ms": float(np.quantile(self.milliseconds, 0.95)),
            "bytes": self.bytes,
            "data_fingerprint": self.data_fingerprint,
        }


@dataclass(frozen=True)
class Check:
    """One rule, and whether it is kept.

    Attributes:
        rule: its name in the file of rules.
        kept: whether it is.
        text: what was measured against what was asked.
    """

    rule: str
    kept: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """What a judgement comes to.

    Attributes:
        promoted: all rules are kept.
        reason: in one line.
        checks: the rules.
        challenger: its figures.
        champion: the champion's; None for a first promotion.
        difference: of their accuracies.
        classes: what happened to each class.
        rules: by which it was judged.
        data: name and fingerprint of the test data, and the number of its examples.
    """

    promoted: bool
    reason: str
    checks: list[Check]
    challenger: dict[str, Any]
    champion: dict[str, Any] | None
    difference: Difference | None
    classes: list[ClassChange]
    rules: Rules
    data: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """All of it, for a file."""
        return asdict(self)


def judge(
    rules: Rules,
    challenger: Measured,
    champion: Measured | None,
    labels: NDArray[np.int64],
    classes: Sequence[str],
    data: dict[str, Any],
) -> Verdict:
    """Judge a challenger, against the champion if there is one.

    Args:
        rules: by which.
        challenger: what was measured of it.
        champion: the same of the champion, on the same data and machine; None if there is none.
        labels: the true classes, [examples].
        classes: their names.
        data: `name` and `fingerprint` of the test data.
    """
    ours = challenger.summary(labels)
    checks = _absolute(rules, ours, len(labels), data["fingerprint"])
    theirs, difference, changes = None, None, list[ClassChange]()
    if champion is not None:
        theirs = champion.summary(labels)
        right, before = challenger.predictions == labels, champion.predictions == labels
        difference = paired_difference(right, before, rules.confidence)
        changes = class_changes(right, before, labels, classes)
        checks += _against(rules, ours, theirs, difference, changes)
    broken = [check for check in checks if not check.kept]
    if broken:
        reason = "; ".join(f"{check.rule}: {check.text}" for check in broken)
    elif theirs is None or difference is None:
        reason = f"first champion, accuracy {ours['accuracy']:.2%} on {len(labels)} test examples"
    else:
        reason = (
            f"accuracy {ours['accuracy']:.2%} against {theirs['accuracy']:.2%} of version {theirs['version']}, "
            f"difference {difference.value:+.2%} [{difference.low:+.2%}, {difference.high:+.2%}]"
        )
    about = {**data, "examples": len(labels)}
    return Verdict(not broken, reason, checks, ours, theirs, difference, changes, rules, about)


def _absolute(rules: Rules, ours: dict[str, Any], examples: int, fingerprint: str) -> list[Check]:
    same = ours["data_fingerprint"] == fingerprint
    return [
        Check(
            "min_test_examples", examples >= rules.min_test_examples, f"{examples}, at least {rules.min_test_examples}"
        ),
        Check(
            "same_data",
            same or not rules.same_data,
            "trained on the data set that it is tested on" if same else "trained on another data set than this one",
        ),
        Check(
            "min_accuracy",
            ours["accuracy"] >= rules.min_accuracy,
            f"{ours['accuracy']:.2%}, at least {rules.min_accuracy:.2%}",
        ),
        _at_most("max_latency_ms", ours["latency_ms"], rules.max_latency_ms, "{:.3g} ms"),
        _at_most("max_bytes", ours["bytes"], rules.max_bytes, "{:,} bytes"),
    ]


def _against(
    rules: Rules, ours: dict[str, Any], theirs: dict[str, Any], difference: Difference, changes: list[ClassChange]
) -> list[Check]:
    worst = max(changes, key=lambda change: change.loss)
    worse = [change.name for change in changes if change.p_value < 1 - rules.confidence]
    return [
        Check(
            "max_accuracy_loss",
            -difference.value <= rules.max_accuracy_loss,
            f"difference {difference.value:+.2%}, at least {-rules.max_accuracy_loss:.2%}",
        ),
        Check(
            "max_plausible_loss",
            -difference.low <= rules.max_plausible_loss,
            f"the {rules.confidence:.0%} interval begins at {difference.low:+.2%}, at least {-rules.max_plausible_loss:.2%}",
        ),
        Check(
            "max_class_loss",
            worst.loss <= rules.max_class_loss,
            f"recall of class {worst.name} {-worst.loss:+.2%}, at least {-rules.max_class_loss:.2%}",
        ),
        Check(
            "max_class_regressions",
            len(worse) <= rules.max_class_regressions,
            f"{len(worse)} worse beyond chance ({', '.join(worse) or 'none'}), at most {rules.max_class_regressions}",
        ),
        _at_most(
            "max_latency_ratio", ours["latency_ms"] / theirs["latency_ms"], rules.max_latency_ratio, "{:.3g} times"
        ),
        _at_most("max_size_ratio", ours["bytes"] / theirs["bytes"], rules.max_size_ratio, "{:.3g} times"),
    ]


def _at_most(rule: str, value: float, limit: float, form: str) -> Check:
    text = form.format(value) + (f", at most {form.format(limit)}" if limit else ", no limit")
    return Check(rule, not limit or value <= limit, text)
