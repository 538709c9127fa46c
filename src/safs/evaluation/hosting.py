"""The runtimes that serve a model; also a process that serves one and tells its peak memory."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Host:
    """A loaded model in its runtime, on one core.

    Attributes:
        label: the runtime's name, for people.
        predict: logits [batch, classes] of normalised images [batch, channels, height, width].
    """

    label: str
    predict: Callable[[Any], Any]


def host(kind: str, path: Path) -> Host:
    """Load a model.

    Args:
        kind: safs, onnxruntime or torch.
        path: a sparse file, an ONNX file or a model folder.
    """
    if kind == "safs":
        from safs.runtime import load

        return Host("safs.runtime", load(path).predict)
    if kind == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return Host(f"ONNX Runtime {onnxruntime.__version__}", lambda x: session.run(None, {"images": x})[0])
    return _torch_host(path)


def _torch_host(path: Path) -> Host:
    import torch

    from safs.models import load_model

    model, spec = load_model(path)
    model.eval()

    def predict(x: Any) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(x).reshape(len(x), *spec.input_shape)).numpy()

    return Host(f"PyTorch {torch.__version__.partition('+')[0]}", predict)


def peak_memory() -> int:
    """Peak memory of this process in bytes; that of the process that started it is not in it, as getrusage would have it."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, where there is no /proc


if __name__ == "__main__":
    kind, file, images = sys.argv[1:]
    host(kind, Path(file)).predict(np.load(images))
    print(peak_memory())
