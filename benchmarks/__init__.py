"""Measurements side by side with peers: ratios of medians from one run."""
