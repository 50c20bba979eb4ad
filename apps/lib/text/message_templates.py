"""Templates of messages with values that are stored or logged in English and translated when shown.

Each template is defined once, so that `match_template` can recover template and values from a stored message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# Refusals of picture engines.
PROMPT_LONG = "The description is longer than %(most)s characters; shorten it."
WIDTH_RANGE = "The width must lie between %(least)s and %(most)s pixels."
HEIGHT_RANGE = "The height must lie between %(least)s and %(most)s pixels."
WIDTH_STEP = "The width must be a multiple of %(step)s pixels."
HEIGHT_STEP = "The height must be a multiple of %(step)s pixels."
STEPS_RANGE = "The number of steps must lie between 1 and %(most)s."
NO_SCHEDULER = "This model has no scheduler “%(name)s”; choose one from the list."
NOT_KNOWN = "The built-in painter draws pictograms and knows none like this; nearest are “%(names)s”."
ENLARGED_TOO_FAR = "The picture would have more than %(most)s pixels a side."
PICTURE_REFUSED = "The picture server refused this picture (status %(status)s); describe it otherwise."
PICTURE_FAILED = "The picture server failed (status %(status)s)."
PICTURE_CRASHED = "Drawing this stopped the worker %(times)s times. Try other settings, or tell an administrator."

# Missing models, and write errors of the index.
NO_EMBEDDER = "There is no embedding model “%(name)s” here any more. Choose another one, or set it up."
NO_MODEL = "There is no model “%(name)s” here any more. Choose another one."
DISK_FULL = "The disk is full, so the index was not written: %(why)s."
NOT_WRITTEN = "The index could not be written: %(why)s."

# Findings of the malware scanner.
MALWARE = "The check for malicious software found “%(name)s” in this file, so it was not taken."

# Reasons why a web page was not fetched.
PAGE_LARGE = "The page is larger than %(most)s MB, the most that is fetched. Upload it as a file."
PAGE_SLOW = "The page did not arrive within %(seconds)s seconds. Try again later, or save it and upload the file."
PAGE_SIGN_IN = (
    "The page wants a sign-in, or refuses programs (%(status)s). Save it in your browser and upload the file."
)
PAGE_GONE = "There is no page at this address (%(status)s). Check it."
PAGE_LATER = "The server of the page cannot deliver it now (%(status)s). Try again later."
PAGE_OTHER = "The server of the page answered with %(status)s instead of a page. Save it and upload the file."
PAGE_SAME = "The page holds the same as %(other)s, which is in %(collection)s already."

# Reasons why a file, or a part of it, was not read.
FILE_LARGE = "This file is larger than %(most)s MB, the most that is accepted."
TEXT_LONG = "The document holds more than %(most)s characters of text. Split it into smaller files."
PARTS = "This document has %(count)s parts; at most %(most)s are read. Split it into smaller files."
PAGES = "This PDF has %(count)s pages; at most %(most)s are read. Split it into smaller files."
NO_PAGE = "This PDF has no page %(number)s."
MAILBOX = "This mailbox holds more than %(most)s parts. Split it into smaller ones."
MAIL_CUT = "Only the first %(most)s MB of this file were read. Split it into smaller ones."
COLUMNS = "This table has more than %(most)s columns. Split it into smaller tables."
CELLS = "The sheet %(name)s has more than %(most)s cells. Split it into smaller sheets."
PIXELS = "This picture has more than %(most)s million pixels. Save it smaller and upload that."
SLIDES_HIDDEN = "Hidden slides that were left out: %(count)s."
SHEETS_HIDDEN = "Hidden sheets that were left out: %(count)s."
ATTACHMENTS = "Attachments that were left out: %(names)s."
PICTURES_LEFT = "Only the first %(count)s of its pictures were read."

# Reasons why imported chats were refused or shortened.
CHATS = "This file holds more than %(most)s conversations. Split it into several files."
MESSAGES = "It has %(count)s messages; at most %(most)s are taken."
CHAT_LONG = "It is longer than what is taken: %(characters)s characters, %(messages)s messages."
NOT_IN_FILE = "Pictures and files that this file does not hold: %(count)s."
ANSWERS_WITHHELD = "Answers that the safety check withheld: %(count)s."
MESSAGE_LONG = "A message of it has %(count)s characters; at most %(most)s are taken."

SENTENCES = tuple(text for name, text in vars().copy().items() if name.isupper() and isinstance(text, str))
_PLACE = re.compile(r"%\((\w+)\)s")


def match_template(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the template of a message and its values; None if it matches no template."""
    for sentence, start, pattern in _patterns():
        if text.startswith(start) and (found := pattern.fullmatch(text)):
            return sentence, found.groupdict()
    return None


@lru_cache(1)
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple((sentence, *_pattern(sentence)) for sentence in SENTENCES)


def _pattern(sentence: str) -> tuple[str, re.Pattern[str]]:
    """Return the constant beginning of the template, and the pattern that matches it with any values."""
    parts = list(_parts(sentence))
    return sentence.partition("%(")[0], re.compile("".join(parts), re.DOTALL)


def _parts(sentence: str) -> Iterator[str]:
    for at, part in enumerate(_PLACE.split(sentence)):
        yield f"(?P<{part}>.+?)" if at % 2 else re.escape(part)
