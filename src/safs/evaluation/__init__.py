"""What a sparse model is worth, and which one is the best."""
