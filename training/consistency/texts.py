"""Reader of the open texts from which pairs are made.

Texts are the HTML pages of Debian's packages `debian-handbook` and `installation-guide-amd64` (GPL-2+ and CC BY-SA 3.0;
`apt-get download`, `dpkg-deb -x`). The pages are in English, German and Spanish. The open sets COVID-QA and PubMedQA
are read, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from lxml import html

_BOOKS = (  # folders below the unpacked packages, with their languages
    ("usr/share/doc/debian-handbook/html/en-US", "en"),
    ("usr/share/doc/debian-handbook/html/de-DE", "de"),
    ("usr/share/doc/debian-handbook/html/es-ES", "es"),
    ("usr/share/doc/installation-guide-amd64/en", "en"),
    ("usr/share/doc/installation-guide-amd64/de", "de"),
    ("usr/share/doc/installation-guide-amd64/es", "es"),
)
_FEWEST_WORDS = 8  # of a paragraph
_SHORTEST = 200  # characters of a paragraph of COVID-QA


def read_texts(books: Path, data: Path) -> Iterator[tuple[str, str]]:
    """Yield texts with their language; paragraphs are separated by an empty line. Raise FileNotFoundError if a book or
    a set is missing."""
    for folder, language in _BOOKS:
        pages = sorted((books / folder).glob("*.html"))
        if not pages:
            raise FileNotFoundError(f"{books / folder} holds no pages: unpack the packages there.")
        yield "\n\n".join(dict.fromkeys(text for page in pages for text in _paragraphs(page))), language
    covid = json.loads((data / "covidqa" / "200421_covidQA.json").read_text(encoding="utf-8"))
    contexts = [paragraph["context"] for article in covid["data"] for paragraph in article["paragraphs"]]
    yield "\n\n".join(text for one in contexts for text in one.split("\n\n") if len(text) > _SHORTEST), "en"
    lines = (data / "pubmedqa" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    yield "\n\n".join(json.loads(line)["text"] for line in lines), "en"


def read_partly_supported(data: Path) -> Iterator[tuple[str, str]]:
    """Yield claims of WiCE's training split that their source supports in part only, with that source."""
    for line in (data / "wice" / "train_tokens.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["label"] != "supported" and row["supporting_sentences"]:
            yield row["claim"], " ".join(row["evidence"][at] for at in row["supporting_sentences"][0][:4])


def _paragraphs(page: Path) -> Iterator[str]:
    tree = html.fromstring(page.read_bytes())
    for part in tree.xpath("//pre|//script|//style|//table|//nav"):
        if part.getparent() is not None:
            part.drop_tree()
    for part in tree.xpath('//p|//dd|//li|//div[@class="para"]'):
        text = " ".join(part.text_content().split())
        if not part.xpath('.//p|.//div[@class="para"]') and len(text.split()) >= _FEWEST_WORDS:
            yield text
