"""The catalogues hold every text of the sources, translated, with the same values and tags in it.

Red after a new text? `./run words` adds it to locale/*/LC_MESSAGES/*.po and lists what is to be translated there.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from apps.lib.text.stored_text import read_catalogue
from tests.words import literals, sources, stored
from tests.words.update import empty

BOTH = [(language, domain) for language in sources.LANGUAGES for domain in sources.DOMAINS]
HOW = "run ./run words and translate what it lists (docs/develop/translations.md)"
_VALUE = re.compile(r"%\(\w+\)s|%%|\{\w*\}")
_TAG = re.compile(r"</?[a-z][^>]*>")
each = pytest.mark.parametrize(("language", "domain"), BOTH)


def kept(language: str, domain: str) -> Catalog:
    with sources.kept(language, domain).open("rb") as source:
        return read_po(source, locale=language, domain=domain)


def pairs(message: Message) -> list[tuple[str, str]]:
    """Source and translation, a pair for each form."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    one, many = message.id
    return [(one if number == 0 else many, form) for number, form in enumerate(message.string)]


@each
def test_catalogue_holds_every_text_and_none_that_is_gone(language: str, domain: str) -> None:
    wanted = {(message.id, message.context) for message in sources.catalogue(domain) if message.id}
    found = {(message.id, message.context) for message in kept(language, domain) if message.id}
    assert sorted(map(str, wanted - found)) == [], HOW
    assert sorted(map(str, found - wanted)) == [], HOW


@each
def test_catalogue_texts_are_translated_in_all_their_forms(language: str, domain: str) -> None:
    assert [message.id for message in empty(kept(language, domain))] == [], HOW
    assert [message.id for message in kept(language, domain) if message.fuzzy and message.id] == []


@each
def test_values_and_tags_are_those_of_the_source(language: str, domain: str) -> None:
    wrong = [
        (source, translated)
        for message in kept(language, domain)
        if message.id
        for source, translated in pairs(message)
        if Counter(_VALUE.findall(source)) != Counter(_VALUE.findall(translated))
        or Counter(_TAG.findall(source)) != Counter(_TAG.findall(translated))
    ]
    assert wrong == []


@each
def test_forms_are_as_many_as_the_language_has(language: str, domain: str) -> None:
    catalogue = kept(language, domain)
    assert catalogue.num_plurals == 2  # in German and in Spanish
    forms = {len(message.string) for message in catalogue if message.id and not isinstance(message.id, str)}
    assert forms <= {catalogue.num_plurals}


def test_scripts_mark_no_text_within_a_template_string() -> None:
    """There the catalogue of the scripts does not find it, and it stays English."""
    scripts = (sources.ROOT / "static" / "js").rglob("*.js")
    assert [path.name for path in scripts if re.search(r"`[^`]*\$\{[^}`]*gettext\(", path.read_text())] == []


def test_templates_hold_no_text_that_is_not_marked() -> None:
    found = {
        sources.get_relative_path(path): texts
        for path in sources.templates()
        if path.suffix == ".html" and (texts := list(literals.found(path.read_text())))
    }
    assert found == {}, "put {% translate %} or {% blocktranslate %} around it (docs/develop/translations.md)"


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p>{% translate "Hello" %}, {{ name }}</p>', []),
        ("<p>{% blocktranslate %}Hello {{ name }}{% endblocktranslate %} · 12 %</p>", []),
        ('<a aria-label="Close it" href="/words/">×</a>', ['aria-label="Close it"']),
        ('<a aria-label="{% translate "Close it" %}" class="button quiet">×</a>', []),
        ('{{ name|default:"nobody" }}', ['|default:"nobody"']),
        ('{{ name|default:_("nobody") }}', []),
        ("<code>EMBED_MODEL</code> <kbd>Esc</kbd> Openbook &nbsp;", []),
        ('<b translate="no">Deutsch <i>und</i> mehr</b> then', ["then"]),
        ("{# a remark #}{% comment %}and another{% endcomment %}<!-- and a third -->", []),
        ('<p class="{% if bad %}bad{% endif %}">{% if bad %}Bad{% endif %}</p>', ["Bad"]),
    ],
)
def test_unmarked_text_is_found_and_nothing_else(template: str, texts: list[str]) -> None:
    assert list(literals.found(template)) == texts


def test_sentences_that_rows_hold_all_have_a_code() -> None:
    """A reworded sentence keeps its code in `apps/lib/text/stored_sentences.json`; a new one gets one there."""
    known = set(read_catalogue().values())
    assert {line: str(path) for line, path in stored.stored_lines(sources.ROOT) if line not in known} == {}
