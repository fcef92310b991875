"""One file a figure: what it draws, and of what."""
