"""Stage 2 of the method: scales and hyperparameters of sparse fine-tuning."""
