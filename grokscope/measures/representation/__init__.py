"""How far its embedding is an addition: the effective theory of representations."""
