"""Whether what a model sees in production is what it was made for: statistics alone; `safs.mlops` fetches and records."""
