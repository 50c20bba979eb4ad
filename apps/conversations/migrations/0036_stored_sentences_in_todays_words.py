"""Why a file was not read or a text was withheld is stored in English and translated when shown. The words of former
releases are replaced by today's, so that only those need translations. No undo: both say the same."""

from __future__ import annotations

import re

from django.db import migrations

TODAYS_WORDS = {
    'A list of this site names something in this question, so it is not answered here.': 'This question contains a term that this site blocks, so it is not answered here.',
    'A list of this site names something in what this picture was asked for, so it is not drawn here.': 'The description of this picture contains a term that this site blocks, so it is not created here.',
    'A message of it has %(count)s characters; at most %(most)s are taken.': 'One of its messages has %(count)s characters; at most %(most)s can be imported.',
    'An automatic check found something in this picture. A person looks at it.': 'An automatic check withheld this picture. A reviewer will look at it.',
    'Answers that the safety check withheld: %(count)s.': 'Answers withheld by the safety check: %(count)s.',
    'Attachments that were left out: %(names)s.': 'Attachments left out: %(names)s.',
    'Drawing this stopped the worker %(times)s times. Try other settings, or tell an administrator.': 'This picture crashed the worker %(times)s times. Try other settings, or tell an administrator.',
    'Hidden sheets that were left out: %(count)s.': 'Hidden sheets left out: %(count)s.',
    'Hidden slides that were left out: %(count)s.': 'Hidden slides left out: %(count)s.',
    'If that is a mistake, a person sets it right; look at your notices.': 'A reviewer will look at it and correct a mistake. See your notices.',
    'It has %(count)s messages; at most %(most)s are taken.': 'It has %(count)s messages; at most %(most)s can be imported.',
    'It is longer than what is taken: %(characters)s characters, %(messages)s messages.': 'It is too long to import: %(characters)s characters, %(messages)s messages.',
    'Long texts of this table (its memos) are kept in another file and were left out.': 'Long texts of this table (memo fields) are in a separate file and were left out.',
    'Only the first %(count)s of its pictures were read.': 'Only the first %(count)s pictures in it were read.',
    'Only the first of its pictures was read.': 'Only the first picture in it was read.',
    'Pictures and files that this file does not hold: %(count)s.': 'Pictures and files missing from this file: %(count)s.',
    'Pictures that the code drew were left out.': 'Pictures created by the code were left out.',
    'Reading this file took too long. It may be damaged, or made to keep programs busy; save it again or split it.': 'Reading this file took too long. It may be damaged or malicious. Save it again, or split it into smaller files.',
    'Reported. A reader of it asked for a person to look at it.': 'Reported. A user asked for a review.',
    'Something went wrong here. Your question is kept; the log of the server says what happened.': 'Something went wrong. Your question is saved; details are in the server log.',
    'The answer reached its greatest length and ends here.': 'The answer reached its maximum length and ends here.',
    'The built-in painter draws pictograms and knows none like this; nearest are “%(names)s”.': 'The built-in picture model creates pictograms only and knows none like this. The closest are “%(names)s”.',
    'The check for malicious software found “%(name)s” in this file, so it was not taken.': 'The malware scan found “%(name)s” in this file, so it was not accepted.',
    'The disk of this server is full. This goes on by itself once there is space.': 'The disk of this server is full. This continues automatically when there is space.',
    'The document holds more than %(most)s characters of text. Split it into smaller files.': 'The document contains more than %(most)s characters of text. Split it into smaller files.',
    'The height must lie between %(least)s and %(most)s pixels.': 'The height must be between %(least)s and %(most)s pixels.',
    'The model began to repeat itself, so the answer ends here.': 'The model started to repeat itself, so the answer ends here.',
    'The model thought until its greatest length and gave no answer. Allow a greater length under Advanced, or choose another model.': 'The model used its maximum length for reasoning and gave no answer. Increase the response length under Advanced, or choose another model.',
    'The number of steps must lie between 1 and %(most)s.': 'The number of steps must be between 1 and %(most)s.',
    'The page did not arrive within %(seconds)s seconds. Try again later, or save it and upload the file.': 'The page did not load within %(seconds)s seconds. Try again later, or save the page and upload the file.',
    'The page holds the same as %(other)s, which is in %(collection)s already.': 'The page has the same content as %(other)s, which is already in %(collection)s.',
    'The page is larger than %(most)s MB, the most that is fetched. Upload it as a file.': 'The page is larger than the limit of %(most)s MB. Upload it as a file.',
    'The page wants a sign-in, or refuses programs (%(status)s). Save it in your browser and upload the file.': 'The page requires a sign-in or blocks automated access (%(status)s). Save it in your browser and upload the file.',
    'The picture server refused this picture (status %(status)s); describe it otherwise.': 'The picture server refused this picture (status %(status)s). Change the description.',
    'The picture would have more than %(most)s pixels a side.': 'The picture would be larger than %(most)s pixels on one side.',
    'The question is too long for this model. Shorten it, or put the long part into a collection as a file.': 'The question is too long for this model. Shorten it, or add the long part to a collection as a file.',
    'The reader crashed on this file: it is damaged. Save it again in its own program and upload that.': 'This file could not be read, probably because it is damaged. Save it again in its own program and upload that.',
    'The reader failed on this file through a fault of its own. The log of the worker has the details.': 'This file could not be read because of a program error. See the worker log for details.',
    'The rest of this answer was held back, because it could seriously hurt people.': 'The rest of this answer was withheld, because it could seriously hurt people.',
    'The rest of this answer was held back, because it holds personal data.': 'The rest of this answer was withheld, because it contains personal data.',
    'The rest of this answer was held back, because it may copy a work of others.': 'The rest of this answer was withheld, because it may copy a protected work.',
    'The rest of this answer was held back, because it may make false claims about somebody.': 'The rest of this answer was withheld, because it may make false claims about a person or company.',
    'The rest of this answer was held back, because it may pass for words of a person who exists.': 'The rest of this answer was withheld, because it could be mistaken for words of a real person.',
    "The rest of this answer was held back, because it may take an expert's place.": 'The rest of this answer was withheld, because it needs an expert.',
    'The rest of this answer was held back, because it repeats what is said to the assistant alone.': 'The rest of this answer was withheld, because it repeats confidential instructions of the assistant.',
    "The rest of this answer was held back, because it seems meant to change the assistant's rules.": "The rest of this answer was withheld, because it seems meant to change the assistant's rules.",
    'The rest of this answer was held back, because it seems sexual.': 'The rest of this answer was withheld, because it seems to be sexual.',
    'The rest of this answer was held back, because it seems to degrade people for what they are.': 'The rest of this answer was withheld, because it seems to degrade people for who they are.',
    'The rest of this answer was held back, because it seems to hold a password or a key.': 'The rest of this answer was withheld, because it seems to contain a password or a key.',
    'The rest of this answer was held back, because it seems to insult somebody.': 'The rest of this answer was withheld, because it seems to insult a person.',
    'The rest of this answer was held back, because it would carry data away in a link.': 'The rest of this answer was withheld, because it would send data to another server in a link.',
    'The rest of this answer was held back: a list of this site names something in it.': 'The rest of this answer was withheld, because it contains a term that this site blocks.',
    'The rest of this answer was held back: this assistant is stricter than the site.': 'The rest of this answer was withheld, because this assistant is stricter than the site.',
    'The safety check is not available right now. Please try again in a moment.': 'The safety check is not available right now. Try again in a moment.',
    'The server of the page answered with %(status)s instead of a page. Save it and upload the file.': 'The web server answered with status %(status)s instead of a page. Save the page and upload the file.',
    'The server of the page cannot deliver it now (%(status)s). Try again later.': 'The web server cannot deliver the page now (%(status)s). Try again later.',
    'The server was restarted while this answer was written.': 'The server was restarted while this answer was being written.',
    'The stored file is missing. Please upload it again.': 'The stored file is missing. Upload it again.',
    'The width must lie between %(least)s and %(most)s pixels.': 'The width must be between %(least)s and %(most)s pixels.',
    'There is no embedding model “%(name)s” here any more. Choose another one, or set it up.': 'The embedding model “%(name)s” is no longer available. Choose another one, or set it up again.',
    'There is no model “%(name)s” here any more. Choose another one.': 'The model “%(name)s” is no longer available. Choose another one.',
    'There is no page at this address (%(status)s). Check it.': 'There is no page at this address (%(status)s). Check the address.',
    'This assistant is stricter than the site, so this question is not answered here. Put it in other words, or ask another assistant.': 'This assistant is stricter than the site, so it does not answer this question. Rephrase it, or ask another assistant.',
    'This e-book is damaged or was cut off during a transfer. Get it again and upload that.': 'This e-book is damaged or was cut off during a transfer. Get a new copy and upload it.',
    'This file holds more than %(most)s conversations. Split it into several files.': 'This file contains more than %(most)s conversations. Split it into several files.',
    'This file is larger than %(most)s MB, the most that is accepted.': 'This file is larger than the limit of %(most)s MB.',
    'This file is nested more deeply than any program makes it. Save it again in its own program and upload that.': 'This file is nested too deeply. Save it again in its own program and upload that.',
    'This file unpacks to far more than it seems to hold, as a file made to harm does. It was not opened.': 'This file unpacks to a suspiciously large size, as malicious files do. It was not opened.',
    'This mailbox holds more than %(most)s parts. Split it into smaller ones.': 'This mailbox contains more than %(most)s parts. Split it into smaller ones.',
    'This page has an impossible size and cannot be shown.': 'This page has an invalid size and cannot be shown.',
    'This passage seems to hold a password or a key.': 'This passage seems to contain a password or a key.',
    'This passage speaks to an assistant instead of to its reader.': 'This passage contains instructions for an assistant.',
    'This picture has more than %(most)s million pixels. Save it smaller and upload that.': 'This picture has more than %(most)s million pixels. Save a smaller copy and upload it.',
    'This picture is held back: what it was asked under is stricter than the site.': 'This picture was withheld, because the assistant used for it is stricter than the site.',
    'This question needs an expert who knows the case, so it is not answered here.': 'This question needs an expert who knows your situation, so it is not answered here.',
    'This question repeats what is said to the assistant alone, so it is not answered here.': 'This question repeats confidential instructions of the assistant, so it is not answered here.',
    'This question seems meant to pass for a person who exists, so it is not answered here.': 'This question seems to ask for an imitation of a real person, so it is not answered here.',
    'This question seems to ask for a work or brand of others, so it is not answered here.': 'This question seems to ask for a copy of a protected work, so it is not answered here.',
    'This question seems to ask for false claims about somebody, so it is not answered here.': 'This question seems to ask for false claims about a person or company, so it is not answered here.',
    'This question seems to ask for software that does harm, so it is not answered here.': 'This question seems to ask for harmful software, so it is not answered here.',
    'This question seems to degrade people for what they are, so it is not answered here.': 'This question seems to degrade people for who they are, so it is not answered here.',
    'This question seems to insult or threaten somebody, so it is not answered here.': 'This question seems to insult or threaten a person, so it is not answered here.',
    'This question would carry data away in a link, so it is not answered here.': 'This question would send data to another server in a link, so it is not answered here.',
    'This workbook is of an unusual version or damaged. Open it, save it as .xlsx and upload that.': 'This workbook is damaged or has an unusual version. Open it, save it as .xlsx and upload that.',
    'Unpack it and upload the files in it; a whole folder can be dropped at once.': 'Unpack it and upload the files in it. You can drop a whole folder at once.',
    'Upload what is said in it as text.': 'Upload a transcript of it as text.',
}
COLUMNS = (
    ("conversations", "AttachedPicture", "reason", "unread", "uncaptioned"),
    ("conversations", "ImportItem", "note"),
    ("conversations", "ImportJob", "reason"),
    ("conversations", "Message", "reason"),
    ("conversations", "QueuedQuestion", "problem"),
    ("documents", "Document", "note", "reason", "withheld"),
    ("documents", "IndexBuild", "reason"),
    ("documents", "RefusedUpload", "reason"),
    ("evaluation", "AnswerRun", "reason"),
    ("evaluation", "GoldenRun", "reason"),
    ("images", "Picture", "reason"),
    ("privacy", "DataRequest", "reason"),
)
PLACE = re.compile(r"%\((\w+)\)s")


def _make_pattern(former):
    parts = PLACE.split(former)
    return re.compile("".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))


PATTERNS = [(_make_pattern(former), today) for former, today in TODAYS_WORDS.items() if PLACE.search(former)]


def convert_text(text):
    """Return the stored text with each of its lines in today's words; other lines stay."""
    return "\n".join(map(_convert_line, text.split("\n")))


def _convert_line(line):
    for pattern, today in PATTERNS:
        if found := pattern.fullmatch(line):
            return today % found.groupdict()
    return TODAYS_WORDS.get(line, line)


def convert_rows(apps, schema_editor):
    for label, name, *columns in COLUMNS:
        rows = apps.get_model(label, name)._base_manager
        for column in columns:
            for stored in rows.exclude(**{column: ""}).order_by().values_list(column, flat=True).distinct():
                longest = rows.model._meta.get_field(column).max_length
                if stored and (now := convert_text(stored)[:longest]) != stored:
                    rows.filter(**{column: stored}).update(**{column: now})
    messages = apps.get_model("conversations", "RetractedMessage")._base_manager
    for row in messages.only("fields").iterator():
        reason = row.fields.get("reason") or ""
        if (now := convert_text(reason)) != reason:
            messages.filter(pk=row.pk).update(fields={**row.fields, "reason": now})


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0035_tags"),
        ("documents", "0024_labels"),
        ("evaluation", "0004_labels"),
        ("images", "0013_labels"),
        ("privacy", "0005_labels"),
    ]

    operations = [migrations.RunPython(convert_rows, migrations.RunPython.noop)]
