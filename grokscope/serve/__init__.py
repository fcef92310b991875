"""The live page: the runs and studies of a store in a browser, as they are now."""
