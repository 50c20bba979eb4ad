"""Storage of static files under content-hashed names, so that browsers may cache them for ever, with all modules of
`static/js` joined into one file: a page fetches that one instead of some seventy."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

JOINED = "js/modules.js"
_IMPORT = re.compile(
    r'^import (?:(?:\{ (?P<names>[^}\n]+) \}|\* as (?P<whole>\w+)) from )?"(?P<path>\.[^"\n]+)";', re.M
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|function|class) (?P<name>\w+))", re.M)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.M)
_RUN = """const exported = {};
const load = (path) => (exported[path] ??= modules[path]());
// A microtask each: an error in one script does not keep the next ones from running.
for (const { dataset } of document.querySelectorAll("script[data-module]")) queueMicrotask(() => load(dataset.module));
"""


class JoinedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, which also writes `JOINED`: `{% module_script %}` names that file and the module to run."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            self.delete(JOINED)
            self.save(JOINED, ContentFile(join_modules(_read_scripts(paths)).encode()))
            paths[JOINED] = (self, JOINED)
        yield from super().post_process(paths, dry_run, **options)


def join_modules(sources: dict[str, str]) -> str:
    """Return a script that holds each module of `sources`, texts by path, as a function, and runs those that the page
    names in `data-module`. Each runs once, when a page or another module asks for it.

    Raises ValueError for an import or export in a form that the scripts did not use so far.
    """
    parts = "".join(f'"{path}": () => {{\n{_wrap(path, source)}\n}},\n' for path, source in sorted(sources.items()))
    return f"const modules = {{\n{parts}}};\n{_RUN}"


def _wrap(path: str, source: str) -> str:
    """Return the body of the function that runs a module and returns what it exports."""

    def load(found: re.Match[str]) -> str:
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), found["path"]))
        names = found["whole"] or (f"{{ {found['names'].replace(' as ', ': ')} }}" if found["names"] else "")
        return f'{names and f"const {names} = "}load("{other}");'

    body = _EXPORT.sub("", _IMPORT.sub(load, source))
    if unknown := _LEFT.search(body):
        raise ValueError(f"{path}: cannot join this form: {unknown[0]}")
    return f"{body}return {{ {', '.join(found['name'] for found in _EXPORT.finditer(source))} }};"


def _read_scripts(paths: dict[str, Any]) -> dict[str, str]:
    """Return the texts of our modules among the collected files, by path."""
    scripts = {}
    for path, (storage, name) in paths.items():
        if path.startswith("js/") and path.endswith(".js") and path != JOINED:
            with storage.open(name) as file:
                scripts[path] = file.read().decode()
    return scripts
