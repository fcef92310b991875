"""Rows of tables are the same rows, and have the same gradient, however they are read."""

import torch

from grokscope.models.parts.trace import product_rows, rows


def test_a_product_with_one_hots_reads_the_rows() -> None:
    torch.manual_seed(0)
    table = torch.randn(3, 7, 5, dtype=torch.float64, requires_grad=True)
    inputs, weight = torch.randint(7, (3, 40, 2)), torch.randn(3, 40, 2, 5, dtype=torch.float64)
    read, multiplied = rows(table, inputs), product_rows(table, inputs)
    assert torch.equal(read, multiplied)
    one, other = (torch.autograd.grad((x * weight).sum(), table)[0] for x in (read, multiplied))
    torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-12)
