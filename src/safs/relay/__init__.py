"""Webhooks of the model registry to what should happen then: a CI run, a promotion, a retraining."""
