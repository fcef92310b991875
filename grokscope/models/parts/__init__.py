"""Parts of several architectures: layers, attention, blocks, the linearised network."""
