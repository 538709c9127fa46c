"""Whether a model should be trained anew, and why; starting the run is `safs.commands`'s."""
