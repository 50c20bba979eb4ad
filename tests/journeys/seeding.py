"""Fills a site's data from outside its processes: `python -m tests.journeys.seeding MODULE` hears verbs of that module.

Each line that it reads is a verb, done in a process of its own, forked when Django is set up: that takes two seconds,
which a run with thirty verbs would spend on each. Each line that it writes is JSON: the exit code, and what was said.
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


def told(seeder: subprocess.Popen[bytes], verb: str) -> str:
    """What the verb says, once it is done; fails where it failed, whose trace stands among the errors."""
    assert seeder.stdin is not None and seeder.stdout is not None
    seeder.stdin.write(f"{verb}\n".encode())
    seeder.stdin.flush()
    line = seeder.stdout.readline()
    assert line, "the seeder has ended"
    code, said = json.loads(line)
    assert code == 0, f"seeding failed: {verb}"
    return str(said)


def main(module: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
    import django

    django.setup()
    verbs: dict[str, Verb] = {verb.__name__: verb for verb in import_module(module).verbs()}
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what else is printed on the way is no answer
        for line in sys.stdin:
            answers.write(f"{json.dumps(_done(verbs[line.strip()]))}\n")
            answers.flush()


def _done(verb: Verb) -> tuple[int | None, str]:
    fork, said = multiprocessing.get_context("fork"), ""
    ours, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=_say, args=(theirs, verb))
    process.start()
    theirs.close()
    with suppress(EOFError):  # it failed
        said = ours.recv()
    process.join()
    return process.exitcode, said


def _say(to: Any, verb: Verb) -> None:
    to.send(verb() or "")


if __name__ == "__main__":
    main(sys.argv[1])
