"""SAFS Pipelines: prune a network hard, give it back its accuracy, put it into production."""

__version__ = "0.1.0"
