"""Configs, snapshots and runs: what was trained, and where it is kept."""
