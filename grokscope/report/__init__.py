"""What a run looks like: the same figures and words in notebook, report and live page."""
