"""A worker process: reads tasks as lines of JSON, does them, answers each with a line. Ends when its parent does."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any

# Before any numerical library is imported: the numbers must not depend on how many workers share the machine.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
#: Exit status of a worker whose parent is gone.
ORPHANED = 3


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    # Whatever a marker prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    sys.path[:] = json.loads(lines.get())
    from presage.study.task import Task
    from presage.study.tasks import execute

    while True:
        task = Task.from_json(lines.get())
        answer: dict[str, Any] = {"ok": True}
        try:
            execute(task)
        except BaseException as error:
            answer = {"ok": False, **described(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _listen(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    # The pipe ends when the parent does, however it was killed: no worker outlives its study.
    os._exit(ORPHANED)


def described(error: BaseException) -> dict[str, str]:
    """What, where, cure and, for a program's error, where in it."""
    from presage.cohort import InputError

    if isinstance(error, InputError):
        return {"what": error.what, "where": error.where, "cure": error.cure, "trace": ""}
    what = f"{type(error).__name__}: {error}"
    return {"what": what, "where": "", "cure": "", "trace": traceback.format_exc()}


if __name__ == "__main__":
    main()
