"""Child process that parses files: confines itself, does one task, writes JSON lines, and ends.

It is forked by `fork_server.py` for `runner.py`, with the file as standard input and without Django. A hostile file can
attack its parser only here, in a process that starts no other and is killed with its group. Landlock (Linux 5.13) lets
it read its file, Python and the system's libraries and fonts, and write to its temporary folder only. A private
namespace cuts off the network. Where the system lacks or refuses these, resource limits alone confine the child; macOS
does not enforce the limit on memory either. The task `probe` reports what is in force.
"""

from __future__ import annotations

import importlib
import mmap
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import orjson

from apps.lib import os_compat
from apps.reading.parsing.formats import FORMATS
from apps.reading.parsing.protocol import (
    DocumentTitle,
    PageCount,
    ParsedPage,
    ParseError,
    ParseLimits,
    ParseNotice,
    ScannedPage,
    nest_under_heading,
)

NESTED_TOO_DEEP = "This file is nested too deeply. Save it again in its own program and upload that."
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/nix/store", "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime",
    "/etc/passwd", "/etc/nsswitch.conf", "/etc/mime.types", "/dev/null", "/dev/zero", "/dev/urandom",
    "/dev/random", "/dev/fd", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm",
    "/sys/devices/system",
)  # fmt: skip
_MAX_FILE_BYTES = 16 * 1024 * 1024  # bytes of one file that it writes
_MAX_OPEN_FILES = 64  # open descriptors


def confine_process(seconds: int, memory_bytes: int, folder: str) -> dict[str, Any]:
    """Confine this process for the rest of its life, and return how far that succeeded.

    `network_errno` and `files_errno` are 0, or the errno for which it can still reach the network, or open other files
    than it needs. `tcp_closed`: Landlock refuses TCP. The process cannot outlive its parent (on Linux), exceed its
    limits, or start another. `seconds` are of processor time. It may write to `folder`.
    """
    os_compat.die_with_parent()
    os_compat.forbid_new_privileges()
    network_errno = os_compat.leave_network()
    for resource_kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, _MAX_FILE_BYTES),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(resource_kind, (limit, limit))
    with suppress(ValueError):  # macOS maps more than that at the start; elsewhere a lower limit is in force already
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    files_errno = os_compat.restrict_files([*_find_readable(), sys.stdin.fileno()], [folder, os.devnull])
    tcp_closed = not files_errno and os_compat.get_landlock_version() >= os_compat.LANDLOCK_TCP
    return {"network_errno": network_errno, "files_errno": files_errno, "tcp_closed": tcp_closed}


def _find_readable() -> list[str]:
    """Return the paths that parsers need: this package, Python with its packages, system libraries, fonts and machine
    facts.

    Of a folder of modules that holds this package only the package is listed, because data may lie beside it.
    """
    code = Path(__file__).resolve().parents[2]
    modules = [Path(entry).resolve() for entry in sys.path if entry]
    return [
        str(code),
        *(str(entry) for entry in modules if not code.is_relative_to(entry)),
        sys.prefix,
        sys.base_prefix,
        *_SYSTEM,
    ]


def probe_confinement(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield how this child is confined: the result of `confine_process`, and whether its memory is limited."""
    try:
        mmap.mmap(-1, options["memory_bytes"]).close()  # never written to, so it takes no memory
        limited = False
    except OSError:
        limited = True
    yield {**options["confined"], "memory_limited": limited}


def parse_file(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parsed file as JSON values: "total", "title", "note", and one object per page."""
    parser = importlib.import_module(FORMATS[options["kind"]].module).parse
    for item in parser(_get_file_path(), ParseLimits(options["pages"], options["characters"], options.get("name", ""))):
        match item:
            case PageCount(pages):
                yield {"total": pages}
            case DocumentTitle(text):
                yield {"title": text}
            case ParseNotice(text):
                yield {"note": text}
            case ParsedPage():
                block_spans = [(piece.kind, piece.level, piece.start, piece.end) for piece in item.block_spans]
                place = {"size": (item.width, item.height), "scan": item.scan}
                yield {"page": item.number, "text": item.text, "block_spans": block_spans, **place}


def recognise_pages(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the recognised text of scanned pages, and a "beat" after each few lines, so that the parent sees progress.

    A page that cannot be recognised has a "problem" and no text.
    """
    os.nice(19)
    # Set before NumPy starts threads, which the process limit forbids.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    from apps.reading.parsing.ocr.recognizer import LONGEST
    from apps.reading.parsing.ocr.recognizer import recognise_page as steps

    missing = set(options["numbers"])
    for number, scan in _iter_scans(options["kind"], options["numbers"], options.get("pages")):
        missing.discard(number)
        try:
            for step in steps(scan.path, scan.kind, scan.number, options.get("longest", LONGEST)):
                if step is None:
                    yield {"beat": number}
                    continue
                page, words = step
                if scan.heading:  # attachments are shown as text, so word boxes are of no use
                    page, words = (nest_under_heading(scan.heading, page) if page.text.strip() else page), []
                block_spans = [(piece.kind, piece.level, piece.start, piece.end) for piece in page.block_spans]
                yield {"page": number, "text": page.text, "block_spans": block_spans, "boxes": words}
        except ParseError as error:
            yield {"page": number, "text": "", "block_spans": [], "boxes": [], "problem": str(error)}
    for number in sorted(missing):
        yield {"page": number, "text": "", "block_spans": [], "boxes": [], "problem": "no such page"}


def _get_file_path() -> str:
    return os_compat.get_reopenable_path(0)


def _iter_scans(kind: str, numbers: Sequence[int], pages: int | None) -> Iterator[tuple[int, ScannedPage]]:
    """Yield the number and place of each of these scanned pages."""
    if kind in {"mail", "msg"}:
        from apps.reading.parsing.email import eml

        yield from eml.iter_scanned_pages(
            _get_file_path(), kind, numbers, ParseLimits(pages) if pages else ParseLimits()
        )
    else:
        yield from ((number, ScannedPage(_get_file_path(), kind, number)) for number in numbers)


def detect_ole(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the kind of an OLE container (old Office formats); None if it is none that is parsed."""
    from apps.reading.parsing.office.ole_container import detect_ole_kind

    yield {"kind": detect_ole_kind(_get_file_path())}


def render(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the image of a page and the places of its words."""
    from apps.reading.parsing.page_rendering import render_page

    yield render_page(_get_file_path(), options["kind"], options["page"], options["width"])


def read_with_module(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a module of an app above reads from the file. The module must not need Django."""
    yield from importlib.import_module(options["module"]).read(_get_file_path(), options)


TASKS = {
    "parse": parse_file,
    "recognise": recognise_pages,
    "ole": detect_ole,
    "render": render,
    "read": read_with_module,
    "probe": probe_confinement,
}


def execute_task(options: dict[str, Any], parent: int) -> NoReturn:
    """Confine the process, do the task, write the answers, and exit. `parent` is the process that it must not
    outlive."""
    output = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # so that output of native libraries never mixes with the answers
    cpu_seconds = options.get("cpu_seconds", options["seconds"])
    options = options | {"confined": confine_process(cpu_seconds, options["memory_bytes"], options["folder"])}
    if os.getppid() != parent:  # the parent died before `confine_process` tied this process to it
        os._exit(1)
    try:
        for item in TASKS[options["task"]](options):
            output.write(orjson.dumps(item) + b"\n")
            output.flush()
        output.write(b'{"end":true}\n')
    except ParseError as error:
        output.write(orjson.dumps({"unreadable": str(error)}) + b"\n")
    except RecursionError:
        output.write(orjson.dumps({"unreadable": NESTED_TOO_DEEP}) + b"\n")
    except MemoryError:
        output.write(b'{"memory":true}\n')
    output.flush()
    os._exit(0)  # without cleanup, in which a library could hang
