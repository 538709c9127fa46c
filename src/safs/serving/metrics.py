"""Counts of requests in the text format that Prometheus reads."""

from collections import Counter
from threading import Lock

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds


class Metrics:
    """How many requests came, how they ended, how long they took, what was predicted and how surely."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes
        self.lock = Lock()
        self.requests: Counter[int] = Counter()
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = self.confidence = 0.0
        self.predicted: Counter[int] = Counter()

    def request(self, status: int, seconds: float) -> None:
        """Count a request to predict."""
        with self.lock:
            self.requests[status] += 1
            self.seconds += seconds
            self.buckets[sum(seconds > bound for bound in BOUNDS)] += 1

    def predictions(self, classes: list[int], confidences: list[float]) -> None:
        """Count what was predicted, and how surely in [0, 1]."""
        with self.lock:
            self.predicted.update(classes)
            self.confidence += sum(confidences)

    def text(self) -> str:
        """All of it, as Prometheus reads it (exposition format 0.0.4)."""
        with self.lock:
            lines = ["# TYPE safs_serving_requests_total counter"]
            lines += [f'safs_serving_requests_total{{code="{c}"}} {n}' for c, n in sorted(self.requests.items())]
            lines.append("# TYPE safs_serving_request_seconds histogram")
            reached = 0
            for bound, count in zip((*BOUNDS, "+Inf"), self.buckets, strict=True):
                reached += count
                lines.append(f'safs_serving_request_seconds_bucket{{le="{bound}"}} {reached}')
            lines += [
                f"safs_serving_request_seconds_sum {self.seconds}",
                f"safs_serving_request_seconds_count {reached}",
            ]
            lines.append("# TYPE safs_serving_predictions_total counter")
            for number, name in enumerate(self.classes):
                label = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
                lines.append(f'safs_serving_predictions_total{{class="{label}"}} {self.predicted[number]}')
            lines += ["# TYPE safs_serving_confidence_sum counter", f"safs_serving_confidence_sum {self.confidence}"]
        return "\n".join(lines) + "\n"
