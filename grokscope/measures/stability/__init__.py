"""The limits of arithmetic in training: collapse of the softmax, gradients along the weights, lost steps."""
