"""Networks as pure functions of their parameters, for one replica or a pack, one file an architecture."""
