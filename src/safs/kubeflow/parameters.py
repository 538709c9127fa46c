"""The pipeline's parameters: all those of the steps that are not files, under the steps' own names.

A name means the same thing in every step that has it, so the union needs no prefixes; only `sparsity`, which the pipeline
loops over, becomes the list `sparsities`.
"""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from annotated_types import MinLen
from pydantic import AfterValidator

from safs.steps import STEPS
from safs.steps.arguments import Sparsity, all_different, parameter_docs, step_parameters

SPARSITIES = [0.9, 0.95, 0.99]
Function = TypeVar("Function", bound=Callable[..., Any])
SUMMARY = "Prune a dense network, find its activations, fine-tune it, and register the best sparse model."


Sparsities = Annotated[list[Sparsity], MinLen(1), AfterValidator(all_different)]


def is_path(annotation: Any) -> bool:
    """The parameter is a file or folder, or a list of them: an artifact of the pipeline."""
    return annotation is Path or (get_origin(annotation) is list and get_args(annotation)[0] is Path)


def pipeline_parameters() -> dict[str, inspect.Parameter]:
    """The pipeline's parameters by name, with types and defaults."""
    union: dict[str, inspect.Parameter] = {}
    for step in STEPS.values():
        for name, parameter in step_parameters(step).items():
            if is_path(parameter.annotation):
                continue
            looped = {"name": "sparsities", "default": SPARSITIES, "annotation": Sparsities}
            entry = parameter.replace(**looped) if name == "sparsity" else parameter  # type: ignore[arg-type]
            union.setdefault(entry.name, entry.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    return union


def pipeline_docs() -> dict[str, str]:
    """What each of the pipeline's parameters means."""
    docs: dict[str, str] = {}
    for step in reversed(STEPS.values()):
        docs |= parameter_docs(step)
    docs["sparsities"] = "Sparsities to compare, each in [0, 1): the fraction of weights to zero."
    return {name: docs[name] for name in pipeline_parameters()}


def document(summary: str, docs: Mapping[str, str]) -> str:
    """A Google-style docstring from a summary and what each parameter means."""
    lines = "\n".join(f"{name}: {text}" for name, text in docs.items())
    return f"{summary}\n\nArgs:\n{textwrap.indent(lines, '    ')}\n"


def documented(function: Function) -> Function:
    """Give a function the pipeline's documentation."""
    function.__doc__ = document(SUMMARY, pipeline_docs())
    return function
