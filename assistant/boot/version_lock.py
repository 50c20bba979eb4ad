"""Resolver of all package versions: `./run lock` writes `constraints.txt`, inside the environment.

Present versions are kept if they fit; `./run lock --upgrade` takes the newest. One resolution holds for every platform
and Python in `[tool.uv] environments`. Hashes of all files are pinned.
"""

from __future__ import annotations

import re
import subprocess
import sys

from assistant.boot.layout import ROOT
from assistant.boot.packages import CONSTRAINTS, OVERRIDES, find_uv

EXTRAS = ("vllm", "pictures", "postgres", "redis", "milvus", "dev")  # `gpu` has its own environment
HEADER = """\
# The versions that were tested together, with the hashes of their files; pyproject.toml says what is allowed.
# Made by ./run lock. The hashes of torch and torchvision are those of the package index, used on macOS only.
"""
# Constraints apply only to packages that are installed anyway, so markers matter only for a package with two versions.
_CONDITION = re.compile(r" ; [^\\\n]+?(?= \\\n)")


def main(options: list[str]) -> int:
    """Write `constraints.txt`; return uv's exit code."""
    command = [str(find_uv()), "pip", "compile", "pyproject.toml", "--universal", "--no-sources", "--generate-hashes"]
    command += ["--python-version", "3.11", "--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"]
    command += [word for extra in EXTRAS for word in ("--extra", extra)]
    command += ["--override", str(OVERRIDES), "--output-file", str(CONSTRAINTS), *options]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if not code:
        CONSTRAINTS.write_text(HEADER + drop_conditions(CONSTRAINTS.read_text()))
    return code


def drop_conditions(text: str) -> str:
    """Return the lock without the environment markers of packages that it names once."""
    names = re.findall(r"^([\w.-]+)==", text, re.MULTILINE)
    twice = {name for name in names if names.count(name) > 1}
    lines = text.splitlines(keepends=True)
    return "".join(line if line.partition("==")[0] in twice else _CONDITION.sub("", line) for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
