"""Brings the catalogues of `locale/` up to date with the sources: `./run words`.

What is new is added without a translation, what is gone is taken out, what stays keeps its translation. Prints what is
still to be translated; exit code 1 where something is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po


def update(language: str, domain: str) -> Catalog:
    from tests.words import sources

    path, texts = sources.kept(language, domain), sources.catalogue(domain)
    if path.exists():
        with path.open("rb") as source:
            known = read_po(source, locale=language, domain=domain)
    else:
        known = Catalog(locale=language, domain=domain, charset="utf-8", fuzzy=False)
    known.update(texts, no_fuzzy_matching=True, update_creation_date=False)
    known.header_comment = f"# Texts of Openbook in {known.locale.english_name if known.locale else language}."
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(target, known, width=110, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return known


def empty(catalogue: Catalog) -> Iterator[Message]:
    """Entries without a translation, or without one of its plural forms."""
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple | list) else [message.string]
        if message.id and not all(forms):
            yield message


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
    django.setup()
    from assistant.boot.translations import compile_all
    from tests.words import sources

    left = 0
    for language in sources.LANGUAGES:
        for domain in sources.DOMAINS:
            for message in empty(update(language, domain)):
                left += 1
                sys.stdout.write(f"{language} {domain}: {message.id!r} ({message.locations[0][0]})\n")
    compile_all()
    sys.stdout.write(f"{left} texts are not translated yet.\n" if left else "Every text is translated.\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
