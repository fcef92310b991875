"""A small model of the transformers library, on text that comes with Python:  python docs/examples/watch_text.py

Characters are the tokens. A point is eight of them and the one that follows. The attention of GPT-2 is computed by one
fused kernel: its pattern is computed again from queries and keys, and checked against what the network really mixed.
"""

import argparse
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

from grokscope.watch.attention import Attention
from grokscope.watch.transformers import WatchCallback

text = "\n".join(thing.__doc__ or "" for thing in (argparse, argparse.ArgumentParser, tempfile, dict, str.split))
characters = sorted(set(text))
tokens = torch.tensor([characters.index(character) for character in text])
windows = tokens.unfold(0, 9, 1).unique(dim=0)
windows = windows[torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))]
cut = int(0.8 * len(windows))
x, y = windows[:, :8], windows[:, 8]

set_seed(0)
model = GPT2LMHeadModel(
    GPT2Config(
        vocab_size=len(characters),
        n_positions=9,
        n_embd=64,
        n_layer=2,
        n_head=2,
        bos_token_id=None,
        eos_token_id=None,
    )
)
callback = WatchCallback(
    {"train": (x[:cut], y[:cut]), "test": (x[cut:], y[cut:])},
    sites={
        "embed": "transformer.wte.weight",
        "mlp_post": "transformer.h.1.mlp.act",
        "resid_post": "transformer.ln_f",
        "pattern": Attention(qkv="transformer.h.1.attn.c_attn", out="transformer.h.1.attn.c_proj", n_heads=2),
    },
    measures=["behaviour.test_accuracy", "attention.entropy", "manifold.linear_dimension", "weights.norm"],
    every=20,
)
arguments = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    max_steps=100,
    per_device_train_batch_size=64,
    learning_rate=3e-3,
    logging_steps=20,
    save_strategy="no",
    report_to=[],
    disable_tqdm=True,
    use_cpu=True,
)
data = [{"input_ids": row, "labels": row} for row in windows[:cut]]  # the model shifts these labels by itself
Trainer(model, arguments, train_dataset=data, callbacks=[callback]).train()

print(callback.watch.run.frame().round(2).to_string())
