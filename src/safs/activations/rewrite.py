"""Rewrites one module's forward, by torch.fx, so that every activation call in it is a site of its own.

Only the module's own forward is traced; the modules in it stay whole, so their control flow is of no concern.
"""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves

from safs.activations.known import is_inplace, operator_of_call
from safs.activations.module import Activation
from safs.errors import SafsError

Calls = Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]


class _OwnForward(fx.Tracer):
    """Traces what the module itself does; every module it calls is one node."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        return True


def rewrite(module: nn.Module, calls: Calls, wanted: Callable[[str], bool], used: dict[int, int]) -> None:
    """Give a module a forward in which every activation call is an `Activation` of its own, in place.

    The later uses of one site are named after it with `_1`, `_2`, ...; functions are named `relu`, `silu`, ...

    Args:
        module: the module; keeps its class's other methods and its attributes.
        calls: positional and named arguments of its runs on an example.
        wanted: whether a site of this name, relative to the module, is to be made.
        used: how often each site, by id, is used already; counted on.

    Raises:
        SafsError: its forward cannot be traced, or takes what a graph cannot stand for.
    """
    graph = _trace(module, _constants(module, calls))
    for node in list(graph.nodes):
        if node.op == "call_module" and isinstance(module.get_submodule(node.target), Activation):
            _split(module, node, used)
        elif node.op in {"call_function", "call_method"}:
            _expose(module, graph, node, wanted)
    graph.lint()
    forward = type(fx.GraphModule(module, graph)).forward
    kind = type(module)
    try:
        module.__class__ = type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})
    except TypeError as error:
        raise SafsError(f"{kind.__name__} cannot be given another forward: {error}") from None


def _constants(module: nn.Module, calls: Calls) -> dict[str, Any]:
    """The arguments that are no tensors: the graph is made for their values."""
    signature = inspect.signature(module.forward)
    found: dict[str, Any] = {}
    for number, (args, kwargs) in enumerate(calls):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        constants = {
            name: value
            for name, value in bound.arguments.items()
            if not any(isinstance(leaf, Tensor) for leaf in tree_leaves(value)) and value not in ((), {})
        }
        if any(not isinstance(value, int | float | str | None) for value in constants.values()):
            raise SafsError(f"it takes {', '.join(constants)}, which are no tensors and no plain values")
        if number and constants != found:
            raise SafsError(f"it is called with different {', '.join({**found, **constants})}")
        found = constants
    return found


def _trace(module: nn.Module, constants: dict[str, Any]) -> fx.Graph:
    """The graph of a module's forward, true to `self.training`."""
    mode, graphs = module.training, []
    try:
        for training in (True, False):
            module.training = training
            graphs.append(_OwnForward().trace(module, constants or None))
    except Exception as error:
        raise SafsError(f"torch.fx cannot trace it: {error}".splitlines()[0]) from None
    finally:
        module.training = mode
    train, evaluate = graphs
    if [(n.op, n.name, str(n.target)) for n in train.nodes] != [(n.op, n.name, str(n.target)) for n in evaluate.nodes]:
        raise SafsError("it does other things in training than in evaluation")
    for one, other in zip(train.nodes, evaluate.nodes, strict=True):
        if one.op == "placeholder":
            name = one.target.rpartition("_")[0]
            one.target = name if name in constants else one.target  # constants get a number, which callers do not know
        if str((one.args, one.kwargs)) != str((other.args, other.kwargs)):
            with train.inserting_before(one):
                flag = train.get_attr("training")
            one.args = _with_flag(one.args, other.args, flag)
            named = _with_flag([*one.kwargs.values()], [*other.kwargs.values()], flag)
            one.kwargs = dict(zip(one.kwargs, named, strict=True))
    return train


def _with_flag(train: Sequence[Any], evaluate: Sequence[Any], flag: fx.Node) -> tuple[Any, ...]:
    """The arguments with the module's mode where it decided."""
    if any(str(a) != str(b) and not (a is True and b is False) for a, b in zip(train, evaluate, strict=True)):
        raise SafsError("its arguments depend on training in other ways than as a flag")
    return tuple(flag if a is True and b is False else a for a, b in zip(train, evaluate, strict=True))


def _split(module: nn.Module, node: fx.Node, used: dict[int, int]) -> None:
    """Give the second and later calls of one site a site of their own."""
    target = str(node.target)
    first = module.get_submodule(target)
    assert isinstance(first, Activation)
    count = used[id(first)] = used.get(id(first), -1) + 1
    if count:
        path, _, name = target.rpartition(".")
        parent = module.get_submodule(path)
        name = _free(parent, f"{name}_{count}")
        setattr(parent, name, copy.deepcopy(first))
        node.target = f"{path}.{name}" if path else name


def _expose(module: nn.Module, graph: fx.Graph, node: fx.Node, wanted: Callable[[str], bool]) -> None:
    """Replace the call of an activation function by a site."""
    function = getattr(torch.Tensor, str(node.target), None) if node.op == "call_method" else node.target
    operator, name, _ = operator_of_call(function, node.args, node.kwargs)
    if operator is None:
        return
    name = _free(module, name)
    if not wanted(name):
        return
    setattr(module, name, Activation(operator))
    source = node.args[0] if node.args else node.kwargs["input"]
    assert isinstance(source, fx.Node)
    inplace = is_inplace(function, node.args, node.kwargs)
    with graph.inserting_after(node):
        site = graph.call_module(name, (source,))
    node.replace_all_uses_with(site)
    if inplace:  # who reads the input afterwards reads the result
        nodes = list(graph.nodes)
        later = set(nodes[nodes.index(site) + 1 :])
        source.replace_all_uses_with(site, delete_user_cb=lambda user: user in later)
    graph.erase_node(node)


def _free(parent: nn.Module, name: str) -> str:
    """The name, with a number if the module has something of that name."""
    base, number = name, 0
    while hasattr(parent, name):
        number += 1
        name = f"{base}_{number}"
    return name
