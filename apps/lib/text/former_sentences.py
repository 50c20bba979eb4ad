"""Stored sentences of former releases, each with the one that is shown in its place.

A worker writes a sentence such as why a file could not be read once, in English; the rows stay when the words change.
`apps.lib.text.message_templates` looks here, so that an old row is shown in today's words and in every language.
"""

from __future__ import annotations

_PAIRS = (
    (
        "A folder on the way is a link.",
        "The path contains a symbolic link.",
    ),
    (
        "A message of it has %(count)s characters; at most %(most)s are taken.",
        "One of its messages has %(count)s characters; at most %(most)s can be imported.",
    ),
    (
        "Answers that the safety check withheld: %(count)s.",
        "Answers withheld by the safety check: %(count)s.",
    ),
    (
        "Attachments that were left out: %(names)s.",
        "Attachments left out: %(names)s.",
    ),
    (
        "Drawing this stopped the worker %(times)s times. Try other settings, or tell an administrator.",
        "This picture crashed the worker %(times)s times. Try other settings, or tell an administrator.",
    ),
    (
        "Hidden sheets that were left out: %(count)s.",
        "Hidden sheets left out: %(count)s.",
    ),
    (
        "Hidden slides that were left out: %(count)s.",
        "Hidden slides left out: %(count)s.",
    ),
    (
        "It begins",
        "Beginning",
    ),
    (
        "It has %(count)s messages; at most %(most)s are taken.",
        "It has %(count)s messages; at most %(most)s can be imported.",
    ),
    (
        "It is longer than what is taken: %(characters)s characters, %(messages)s messages.",
        "It is too long to import: %(characters)s characters, %(messages)s messages.",
    ),
    (
        "Long texts of this table (its memos) are kept in another file and were left out.",
        "Long texts of this table (memo fields) are in a separate file and were left out.",
    ),
    (
        "No folder of this server is named for this. An administrator sets SYNC_DIR where Openbook is started.",
        "No server folder is set up for this. An administrator can set SYNC_DIR where Openbook is started.",
    ),
    (
        "Only the first %(count)s of its pictures were read.",
        "Only the first %(count)s pictures in it were read.",
    ),
    (
        "Only the first of its pictures was read.",
        "Only the first picture in it was read.",
    ),
    (
        "Pictures and files that this file does not hold: %(count)s.",
        "Pictures and files missing from this file: %(count)s.",
    ),
    (
        "Pictures that the code drew were left out.",
        "Pictures created by the code were left out.",
    ),
    (
        "Reading this file took too long. It may be damaged, or made to keep programs busy; save it again or split it.",
        "Reading this file took too long. It may be damaged or malicious. Save it again, or split it into smaller "
        "files.",
    ),
    (
        "SYNC_DIR and DATA_DIR must not lie in one another: Openbook would read its own files.",
        "SYNC_DIR and DATA_DIR must not contain each other: Openbook would read its own files.",
    ),
    (
        "The built-in painter draws pictograms and knows none like this; nearest are “%(names)s”.",
        "The built-in picture model creates pictograms only and knows none like this. The closest are “%(names)s”.",
    ),
    (
        "The check for malicious software found “%(name)s” in this file, so it was not taken.",
        "The malware scan found “%(name)s” in this file, so it was not accepted.",
    ),
    (
        "The disk of this server is full. This goes on by itself once there is space.",
        "The disk of this server is full. This continues automatically when there is space.",
    ),
    (
        "The document holds more than %(most)s characters of text. Split it into smaller files.",
        "The document contains more than %(most)s characters of text. Split it into smaller files.",
    ),
    (
        "The height must lie between %(least)s and %(most)s pixels.",
        "The height must be between %(least)s and %(most)s pixels.",
    ),
    (
        "The number of steps must lie between 1 and %(most)s.",
        "The number of steps must be between 1 and %(most)s.",
    ),
    (
        "The page did not arrive within %(seconds)s seconds. Try again later, or save it and upload the file.",
        "The page did not load within %(seconds)s seconds. Try again later, or save the page and upload the file.",
    ),
    (
        "The page holds the same as %(other)s, which is in %(collection)s already.",
        "The page has the same content as %(other)s, which is already in %(collection)s.",
    ),
    (
        "The page is larger than %(most)s MB, the most that is fetched. Upload it as a file.",
        "The page is larger than the limit of %(most)s MB. Upload it as a file.",
    ),
    (
        "The page wants a sign-in, or refuses programs (%(status)s). Save it in your browser and upload the file.",
        "The page requires a sign-in or blocks automated access (%(status)s). Save it in your browser and upload "
        "the file.",
    ),
    (
        "The picture server refused this picture (status %(status)s); describe it otherwise.",
        "The picture server refused this picture (status %(status)s). Change the description.",
    ),
    (
        "The picture would have more than %(most)s pixels a side.",
        "The picture would be larger than %(most)s pixels on one side.",
    ),
    (
        "The reader crashed on this file: it is damaged. Save it again in its own program and upload that.",
        "This file could not be read, probably because it is damaged. Save it again in its own program and upload "
        "that.",
    ),
    (
        "The reader failed on this file through a fault of its own. The log of the worker has the details.",
        "This file could not be read because of a program error. See the worker log for details.",
    ),
    (
        "The server of the page answered with %(status)s instead of a page. Save it and upload the file.",
        "The web server answered with status %(status)s instead of a page. Save the page and upload the file.",
    ),
    (
        "The server of the page cannot deliver it now (%(status)s). Try again later.",
        "The web server cannot deliver the page now (%(status)s). Try again later.",
    ),
    (
        "The stored file is missing. Please upload it again.",
        "The stored file is missing. Upload it again.",
    ),
    (
        "The width must lie between %(least)s and %(most)s pixels.",
        "The width must be between %(least)s and %(most)s pixels.",
    ),
    (
        "There is no embedding model “%(name)s” here any more. Choose another one, or set it up.",
        "The embedding model “%(name)s” is no longer available. Choose another one, or set it up again.",
    ),
    (
        "There is no model “%(name)s” here any more. Choose another one.",
        "The model “%(name)s” is no longer available. Choose another one.",
    ),
    (
        "There is no page at this address (%(status)s). Check it.",
        "There is no page at this address (%(status)s). Check the address.",
    ),
    (
        "There is no such folder in the one that SYNC_DIR names.",
        "This folder does not exist in SYNC_DIR.",
    ),
    (
        "This e-book is damaged or was cut off during a transfer. Get it again and upload that.",
        "This e-book is damaged or was cut off during a transfer. Get a new copy and upload it.",
    ),
    (
        "This file holds more than %(most)s conversations. Split it into several files.",
        "This file contains more than %(most)s conversations. Split it into several files.",
    ),
    (
        "This file is larger than %(most)s MB, the most that is accepted.",
        "This file is larger than the limit of %(most)s MB.",
    ),
    (
        "This file is nested more deeply than any program makes it. Save it again in its own program and upload that.",
        "This file is nested too deeply. Save it again in its own program and upload that.",
    ),
    (
        "This file unpacks to far more than it seems to hold, as a file made to harm does. It was not opened.",
        "This file unpacks to a suspiciously large size, as malicious files do. It was not opened.",
    ),
    (
        "This is no file.",
        "This is not a file.",
    ),
    (
        "This mailbox holds more than %(most)s parts. Split it into smaller ones.",
        "This mailbox contains more than %(most)s parts. Split it into smaller ones.",
    ),
    (
        "This page has an impossible size and cannot be shown.",
        "This page has an invalid size and cannot be shown.",
    ),
    (
        "This picture has more than %(most)s million pixels. Save it smaller and upload that.",
        "This picture has more than %(most)s million pixels. Save a smaller copy and upload it.",
    ),
    (
        "This workbook is of an unusual version or damaged. Open it, save it as .xlsx and upload that.",
        "This workbook is damaged or has an unusual version. Open it, save it as .xlsx and upload that.",
    ),
    (
        "Unpack it and upload the files in it; a whole folder can be dropped at once.",
        "Unpack it and upload the files in it. You can drop a whole folder at once.",
    ),
    (
        "Upload what is said in it as text.",
        "Upload a transcript of it as text.",
    ),
    (
        "a table of contents, an index or noise, from which nothing is quoted",
        "table of contents, index or unreadable text: not quoted",
    ),
    (
        "below the cut",
        "below the threshold",
    ),
    (
        "says the same as one above, or its document has enough passages there",
        "same as a passage above, or enough passages of its document are above",
    ),
)
FORMER_SENTENCES = dict(_PAIRS)
