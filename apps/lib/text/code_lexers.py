"""Tokenising of source code by Pygments within limits, for highlighting. Entry points: `find_lexer`,
`find_lexer_of_file` and `lex`.

Some rules of Pygments take quadratic time within one match, which no time limit can interrupt. Therefore only the
languages in `LANGUAGES`, each tested with hostile text, are accepted, and long runs and lines are refused. Nothing is
rendered here.
"""

from __future__ import annotations

import re
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

from apps.lib.concurrency.cpu_deadline import Deadline

MAX_CPU_SECONDS = 0.2  # for one piece of code
LANGUAGES = {  # one alias of each lexer
    *("ada", "apacheconf", "awk", "bash", "batch", "bibtex", "c", "c#", "clojure", "cmake", "coffeescript"),
    *("common-lisp", "cpp", "crystal", "css", "cuda", "cython", "d", "dart", "delphi", "diff", "django", "docker"),
    *("elixir", "elm", "emacs-lisp", "erb", "erlang", "fish", "fortran", "fsharp", "gherkin", "glsl", "go"),
    *("graphql", "groovy", "haskell", "hcl", "html", "html+django", "html+php", "http", "ini", "java", "javascript"),
    *("javascript+django", "json", "json5", "jsonld", "jsx", "julia", "kotlin", "latex", "less", "llvm", "lua"),
    *("make", "markdown", "matlab", "mysql", "nasm", "nginx", "nim", "nix", "numpy", "objective-c", "ocaml"),
    *("octave", "pascal", "perl", "php", "plpgsql", "po", "postgresql", "powershell", "prolog"),
    *("properties", "protobuf", "ps1con", "puppet", "pycon", "pytb", "python", "python2", "qml", "r", "racket"),
    *("restructuredtext", "ruby", "rust", "sass", "scala", "scheme", "scss", "shell-session", "solidity", "sql"),
    *("swift", "systemverilog", "tcl", "tcsh", "terraform", "text", "thrift", "toml", "tsql", "tsx", "typescript"),
    *("vb.net", "verilog", "vhdl", "vim", "vue", "xml", "xslt", "yaml", "zig"),
}
_NAME_CHARS = 40
_HOSTILE = re.compile(r"[ \t\n]{400}|([^\w\s])\1{399}|[^\n]{5000}")  # runs and lines longer than those of real programs


def find_lexer(language: str) -> Lexer | None:
    """Return the lexer of a language by one of its Pygments aliases; None if it is not in `LANGUAGES`."""
    if not language or len(language) > _NAME_CHARS:
        return None
    try:
        return _known(get_lexer_by_name(language, stripnl=False, ensurenl=False))
    except ClassNotFound:
        return None


def find_lexer_of_file(name: str) -> Lexer | None:
    """Return the lexer of a file by its name; None if it is not in `LANGUAGES`. The content is not read."""
    try:
        return _known(get_lexer_for_filename(name, stripnl=False, ensurenl=False))
    except ClassNotFound:
        return None


def lex(text: str, lexer: Lexer) -> list[tuple[Any, str]] | None:
    """Return the tokens of the text as (Pygments token type, string). Return None if a run or line is too long
    (`_HOSTILE`), or lexing takes more than `MAX_CPU_SECONDS` of CPU time."""
    if _HOSTILE.search(text):
        return None
    deadline, found = Deadline(MAX_CPU_SECONDS), list[tuple[Any, str]]()
    for token in lexer.get_tokens(text):
        if deadline.passed:
            return None
        found.append(token)
    return found


def _known(lexer: Lexer) -> Lexer | None:
    return None if LANGUAGES.isdisjoint(lexer.aliases) else lexer
