"""Outlook messages (MSG): the same as an e-mail, kept in properties of Microsoft's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import olefile

from apps.documents.parsers.base import Block, Limits, Parsed, Unreadable, in_units, title_of, visible
from apps.documents.parsers.decode import encoding_of
from apps.documents.parsers.html import read_page
from apps.documents.parsers.mail import MOST_PARTS, Mail, attached
from apps.documents.parsers.ole import DAMAGED
from apps.documents.parsers.rtf import read_rtf, unpacked
from apps.documents.parsers.text import paragraphs

_SUBJECT, _BODY, _HTML, _RTF, _HEADERS = "0037", "1000", "1013", "1009", "007D"
_SENDER, _ADDRESS, _TO, _CC = "0C1A", "0C1F", "0E04", "0E03"
_LONG_NAME, _NAME, _DATA = "3707", "3704", "3701"
_DATE = re.compile(r"^Date: *([^\r\n]+)", re.MULTILINE)


def parse(path: str, limits: Limits) -> Iterator[Parsed]:
    try:
        with olefile.OleFileIO(path) as container:
            message = _Message(container)
            mail = Mail(limits)
            blocks = list(message.blocks(mail))
            files = list(message.files())
            named = message.text(_SUBJECT)
    except (OSError, ValueError, IndexError, RecursionError) as error:
        raise Unreadable(DAMAGED) from error
    if title := title_of(named):
        yield title
    number = 0
    for page in in_units([blocks], limits):
        number += 1
        yield page
    for name, data in files[:MOST_PARTS]:
        for page in attached(name, data, mail):
            number += 1
            yield replace(page, number=number)
    yield from mail.notes()


class _Message:
    def __init__(self, container: olefile.OleFileIO) -> None:
        self._container = container
        self._streams = {"/".join(entry).upper(): entry for entry in container.listdir()}

    def _bytes(self, tag: str, form: str, folder: str = "") -> bytes:
        entry = self._streams.get(f"{folder}__SUBSTG1.0_{tag}{form}".upper())
        return bytes(self._container.openstream(entry).read()) if entry else b""

    def text(self, tag: str, folder: str = "") -> str:
        wide, narrow = self._bytes(tag, "001F", folder), self._bytes(tag, "001E", folder)
        text = wide.decode("utf-16-le", "replace") if wide else narrow.decode(encoding_of(narrow), "replace")
        return visible(text.replace("\r\n", "\n")).strip()

    def blocks(self, mail: Mail) -> Iterator[Block]:
        if subject := self.text(_SUBJECT):
            yield Block("heading", subject, 1)
        date = _DATE.search(self.text(_HEADERS))
        sender = " ".join(filter(None, (self.text(_SENDER), self.text(_ADDRESS))))
        head = (("From", sender), ("To", self.text(_TO)), ("Cc", self.text(_CC)), ("Date", date[1] if date else ""))
        if known := [f"{name}: {' '.join(words.split())}" for name, words in head if words]:
            yield Block("paragraph", "\n".join(known))
        html = self._bytes(_HTML, "0102") or self.text(_HTML).encode()
        packed = self._bytes(_RTF, "0102")
        if body := self.text(_BODY):
            yield from paragraphs(body)
        elif html:
            page = read_page(html.decode(encoding_of(html), "replace"))
            mail.hidden += page.hidden
            yield from page.blocks
        elif packed:
            text = read_rtf(unpacked(packed).decode("latin-1"))
            mail.hidden += text.hidden
            yield from text.blocks

    def files(self) -> Iterator[tuple[str, bytes]]:
        folders = sorted({name.split("/")[0] for name in self._streams if name.startswith("__ATTACH")})
        for folder in folders:
            data = self._bytes(_DATA, "0102", f"{folder}/")
            if data:
                yield self.text(_LONG_NAME, f"{folder}/") or self.text(_NAME, f"{folder}/") or "attachment", data
