"""A worker process of the engine `local`: a job a line on stdin, its outcome a line on stdout.

Started as `python -m`, not by multiprocessing: nothing of the parent is imported again, and the number of threads is in
the environment before torch starts. Imports of torch therefore come after the first job has.
"""

import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from queue import SimpleQueue
from typing import Any


def main() -> None:
    """Works until stdin ends; when it ends in the middle of a job, the parent is dead, and so is the job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal's Ctrl-C the parent hears, and ends this process
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that prints may come between the answers
    jobs: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    from grokscope.studies.executors.base import Job, work

    while True:
        print(json.dumps(asdict(work(Job(**jobs.get())))), file=answers, flush=True)


def _listen(jobs: "SimpleQueue[dict[str, Any]]") -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
