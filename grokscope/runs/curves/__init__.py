"""Anybody's curves as a run: tables of many formats, which column is which, and the run that holds them."""
