"""How close the embedding is to a linear representation: the effective theory of representations."""
