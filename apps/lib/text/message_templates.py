"""Templates of messages with values, said in English, stored by the name of the template, and translated when shown.

Each template is defined once, so that `match_template` can recover template and values from a message. A name is stored
in rows, so it stays when the words change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# Refusals of picture engines.
PROMPT_LONG = "The description is longer than %(most)s characters; shorten it."
WIDTH_RANGE = "The width must be between %(least)s and %(most)s pixels."
HEIGHT_RANGE = "The height must be between %(least)s and %(most)s pixels."
WIDTH_STEP = "The width must be a multiple of %(step)s pixels."
HEIGHT_STEP = "The height must be a multiple of %(step)s pixels."
STEPS_RANGE = "The number of steps must be between 1 and %(most)s."
NO_SCHEDULER = "This model has no scheduler “%(name)s”; choose one from the list."
NOT_KNOWN = "The built-in picture model creates pictograms only and knows none like this. The closest are “%(names)s”."
ENLARGED_TOO_FAR = "The picture would be larger than %(most)s pixels on one side."
PICTURE_REFUSED = "The picture server refused this picture (status %(status)s). Change the description."
PICTURE_FAILED = "The picture server failed (status %(status)s)."
PICTURE_CRASHED = "This picture crashed the worker %(times)s times. Try other settings, or tell an administrator."

# Missing models, and write errors of the index.
NO_EMBEDDER = "The embedding model “%(name)s” is no longer available. Choose another one, or set it up again."
NO_MODEL = "The model “%(name)s” is no longer available. Choose another one."
DISK_FULL = "The disk is full, so the index was not written: %(why)s."
NOT_WRITTEN = "The index could not be written: %(why)s."

# Findings of the malware scanner.
MALWARE = "The malware scan found “%(name)s” in this file, so it was not accepted."

# Reasons why a web page was not fetched.
PAGE_LARGE = "The page is larger than the limit of %(most)s MB. Upload it as a file."
PAGE_SLOW = "The page did not load within %(seconds)s seconds. Try again later, or save the page and upload the file."
PAGE_SIGN_IN = (
    "The page requires a sign-in or blocks automated access (%(status)s). Save it in your browser and upload the file."
)
PAGE_GONE = "There is no page at this address (%(status)s). Check the address."
PAGE_LATER = "The web server cannot deliver the page now (%(status)s). Try again later."
PAGE_OTHER = "The web server answered with status %(status)s instead of a page. Save the page and upload the file."
PAGE_SAME = "The page has the same content as %(other)s, which is already in %(collection)s."

# Reasons why a file, or a part of it, was not read.
FILE_LARGE = "This file is larger than the limit of %(most)s MB."
TEXT_LONG = "The document contains more than %(most)s characters of text. Split it into smaller files."
PARTS = "This document has %(count)s parts; at most %(most)s are read. Split it into smaller files."
PAGES = "This PDF has %(count)s pages; at most %(most)s are read. Split it into smaller files."
NO_PAGE = "This PDF has no page %(number)s."
MAILBOX = "This mailbox contains more than %(most)s parts. Split it into smaller ones."
MAIL_CUT = "Only the first %(most)s MB of this file were read. Split it into smaller ones."
COLUMNS = "This table has more than %(most)s columns. Split it into smaller tables."
CELLS = "The sheet %(name)s has more than %(most)s cells. Split it into smaller sheets."
PIXELS = "This picture has more than %(most)s million pixels. Save a smaller copy and upload it."
SLIDES_HIDDEN = "Hidden slides left out: %(count)s."
SHEETS_HIDDEN = "Hidden sheets left out: %(count)s."
ATTACHMENTS = "Attachments left out: %(names)s."
PICTURES_LEFT = "Only the first %(count)s pictures in it were read."

# Reasons why imported chats were refused or shortened.
CHATS = "This file contains more than %(most)s conversations. Split it into several files."
MESSAGES = "It has %(count)s messages; at most %(most)s can be imported."
CHAT_LONG = "It is too long to import: %(characters)s characters, %(messages)s messages."
NOT_IN_FILE = "Pictures and files missing from this file: %(count)s."
ANSWERS_WITHHELD = "Answers withheld by the safety check: %(count)s."
MESSAGE_LONG = "One of its messages has %(count)s characters; at most %(most)s can be imported."

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
