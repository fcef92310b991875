"""The shape of the representation: dimension, Betti numbers, circles, and how they follow the task."""
