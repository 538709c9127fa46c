"""Pruning: masks and the rules that make them."""
