"""Weight efficiency."""
