"""A process that calls one function as often as it is asked: a question a line on its stdin, the answer a line on its
stdout, both objects of JSON.

Started as `python -m`, not by multiprocessing: nothing of the parent is imported again, and the number of threads is in
the environment before torch starts.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grokscope.errors as _place

_ROOT = str(Path(_place.__file__).parents[1])
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def environment(threads: int) -> dict[str, str]:
    """Variables of a process of grokscope: it finds this one, and has its threads before torch starts."""
    path = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
    return dict.fromkeys(_THREADS, str(threads)) | {"PYTHONPATH": path}


class Worker:
    """The process, as its parent sees it; it ends with the parent. function: module:name, of a dict to a dict."""

    def __init__(self, function: str, environment: Mapping[str, str]) -> None:
        # -P: a file called torch.py in the user's folder must not be imported.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, function],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | environment,
        )  # fmt: skip

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """Its answer; None when it dies before it has one."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
            answer = stdout.readline()
        except (OSError, ValueError):  # the pipe is broken, or closed
            return None
        return json.loads(answer) if answer.endswith("\n") else None  # it may die within a line

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Its exit code."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except OSError:  # what was written last cannot be delivered any more
                pass
        return self._process.wait()


def main(function: str) -> None:
    """Works until stdin ends; when it ends in the middle of a question, the parent is dead, and nobody waits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal's Ctrl-C the parent hears, and ends this process
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that prints may come between the answers
    questions: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(questions,), daemon=True).start()
    module, _, name = function.partition(":")
    act = getattr(importlib.import_module(module), name)
    while True:
        print(json.dumps(act(questions.get())), file=answers, flush=True)


def _listen(questions: "SimpleQueue[dict[str, Any]]") -> None:
    for line in sys.stdin:
        questions.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
