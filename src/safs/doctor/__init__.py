"""Looks at every part outside the package: is it there, does it answer, and what is to be done if not."""
