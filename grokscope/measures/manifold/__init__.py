"""Where it looks."""
