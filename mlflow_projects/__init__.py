"""The MLproject, whose entry points are the steps and the whole pipeline."""
