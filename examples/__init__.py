"""Programs that show Chainrule at work."""
