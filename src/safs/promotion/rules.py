"""The rules of a promotion, with defaults that need no file."""

import inspect
from dataclasses import dataclass
from pathlib import Path

from safs.files import read_yaml
from safs.steps.arguments import Count, Decay, Fraction, Natural, Part, check_arguments, parameter_docs


@dataclass(frozen=True)
class Rules:
    """What a challenger must fulfil.

    The first ones are absolute, and the only ones for a first promotion; the others compare it with the champion.

    Args:
        min_test_examples: Test examples that a judgement needs.
        same_data: The challenger was trained on the data set that it is tested on, so that no test example was trained on.
        min_accuracy: Test accuracy, in [0, 1].
        max_latency_ms: Median time of one prediction in milliseconds; 0 for no limit.
        max_bytes: Size of the weights in the sparse form; 0 for no limit.
        max_accuracy_loss: How much less accurate than the champion it may be, as measured.
        max_plausible_loss: How much less accurate it may be at the lower end of the paired interval.
        confidence: Of that interval, and of the search for classes that are worse.
        max_class_loss: How much less of any one class it may find, as measured.
        max_class_regressions: How many classes may be worse beyond chance.
        max_latency_ratio: Median time of one prediction over the champion's; 0 for no limit.
        max_size_ratio: Size over the champion's; 0 for no limit.
    """

    min_test_examples: Count = 100
    same_data: bool = True
    min_accuracy: Fraction = 0.0
    max_latency_ms: Decay = 0.0
    max_bytes: Natural = 0
    max_accuracy_loss: Fraction = 0.005
    max_plausible_loss: Fraction = 0.03
    confidence: Part = 0.95
    max_class_loss: Fraction = 0.1
    max_class_regressions: Natural = 0
    max_latency_ratio: Decay = 1.5
    max_size_ratio: Decay = 2.0


def read_rules(path: Path | None) -> Rules:
    """Rules by name from a YAML file; those that are not named have their defaults.

    Raises:
        SafsError: the file is missing or no YAML, a rule is unknown, or a value is out of its range.
    """
    given = read_yaml(path, "such as `max_accuracy_loss: 0.01`") if path else {}
    return Rules(**check_arguments(inspect.signature(Rules).parameters, given, parameter_docs(Rules)))
