"""Compiles the training pipeline into the package: `python -m pipelines.compile`."""

from pathlib import Path

from kfp.compiler import Compiler

from pipelines.training import training
from safs.kubeflow.package import PIPELINE


def compile_training(path: Path = PIPELINE) -> None:
    """Write the compiled pipeline to `path`."""
    Compiler().compile(training, str(path))


if __name__ == "__main__":
    compile_training()
    print(f"wrote {PIPELINE}")
