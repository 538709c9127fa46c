"""What a model becomes when it leaves the laboratory."""
