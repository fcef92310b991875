"""Products of float32 matrices by oneDNN: torch's own in other orders of addition."""

import os
import subprocess
import sys

import pytest
import torch

import grokscope.numerics.products as module
from grokscope.numerics.products import add_products, products

SIZES = [(1392, 512, 60), (60, 1392, 512), (3, 2, 4)]  # the last is too small to be worth the call


def matrices(n: int, k: int, m: int, replicas: int = 2, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(replicas, *shape, generator=generator, dtype=dtype) for shape in ((n, k), (k, m), (n, m))]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_product_is_that_of_exact_arithmetic_to_float32(size: tuple[int, int, int], transposed: bool) -> None:
    a, b, into = matrices(*size)
    if transposed:
        a, b = a.mT.contiguous().mT, b.mT.contiguous().mT
    exact = a.double() @ b.double()
    scale = a.double().norm(dim=2, keepdim=True) * b.double().norm(dim=1, keepdim=True)
    before = into.double()
    assert ((add_products(into.clone(), a, b) - before - exact) / (scale + before.abs())).abs().max() < 1e-6
    for n in (1, 2):
        made = products(a[:n], b[:n], torch.full_like(into[:n], torch.nan))
        assert ((made - exact[:n]) / scale[:n]).abs().max() < 1e-6


def test_twice_is_bitwise_the_same() -> None:
    a, b, into = matrices(1392, 512, 60)
    assert torch.equal(products(a, b, into), products(a.clone(), b.clone(), torch.empty_like(into)))


def test_without_onednn_and_in_float64_it_is_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, into = matrices(1392, 512, 60, dtype=torch.float64)
    assert torch.equal(products(a, b, torch.empty_like(into)), a @ b)
    monkeypatch.setattr(module, "_linear", None)
    single = [x.float() for x in (a, b, into)]
    assert torch.equal(products(*single), single[0] @ single[1])
    assert torch.equal(add_products(into.clone(), a, b), torch.baddbmm(into, a, b))


@pytest.mark.parametrize("capability", ["avx2", "default"])
def test_a_processor_without_avx512_keeps_to_torchs_own(capability: str) -> None:
    code = (
        "import torch; from grokscope.numerics.products import products; torch.manual_seed(0);"
        "a, b = torch.randn(1, 1392, 512), torch.randn(1, 512, 60);"
        "print(torch.backends.cpu.get_cpu_capability(), torch.equal(products(a, b, a.new_empty(1, 1392, 60)), a @ b))"
    )
    environment = os.environ | {"ATEN_CPU_CAPABILITY": capability}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == [capability.upper(), "True"]
