"""The steps of the pipeline: typed functions, files in, files out.

A step's signature and docstring are its one definition. The command line, the KFP component and the MLproject entry
point are derived from them or checked against them.
"""

from safs.steps.arguments import Step
from safs.steps.evaluate import evaluate
from safs.steps.export import export
from safs.steps.finetune import finetune
from safs.steps.prepare import prepare
from safs.steps.pretrain import pretrain
from safs.steps.price import price
from safs.steps.prune import prune
from safs.steps.register import register
from safs.steps.report import report
from safs.steps.search import search
from safs.steps.select import select

STEPS: dict[str, Step] = {
    step.__name__: step for step in (prepare, pretrain, prune, search, finetune, evaluate, select, register)
}

TOOLS: dict[str, Step] = {tool.__name__: tool for tool in (export, price, report)}
"""What is run like a step and stands in no pipeline."""

__all__ = ["STEPS", "TOOLS", "Step"]
