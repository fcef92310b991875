"""Packs of replicas, their optimizers, schedule and loop."""
