"""Commands beside the pipeline and its steps: what happens to a model once it is registered."""
