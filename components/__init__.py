"""KFP components, one thin one a step; what they do is in `safs.steps`."""
