"""One way of running a network, in a process of its own that measures itself; `benchmarks.inference` talks to it.

Run by path, `PYTHON peers.py NAME FILE IMAGES THREADS`, because a peer may need an interpreter with other packages. It says
"ready", then answers every line "BATCH SECONDS" with JSON: CPU and wall milliseconds of every call in that time.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[], Any]
Peer = Callable[[Path, int], Callable[[Any], Run]]


def safs(path: Path, threads: int) -> Callable[[Any], Run]:
    """Our runtime on an exported sparse network."""
    from safs.runtime import load

    model = load(path, threads=threads)
    return lambda x: lambda: model.predict(x)


def onnxruntime(path: Path, threads: int) -> Callable[[Any], Run]:
    """ONNX Runtime."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x: lambda: session.run(None, {session.get_inputs()[0].name: x})


def openvino(path: Path, threads: int) -> Callable[[Any], Run]:
    """OpenVINO, compiled for each batch size, since it is faster with fixed shapes."""
    from openvino import Core

    core = Core()

    def prepare(x: Any) -> Run:
        model = core.read_model(path)
        model.reshape(list(x.shape))
        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        return lambda: request.infer([x])

    return prepare


def deepsparse(path: Path, threads: int) -> Callable[[Any], Run]:
    """deepsparse, compiled for each batch size."""
    from deepsparse import Engine

    def prepare(x: Any) -> Run:
        engine = Engine(str(path), batch_size=len(x), num_cores=threads)
        return lambda: engine.run([x])

    return prepare


def torch(path: Path, threads: int) -> Callable[[Any], Run]:
    """PyTorch as it comes, on a folder that `safs` keeps a model in."""
    import torch as framework

    from safs.models import load_model

    framework.set_num_threads(threads)
    model = load_model(path)[0].eval()

    def prepare(x: Any) -> Run:
        images = framework.from_numpy(x)

        def call() -> None:
            with framework.inference_mode():
                model(images)

        return call

    return prepare


PEERS: dict[str, Peer] = {
    "safs": safs,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "deepsparse": deepsparse,
    "torch": torch,
}


def main() -> None:
    """Load, then answer line by line until the input ends."""
    import numpy as np

    name, path, images, threads = sys.argv[1:]
    out, sys.stdout = sys.stdout, sys.stderr
    everything = np.load(images)
    prepare = PEERS[name](Path(path), int(threads))
    ready: dict[int, Run] = {}
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        batch, seconds = line.split()
        if int(batch) not in ready:
            ready[int(batch)] = prepare(np.ascontiguousarray(everything[: int(batch)]))
            for _ in range(3):
                ready[int(batch)]()
        call, cpu, wall = ready[int(batch)], [], []
        end = time.perf_counter() + float(seconds)
        while not wall or time.perf_counter() < end:
            before, start = time.process_time(), time.perf_counter()
            call()
            wall.append(1e3 * (time.perf_counter() - start))
            cpu.append(1e3 * (time.process_time() - before))
        print(json.dumps({"cpu": cpu, "wall": wall}), file=out, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", sys.argv[4])
    main()
