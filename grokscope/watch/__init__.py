"""Attaches to somebody's own training: what it measures as it goes, where the numbers are sent, and logs of others."""
