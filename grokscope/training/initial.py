"""The weights a replica starts from: drawn, or read from a file, scaled, with noise."""

import hashlib

import torch
from torch import Generator, Tensor

from grokscope.errors import GrokscopeError
from grokscope.models.base import NECK, Model
from grokscope.runs.config import RunConfig
from grokscope.runs.foreign.files import safetensors_of
from grokscope.runs.outside import read_file


def initial(config: RunConfig, model: Model) -> dict[str, Tensor]:
    """init_scale (w + init_noise rms(w) N(0, 1)) for each tensor w of `start`, or else of the model's own draw.

    The noise is drawn after the weights, from the same generator. A bottleneck keeps the scale of what passes through
    it: it is neither scaled nor made noisy. GrokscopeError where the file is gone, is another than when the config was
    made, or holds other tensors than the network has.
    """
    generator = Generator().manual_seed(config.seed)
    drawn = model.init(generator)
    tensors = drawn if config.start is None else _started(config, drawn)
    weights = {}
    for name, tensor in tensors.items():
        if name in NECK:
            weights[name] = tensor
            continue
        noise = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype) if config.init_noise else 0.0
        weights[name] = (tensor + config.init_noise * tensor.square().mean().sqrt() * noise) * config.init_scale
    return weights


def _started(config: RunConfig, drawn: dict[str, Tensor]) -> dict[str, Tensor]:
    assert config.start is not None
    try:
        data = read_file(config.start, checked="safetensors")
    except OSError as error:
        raise GrokscopeError(f"cannot read start = {config.start}: {error.strerror or error}") from error
    tensors = safetensors_of(f"start = {config.start}", data)
    if hashlib.sha256(data).hexdigest() != config.start_hash:
        raise GrokscopeError(f"{config.start} is another file than when this config was made; name it in a new config")
    shapes = {name: tuple(tensor.shape) for name, tensor in drawn.items()}
    for name in sorted(shapes.keys() | tensors.keys()):
        came = tuple(tensors[name].shape) if name in tensors else "no tensor"
        expected = shapes.get(name, "no tensor")
        if came != expected:
            raise GrokscopeError(f"start = {config.start}: {name}: the file has {came}, this network {expected}")
    return {name: tensors[name] for name in shapes}
