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
        "A part can only be drawn anew of a picture that is there.",
        "You can change a part only of a finished picture.",
    ),
    (
        "Answers that the safety check withheld: %(count)s.",
        "Answers withheld by the safety check: %(count)s.",
    ),
    (
        "Asked for",
        "Prompt",
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
        "Mark first which part shall be drawn anew.",
        "Mark the part to change first.",
    ),
    (
        "No folder of this server is named for this. An administrator sets SYNC_DIR where Openbook is started.",
        "No server folder is set up for this. An administrator can set SYNC_DIR where Openbook is started.",
    ),
    (
        "No picture model is set up. An administrator can name one: IMAGE_MODEL or IMAGE_URL.",
        "No picture model is set up. An administrator can set IMAGE_MODEL or IMAGE_URL.",
    ),
    (
        "Not there",
        "Negative prompt",
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
        "Say first what the picture shall show.",
        "Describe the picture first.",
    ),
    (
        "Shall not be there",
        "Negative prompt",
    ),
    (
        "The account at the picture server is used up; an administrator has to look at it.",
        "The account at the picture server has no credit left. Tell an administrator.",
    ),
    (
        "The address of the model server is wrong: it points elsewhere.",
        "The address of the model server is wrong: it redirects elsewhere.",
    ),
    (
        "The address of the model server is wrong: nothing answers chats there.",
        "The address of the model server is wrong: no chat API was found there.",
    ),
    (
        "The answer is longer than can be kept while it is being written.",
        "The answer is too long to be stored while it is being written.",
    ),
    (
        "The built-in painter draws pictograms and knows none like this; nearest are “%(names)s”.",
        "The built-in picture model creates pictograms only and knows none like this. The closest are “%(names)s”.",
    ),
    (
        "The built-in painter is not there; `./run train pictogram` makes it.",
        "The built-in picture model is missing. `./run train pictogram` creates it.",
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
        "The guidance must lie between 0 and 30.",
        "The guidance must be between 0 and 30.",
    ),
    (
        "The height must lie between %(least)s and %(most)s pixels.",
        "The height must be between %(least)s and %(most)s pixels.",
    ),
    (
        "The mask must be as large as its picture; mark the part again.",
        "The mask must have the same size as the picture. Mark the part again.",
    ),
    (
        "The mask of the part cannot be read; mark the part again.",
        "The mask cannot be read. Mark the part again.",
    ),
    (
        "The mask of the part is too large; mark the part again.",
        "The mask is too large. Mark the part again.",
    ),
    (
        "The model server sent something that is no answer.",
        "The model server sent an invalid answer.",
    ),
    (
        "The model's own filter withheld this picture; describe it otherwise.",
        "The model’s own filter withheld this picture. Change the description.",
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
        "The picture server cannot draw a part of a picture anew.",
        "The picture server cannot change a part of a picture.",
    ),
    (
        "The picture server does not accept the key; an administrator has to set IMAGE_API_KEY.",
        "The picture server does not accept the key. An administrator must set IMAGE_API_KEY.",
    ),
    (
        "The picture server has no such model; an administrator has to look at IMAGE_MODEL.",
        "The picture server does not have this model. An administrator must check IMAGE_MODEL.",
    ),
    (
        "The picture server is busy; it is asked again later.",
        "The picture server is busy. It is tried again later.",
    ),
    (
        "The picture server names a picture that is not there.",
        "The picture server returned a picture that does not exist.",
    ),
    (
        "The picture server names an address elsewhere, which is not asked; it has to send the picture itself.",
        "The picture server returned a link to another server, which is not allowed. It must send the picture itself.",
    ),
    (
        "The picture server refused this picture (status %(status)s); describe it otherwise.",
        "The picture server refused this picture (status %(status)s). Change the description.",
    ),
    (
        "The picture server's answer holds no picture.",
        "The picture server’s answer contains no picture.",
    ),
    (
        "The picture to start from cannot be read; choose a PNG, JPEG or WebP file.",
        "The start picture cannot be read. Choose a PNG, JPEG or WebP file.",
    ),
    (
        "The picture to start from is held for review.",
        "The start picture is withheld for review.",
    ),
    (
        "The picture to start from is no longer there.",
        "The start picture is no longer available.",
    ),
    (
        "The picture to start from must have between 8 and 4096 pixels a side.",
        "The start picture must have between 8 and 4096 pixels on each side.",
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
        "The rules of the picture server do not allow this picture; describe it otherwise.",
        "The rules of the picture server do not allow this picture. Change the description.",
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
        "The server of this model does not search with so many beams, or with none at all. Empty “Beams” under "
        "Advanced, or choose another model.",
        "This model does not support this number of beams. Clear “Beams” under Advanced, or choose another model.",
    ),
    (
        "The stored file is missing. Please upload it again.",
        "The stored file is missing. Upload it again.",
    ),
    (
        "The strength must lie above 0 and be at most 1.",
        "The strength must be above 0 and at most 1.",
    ),
    (
        "The weights of the built-in painter are not those that came with it.",
        "The weights of the built-in picture model were changed.",
    ),
    (
        "The weights of the built-in painter cannot be read.",
        "The weights of the built-in picture model cannot be read.",
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
        "There is not enough memory for a picture of this size; choose a smaller one.",
        "There is not enough memory for a picture of this size. Choose a smaller size.",
    ),
    (
        "This answer is closed; nothing can be added to it.",
        "This answer is finished. Nothing can be added to it.",
    ),
    (
        "This assistant shows only pictures that a check has looked at, and no such check is set up here.",
        "This assistant shows only checked pictures, and no picture check is set up on this site.",
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
        "This model cannot draw a part of a picture anew.",
        "This model cannot change a part of a picture.",
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
        "This run stopped the worker each time. Tell an administrator.",
        "This run crashed the worker repeatedly. Tell an administrator.",
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
        "What shall not be there",
        "Negative prompt",
    ),
    (
        "What the picture server sent is no picture.",
        "The picture server sent a file that is not a picture.",
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
