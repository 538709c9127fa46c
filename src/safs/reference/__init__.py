"""The reference profile of a model: what its inputs and predictions look like when all is well."""
