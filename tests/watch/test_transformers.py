"""The callback of the Trainer of Hugging Face."""

import gc
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import grokscope as gs
from grokscope.watch.attention import Attention
from tests.watch.kinds import KINDS
from tests.watch.networks import pairs, trained
from tests.watch.noticing import of_two, require_same, seeded, seen

pytestmark = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
WIDTH = 6  # tokens of a point
TEXT = "the cat sat on the mat and the rat sat on the hat of the cat that sat on the mat " * 3
SITES = {
    "pattern": Attention(qkv="transformer.h.0.attn.c_attn", out="transformer.h.0.attn.c_proj", n_heads=2),
    "resid_post": "transformer.ln_f",
    "embed": "transformer.wte.weight",
}


def windows() -> Tensor:
    symbols = sorted(set(TEXT))
    return torch.tensor([symbols.index(c) for c in TEXT]).unfold(0, WIDTH + 1, 1)


def network(**options: Any) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    small = {"n_positions": WIDTH, "n_embd": 16, "n_layer": 1, "n_head": 2}
    ends = {"bos_token_id": None, "eos_token_id": None}
    return GPT2LMHeadModel(GPT2Config(vocab_size=len(set(TEXT)), **small, **ends, **options))


def callback(store: Path, points: tuple[Tensor, Tensor] | None = None, **options: Any) -> Any:
    from grokscope.watch.transformers import WatchCallback

    rows = windows()
    splits = {"train": (rows[:200, :-1], rows[:200, -1]), "test": (rows[200:, :-1], rows[200:, -1])}
    given: dict[str, Any] = {"sites": SITES, "store": store} | options
    return WatchCallback(*(points or (splits,)), **given)


def trainer(one: Any, callbacks: list[Any], folder: Path, rows: Any = None, **options: Any) -> Any:
    from transformers import PrinterCallback, Trainer, TrainingArguments

    rows = rows or [{"input_ids": row[:-1], "labels": row[:-1]} for row in windows()[:200]]
    given = {"max_steps": 20, "logging_steps": 1, "save_strategy": "no", "learning_rate": 3e-3} | options
    fixed = {"per_device_train_batch_size": 16, "use_cpu": True, "report_to": [], "disable_tqdm": True}
    arguments = TrainingArguments(output_dir=str(folder / "hf"), **fixed, **given)
    made = Trainer(model=one, args=arguments, train_dataset=rows, eval_dataset=rows, callbacks=callbacks)
    made.remove_callback(PrinterCallback)
    return made


def around(watching: Any) -> list[Any]:
    """The callback between two that look at everything before and after its turn."""
    from transformers import TrainerCallback

    noticed: list[Any] = []

    class Before(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            noticed.append(seen(given["model"], given["optimizer"]))

        on_step_end = on_log = on_train_begin

    class After(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            require_same(noticed.pop(), seen(given["model"], given["optimizer"]), f"step {state.global_step}")

        on_step_end = on_log = on_train_begin

    return [Before(), watching, After()]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # of torch.compile
@pytest.mark.parametrize(
    "options",
    [
        {"max_steps": 200, "logging_steps": 10},
        {"max_steps": 30, "gradient_accumulation_steps": 2, "bf16": True},
        {"max_steps": 15, "logging_steps": 1, "torch_compile": True, "torch_compile_backend": "eager"},
    ],
    ids=["plain", "bf16_accumulated", "compiled"],
)
def test_a_training_is_the_same_with_a_watch(options: dict[str, Any], tmp_path: Path) -> None:
    import transformers  # noqa: F401, the first import may draw random numbers

    trainings = []
    for watching in (False, True):
        seeded()
        one = network()
        one.transformer.wpe.requires_grad_(False)
        watch = callback(tmp_path, every=5)
        training = trainer(one, around(watch) if watching else [], tmp_path, **options)
        training.train()
        losses = [line["loss"] for line in training.state.log_history if "loss" in line]
        assert len(set(losses)) > 10
        trainings.append((losses, of_two(seen(one, training.optimizer))))
    (losses, alone), (again, watched) = trainings
    assert losses == again
    require_same(alone, watched)
    run = watch.watch.run
    assert (run.status["state"], run.steps) == ("done", options["max_steps"])
    assert run.series("test/accuracy")[0].tolist() == list(range(0, options["max_steps"] + 1, 5))
    assert run.series("attention.entropy", "head=0")[1].max() <= 1


class WithLoss(nn.Module):
    """A network as the Trainer wants it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Tensor | None]:
        logits = self.network(x)
        return {"loss": None if labels is None else nn.functional.cross_entropy(logits, labels), "logits": logits}


@pytest.mark.parametrize("kind", ["counting", "frozen", "hooked", "spectral_norm", "tied"])
def test_a_training_of_any_module_is_the_same(kind: str, tmp_path: Path) -> None:
    import transformers  # noqa: F401, the first import may draw random numbers

    x, y = pairs()
    rows = [{"x": one, "labels": label} for one, label in zip(x[trained()], y[trained()], strict=True)]
    trainings = []
    for watching in (False, True):
        seeded()
        one = WithLoss(KINDS[kind]())
        watch = callback(tmp_path, points=(x, y), train=trained(), every=2, sites=None)
        training = trainer(one, around(watch) if watching else [], tmp_path, rows=rows)
        training.train()
        losses = [line["loss"] for line in training.state.log_history if "loss" in line]
        trainings.append((losses, of_two(seen(one, training.optimizer))))
    (losses, alone), (again, watched) = trainings
    assert len(set(losses)) > 10
    assert losses == again
    require_same(alone, watched)
    assert watch.watch.run.series("test/accuracy")[0].tolist() == list(range(0, 21, 2))


def test_the_pattern_of_a_fused_kernel_is_that_of_the_open_one(tmp_path: Path) -> None:
    """The library itself gives its pattern out when it computes eagerly."""
    rows = windows()[:50]
    patterns = []
    for kernel in ("sdpa", "eager"):
        torch.manual_seed(0)
        one = network(attn_implementation=kernel)
        with torch.no_grad():
            one.transformer.h[0].attn.c_attn.weight *= 50  # far from even
        opened = ("transformer.h.0.attn", lambda output: output[1][:, :, -1])
        place = SITES["pattern"] if kernel == "sdpa" else opened
        with gs.watch(one, rows[:, :-1], rows[:, -1], sites={"pattern": place}, measures=[], store=tmp_path) as watch:
            patterns.append(watch.snapshot().activations["pattern"])
    torch.testing.assert_close(*patterns)
    assert patterns[0].std() > 0.05


def test_a_pattern_that_positions_turn_is_refused(tmp_path: Path) -> None:
    """Rotary positions turn queries and keys after the modules that are listened to."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    one = LlamaForCausalLM(LlamaConfig(vocab_size=len(set(TEXT)), initializer_range=0.5, **shape))
    layer = "model.layers.0.self_attn"
    names: dict[str, Any] = {part: f"{layer}.{part}_proj" for part in "qkv"} | {"out": f"{layer}.o_proj"}
    rows = windows()[:50]
    with pytest.raises(ValueError, match="the pattern computed from q and k, times v, differs from what the network"):
        gs.watch(one, rows[:, :-1], rows[:, -1], sites={"pattern": Attention(n_heads=2, **names)}, store=tmp_path)


def test_a_look_has_what_is_logged_of_its_step(tmp_path: Path) -> None:
    watch = callback(tmp_path, every=2, measures=["weights.norm"])
    training = trainer(network(), [watch], tmp_path, max_steps=8, logging_steps=4)
    training.train()
    logged = {line["step"]: line for line in training.state.log_history if "loss" in line}
    run = watch.watch.run
    assert run.series("weights.norm")[0].tolist() == [0, 2, 4, 6, 8]
    for name in ("loss", "learning_rate"):
        steps, values = run.series(f"logged.{name}")
        assert steps.tolist() == [4, 8]
        assert values.tolist() == [logged[4][name], logged[8][name]]


@pytest.mark.parametrize("frequent", [1, 100])
@pytest.mark.parametrize(("stop", "last"), [(True, 3), (False, 6)])
def test_it_stops_only_where_it_is_asked(stop: bool, last: int, frequent: int, tmp_path: Path) -> None:
    one, calls = network(), []

    def lost(*_: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            one.transformer.ln_f.weight.data[0] = torch.nan

    one.transformer.wte.register_forward_pre_hook(lost)
    watch = callback(tmp_path, every=1, measures=["weights.norm"], stop=stop, sites="transformer.ln_f")
    training = trainer(one, [watch], tmp_path, max_steps=6, logging_steps=frequent, logging_nan_inf_filter=False)
    training.train()
    assert training.state.global_step == watch.watch.run.steps == last


def failing(at: int) -> Callable[..., None]:
    calls: list[int] = []

    def fails(*_: Any) -> None:
        calls.append(1)
        if len(calls) == at:
            raise RuntimeError("out of memory")

    return fails


@pytest.mark.parametrize("close", ["close", "let go"])
def test_an_error_of_the_training_closes_the_watch(close: str, tmp_path: Path) -> None:
    """The Trainer says nothing of it: the callback is closed, or the last one who holds it lets go."""
    one = network()
    one.transformer.wte.register_forward_pre_hook(failing(at=4))
    watch = callback(tmp_path, every=1, measures=["weights.norm"], sites="transformer.ln_f")
    training = trainer(one, [watch], tmp_path)
    with pytest.raises(RuntimeError, match="out of memory"):
        training.train()
    run = watch.watch.run
    assert run.series("weights.norm")[0].tolist() == [0, 1, 2, 3]
    if close == "close":
        watch.close()
    del watch, training
    gc.collect()
    assert run.status["state"] == "failed"


def test_the_last_look_is_before_the_best_checkpoint_comes_back(tmp_path: Path) -> None:
    watch = callback(tmp_path, every=7, measures=["weights.norm"])
    last: list[float] = []
    one = network()
    best = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 2, "save_steps": 2}
    training = trainer(one, [watch], tmp_path, max_steps=2, load_best_model_at_end=True, **best)

    def other_weights() -> None:
        last.append(norm(one))
        for p in one.parameters():
            p.data.zero_()

    training._load_best_model = other_weights
    training.train()
    steps, values = watch.watch.run.series("weights.norm")
    assert (steps[-1], values[-1]) == (2, pytest.approx(last[0], rel=1e-5))
    assert norm(one) == 0


def norm(one: Any) -> float:
    return float(sum(p.detach().double().square().sum() for p in one.parameters()) ** 0.5)


def test_what_does_not_fit_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="evry"):
        callback(tmp_path, evry=3)
    with pytest.raises(ValueError, match="network = 'model': GPT2LMHeadModel has no such module; it has transformer"):
        trainer(network(), [callback(tmp_path, network="model")], tmp_path).train()
    assert gs.runs(tmp_path) == []
