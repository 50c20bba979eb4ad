"""Read headers and footers of a Word document, each text once and without page numbers.

Only visible ones are read: headers for first or even pages exist only if the document switches them on.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from apps.reading.parsing.office.docx.hidden_text import W

_ID = re.compile(r"\{http://(?:schemas\.openxmlformats\.org|purl\.oclc\.org/ooxml)/.*relationships\}id")
_COUNTS = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES|SECTION)\b", re.IGNORECASE)
# Elements that are skipped: fallbacks for older programs, which repeat text boxes, and deleted text.
_ASIDE = ("{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback", W + "del", W + "moveFrom")
LEFT_OVER = 3  # words beside a page number that carry no content: "Page 3 of 10", "Seite 3 von 10"

Read = Callable[[zipfile.ZipFile, str], Any]  # returns the XML tree of a part


def list_headers_footers(archive: zipfile.ZipFile, body: Any, read: Read) -> list[tuple[str, Any]]:
    """Return ("Header" or "Footer", tree) of each, in the order of the document, without repetitions."""
    names = set(archive.namelist())
    if "word/_rels/document.xml.rels" not in names:
        return []
    parts = {row.get("Id"): row.get("Target") or "" for row in read(archive, "word/_rels/document.xml.rels")}
    even = "word/settings.xml" in names and _is_on(read(archive, "word/settings.xml").find(W + "evenAndOddHeaders"))
    texts: dict[str, str] = {}
    current: dict[tuple[str, str], str] = {}  # by tag and kind; a section without one inherits the previous section's
    for section in body.iter(W + "sectPr"):
        for reference in section.iter(W + "headerReference", W + "footerReference"):
            key = next((value for name, value in reference.attrib.items() if _ID.fullmatch(name)), "")
            part = posixpath.normpath(posixpath.join("/word", parts.get(key, ""))).lstrip("/")
            current[reference.tag, reference.get(W + "type", "default")] = part
        kinds = {"default", *(["first"] if _is_on(section.find(W + "titlePg")) else []), *(["even"] if even else [])}
        for (tag, kind), part in current.items():
            if kind in kinds and part in names:
                texts.setdefault(part, "Header" if tag == W + "headerReference" else "Footer")
    return [(kind, read(archive, part)) for part, kind in texts.items()]


def strip_page_numbers(tree: Any) -> Iterator[tuple[Any, bool]]:
    """Remove page numbers that Word fills in; yield each paragraph, and whether it had one."""
    for paragraph in list(tree.iter(W + "p")):
        if next(paragraph.iterancestors(*_ASIDE), None) is not None:
            continue
        counted = [node for node in paragraph.iter(W + "fldSimple") if _COUNTS.match(node.get(W + "instr") or "")]
        counted += _between(paragraph)
        for node in counted:
            if node.getparent() is not None:
                node.getparent().remove(node)
        yield paragraph, bool(counted)


def _between(paragraph: Any) -> list[Any]:
    """Return the runs of fields that count pages, from their begin mark to their end mark."""
    nodes: list[Any] = []
    run: list[Any] = []
    instruction, deep = "", 0
    for node in paragraph.iter(W + "r"):
        marks = [mark.get(W + "fldCharType") for mark in node.iter(W + "fldChar")]
        deep += marks.count("begin")
        if deep:
            run.append(node)
            instruction += "".join(one.text or "" for one in node.iter(W + "instrText"))
        deep -= marks.count("end")
        if run and deep <= 0:
            nodes += run if _COUNTS.match(instruction) else []
            run, instruction, deep = [], "", 0
    return nodes


def _is_on(switch: Any) -> bool:
    return switch is not None and switch.get(W + "val") not in {"0", "false", "off"}
