"""What a network really does on an example: which module calls which, and which activation functions are called."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from safs.activations.known import operator_of_call
from safs.activations.module import Activation


@dataclass
class Observation:
    """What was seen while a network ran; modules are kept by their id.

    Attributes:
        invocations: how often each module ran.
        calls: how often (caller, called) happened.
        functions: calls of activation functions by the module that made them: (function's name, operator or None, why).
        arguments: of each module, the arguments of its runs.
        channels: size and axis of the channels of each activation site.
    """

    invocations: Counter[int] = field(default_factory=Counter)
    calls: Counter[tuple[int, int]] = field(default_factory=Counter)
    functions: dict[int, list[tuple[str, str | None, str]]] = field(default_factory=lambda: defaultdict(list))
    arguments: dict[int, list[tuple[tuple[Any, ...], Mapping[str, Any]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    channels: dict[int, tuple[int | None, int]] = field(default_factory=dict)


def observe(model: nn.Module, example: Tensor) -> tuple[Any, Observation]:
    """Run a network on an example, in evaluation mode, and write down what happens.

    Args:
        model: any network; its mode is left as it was.
        example: its input, [batch, ...].

    Returns:
        The output, and what was seen.
    """
    seen = Observation()
    stack: list[nn.Module] = []
    producer: list[nn.Module] = []  # the module with weights that ran last

    def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if stack:
            seen.calls[id(stack[-1]), id(module)] += 1
        seen.invocations[id(module)] += 1
        seen.arguments[id(module)].append((args, kwargs))
        if isinstance(module, Activation) and args:
            seen.channels[id(module)] = channels_of(args[0], producer[-1] if producer else None)
        stack.append(module)

    def leave(module: nn.Module, *_: Any) -> None:
        stack.pop()
        if not isinstance(module, Activation) and next(module.parameters(recurse=False), None) is not None:
            producer.append(module)

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:  # what a mode must look like
            operator, name, reason = operator_of_call(func, args, kwargs or {})
            if name and stack and not isinstance(stack[-1], Activation):
                seen.functions[id(stack[-1])].append((name, operator, reason))
            return func(*args, **(kwargs or {}))

    with ExitStack() as hooks, evaluating(model), Watch():
        for module in model.modules():
            if not isinstance(module, torch.jit.ScriptModule):
                hooks.callback(module.register_forward_pre_hook(enter, with_kwargs=True).remove)
                hooks.callback(module.register_forward_hook(leave, always_call=True).remove)
        output = model(example)
    return output, seen


def channels_of(x: Tensor, producer: nn.Module | None) -> tuple[int | None, int]:
    """Size and axis of the channels of an activation's input, judged by the layer with weights before it."""
    if x.ndim < 2:
        return None, 1
    last = isinstance(producer, nn.Linear | nn.LayerNorm) and x.shape[-1] == producer.weight.shape[0]
    axis = -1 if last and x.ndim > 2 else 1
    return x.shape[axis], axis


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; each module gets its own mode back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
