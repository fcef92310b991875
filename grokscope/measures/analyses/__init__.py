"""Analyses that several measures share: views of a cloud, circles, harmonics, gradients, kernels, curvature."""
