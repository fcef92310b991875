"""The pages of the live page, a file each."""
