"""Scripts that measure what the README and RESULTS.md say; each prints its table and writes it as JSON."""
