"""A module of PyTorch Lightning, watched until it has grokked:  python docs/examples/watch_lightning.py"""

import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from grokscope.watch.lightning import WatchCallback

p = 31
pl.seed_everything(0)
x = torch.cartesian_prod(torch.arange(p), torch.arange(p))
y = x.sum(1) % p
train = torch.rand(len(x)) < 0.7


class Addition(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Embedding(p, 64), nn.Flatten(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, p)
        )

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        loss = nn.functional.cross_entropy(self.network(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-2, weight_decay=1.0)


measures = ["behaviour.train_accuracy", "behaviour.test_accuracy", "weights.norm", "manifold.equivariance"]
options = {"train": train, "truth": f"cyclic({p})", "measures": measures, "every": 10}
callback = WatchCallback(x, y, network="network", stop=True, **options)
trainer = pl.Trainer(
    max_steps=3000,
    accelerator="cpu",
    callbacks=[callback],
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
)
trainer.fit(Addition(), DataLoader(TensorDataset(x[train], y[train]), batch_size=1024, shuffle=True))

print(callback.watch.phases)
print(f"stopped at step {trainer.global_step}; grokscope report {callback.watch.run.folder}")
