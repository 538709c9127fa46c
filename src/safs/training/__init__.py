"""Training: hyperparameters, schedules and the loop."""
