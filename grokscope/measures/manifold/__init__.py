"""The shape of its representation: dimension, Betti numbers, circles, and how they follow the task."""
