"""Packs on a Ray cluster: one Ray task is one pack; the only thing that travels back is its outcome.

Ray Core alone (never Ray Tune) queues the tasks, and runs those of a lost node again on another one. The store must lie
at the same path on every node, and grokscope must be installed there.
"""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from grokscope.errors import GrokscopeError
from grokscope.studies.executors.base import ON_A_GPU, TRIES, Job, Outcome, work

# A cluster's head answers at once or not at all [s]; Ray itself would try for a minute, and end the process.
ANSWER_SECONDS = 5.0
# A head speaks gRPC, which is HTTP/2 (RFC 9113, sections 3.4 and 4.1): both sides begin with a frame of type SETTINGS.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_FRAME, _SETTINGS = 9, 4  # bytes of a frame's head; its type, at place 3


@contextmanager
def ray(*, slots: int, threads: int, address: str | None = None, device: str = "cpu") -> Iterator["Ray"]:
    """The engine: on a local Ray of slots x threads cores, or on the cluster at an address (host:port, or "auto").

    GrokscopeError where Ray is not installed and where nothing answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report its use to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of what it will do one day
    try:
        import ray as cluster
    except ImportError as error:
        raise GrokscopeError("the engine ray needs Ray: pip install 'grokscope[ray]'") from error
    mine = not cluster.is_initialized()
    if mine:
        _join(cluster, address, slots * threads)
    try:
        yield Ray(cluster, threads, device)
    finally:
        if mine:
            cluster.shutdown()


class Ray:
    """Submits packs as tasks. A task has as many cores as threads, and on a GPU a share of it."""

    def __init__(self, cluster: Any, threads: int, device: str = "cpu") -> None:
        self.threads = threads
        resources, share = cluster.cluster_resources(), 1 / ON_A_GPU if device == "cuda" else 0
        self.slots = max(1, int(resources.get("CPU", 1)) // threads)
        if share:
            self.slots = max(1, min(self.slots, int(resources.get("GPU", 0) * ON_A_GPU)))
        # Ray has OMP_NUM_THREADS follow num_cpus; `work` sets torch's own.
        self._task = cluster.remote(num_cpus=threads, num_gpus=share, max_retries=TRIES, retry_exceptions=False)(_task)

    def submit(self, job: Job) -> "Future[Outcome]":
        answer: Future[Outcome] = Future()
        self._task.remote(asdict(job)).future().add_done_callback(lambda done: _pass_on(done, job, answer))
        return answer


def _task(job: dict[str, Any]) -> dict[str, Any]:
    return asdict(work(Job(**job)))


def _pass_on(done: "Future[dict[str, Any]]", job: Job, answer: "Future[Outcome]") -> None:
    """Passes an outcome on; a failure of Ray itself, after all its tries, is an outcome too."""
    error = done.exception()
    if error is None:
        answer.set_result(Outcome(**done.result()))
        return
    reason = f"Ray gave it up after {TRIES + 1} tries: {str(error).strip().partition(chr(10))[0]}"
    answer.set_result(Outcome(pack=job.pack, state="failed", reason=reason))


def _join(cluster: Any, address: str | None, cores: int) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        # Results are a few bytes: the smallest object store that Ray takes, not a third of the memory.
        cluster.init(num_cpus=cores, include_dashboard=False, object_store_memory=80 << 20, address="local", **quiet)
        return
    if address != "auto":
        _require_answer(address)
    try:
        cluster.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
        raise GrokscopeError(f"no Ray cluster at {address}: {str(error).strip().partition(chr(10))[0]}") from error


def _require_answer(address: str) -> None:
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise ValueError(f'--address takes host:port of a Ray cluster\'s head, or "auto"; got {address!r}')
    try:
        with socket.create_connection((host, port), ANSWER_SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS", "0") == "1":  # it would not talk to us before a handshake
                return
            connection.sendall(_PREFACE)
            connection.settimeout(ANSWER_SECONDS)
            answered = connection.recv(_FRAME)
    except OSError as error:
        raise GrokscopeError(
            f"no Ray cluster answers at {address} ({error.strerror or error}); start one with `ray start --head`, or "
            "leave --address out for a local Ray"
        ) from error
    if len(answered) < _FRAME or answered[3] != _SETTINGS:
        raise GrokscopeError(f"what answers at {address} is not a Ray cluster; give host:port of the cluster's head")
