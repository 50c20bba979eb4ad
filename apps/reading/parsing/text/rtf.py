"""Parser of Rich Text (RTF): the visible text with its tables, without fonts, pictures and hidden text.

`read_rtf` and `decompress_rtf` also serve Outlook messages.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apps.reading.parsing.common.tables import make_table_blocks_by_first_row
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    MAX_CHARACTERS,
    TEXT_TOO_LONG,
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    make_title,
    paginate,
    strip_invisible,
)

_TOKEN = re.compile(r"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]+)(-?\d{1,9})? ?|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+")
_PASSED_WORDS = (
    "fonttbl colortbl stylesheet info pict header headerl headerr headerf footer footerl footerr footerf listtable "
    "listoverridetable rsidtbl generator themedata colorschememapping datastore latentstyles xmlnstbl mmathPr object "
    "objdata fldinst bkmkstart bkmkend annotation atnid atnauthor revtbl filetbl nonshppict shppict ftnsep ftnsepc "
    "aftnsep aftnsepc pgdsctbl"
)
_PASSED = frozenset(_PASSED_WORDS.split())
_SIGNS = {
    "line": "\n", "tab": "\t", "emdash": "\u2014", "endash": "\u2013", "lquote": "\u2018", "rquote": "\u2019",
    "ldblquote": "\u201c", "rdblquote": "\u201d", "bullet": "\u2022", "emspace": " ", "enspace": " ", "page": "\n",
}  # fmt: skip
_PAGES = {
    437: "cp437", 850: "cp850", 932: "cp932", 936: "gbk", 949: "cp949", 950: "cp950", 1361: "johab", 10000: "mac-roman",
    10001: "shift_jis", 10007: "mac-cyrillic", 65001: "utf-8", 874: "cp874",
}  # fmt: skip
# Code pages by the number of a font's character set; sets 0 and 1 use the document's code page.
_CHARSETS = {
    77: 10000, 78: 10001, 89: 10007, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258,
    177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850,
}  # fmt: skip
_AROUND = re.compile(r"\{\\(?:header|footer)[lrf]?\b")
_COLOURS = re.compile(r"\{\\colortbl([^{}]*)\}")
_PAINTS = re.compile(r"\\(?:highlight|cb|chcbpat|cbpat|clcbpat|shading|clshdng)[1-9]")
MOST_DEEP = 500  # nested groups
SMALLEST = 2  # half points; text of this size or smaller is not meant to be read
PALEST = 240  # of 255, in each colour, from which a colour counts as white
_INITIAL = (  # initial dictionary of Outlook's compression
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS "
    b"Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0"
    b"\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u"
    b"\\tab\\tx"
)


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of an RTF file. Raises ParseError."""
    data = Path(path).read_bytes()
    if len(data) > 20 * MAX_CHARACTERS:
        raise ParseError(TEXT_TOO_LONG)
    source = data.decode("latin-1")
    read = read_rtf(source)
    read = read if read.blocks else read_rtf(_AROUND.sub("{", source))
    if title := make_title(_title(source[:20_000])):
        yield title
    yield from paginate(read.blocks, limits)
    if read.hidden:
        yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)


def _find_white_colours(source: str) -> set[int | None]:
    """Return the numbers of the colours that cannot be told from white paper."""
    table = _COLOURS.search(source)
    colours = table[1].split(";")[:-1] if table else []
    parts = [re.findall(r"\\(?:red|green|blue)(\d{1,3})", colour) for colour in colours]
    return {at for at, values in enumerate(parts) if len(values) == 3 and min(map(int, values)) >= PALEST}


def _title(head: str) -> str:
    found = re.search(r"\{\\title ([^{}\\]{1,300})\}", head)
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class RichText:
    """Blocks of an RTF text; `hidden` is True if there was hidden text."""

    blocks: list[ParsedBlock]
    hidden: bool


def _page(number: int) -> str:
    return _PAGES.get(number, f"cp{number}" if 1250 <= number <= 1258 else "cp1252")


def read_rtf(source: str) -> RichText:
    """Return the content of RTF source, given with one character per byte. Raises ParseError if it is nested too
    deep."""
    reader = _Reader(source)
    return RichText(list(_blocks(reader)), reader.has_hidden_text)


def _blocks(reader: _Reader) -> Iterator[ParsedBlock]:
    rows: list[list[str]] = []
    for kind, words in reader.lines():
        if kind == "row":
            rows.append([cell.strip() for cell in words.split("\x07")[:-1]])
            continue
        yield from make_table_blocks_by_first_row(rows)
        rows = []
        if words.strip():
            yield ParsedBlock("paragraph", strip_invisible(words).strip())
    yield from make_table_blocks_by_first_row(rows)


class _Reader:
    """Reader that goes through the control words once.

    Groups inherit whether they are skipped, how their text looks, their font, and how many characters replace a Unicode
    one. White text counts as visible if the document paints anything behind text.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._page = "cp1252"
        self._fonts: dict[int, str] = {}  # font -> its own code page
        self._font = self._default_font = 0
        self._stack: list[tuple[bool, frozenset[str], int, int]] = []
        self._seen_text, self.has_hidden_text = False, False
        self._hidden: frozenset[str] = frozenset()  # control words that hide text now: "v", "cf" (colour), "fs" (size)
        self._white_colours = set() if _PAINTS.search(source) else _find_white_colours(source)
        self._instead, self._skip = 1, 0
        self._bytes = bytearray()
        self._parts: list[str] = []

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield ("line", text) and ("row", cells that end with BEL)."""
        fresh = False
        for token in _TOKEN.finditer(self._source):
            code, word, number, sign, brace, text = token.groups()
            if code is not None:
                self._byte(int(code, 16))
                continue
            if self._continues(text or "", sign or ""):
                fresh = False
                continue
            self._flush()
            if token.lastindex is None:  # line ends have no meaning
                continue
            if brace == "{":
                fresh = True
                self._open()
                continue
            if brace == "}":
                self._close()
            elif word is not None:
                if fresh and word in _PASSED:
                    self._seen_text = True
                ended = self._word(word, int(number) if number else None)
                if ended and not self._seen_text:
                    yield ended, self._take()
            elif sign is not None:
                self._seen_text = self._seen_text or (sign == "*" and fresh)
                self._put({"~": "\u00a0", "_": "-", "-": "", "\n": "\n"}.get(sign, sign if sign in "\\{}" else ""))
            elif text is not None:
                self._put(text)
            fresh = fresh and sign == "*"
        self._flush()
        yield "line", self._take()

    def _open(self) -> None:
        if len(self._stack) > MOST_DEEP:
            raise ParseError("This RTF file is nested too deeply. Save it again in its own program and upload that.")
        self._stack.append((self._seen_text, self._hidden, self._instead, self._font))

    def _close(self) -> None:
        if self._stack:
            self._seen_text, self._hidden, self._instead, self._font = self._stack.pop()

    def _word(self, word: str, number: int | None) -> str:
        """Apply a control word; return what it ends: "line", "row", or ""."""
        if word in {"par", "sect", "page"}:
            return "line"
        if word == "row":
            return "row"
        if word == "cell":
            self._put("\x07")
        elif word == "u" and number is not None:
            self._put(chr(number % 65536))
            self._skip = self._instead
        elif word == "uc":
            self._instead = min(number or 0, 10)
        elif word in {"v", "cf", "fs"}:
            hides = {
                "v": number != 0,
                "cf": number in self._white_colours,
                "fs": number is not None and number <= SMALLEST,
            }
            self._hidden = self._hidden | {word} if hides[word] else self._hidden - {word}
        elif word == "plain":
            self._hidden, self._font = frozenset(), self._default_font
        elif word in _SIGNS:
            self._put(_SIGNS[word])
        elif number is not None:
            self._letters(word, number)
        return ""

    def _letters(self, word: str, number: int) -> None:
        """Apply control words that decide how bytes are decoded: code pages and fonts."""
        if word == "ansicpg":
            self._page = _page(number)
        elif word == "f":
            self._font = number
        elif word == "deff":
            self._font = self._default_font = number
        elif word == "fcharset" and number in _CHARSETS:
            self._fonts[self._font] = _page(_CHARSETS[number])
        elif word == "cpg" and number:
            self._fonts[self._font] = _page(number)

    def _byte(self, code: int) -> None:
        if self._skip:
            self._skip -= 1
        else:
            self._bytes.append(code)

    def _flush(self) -> None:
        if self._bytes:
            data, self._bytes = bytes(self._bytes), bytearray()
            self._put(data.decode(self._fonts.get(self._font, self._page), "replace"))

    def _continues(self, text: str, sign: str) -> bool:
        """Return whether letters were taken as bytes: as second half of a character, or because they are not ASCII."""
        halved = self._halved()
        if not (text and (halved or not text.isascii())) and not (halved and sign and sign in "\\{}"):
            return False
        for letter in text or sign:
            self._byte(ord(letter))
        return True

    def _halved(self) -> bool:
        """Return whether the bytes so far end within a character, whose second byte may be written as a plain
        letter."""
        if not self._bytes:
            return False
        decoder = codecs.getincrementaldecoder(self._fonts.get(self._font, self._page))("replace")
        decoder.decode(bytes(self._bytes))
        return bool(decoder.getstate()[0])

    def _put(self, text: str) -> None:
        if self._skip and text:
            gone = min(self._skip, len(text)) if len(text) > 1 or ord(text) < 256 else 0
            self._skip, text = self._skip - gone, text[gone:]
        if not self._seen_text and not self._hidden:
            self._parts.append(text)
        elif not self._seen_text and text.strip():
            self.has_hidden_text = True

    def _take(self) -> str:
        parts, self._parts = self._parts, []
        return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def decompress_rtf(data: bytes) -> bytes:
    """Return the RTF that Outlook has compressed ([MS-OXRTFCP])."""
    if data[8:12] != b"LZFu":
        return data[16:]
    size = min(int.from_bytes(data[4:8], "little"), MAX_CHARACTERS)
    window = bytearray(_INITIAL) + bytearray(4096 - len(_INITIAL))
    at, output, read = len(_INITIAL), bytearray(), 16
    while read < len(data) and len(output) < size:
        flags, read = data[read], read + 1
        for bit in range(8):
            if flags >> bit & 1:
                pair = int.from_bytes(data[read : read + 2], "big")
                read += 2
                indexes = [(pair >> 4) + step for step in range((pair & 15) + 2)]
                if pair >> 4 == at or read > len(data):
                    return bytes(output)
            else:
                indexes = [-1]
            for source in indexes:
                if source < 0 and read >= len(data):
                    return bytes(output)
                byte = window[source % 4096] if source >= 0 else data[read]
                read += source < 0
                window[at], at = byte, (at + 1) % 4096
                output.append(byte)
    return bytes(output)
