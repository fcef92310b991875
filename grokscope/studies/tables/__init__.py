"""Tables of a study: what its arms show beside the verdicts, one file a table."""
