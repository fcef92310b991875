"""Where packs are trained: one file an engine."""
