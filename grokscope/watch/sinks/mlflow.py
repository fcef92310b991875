"""MLflow: a run of the experiment grokscope on the tracking server that MLflow is set to, or a run of the user's."""

import hashlib
import os
import posixpath
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any, TypeVar

from grokscope.watch.sinks.base import Service, Sink, Watched, html_of, needed, package_of

INSTALL = "grokscope[mlflow]"
F = TypeVar("F", bound=Callable[..., Any])
LONGEST_NAME, LONGEST_PARAM = 250, 6000  # mlflow/utils/validation.py
BATCH, PARAMS = 1000, 100  # a request takes so many metrics, and so many params
# MLflow asks a server that is gone for minutes, and the training waits.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def legal(name: str) -> str:
    """A name that MLflow takes, the same at all times: letters, digits and _ . / - alone, and no path that goes up.

    attention.entropy[head=0], a measure and its view, becomes "attention.entropy head-0". Whatever else is changed gets
    a digest of its own, so that two names stay two.
    """
    viewed = re.fullmatch(r"([\w.]+)\[([\w./=]+)\]", name)
    plain = f"{viewed[1]} {viewed[2].replace('=', '-')}" if viewed else name
    is_path = posixpath.normpath(plain) == plain and plain[:1] not in ("", ".", "/")
    if is_path and re.fullmatch(r"[\w./-]+", plain.replace(" ", "", 1 if viewed else 0)) and len(plain) <= LONGEST_NAME:
        return plain
    readable = posixpath.normpath(re.sub(r"[^\w./-]+", "_", name)).strip("./_")[: LONGEST_NAME - 7]
    return f"{readable.replace('..', '_')}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


@contextmanager
def _patience() -> Iterator[None]:
    own = {name: value for name, value in PATIENCE.items() if name not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)


def _hurried(method: F) -> F:
    """With PATIENCE, where the user has said nothing else."""

    @wraps(method)
    def act(*args: Any, **options: Any) -> Any:
        with _patience():
            return method(*args, **options)

    return act  # type: ignore[return-value]


class MLflow:
    """Metrics of a run; config as its params; figures as pages among its artifacts."""

    def __init__(self, client: Any, run: str, *, mine: bool) -> None:
        self._client, self._run, self._mine = client, run, mine
        self._metric = needed("mlflow.entities", INSTALL).Metric

    @_hurried
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        metrics = [self._metric(legal(name), value, now, step) for name, value in values.items()]
        for start in range(0, len(metrics), BATCH):
            self._client.log_batch(self._run, metrics=metrics[start : start + BATCH])

    @_hurried
    def figure(self, name: str, figure: Any) -> None:
        self._client.log_text(self._run, html_of(figure), f"figures/{legal(name)}.html")

    @_hurried
    def close(self) -> None:
        if self._mine:
            self._client.set_terminated(self._run)


def _flat(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


@_hurried
def _opened(watched: Watched, client: Any = None) -> Sink:
    """client: of the user's; else the active run, else a new one where MLflow is set to."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow would report its use to its makers
    module = needed("mlflow", INSTALL)
    if client is None and (active := module.active_run()) is not None:
        return MLflow(module.MlflowClient(), active.info.run_id, mine=False)
    client = client or module.MlflowClient()
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "grokscope")
    known = client.get_experiment_by_name(name)
    experiment = client.create_experiment(name) if known is None else known.experiment_id
    run = client.create_run(experiment, run_name=watched.run_id, tags={"grokscope.run": watched.run_id}).info.run_id
    param = needed("mlflow.entities", INSTALL).Param
    params = [param(legal(name), str(value)[:LONGEST_PARAM]) for name, value in _flat(watched.config)]
    for start in range(0, len(params), PARAMS):
        client.log_batch(run, params=params[start : start + PARAMS])
    return MLflow(client, run, mine=True)


def _around(given: Any, watched: Watched) -> Sink | None:
    if package_of(given) != "mlflow":
        return None
    if isinstance(given, ModuleType):
        return _opened(watched)
    if callable(getattr(given, "log_batch", None)):
        return _opened(watched, given)
    run = getattr(getattr(given, "info", None), "run_id", None)
    return None if run is None else MLflow(needed("mlflow", INSTALL).MlflowClient(), run, mine=False)


mlflow = Service(opened=_opened, around=_around)
