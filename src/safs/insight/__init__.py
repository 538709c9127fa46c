"""What happens inside a sparse network: gradients, dead units, activations, and what each operator is worth."""

from safs.insight.ablation import ablate
from safs.insight.recorder import Recorder, probe_of, watch
from safs.insight.statistics import site_statistics

__all__ = ["Recorder", "ablate", "probe_of", "site_statistics", "watch"]
