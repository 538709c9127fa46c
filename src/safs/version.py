"""The version of the package, for what must not import the package's front."""

VERSION = "0.1.0"
