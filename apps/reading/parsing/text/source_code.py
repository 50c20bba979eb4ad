"""Parser of source code: language by suffix, and a heading for each function, class or section defined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from apps.reading.parsing.common.encoding import read_text
from apps.reading.parsing.protocol import ParsedBlock, ParsedItem, ParseLimits, paginate

LANGUAGES = {
    "py": "Python", "pyi": "Python", "js": "JavaScript", "mjs": "JavaScript", "jsx": "JavaScript", "ts": "TypeScript",
    "tsx": "TypeScript", "java": "Java", "kt": "Kotlin", "scala": "Scala", "go": "Go", "rs": "Rust", "c": "C", "h": "C",
    "cpp": "C++", "hpp": "C++", "cc": "C++", "cs": "C#", "rb": "Ruby", "php": "PHP", "swift": "Swift", "lua": "Lua",
    "pl": "Perl", "r": "R", "jl": "Julia", "sh": "Shell", "bash": "Shell", "zsh": "Shell", "ps1": "PowerShell",
    "sql": "SQL", "css": "CSS", "scss": "SCSS", "yaml": "YAML", "yml": "YAML", "toml": "TOML", "ini": "Settings",
    "cfg": "Settings", "conf": "Settings", "dockerfile": "Dockerfile", "makefile": "Makefile", "cmake": "CMake",
    "proto": "Protocol Buffers", "graphql": "GraphQL", "vue": "Vue", "dart": "Dart", "ex": "Elixir", "exs": "Elixir",
    "erl": "Erlang", "hs": "Haskell", "ml": "OCaml", "clj": "Clojure", "groovy": "Groovy", "tf": "Terraform",
}  # fmt: skip
_WORDS = (
    "def|class|function|func|fn|interface|struct|enum|trait|impl|module|namespace|type|object|sub|proc|"
    "create (?:or replace )?(?:table|view|function|procedure|index)"
)
_DEFINED = re.compile(
    rf"^(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\([^)]*\))?|unsafe|data|"
    rf"sealed|override|inline|extern|declare)\s+)*(?:{_WORDS})\s+([\w.$:]+)",
    re.IGNORECASE,
)
_SECTION = re.compile(r"^\[+([^\]\n]+)\]+\s*$")  # in files of settings
MOST_LINES = 400  # of a block without a definition


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield the pages of a source file; `limits.name` tells the language. Raises ParseError."""
    file = PurePath(limits.name.lower())
    ending = file.suffix[1:] or file.name
    text = read_text(path, limits)
    yield from paginate(
        _blocks(text, LANGUAGES.get(ending, "Source"), ending in {"toml", "ini", "cfg", "conf"}), limits
    )


def _blocks(text: str, language: str, settings: bool) -> Iterator[ParsedBlock]:
    """Yield code blocks that begin at definitions without indentation, with the decorators and comments above them."""
    yield ParsedBlock("heading", f"{language} code" if language != "Settings" else "Settings", 1)
    run: list[str] = []
    for line in text.split("\n"):
        match = _SECTION.match(line) if settings else _DEFINED.match(line)
        if match or len(run) > MOST_LINES:
            comment_lines = _above(run) if match else 0
            yield from _code(run[: len(run) - comment_lines])
            run = run[len(run) - comment_lines :]
            if match:
                yield ParsedBlock("heading", match[1].strip(" :{(")[:120], 2)
        run.append(line)
    yield from _code(run)


def _above(run: list[str]) -> int:
    """Return how many of the last lines belong to the definition that follows: comments and decorators right above
    it."""
    count = 0
    while count < len(run) and run[-1 - count].lstrip().startswith(("#", "//", "@", "*", "/*", "--", "///")):
        count += 1
    return count


def _code(lines: list[str]) -> Iterator[ParsedBlock]:
    if any(map(str.strip, lines)):
        yield ParsedBlock("code", "\n".join(lines))
