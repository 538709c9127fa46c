"""The page that shows an outcome."""

from safs.monitoring.outcome import Outcome, State
from safs.pages import render_page


def render_outcome(outcome: Outcome, name: str, version: str) -> str:
    """An outcome as one HTML page without outside parts.

    Args:
        outcome: the batch judged.
        name: the registered model's.
        version: its version.
    """
    findings = sorted(outcome.findings, key=lambda finding: (not finding.drifted, finding.p_value))
    return render_page(
        "monitoring/outcome.html.jinja",
        outcome=outcome,
        findings=findings,
        name=name,
        version=version,
        fine=outcome.state is State.FINE,
    )
