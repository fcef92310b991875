"""Pictures of digits: real data, a loader, no known truth.  python docs/examples/watch_digits.py

The dimension of what the hidden layer makes of the pictures, from the first step to the last.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

import grokscope as gs

torch.manual_seed(0)
pictures, digits = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(pictures, dtype=torch.float32) / 16, torch.tensor(digits))
train, test = random_split(data, [0.7, 0.3])
loader = DataLoader(train, batch_size=64, shuffle=True)

network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 10))
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
watch = gs.watch(
    network,
    {"train": loader, "test": test},
    sites={"hidden": "1"},
    measures=["behaviour.test_accuracy", "manifold.dimension", "manifold.linear_dimension", "weights.norm"],
    every=50,
)
step = 0
for _ in range(15):
    for inputs, labels in loader:
        loss = nn.functional.cross_entropy(network(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        watch.step(step := step + 1, loss=loss)
run = watch.close()

print(run.frame().round(2).to_string())
