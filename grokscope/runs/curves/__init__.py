"""Anybody's curves as a run: tables of many formats, the choice of columns, and the run that holds them."""
