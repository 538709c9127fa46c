"""Serves an exported model over HTTP, with the runtime and the standard library alone: `python -m safs.serving`."""
