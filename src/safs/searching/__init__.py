"""Stage 1 of the method: the search for each layer's operator."""
