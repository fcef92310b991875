"""Published quantities, each a function of a snapshot: one file a quantity, one folder a family."""
