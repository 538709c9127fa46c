"""How often monitoring may cry wolf, and what it calls a difference."""

import inspect
from dataclasses import dataclass
from pathlib import Path

from safs.files import read_yaml
from safs.steps.arguments import Count, Decay, Fraction, Rate, check_arguments, parameter_docs


@dataclass(frozen=True)
class Limits:
    """Limits of monitoring.

    Args:
        false_alarms: How many false alarms are to be expected in `batches` batches at most, over all tests.
        batches: See false_alarms; with one batch a day, 365 is a year.
        persistence: How many batches in a row must drift before there is an alarm.
        min_examples: Examples that a batch needs.
        min_effect: The least distance between two distributions that matters, in [0, 1]; certain is not yet important.
        max_accuracy_loss: How much less accurate than on the reference the model may be, where labels are known.
        max_latency_ms: Median time of one prediction in milliseconds; 0 for no limit.
        max_blank: Share of examples with one value everywhere.
        max_repeated: Share of examples that are equal to an earlier one.
        max_unreadable: Share of files that cannot be read.
    """

    false_alarms: Rate = 1.0
    batches: Count = 365
    persistence: Count = 1
    min_examples: Count = 50
    min_effect: Fraction = 0.1
    max_accuracy_loss: Fraction = 0.02
    max_latency_ms: Decay = 0.0
    max_blank: Fraction = 0.01
    max_repeated: Fraction = 0.05
    max_unreadable: Fraction = 0.01

    @property
    def level(self) -> float:
        """The chance of a false alarm in one batch."""
        return min(self.false_alarms / self.batches, 0.5)


def read_limits(path: Path | None) -> Limits:
    """Limits by name from a YAML file; those that are not named have their defaults.

    Raises:
        SafsError: the file is missing or no YAML, a limit is unknown, or a value is out of its range.
    """
    given = read_yaml(path, "such as `false_alarms: 2`") if path else {}
    return Limits(**check_arguments(inspect.signature(Limits).parameters, given, parameter_docs(Limits)))
