"""Whether a challenger may take the champion's place; the registry itself is `safs.mlops`'s."""
