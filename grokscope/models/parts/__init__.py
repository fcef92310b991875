"""What several architectures share: layers, attention, blocks, the linearised network."""
