"""Small changes of a candidate that several strategies share."""

import random
from collections.abc import Sequence

from safs.searching.strategy import Candidate

SWAP = 0.5  # arXiv:2305.10964 swaps in every move, which takes good operators out of their place too often


def neighbour(candidate: Candidate, operators: Sequence[str], draw: random.Random) -> Candidate:
    """One random layer gets another operator, then in half of the moves two random layers swap theirs."""
    layers = list(candidate)
    layer = draw.randrange(len(layers))
    layers[layer] = draw.choice([name for name in operators if name != layers[layer]])
    if len(layers) > 1 and draw.random() < SWAP:
        first, second = draw.sample(range(len(layers)), 2)
        layers[first], layers[second] = layers[second], layers[first]
    return tuple(layers)


def anywhere(layers: int, operators: Sequence[str], draw: random.Random) -> Candidate:
    """A candidate drawn uniformly from all that can be made of the operators."""
    return tuple(draw.choice(operators) for _ in range(layers))
