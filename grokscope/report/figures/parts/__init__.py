"""What several figures share: step axes, panels with a slider, tables of cells, axes of norms."""
