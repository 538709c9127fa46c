"""What happens inside of a sparse network while it learns, and which choice was worth it."""
