"""Run seeding verbs for a site from outside its processes: `python -m tests.journeys.seeding MODULE`.

Each input line is a verb of that module. It runs in a process forked after Django's set-up, which takes two seconds: a
run with thirty verbs would else spend them on each. Each output line is JSON: exit code and return value.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

Verb = Callable[[], str | None]


def run_verb(seeder: subprocess.Popen[bytes], verb: str) -> str:
    """Run the verb in the seeder and return its value. Fails if the verb failed; its traceback is on standard error."""
    assert seeder.stdin is not None and seeder.stdout is not None
    seeder.stdin.write(f"{verb}\n".encode())
    seeder.stdin.flush()
    line = seeder.stdout.readline()
    assert line, "the seeder has ended"
    code, value = json.loads(line)
    assert code == 0, f"seeding failed: {verb}"
    return str(value)


def main(module: str) -> None:
    """Run the verbs of the module that standard input names."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
    import django

    django.setup()
    verbs: dict[str, Verb] = {verb.__name__: verb for verb in import_module(module).verbs()}
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # other output goes to standard error
        for line in sys.stdin:
            answers.write(f"{json.dumps(_run_forked(verbs[line.strip()]))}\n")
            answers.flush()


def _run_forked(verb: Verb) -> tuple[int | None, str]:
    fork, value = multiprocessing.get_context("fork"), ""
    ours, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=_send, args=(theirs, verb))
    process.start()
    theirs.close()
    with suppress(EOFError):  # the verb failed
        value = ours.recv()
    process.join()
    return process.exitcode, value


def _send(to: Any, verb: Verb) -> None:
    to.send(verb() or "")


if __name__ == "__main__":
    main(sys.argv[1])
