"""SAFS Pipelines: prune a network hard, give it back its accuracy, put it into production.

`safs.prune`, `safs.search`, `safs.replace_activations` and `safs.finetune` are the method on a model and data of one's own.
"""

from typing import TYPE_CHECKING, Any

from safs.version import VERSION

if TYPE_CHECKING:
    from safs.api import Found, Tuned, finetune, prune, replace_activations, search

__version__ = VERSION
__all__ = ["Found", "Tuned", "finetune", "prune", "replace_activations", "search"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # torch is imported with the first function that needs it
        from safs import api

        return getattr(api, name)
    raise AttributeError(f"module 'safs' has no attribute {name!r}")
