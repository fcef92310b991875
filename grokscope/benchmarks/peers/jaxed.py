"""The network in JAX with optax, alone and as a pack by vmap. Needs jax, optax and numpy alone."""

from typing import Any

import numpy as np

from grokscope.benchmarks.peers.problem import Problem


class Jaxed:
    """One jitted function a step; vmapped over the replicas of a pack. The loss is float64, as everywhere here."""

    def __init__(self, problem: Problem, *, pack: bool) -> None:
        import jax  # pyright: ignore[reportMissingImports]
        import optax  # pyright: ignore[reportMissingImports]

        jax.config.update("jax_enable_x64", True)
        n_replicas = len(problem.train) if pack else 1
        of = (lambda array: array) if pack else (lambda array: array[0])
        masks = problem.train[:n_replicas]
        rows = of(np.stack([np.flatnonzero(mask) for mask in masks]))
        self._data = problem.tokens[rows], problem.labels[rows]
        self._weights: Any = {name: jax.numpy.asarray(of(tensor)) for name, tensor in problem.weights.items()}
        rule = optax.adamw(
            lambda count: problem.rate * jax.numpy.minimum(count / problem.warmup, 1.0).astype("float32"),
            b1=problem.betas[0],
            b2=problem.betas[1],
            eps=problem.eps,
            weight_decay=problem.decay,
        )
        self._state = rule.init(self._weights)
        gradient = jax.value_and_grad(_loss)
        gradients = jax.vmap(gradient) if pack else gradient

        def step(weights: Any, state: Any, tokens: Any, labels: Any) -> tuple[Any, Any, Any]:
            losses, slopes = gradients(weights, tokens, labels)
            moves, state = rule.update(slopes, state, weights)
            return optax.apply_updates(weights, moves), state, losses

        self._step = jax.jit(step, donate_argnums=(0, 1))
        self._outputs = jax.jit(_outputs)
        self._test = problem.tokens[~problem.train[0]], problem.labels[~problem.train[0]]
        self._classes = problem.n_classes

    def step(self) -> float:
        """The loss, of the first replica."""
        self._weights, self._state, losses = self._step(self._weights, self._state, *self._data)
        return float(np.asarray(losses).flat[0])

    def accuracy(self) -> float:
        """Share of test inputs that are answered right."""
        tokens, labels = self._test
        return float((np.asarray(self._outputs(self._weights, tokens))[:, : self._classes].argmax(-1) == labels).mean())


def _outputs(w: Any, tokens: Any) -> Any:
    import jax  # pyright: ignore[reportMissingImports]
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

    mask = np.tril(np.ones((tokens.shape[-1],) * 2, bool))
    x = w["W_E"][tokens] + w["W_pos"]
    q, k, v = (jnp.einsum("npd,hde->nhpe", x, w[name]) for name in ("W_Q", "W_K", "W_V"))
    scores = jnp.where(mask, jnp.einsum("nhpe,nhqe->nhpq", q, k) / np.float32(np.sqrt(q.shape[-1])), -1e10)
    x = x + jnp.einsum("nhpq,nhqe,hed->npd", jax.nn.softmax(scores), v, w["W_O"])
    x = x + jax.nn.relu(x @ w["W_in"] + w["b_in"]) @ w["W_out"] + w["b_out"]
    return (x @ w["W_U"])[:, -1]


def _loss(w: Any, tokens: Any, labels: Any) -> Any:
    import jax  # pyright: ignore[reportMissingImports]

    logs = jax.nn.log_softmax(_outputs(w, tokens).astype("float64"))
    return -jax.numpy.take_along_axis(logs, labels[:, None], 1).mean()


def alone(problem: Problem) -> Jaxed:
    return Jaxed(problem, pack=False)


def pack(problem: Problem) -> Jaxed:
    return Jaxed(problem, pack=True)
