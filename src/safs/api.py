"""The method as functions for a user's own model and data."""
