"""An outcome as Prometheus metrics in text form."""

import time

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from safs.monitoring.outcome import Outcome


def render_metrics(outcome: Outcome, name: str, version: str) -> str:
    """Metrics for a text file collector or a push gateway.

    Args:
        outcome: the batch judged.
        name: the registered model's.
        version: its version.
    """
    registry = CollectorRegistry()
    labels = {"model": name, "version": version}

    def gauge(metric: str, text: str, value: float, **more: str) -> None:
        known = gauges.get(metric) or Gauge(f"safs_monitor_{metric}", text, [*labels, *more], registry=registry)
        gauges[metric] = known
        known.labels(**labels, **more).set(value)

    gauges: dict[str, Gauge] = {}
    gauge("state", "Exit code of the last look: 0 fine, 3 drift, 4 less accurate, 5 slow, 6 data fault.", outcome.state)
    gauge("last_run_timestamp_seconds", "When the last batch was looked at.", time.time())
    gauge("examples", "Examples in the last batch.", outcome.examples)
    gauge("faults", "Faults of the last batch's data.", len(outcome.faults))
    for family in dict.fromkeys(finding.family for finding in outcome.findings):
        own = [finding for finding in outcome.findings if finding.family == family]
        gauge("drifted", "Comparisons that drifted.", sum(f.drifted for f in own), family=family)
        gauge("effect", "Largest distance from the reference.", max(f.effect for f in own), family=family)
        gauge("p_value", "Least adjusted p-value.", min(f.p_value for f in own), family=family)
    if outcome.accuracy is not None:
        gauge("accuracy", "Accuracy on the last batch with labels.", outcome.accuracy)
    gauge("reference_accuracy", "Accuracy on the reference.", outcome.reference_accuracy)
    if outcome.latency_ms is not None:
        gauge("latency_seconds", "Median time of one prediction.", outcome.latency_ms / 1e3)
    return str(generate_latest(registry).decode())
