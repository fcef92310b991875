"""Thirty lines that train a network on a + b mod 31, and two that watch it:  python docs/examples/watch_addition.py"""

import torch
from torch import nn

import grokscope as gs

p, steps = 31, 1000
torch.manual_seed(0)
x = torch.cartesian_prod(torch.arange(p), torch.arange(p))
y = x.sum(1) % p
train = torch.rand(len(x)) < 0.7


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(p, 64)
        self.mlp = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, p))

    def forward(self, pairs: torch.Tensor) -> torch.Tensor:
        return self.mlp(self.embed(pairs).flatten(1))


network = Network()
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=1.0)
watch = gs.watch(network, x, y, train=train, truth=f"cyclic({p})", sites={"embed": "embed.weight", "mlp_post": "mlp.1"})
for step in range(1, steps + 1):
    loss = nn.functional.cross_entropy(network(x[train]), y[train])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    watch.step(step, loss=loss)
run = watch.close()

print(watch.phases)
print(f"grokscope report {run.folder}")
