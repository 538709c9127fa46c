"""Runs an exported network on a CPU, with NumPy and Numba alone: no torch, no Kubeflow, no MLflow.

Example:
    >>> import safs.runtime  # doctest: +SKIP
    >>> model = safs.runtime.load("exported/model.safs")  # doctest: +SKIP
    >>> model.predict(images).argmax(axis=1)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safs.runtime.model import Model, load

__all__ = ["Model", "load"]


def __getattr__(name: str) -> Any:
    """LLVM is imported by those who run a network, not by those who read a file."""
    if name in __all__:
        from safs.runtime import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
