"""Sparsification: how a dense network becomes a sparse one, with or without training on the way."""
