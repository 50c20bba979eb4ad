"""Parser of reStructuredText by docutils: sections, lists, tables and code. File inclusion is switched off.

docutils drops directives and shows roles that it does not know, such as those of Sphinx. Their text is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import docutils.core
import docutils.nodes as nodes
from docutils.parsers.rst import Directive, directives, roles
from docutils.utils import SystemMessage

from apps.reading.parsing.common.encoding import read_text
from apps.reading.parsing.common.tables import make_table_blocks
from apps.reading.parsing.protocol import ParsedBlock, ParsedItem, ParseLimits, paginate_with_title
from apps.reading.parsing.text.plain_text import split_paragraphs

MOST = 2_000_000  # characters up to which docutils is used; it takes seconds for more
_SETTINGS = {
    "file_insertion_enabled": False, "raw_enabled": False, "report_level": 5, "halt_level": 5,
    "line_length_limit": MOST, "_disable_config": True, "input_encoding": "unicode",
    "doctitle_xform": False, "smart_quotes": False,
}  # fmt: skip
_PASSED = (nodes.comment, nodes.system_message, nodes.raw, nodes.substitution_definition, nodes.target, nodes.docinfo)


# Names of directives (".. option:: -j") and of roles (":option:`-j`").
_DIRECTIVE = re.compile(r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([A-Za-z][\w:+.-]*?)::(?=\s|$)", re.MULTILINE)
_ROLE = re.compile(r"(?::([A-Za-z][\w:+.-]*):`)|(?:`:([A-Za-z][\w:+.-]*):)")
# Directives of Sphinx that only steer its output, and those whose name a reader needs beside the argument.
_SILENT = frozenset({"currentmodule", "highlight", "index", "module", "program", "tabularcolumns", "toctree"})
_CONDITIONS = frozenset({"ifconfig", "only"})
_VERSIONS = frozenset({"deprecated", "versionadded", "versionchanged", "versionremoved"})
_TARGET = re.compile(r"^[!~]?(.+?)\s*<[^<>]*>$", re.DOTALL)  # "title <target>"


class UnknownDirective(Directive):  # type: ignore[misc]
    """Directive of another tool: a definition of its argument by its content."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the argument as a term, and the content as it would be parsed outside of the directive."""
        if self.name in _SILENT:
            return []
        body = nodes.definition()
        self.state.nested_parse(self.content, self.content_offset, body)
        if not self.arguments or self.name in _CONDITIONS:
            return list(body.children)
        term = f"{self.name} {self.arguments[0]}" if self.name in _VERSIONS else self.arguments[0]
        item = nodes.definition_list_item("", nodes.term(text=term), body)
        return [nodes.definition_list("", item)]


def _keep_role_text(name: str, source: str, text: str, *_: Any, **__: Any) -> tuple[list[nodes.Node], list[nodes.Node]]:
    words = nodes.unescape(text)
    return [nodes.inline(source, found[1] if (found := _TARGET.match(words)) else words.lstrip("!~"))], []


def _register_unknown(text: str) -> None:
    """Register what the text uses and docutils does not know."""
    for name in {found.lower() for found in _DIRECTIVE.findall(text)}:
        if name not in directives._directive_registry:
            directives.register_directive(name, UnknownDirective)
    for name in {(before or after).lower() for before, after in _ROLE.findall(text)}:
        if name not in roles._role_registry:
            roles.register_local_role(name, _keep_role_text)


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title and pages; the text alone if docutils fails or the file is long. Raises ParseError."""
    text = read_text(path, limits)
    _register_unknown(text)
    try:
        tree = docutils.core.publish_doctree(text, settings_overrides=_SETTINGS) if len(text) <= MOST else None
    except (SystemMessage, RecursionError, ValueError, AttributeError, IndexError):  # raised for malformed markup
        tree = None
    yield from paginate_with_title(list(_blocks(tree, 0) if tree is not None else split_paragraphs(text)), limits)


def _blocks(node: nodes.Node, level: int, items: int = 0, mark: str = "") -> Iterator[ParsedBlock]:
    for child in node.children:
        if isinstance(child, _PASSED):
            continue
        if isinstance(child, nodes.section):
            yield from _blocks(child, level + 1)
        elif isinstance(child, nodes.title | nodes.rubric):
            yield ParsedBlock("heading", child.astext(), max(level, 1))
        elif isinstance(child, nodes.literal_block | nodes.doctest_block | nodes.math_block):
            yield ParsedBlock("code", child.astext())
        elif isinstance(child, nodes.table):
            yield from _table(child)
        elif isinstance(child, nodes.list_item):
            number = node.children.index(child) + 1
            sign = f"{number}. " if isinstance(node, nodes.enumerated_list) else "- "
            yield from _blocks(child, level, items + 1, "  " * items + sign)
        elif isinstance(child, nodes.TextElement):
            words = child.astext().strip()
            if words:
                yield ParsedBlock("list", mark + words) if items else ParsedBlock("paragraph", words)
            mark = "  " * items
        else:
            yield from _blocks(child, level, items, mark)


def _table(table: nodes.Node) -> Iterator[ParsedBlock]:
    head = [_cells(row) for part in table.findall(nodes.thead) for row in part.findall(nodes.row)]
    body = [_cells(row) for part in table.findall(nodes.tbody) for row in part.findall(nodes.row)]
    yield from make_table_blocks(body, head[-1] if head else None)


def _cells(row: nodes.Node) -> list[str]:
    return [entry.astext() for entry in row.findall(nodes.entry)]
