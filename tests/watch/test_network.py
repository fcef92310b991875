"""The sites of networks of somebody else's, and what a look says of them."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from grokscope.watch.attention import Attention
from grokscope.watch.guard import untouched
from grokscope.watch.network import Network
from tests.watch.networks import pairs, plain


def looked(network: nn.Module, sites: Any, x: Tensor, batch: int = 7) -> tuple[dict[str, Tensor], Tensor]:
    watched = Network(network, sites)
    with untouched(network):
        watched.check(x[:3])
        return watched.look(x, len(x), batch)


def test_a_site_is_what_its_module_gave() -> None:
    network, (x, _) = plain(), pairs()
    network.eval()
    sites, outputs = looked(
        network, {"first": "net.0", "embed": "embed.weight", "halved": ("net.2", lambda t: t / 2)}, x
    )
    hidden = network.net[0](network.embed(x).flatten(1))
    torch.testing.assert_close(sites["first"], hidden)
    torch.testing.assert_close(sites["halved"], network.net[2](network.net[1](hidden)) / 2)
    assert torch.equal(sites["embed"], network.embed.weight)
    torch.testing.assert_close(outputs, network(x))


def test_what_a_later_layer_overwrites_is_seen_as_it_was() -> None:
    network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))
    x = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    sites, _ = looked(network, {"pre": "0", "post": "1"}, x)
    pre = x @ network[0].weight.T + network[0].bias
    torch.testing.assert_close(sites["pre"], pre)
    assert sites["pre"].min() < 0
    torch.testing.assert_close(sites["post"], pre.relu())


def test_wildcards_name_their_modules() -> None:
    network, (x, _) = plain(), pairs()
    sites, _ = looked(network, ["net.[02]", "embed.w*"], x)
    assert set(sites) == {"net.0", "net.2", "embed.weight"}


def test_without_names_the_parts_are_looked_at() -> None:
    network, (x, _) = plain(), pairs()
    sites, _ = looked(network, None, x)
    assert set(sites) == {"embed", "net"}


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ({"hidden": "net.7"}, r"unknown module 'net.7'"),
        (["nte.*"], r"unknown module 'nte.\*'"),
        ({"logits": "net"}, "a site cannot be called 'logits'"),
        ({"hidden": 3}, "expected a module's name"),
        ({"pattern": Attention(q="net.0", k="net.9", n_heads=2)}, "unknown module 'net.9'"),
        ({"hidden": ("net.0", lambda _: "nothing")}, "gives a str, expected a tensor"),
        ({"hidden": ("net.0", lambda t: t[:2])}, r"has 2 rows for \d points"),
    ],
)
def test_sites_that_are_none_are_one_line(sites: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        looked(plain(), sites, pairs()[0])
    assert "\n" not in str(error.value)


def test_a_module_that_is_never_called_is_said() -> None:
    network = plain()
    network.unused = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="never called unused"):
        looked(network, {"hidden": "unused"}, pairs()[0])


def test_sequences_give_their_last_position_and_pictures_their_mean() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.words = nn.Conv2d(1, 4, 3), nn.Embedding(10, 6)

        def forward(self, x: Tensor) -> Tensor:
            picture = self.conv(x[:, None])
            return picture.flatten(1).mean(1, keepdim=True) + self.words(x.long()[:, 0].clamp(0, 9))[:, -1]

    network = Both()
    x = torch.rand(5, 6, 6)
    sites, _ = looked(network, {"picture": "conv", "words": "words"}, x)
    torch.testing.assert_close(sites["picture"], network.conv(x[:, None]).mean((2, 3)))
    torch.testing.assert_close(sites["words"], network.words(x.long()[:, 0].clamp(0, 9))[:, -1])


class Attentive(nn.Module):
    """Attention that keeps its pattern to itself."""

    def __init__(self, n_heads: int = 2, n_keys: int = 2, width: int = 8) -> None:
        super().__init__()
        self.n_heads, self.n_keys, self.width = n_heads, n_keys, width // n_heads
        self.embed = nn.Embedding(7, width)
        self.q, self.o = nn.Linear(width, width), nn.Linear(width, width)
        self.k, self.v = (nn.Linear(width, self.width * n_keys) for _ in range(2))
        self.head = nn.Linear(width, 7)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        stream = self.embed(x)
        q, k, v = (part(stream).unflatten(-1, (-1, self.width)).transpose(1, 2) for part in (self.q, self.k, self.v))
        spread = self.n_heads // self.n_keys
        k, v = k.repeat_interleave(spread, 1), v.repeat_interleave(spread, 1)
        scores = (q @ k.transpose(-1, -2) / math.sqrt(self.width)).masked_fill(
            torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1), -math.inf
        )
        self.seen = [scores.softmax(-1)]
        z = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.head(self.o(z.transpose(1, 2).flatten(2)))[:, -1]


@pytest.mark.parametrize(("n_heads", "n_keys"), [(2, 2), (4, 2), (4, 1)])
def test_a_hidden_pattern_is_computed_again_and_checked(n_heads: int, n_keys: int) -> None:
    torch.manual_seed(0)
    network, x = Attentive(n_heads, n_keys), torch.randint(0, 7, (6, 5))
    spec = Attention(q="q", k="k", v="v", out="o", n_heads=n_heads, n_key_heads=n_keys)
    sites, _ = looked(network, {"pattern": spec}, x)
    network(x)
    torch.testing.assert_close(sites["pattern"], network.seen[0][:, :, -1])


def test_a_wrong_description_of_attention_is_found_out() -> None:
    network, x = Attentive(), torch.randint(0, 7, (6, 5), generator=torch.Generator().manual_seed(0))
    for wrong in ({"n_heads": 4}, {"n_heads": 2, "causal": False}, {"n_heads": 2, "scale": 1.0}):
        with pytest.raises(ValueError, match="differs from what the network computed"):
            looked(network, {"pattern": Attention(q="q", k="k", v="v", out="o", **wrong)}, x)


@pytest.mark.parametrize("batch_first", [True, False])
def test_the_attention_of_pytorch_gives_its_weights(batch_first: bool) -> None:
    class Torch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.attn = nn.Embedding(7, 8), nn.MultiheadAttention(8, 2, batch_first=batch_first)

        def forward(self, x: Tensor) -> Tensor:
            stream = self.embed(x) if batch_first else self.embed(x).transpose(0, 1)
            out, _ = self.attn(stream, stream, stream, need_weights=False)
            return out[:, -1] if batch_first else out[-1]

    network, x = Torch(), torch.randint(0, 7, (6, 5))
    sites, _ = looked(network, {"pattern": "attn"}, x)
    stream = network.embed(x) if batch_first else network.embed(x).transpose(0, 1)
    _, weights = network.attn(stream, stream, stream, average_attn_weights=False)
    torch.testing.assert_close(sites["pattern"], weights[:, :, -1])


def test_the_fused_encoder_is_seen_inside() -> None:
    """In evaluation PyTorch's encoder layer runs as one kernel, past its own modules."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    network = nn.Sequential(nn.Embedding(7, 8), layer, nn.Flatten(), nn.Linear(40, 7))
    x = torch.randint(0, 7, (6, 5))
    sites, outputs = looked(network, {"pattern": "1.self_attn", "mlp_post": "1.linear1"}, x)
    assert sites["pattern"].shape == (6, 2, 5)
    assert sites["mlp_post"].shape == (6, 16)
    network.eval()
    torch.testing.assert_close(outputs, network(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")])
def test_wrappers_are_looked_through(wrap: Callable[[nn.Module], Any]) -> None:
    network, (x, _) = plain(), pairs()
    sites, _ = looked(network, {"first": "net.0"}, x)
    torch.testing.assert_close(
        Network(wrap(network), {"first": "net.0"}).look(x, len(x), 9)[0]["first"], sites["first"]
    )


def test_a_batch_is_small_where_activations_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grokscope.watch.network.AT_ONCE", 32 * 4 * 10)
    network, (x, _) = plain(), pairs()
    assert Network(network, None).batch(x[:8], 8) == 10  # the widest are two vectors of 16, or one of 32, in float32
