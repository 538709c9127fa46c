"""The decision, from what is known of the champion and of production."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safs.files import read_yaml
from safs.monitoring.outcome import State
from safs.steps.arguments import Decay, Natural, check_arguments, parameter_docs

DAY = 86_400.0  # seconds


@dataclass(frozen=True)
class Rules:
    """When to train anew.

    Args:
        min_days_between: Never more often than once in so many days, whatever happens.
        max_age_days: Train when the champion is older; 0 for never.
        drifted_batches: Train when so many of the latest batches in a row were in drift; 0 for never.
        inaccurate_batches: Train when so many of the latest batches with labels in a row were less accurate; 0 for never.
        new_data: Train when the data set has other content than the champion's; it is read to find out.
        without_champion: Train when there is no champion.
    """

    min_days_between: Decay = 1.0
    max_age_days: Decay = 90.0
    drifted_batches: Natural = 2
    inaccurate_batches: Natural = 1
    new_data: bool = False
    without_champion: bool = True


@dataclass(frozen=True)
class Facts:
    """What is known.

    Attributes:
        champion: its version; empty if there is none.
        age_days: since it became champion.
        states: of the batches that it was monitored on, the newest first.
        days_since_start: since a training was last started; None if never.
        data_changed: whether the data set has other content than the champion's; None if nobody looked.
    """

    champion: str
    age_days: float
    states: Sequence[str]
    days_since_start: float | None
    data_changed: bool | None = None


@dataclass(frozen=True)
class Decision:
    """What is to be done, and why."""

    start: bool
    reason: str


def decide(rules: Rules, facts: Facts, asked: str = "") -> Decision:
    """Whether to train anew.

    Args:
        rules: when to.
        facts: what is known.
        asked: a reason that somebody gave, which is as good as any other; not even that is more often than the rules allow.
    """
    reasons = [asked] if asked else []
    if not facts.champion:
        reasons += ["there is no champion"] if rules.without_champion else []
    else:
        if rules.max_age_days and facts.age_days > rules.max_age_days:
            reasons.append(f"the champion is {facts.age_days:.0f} days old, at most {rules.max_age_days:g}")
        for state, needed in ((State.DRIFT, rules.drifted_batches), (State.LESS_ACCURATE, rules.inaccurate_batches)):
            if needed and _in_a_row(facts.states, state, needed):
                reasons.append(
                    f"the latest {needed} batches: {state.label}" if needed > 1 else f"the latest batch: {state.label}"
                )
        if rules.new_data and facts.data_changed:
            reasons.append("the data set has new content")
    if not reasons:
        return Decision(False, "no rule asks for a training")
    if facts.days_since_start is not None and facts.days_since_start < rules.min_days_between:
        return Decision(
            False,
            f"a training was started {facts.days_since_start * 24:.1f} hours ago, at most one in {rules.min_days_between:g} days; "
            f"wanted because {'; '.join(reasons)}",
        )
    return Decision(True, "; ".join(reasons))


def _in_a_row(states: Sequence[str], state: State, needed: int) -> bool:
    """Whether the latest batches were all in a state; faults of data say nothing, and lost accuracy outranks drift."""
    telling = [one for one in states if one != State.DATA_FAULT.label]
    good = {state.label, State.LESS_ACCURATE.label}
    return len(telling) >= needed and all(one in good for one in telling[:needed])


def read_rules(path: Path | None) -> Rules:
    """Rules by name from a YAML file; those that are not named have their defaults.

    Raises:
        SafsError: the file is missing or no YAML, a rule is unknown, or a value is out of its range.
    """
    given = read_yaml(path, "such as `max_age_days: 30`") if path else {}
    return Rules(**check_arguments(inspect.signature(Rules).parameters, given, parameter_docs(Rules)))
