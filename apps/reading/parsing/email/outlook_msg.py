"""Parser of Outlook messages (MSG): like e-mail, but stored as properties in an OLE container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import olefile

from apps.reading.parsing.common.encoding import detect_encoding
from apps.reading.parsing.email.eml import MOST_DEEP, NESTED_TOO_DEEP, EmailParseState, parse_attachment
from apps.reading.parsing.html.parser import read_page
from apps.reading.parsing.office.ole_container import DAMAGED
from apps.reading.parsing.protocol import (
    DocumentTitle,
    ParsedBlock,
    ParsedItem,
    ParsedPage,
    ParseError,
    ParseLimits,
    format_page_limit,
    make_title,
    paginate_units,
    strip_invisible,
)
from apps.reading.parsing.text.plain_text import split_paragraphs
from apps.reading.parsing.text.rtf import decompress_rtf, read_rtf

_SUBJECT, _BODY, _HTML, _RTF, _HEADERS = "0037", "1000", "1013", "1009", "007D"
_SENDER, _ADDRESS, _TO, _CC = "0C1A", "0C1F", "0E04", "0E03"
_LONG_NAME, _NAME, _DATA, _OBJECT = "3707", "3704", "3701", "000D"
_DATE = re.compile(r"^Date: *([^\r\n]+)", re.MULTILINE)


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of an Outlook message. Raises ParseError."""
    mail = EmailParseState(limits)
    yield from iter_numbered_pages(path, mail)
    yield from mail.notes()


def iter_numbered_pages(path: str, mail: EmailParseState) -> Iterator[DocumentTitle | ParsedPage]:
    """Yield the title and the numbered pages of the message. Raises ParseError."""
    named, content = _opened(path, mail)
    if title := make_title(named):
        yield title
    for number, page in enumerate(_pages(content, mail, 0), start=1):
        if number > mail.limits.pages:
            raise ParseError(format_page_limit(number, mail.limits))
        yield replace(page, number=number)


def iter_message_pages(path: str, mail: EmailParseState, depth: int) -> Iterator[ParsedPage]:
    """Yield the pages of a message that is attached to another one as a file."""
    yield from _pages(_opened(path, mail)[1], mail, depth)


@dataclass(slots=True)
class _MessageContent:
    """Content of a message, taken out of its container; `files` are (name, content) pairs."""

    blocks: list[ParsedBlock]
    files: list[tuple[str, bytes]]
    attached_messages: list[_MessageContent]


def _opened(path: str, mail: EmailParseState) -> tuple[str, _MessageContent]:
    """Return subject and content. Raises ParseError."""
    try:
        with olefile.OleFileIO(path) as container:
            message = _Message(container)
            return message.text(_SUBJECT), _read_message(message, mail, 0)
    except (OSError, ValueError, IndexError, RecursionError) as error:
        raise ParseError(DAMAGED) from error


def _read_message(message: _Message, mail: EmailParseState, depth: int) -> _MessageContent:
    messages = list(message.attached_messages())
    if depth >= MOST_DEEP:
        for attached in messages:
            mail.skip(attached.text(_SUBJECT) or "a message", NESTED_TOO_DEEP)
        messages = []
    deeper = [_read_message(attached, mail, depth + 1) for attached in messages]
    return _MessageContent(list(message.blocks(mail)), list(message.files()), deeper)


def _pages(content: _MessageContent, mail: EmailParseState, depth: int) -> Iterator[ParsedPage]:
    yield from paginate_units([content.blocks], mail.limits)
    for name, data in content.files:
        if not mail.count_attachment():
            return
        yield from parse_attachment(name, data, mail, depth)
    for attached in content.attached_messages:
        if not mail.count_attachment():
            return
        yield from _pages(attached, mail, depth + 1)


class _Message:
    """Message in an OLE container."""

    def __init__(self, container: olefile.OleFileIO, at: str = "") -> None:
        """Open the message at the folder `at` of the container; "": the container's own."""
        self._container, self._at = container, at
        every = {"/".join(entry).upper(): entry for entry in container.listdir()}
        self._streams = {name.removeprefix(at): entry for name, entry in every.items() if name.startswith(at)}

    def _bytes(self, tag: str, form: str, folder: str = "") -> bytes:
        entry = self._streams.get(f"{folder}__SUBSTG1.0_{tag}{form}".upper())
        return bytes(self._container.openstream(entry).read()) if entry else b""

    def text(self, tag: str, folder: str = "") -> str:
        wide, narrow = self._bytes(tag, "001F", folder), self._bytes(tag, "001E", folder)
        text = wide.decode("utf-16-le", "replace") if wide else narrow.decode(detect_encoding(narrow), "replace")
        return strip_invisible(text.replace("\r\n", "\n")).strip()

    def blocks(self, mail: EmailParseState) -> Iterator[ParsedBlock]:
        if subject := self.text(_SUBJECT):
            yield ParsedBlock("heading", subject, 1)
        date = _DATE.search(self.text(_HEADERS))
        sender = " ".join(filter(None, (self.text(_SENDER), self.text(_ADDRESS))))
        head = (("From", sender), ("To", self.text(_TO)), ("Cc", self.text(_CC)), ("Date", date[1] if date else ""))
        if known := [f"{name}: {' '.join(words.split())}" for name, words in head if words]:
            yield ParsedBlock("paragraph", "\n".join(known))
        html = self._bytes(_HTML, "0102") or self.text(_HTML).encode()
        packed = self._bytes(_RTF, "0102")
        if body := self.text(_BODY):
            yield from split_paragraphs(body)
        elif html:
            page = read_page(html.decode(detect_encoding(html), "replace"))
            mail.hidden += page.hidden
            yield from page.blocks
        elif packed:
            text = read_rtf(decompress_rtf(packed).decode("latin-1"))
            mail.hidden += text.hidden
            yield from text.blocks

    def files(self) -> Iterator[tuple[str, bytes]]:
        for folder in self._attachments():
            data = self._bytes(_DATA, "0102", folder)
            if data:
                yield self.text(_LONG_NAME, folder) or self.text(_NAME, folder) or "attachment", data

    def attached_messages(self) -> Iterator[_Message]:
        """Yield the attached messages, without attached files."""
        for folder in self._attachments():
            prefix = f"{folder}__SUBSTG1.0_{_DATA}{_OBJECT}/"
            if f"{prefix}__PROPERTIES_VERSION1.0" in self._streams:
                yield _Message(self._container, self._at + prefix)

    def _attachments(self) -> list[str]:
        return sorted({f"{name.split('/')[0]}/" for name in self._streams if name.startswith("__ATTACH")})
