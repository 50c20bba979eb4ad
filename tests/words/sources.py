"""Every text of the sources that is marked for translation, as catalogues without translations.

Templates are read by Django's own parser, so that a text here is the one that is looked up when the page is shown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from django.conf import settings
from django.template import Engine, Template
from django.template.base import Node, Token
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.translation import to_locale, trim_whitespace

from apps.lib.text.stored_text import read_catalogue
from tests.words import stored

ROOT = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
DOMAINS = ("django", "djangojs")
_PYTHON = {  # function of gettext: number of texts that it takes
    "gettext": 1, "gettext_lazy": 1, "ngettext": 2, "ngettext_lazy": 2, "pgettext": 2, "pgettext_lazy": 2, "_": 1,
    "gettext_noop": 1,
}  # fmt: skip
_SCRIPT = {"gettext": None, "ngettext": (1, 2)}
_CONSTANT = re.compile(r"""_\(("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\)""")


@dataclass(frozen=True, slots=True)
class Text:
    id: str | tuple[str, str]  # the second is the plural
    location: str
    context: str | None = None


def catalogue(domain: str) -> Catalog:
    """The texts of a domain, each with the files in which it stands."""
    made = Catalog(domain=domain, charset="utf-8")
    for text in sorted(of_domain(domain), key=lambda text: (str(text.id), text.location)):
        made.add(text.id, locations=[(text.location, 0)], context=text.context)
    return made


def of_domain(domain: str) -> Iterator[Text]:
    if domain == "djangojs":
        yield from called(sorted((ROOT / "static" / "js").rglob("*.js")))
        return
    for path in sorted([*(ROOT / "apps").rglob("*.py"), *(ROOT / "assistant").rglob("*.py")]):
        yield from called_in_python(path)
    for path in templates():
        yield from shown(path)
    said = dict(stored.sentences(ROOT))
    yield from (Text(text, get_relative_path(path)) for text, path in said.items())
    for text in read_catalogue().values():
        if text not in said:  # one line of several, or what no module says any more but rows may hold
            yield Text(text, "apps/lib/text/stored_sentences.json")


def templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})


def called(paths: list[Path]) -> Iterator[Text]:
    """What the functions of gettext are called with in JavaScript."""
    for path in paths:
        with path.open("rb") as source:
            for _line, strings, _comments, _context in extract("javascript", source, keywords=_SCRIPT):
                yield Text(strings if isinstance(strings, str) else (strings[0], strings[1]), get_relative_path(path))


def called_in_python(path: Path) -> Iterator[Text]:
    """What the functions of gettext are called with in Python, also inside of f-strings, where Babel sees none."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        strings = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name not in _PYTHON or len(strings) < _PYTHON[name]:
            continue
        if name.startswith("p"):
            yield Text(strings[1], get_relative_path(path), strings[0])
        else:
            yield Text((strings[0], strings[1]) if name.startswith("n") else strings[0], get_relative_path(path))


def shown(path: Path) -> Iterator[Text]:
    """What a template has translated."""
    source = path.read_text()
    for found in _CONSTANT.findall(source):
        yield Text(found[1:-1].replace(f"\\{found[0]}", found[0]), get_relative_path(path))
    for node in nodes(Engine.get_default().from_string(source)):
        if isinstance(node, TranslateNode):
            yield Text(
                str(node.filter_expression.var.literal).replace("%", "%%"), get_relative_path(path), _context(node)
            )
        elif isinstance(node, BlockTranslateNode):
            singular = _words(node, node.singular)
            strings = (singular, _words(node, node.plural)) if node.plural else singular
            yield Text(strings, get_relative_path(path), _context(node))


def nodes(template: Template) -> Iterator[Node]:
    for kind in (TranslateNode, BlockTranslateNode):
        yield from template.nodelist.get_nodes_by_type(kind)


def _context(node: TranslateNode | BlockTranslateNode) -> str | None:
    return str(node.message_context.var) if node.message_context else None


def _words(node: BlockTranslateNode, tokens: list[Token]) -> str:
    words = str(node.render_token_list(tokens)[0])
    return trim_whitespace(words) if node.trimmed else words


def get_relative_path(path: Path) -> str:
    return str(path.relative_to(ROOT))


def kept(language: str, domain: str) -> Path:
    """Where a catalogue is committed."""
    return Path(settings.LOCALE_PATHS[0]) / to_locale(language) / "LC_MESSAGES" / f"{domain}.po"
