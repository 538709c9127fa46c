"""MLflow: tracking and the model registry."""

import os

# MLflow tells its makers how it is used unless it is told not to, and its thread for that changes the environment under others
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
