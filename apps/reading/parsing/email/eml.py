"""Parser of e-mail (EML, mailboxes): visible headers, text, and attachments as pages of their own.

`outlook_msg.py` shares the handling of attachments (`EmailParseState`, `parse_attachment`).
"""

from __future__ import annotations

import email
import email.policy
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from email.errors import MessageError
from email.message import EmailMessage
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from apps.lib.text import message_templates
from apps.reading.parsing.common.encoding import detect_encoding
from apps.reading.parsing.formats import FORMATS
from apps.reading.parsing.html.parser import read_page
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    DocumentTitle,
    ParsedBlock,
    ParsedItem,
    ParsedPage,
    ParseError,
    ParseLimits,
    ParseNotice,
    ScannedPage,
    make_title,
    nest_under_heading,
    paginate_units,
    strip_invisible,
)
from apps.reading.parsing.text.plain_text import split_paragraphs

HEADERS = ("From", "To", "Cc", "Date", "Subject")
MOST_DEEP = 3  # messages in messages
MOST_PARTS = 100  # attachments of one file
MOST_BYTES = 100 * 1024 * 1024  # of one file
MOST_HEADER = 30_000  # characters of one header: some 700 recipients
SMALLEST_SIDE, SMALLEST_PICTURE = 16, 64 * 64  # pixels; smaller pictures hold no legible word
UNCOUNTED = "more than could be counted"
NESTED_TOO_DEEP = f"in more than {MOST_DEEP} messages"
_ENDINGS = {"text/plain": ".txt", "text/html": ".html", "text/csv": ".csv", "message/rfc822": ".eml"}
_BEGINNING = re.compile(rb"^From [^\n]*\n(?=[!-9;-~]+:)", re.MULTILINE)  # first line of a message in a mailbox
_ESCAPED = re.compile(rb"^>(?=>*From )", re.MULTILINE)  # escaped line of a message in a mailbox


class _ShortHeaders(email.policy.EmailPolicy):
    """Policy that parses only the first MOST_HEADER characters of each header: the library's parser is quadratic."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return super().header_fetch_parse(name, value[:MOST_HEADER])


_POLICY = cast("email.policy.EmailPolicy[EmailMessage]", _ShortHeaders())


@dataclass(slots=True)
class EmailParseState:
    """State of parsing one file, across its messages and attachments.

    `skipped` names attachments that were left out. `hidden` counts hidden texts. `truncated` is True if the file is
    longer than MOST_BYTES.
    """

    limits: ParseLimits
    skipped: list[str] = field(default_factory=list)
    parts: int = 0
    hidden: int = 0
    truncated: bool = False
    scan: ScannedPage | None = None  # place of the last scanned page; valid until the next page is requested
    pictures: set[bytes] = field(default_factory=set)  # SHA-256 of the pictures seen so far

    def skip(self, name: str, reason: str = "") -> None:
        """Record an attachment that was left out, with the reason."""
        self.skipped.append(f"{name[:60]} ({reason})" if reason else name[:60])

    def count_attachment(self) -> bool:
        """Count an attachment; return False, and record it, if there are more than MOST_PARTS."""
        self.parts += 1
        if self.parts > MOST_PARTS:
            self.skip(UNCOUNTED)
        return self.parts <= MOST_PARTS

    def notes(self) -> Iterator[ParseNotice]:
        """Yield the notices about everything left out."""
        if self.skipped:
            yield ParseNotice(message_templates.ATTACHMENTS % {"names": ", ".join(dict.fromkeys(self.skipped))[:300]})
        if self.hidden:
            yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)
        if self.truncated:
            yield ParseNotice(message_templates.MAIL_CUT % {"most": MOST_BYTES // 1024**2})


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of an e-mail or mailbox. Raises ParseError."""
    mail = EmailParseState(limits)
    yield from _numbered(path, mail)
    yield from mail.notes()


def iter_scanned_pages(
    path: str, kind: str, numbers: Sequence[int], limits: ParseLimits
) -> Iterator[tuple[int, ScannedPage]]:
    """Yield number and place of those of these pages that are scanned; each file exists until the next is requested.

    `limits` must be those with which the file was parsed, because they decide which attachments were left out.
    """
    from apps.reading.parsing.email import outlook_msg

    mail = EmailParseState(limits)
    for item in outlook_msg.iter_numbered_pages(path, mail) if kind == "msg" else _numbered(path, mail):
        if isinstance(item, ParsedPage) and item.scan and item.number in numbers and mail.scan is not None:
            yield item.number, mail.scan


def _numbered(path: str, mail: EmailParseState) -> Iterator[DocumentTitle | ParsedPage]:
    """Yield the title and the pages of all messages."""
    number = 0
    for at, message in enumerate(_messages(path, mail)):
        if not at and (title := make_title(_header(message, "Subject"))):
            yield title
        for page in iter_message_pages(message, mail, 0):
            number += 1
            if number > mail.limits.pages:
                most = f"{mail.limits.pages:,}"
                raise ParseError(message_templates.MAILBOX % {"most": most})
            yield replace(page, number=number)


def _messages(path: str, mail: EmailParseState) -> Iterator[EmailMessage]:
    """Yield the message, or all messages of a mailbox, in which escaped "From " lines are restored."""
    with Path(path).open("rb") as file:
        data = file.read(MOST_BYTES)
        mail.truncated |= bool(file.read(1))
    starts = [found.start() for found in _BEGINNING.finditer(data)]
    raw = [data]
    if starts and not data[: starts[0]].strip():
        cuts = zip(starts, [*starts[1:], None], strict=True)
        raw = [_ESCAPED.sub(b"", data[start:end].partition(b"\n")[2]) for start, end in cuts]
    for message in raw:
        yield email.message_from_bytes(message, policy=_POLICY)


def iter_message_pages(message: EmailMessage, mail: EmailParseState, depth: int) -> Iterator[ParsedPage]:
    """Yield the pages of the message itself, then those of its attachments; `depth` counts enclosing messages."""
    yield from paginate_units([_blocks(message, mail)], mail.limits)
    for part in _attachments(message):
        if not mail.count_attachment():
            return
        yield from _attachment(part, mail, depth)


def _blocks(message: EmailMessage, mail: EmailParseState) -> Iterator[ParsedBlock]:
    if subject := _header(message, "Subject"):
        yield ParsedBlock("heading", subject, 1)
    head = [f"{name}: {words}" for name in HEADERS if (words := _header(message, name))]
    if head:
        yield ParsedBlock("paragraph", "\n".join(head))
    body = _body(message)
    if body is None:
        return
    text = decode_part(body)
    if body.get_content_subtype() == "html":
        page = read_page(text)
        mail.hidden += page.hidden
        yield from page.blocks
    else:
        yield from split_paragraphs(text)


def _header(message: EmailMessage, name: str) -> str:
    """Return a header as one line; "" if it is missing or malformed."""
    try:
        return " ".join(strip_invisible(str(message.get(name, "")), " ").split())
    except (ValueError, IndexError, AttributeError, TypeError, MessageError):  # the library fails on broken headers
        return ""


def _body(message: EmailMessage) -> EmailMessage | None:
    """Return the part that a mail program shows: plain text if there is any, else HTML."""
    plain, html = _find_body(message, "plain"), _find_body(message, "html")
    if plain is not None and (html is None or decode_part(plain).strip()):
        return plain
    if html is not None:
        return html
    return message if message.get_content_maintype() == "text" else None


def decode_part(part: EmailMessage) -> str:
    """Return the text of a part in its declared encoding, or in a detected one if that fails."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        text = data.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError, ValueError):
        text = data.decode(detect_encoding(data), errors="replace")
    return strip_invisible(text.replace("\r\n", "\n"))


def _attachments(message: EmailMessage) -> Iterator[EmailMessage]:
    body = {id(_find_body(message, kind)) for kind in ("plain", "html")}
    stack = list(message.iter_parts()) if message.is_multipart() else []
    if not message.is_multipart() and message.get_content_maintype() not in {"text", "multipart"}:
        stack = [message]
    while stack:
        part = stack.pop(0)
        if not isinstance(part, EmailMessage) or id(part) in body:
            continue
        if part.get_content_maintype() == "multipart":
            stack = [*part.iter_parts(), *stack]
        else:
            yield part


def _find_body(message: EmailMessage, kind: str) -> EmailMessage | None:
    """Return the text part of this subtype; None if there is none, or if the message is malformed."""
    try:
        part = message.get_body((kind,))
    except (KeyError, AttributeError, ValueError):
        return None
    return part if isinstance(part, EmailMessage) else None


def _attachment(part: EmailMessage, mail: EmailParseState, depth: int) -> Iterator[ParsedPage]:
    inner, name = part.get_payload(), _header_name(part)
    if part.get_content_type() == "message/rfc822" and isinstance(inner, list):
        if depth >= MOST_DEEP:
            mail.skip(name, NESTED_TOO_DEEP)
        elif inner and isinstance(inner[0], EmailMessage):
            yield from iter_message_pages(inner[0], mail, depth + 1)
        return
    data = part.get_payload(decode=True)
    if isinstance(data, bytes) and data.strip():
        yield from parse_attachment(name, data, mail, depth)


def _header_name(part: EmailMessage) -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, TypeError, AttributeError, LookupError):
        name = ""
    ending = _ENDINGS.get(part.get_content_type(), "")
    return " ".join(strip_invisible(name, " ").split()) or f"attachment{ending}"


def parse_attachment(name: str, data: bytes, mail: EmailParseState, depth: int) -> Iterator[ParsedPage]:
    """Yield the pages of an attachment, below a heading with its name unless it is a message.

    Attachments that cannot be parsed are recorded in `mail.skipped`.
    """
    from apps.reading.parsing.detection import detect_format
    from apps.reading.parsing.office.ole_container import detect_ole_kind

    with tempfile.NamedTemporaryFile() as file:
        try:
            file.write(data)
            file.flush()
            kind = detect_format(file.name, name, detect_ole_kind)
            if kind in {"mail", "msg"}:
                yield from _inner(kind, file.name, name, mail, depth)
            elif kind == "image":
                yield from _picture(file.name, name, data, mail)
            else:
                yield from _read(kind, file.name, name, mail)
        except (ParseError, OSError):
            mail.skip(name)


def _inner(kind: str, path: str, name: str, mail: EmailParseState, depth: int) -> Iterator[ParsedPage]:
    """Yield the pages of a message that is attached as a file."""
    from apps.reading.parsing.email import outlook_msg

    if depth >= MOST_DEEP:
        mail.skip(name, NESTED_TOO_DEEP)
    elif kind == "msg":
        yield from outlook_msg.iter_message_pages(path, mail, depth + 1)
    else:
        for message in _messages(path, mail):
            yield from iter_message_pages(message, mail, depth + 1)


def _picture(path: str, name: str, data: bytes, mail: EmailParseState) -> Iterator[ParsedPage]:
    """Yield a scanned page for each frame of a picture. Raises ParseError.

    Left out are pictures too small for words, and repeated ones, such as logos below every message.
    """
    from apps.reading.parsing import raster_image

    digest = sha256(data).digest()
    if digest in mail.pictures:
        return
    mail.pictures.add(digest)
    with raster_image.open_image(path) as opened:
        width, height = opened.size
    if min(width, height) < SMALLEST_SIDE or width * height < SMALLEST_PICTURE:
        return
    for item in raster_image.parse(path, mail.limits):
        if isinstance(item, ParsedPage):
            mail.scan = ScannedPage(path, "image", item.number, _heading(name))
            yield ParsedPage(item.number, "", (), scan=True)


def _read(kind: str, path: str, name: str, mail: EmailParseState) -> Iterator[ParsedPage]:
    """Yield all pages with text or scans, once the whole file could be parsed."""
    pages: list[ParsedPage] = []
    for item in import_module(FORMATS[kind].module).parse(path, replace(mail.limits, name=name)):
        pages += [item] if isinstance(item, ParsedPage) else []
        mail.hidden += item == ParseNotice(HIDDEN_TEXT_LEFT_OUT)
    pages = [page for page in pages if page.scan or page.text.strip()]
    if not pages:
        mail.skip(name, "no text")
    for page in pages:
        mail.scan = ScannedPage(path, kind, page.number, _heading(name))
        yield nest_under_heading(_heading(name), page) if page.text.strip() else page


def _heading(name: str) -> str:
    return f"Attachment: {name}"
