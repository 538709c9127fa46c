"""What a look at a batch comes to: a state that a scheduler can act on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

from safs.monitoring.drift import Finding
from safs.monitoring.limits import Limits


class State(IntEnum):
    """The state, and the exit code of `safs monitor`; 1 and 2 are errors of the command itself."""

    FINE = 0
    DRIFT = 3
    LESS_ACCURATE = 4
    SLOW = 5
    DATA_FAULT = 6

    @property
    def label(self) -> str:
        """In words."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Outcome:
    """A batch judged.

    Attributes:
        state: what it comes to.
        reason: in one line.
        batch: where it came from.
        fingerprint: of its inputs.
        examples: how many it has.
        faults: of its data.
        findings: comparisons with the reference.
        accuracy: where labels are known.
        reference_accuracy: on the reference.
        latency_ms: median time of one prediction.
        drifted: whether this batch drifted, whatever the batches before it did.
        limits: by which it was judged.
        earlier: states of the batches before, the newest first.
    """

    state: State
    reason: str
    batch: str
    fingerprint: str
    examples: int
    faults: list[str]
    findings: list[Finding]
    accuracy: float | None
    reference_accuracy: float
    latency_ms: float | None
    drifted: bool
    limits: Limits
    earlier: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """All of it, for a file."""
        return {**asdict(self), "state": self.state.label, "exit_code": int(self.state)}


def conclude(
    faults: Sequence[str],
    findings: Sequence[Finding],
    latency_ms: float | None,
    limits: Limits,
    earlier_drifts: Sequence[bool],
) -> tuple[State, str, bool]:
    """State and reason, and whether this batch by itself drifted.

    Args:
        faults: of the data.
        findings: of the comparison.
        latency_ms: median time of one prediction.
        limits: what counts.
        earlier_drifts: whether the batches before drifted, the newest first.
    """
    if faults:
        return State.DATA_FAULT, "; ".join(faults), False
    worse = [finding for finding in findings if finding.drifted and finding.family == "accuracy"]
    drifts = sorted(
        (finding for finding in findings if finding.drifted and finding.family != "accuracy"), key=lambda f: f.p_value
    )
    if worse:
        return State.LESS_ACCURATE, f"accuracy is {worse[0].effect:.2%} lower than on the reference", bool(drifts)
    if drifts:
        first = drifts[0]
        text = f"{len(drifts)} of {len(findings)} comparisons drifted, most of all {first.name} (distance {first.effect:.2f})"
        needed = limits.persistence - 1
        if len(earlier_drifts) >= needed and all(earlier_drifts[:needed]):
            return State.DRIFT, text, True
        return State.FINE, f"{text}; no alarm before {limits.persistence} batches in a row drift", True
    if limits.max_latency_ms and latency_ms and latency_ms > limits.max_latency_ms:
        return State.SLOW, f"one prediction takes {latency_ms:.3g} ms, at most {limits.max_latency_ms:g}", False
    return State.FINE, f"{len(findings)} comparisons, no drift", False
