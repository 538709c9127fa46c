"""Turns any network into one whose every activation call is an `Activation` site."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from safs.activations.known import MODULES, operator_of_module
from safs.activations.module import Activation, activation_sites
from safs.activations.observe import Observation, evaluating, observe
from safs.activations.rewrite import rewrite
from safs.errors import SafsError

_UNSEEN = "_safs_unseen"


def expose_sites(model: nn.Module, example: Tensor | Sequence[int], excluded: Iterable[str] = ()) -> nn.Module:
    """A copy of a network in which every activation call is a site of its own; its outputs are equal to the bit.

    Activation modules are exchanged, those used in several places once for each place; the forward of modules that
    call activation functions is rewritten by torch.fx. Names of weights stay. Sigmoid and hard sigmoid gates, softmax
    and what is inside of attention are no sites. What has no operator of ours, or cannot be traced, is left as it is
    and told by `unseen`.

    Args:
        model: any network.
        example: its input, [batch, ...], or the shape of one input without the batch.
        excluded: patterns (fnmatch) of the names of activations that are not to be sites.

    Raises:
        SafsError: the model does not run on the example, or would give other outputs.

    Example:
        >>> sites = activation_sites(expose_sites(nn.Sequential(nn.Linear(4, 4), nn.SiLU()), (4,)))
        >>> {name: site.operator.name for name, site in sites.items()}
        {'1': 'swish'}
    """
    patterns = tuple(excluded)
    x = _as_example(model, example)
    exposed = copy.deepcopy(model)
    try:
        expected, _ = observe(model, x)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SafsError(f"{type(model).__name__} does not run on inputs {list(x.shape)}: {reason}") from error
    originals, left = _swap_modules(exposed, patterns)
    _, seen = observe(exposed, x)
    for (parent, child), original in originals.items():  # what never runs is no site
        if not seen.invocations[id(getattr(parent, child))]:
            setattr(parent, child, original)
    failures = _rewrite_functions(exposed, seen, patterns)
    output, seen = observe(exposed, x)
    if not _equal(output, expected):
        output = _write_in_place(exposed, x)
        again, _ = observe(model, x)
        if _equal(expected, again) and not _equal(output, expected):
            raise SafsError(f"{type(model).__name__} would give other outputs with its activations as sites")
    for site in activation_sites(exposed).values():
        site.channels, site.axis = seen.channels.get(id(site), (None, 1))
    unseen_here = {name: why for name, why in left.items() if seen.invocations[id(exposed.get_submodule(name))]}
    object.__setattr__(exposed, _UNSEEN, unseen_here | _left_functions(exposed, seen, failures, patterns))
    return exposed


def exclude_sites(model: nn.Module, excluded: Iterable[str]) -> None:
    """Turn the sites that match a pattern (fnmatch) into plain modules that are not searched, in place.

    Raises:
        SafsError: a site's operator is no module of torch.
    """
    patterns = tuple(excluded)
    plain = {operator: (kind, values) for kind, (operator, values) in MODULES.items()}
    for name, site in activation_sites(model).items():
        if not _matches(name, patterns):
            continue
        if site.original not in plain:
            raise SafsError(f"activation site {name!r} cannot be excluded: {site.original} is no module of torch")
        parent, _, child = name.rpartition(".")
        kind, values = plain[site.original]
        setattr(model.get_submodule(parent), child, kind(**values).train(site.training))


def original_operators(model: nn.Module) -> dict[str, str]:
    """The operator that each site had when it was made, by site name: the model's own activations."""
    return {name: site.original for name, site in activation_sites(model).items()}


def unseen(model: nn.Module) -> dict[str, str]:
    """The activations of a model that `expose_sites` has made no sites, by name, and why."""
    return dict(getattr(model, _UNSEEN, {}))


def _as_example(model: nn.Module, example: Tensor | Sequence[int]) -> Tensor:
    if isinstance(example, Tensor):
        return example
    weight = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, *example, generator=generator).to(weight.device, weight.dtype)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _swap_modules(
    model: nn.Module, patterns: tuple[str, ...]
) -> tuple[dict[tuple[nn.Module, str], nn.Module], dict[str, str]]:
    """Exchange activation modules; gives the old ones by parent and name, and the reasons of those that are left."""
    old: dict[tuple[nn.Module, str], nn.Module] = {}
    left: dict[str, str] = {}
    for path, parent in list(model.named_modules()):
        if isinstance(parent, Activation | torch.jit.ScriptModule):
            continue
        for child, module in list(parent._modules.items()):
            name = f"{path}.{child}" if path else child
            if module is None or isinstance(module, Activation) or _matches(name, patterns):
                continue
            operator, reason = operator_of_module(module)
            if operator is not None:
                old[parent, child] = module
                site = Activation(operator).train(module.training)
                site.wrote_in_place = bool(getattr(module, "inplace", False))
                setattr(parent, child, site)
            elif reason:
                left[name] = reason
    return old, left


def _rewrite_functions(model: nn.Module, seen: Observation, patterns: tuple[str, ...]) -> dict[int, str]:
    """Rewrite the modules that call activation functions, or one site more than once; gives the failures by id."""
    sites = {id(site) for site in activation_sites(model).values()}
    callers: dict[int, set[int]] = {}
    for caller, called in seen.calls:
        if called in sites:
            callers.setdefault(called, set()).add(caller)
    several = {
        caller
        for (caller, called), count in seen.calls.items()
        if called in sites and (count > seen.invocations[caller] or len(callers[called]) > 1)
    }
    failures: dict[int, str] = {}
    used: dict[int, int] = {}
    for path, module in list(model.named_modules()):
        searched = any(operator for _, operator, _ in seen.functions.get(id(module), []))
        if (id(module) not in several and not searched) or operator_of_module(module) != (None, ""):
            continue

        def wanted(name: str, path: str = path) -> bool:
            return not _matches(f"{path}.{name}" if path else name, patterns)

        try:
            rewrite(module, seen.arguments[id(module)], wanted, used)
        except SafsError as error:
            failures[id(module)] = str(error)
    return failures


def _left_functions(
    model: nn.Module, seen: Observation, failures: Mapping[int, str], patterns: tuple[str, ...]
) -> dict[str, str]:
    """Activation functions that are still called, and modules whose sites are shared by several calls."""
    left = {}
    for path, module in model.named_modules():
        if operator_of_module(module) != (None, ""):
            continue
        prefix = f"{path}." if path else ""
        for name, _, reason in seen.functions.get(id(module), []):
            if not _matches(prefix + name, patterns):
                left[prefix + name] = reason or failures.get(id(module), "it is called where torch.fx does not look")
        if id(module) in failures and not any(name.startswith(prefix) for name in left):
            left[path] = f"its calls share their sites: {failures[id(module)]}"
    return left


def _write_in_place(model: nn.Module, x: Tensor) -> Any:
    """Let the sites write into their input where the modules before them did: somebody reads it afterwards."""
    for site in activation_sites(model).values():
        site.inplace = site.wrote_in_place
    with evaluating(model):
        return model(x)


def _equal(one: Any, other: Any) -> bool:
    """Whether two outputs, tensors or structures of them, are equal to the bit; NaN is equal to NaN."""
    a, b = tree_leaves(one), tree_leaves(other)
    return len(a) == len(b) and all(
        torch.equal(torch.nan_to_num(p), torch.nan_to_num(q)) if isinstance(p, Tensor) else p == q
        for p, q in zip(a, b, strict=True)
    )
