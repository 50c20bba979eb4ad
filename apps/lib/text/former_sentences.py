"""Stored sentences of former releases, each with the one that is shown in its place.

Sentences such as why a file could not be read are stored in English, and the rows stay when the words change.
`apps.lib.text.message_templates` looks here, so that an old row is shown in today's words and in every language. Only
sentences that a page goes on showing are here: clauses of policies, why a text was withheld, why a file was not read.
"""

from __future__ import annotations

_PAIRS = (
    (
        "A list of this site names something in this question, so it is not answered here.",
        "This question contains a term that this site blocks, so it is not answered here.",
    ),
    (
        "A list of this site names something in what this picture was asked for, so it is not drawn here.",
        "The description of this picture contains a term that this site blocks, so it is not created here.",
    ),
    (
        "A message of it has %(count)s characters; at most %(most)s are taken.",
        "One of its messages has %(count)s characters; at most %(most)s can be imported.",
    ),
    (
        "A text that speaks to the assistant instead of to its reader is marked. It is shown, and never obeyed.",
        "Text with instructions for the assistant is labelled. It is shown, but never followed.",
    ),
    (
        "An automatic check found something in this picture. A person looks at it.",
        "An automatic check withheld this picture. A reviewer will look at it.",
    ),
    ("Answers that the safety check withheld: %(count)s.", "Answers withheld by the safety check: %(count)s."),
    ("Asked for", "Prompt"),
    ("Attachments that were left out: %(names)s.", "Attachments left out: %(names)s."),
    (
        "Drawing this stopped the worker %(times)s times. Try other settings, or tell an administrator.",
        "This picture crashed the worker %(times)s times. Try other settings, or tell an administrator.",
    ),
    ("Hidden sheets that were left out: %(count)s.", "Hidden sheets left out: %(count)s."),
    ("Hidden slides that were left out: %(count)s.", "Hidden slides left out: %(count)s."),
    (
        "If that is a mistake, a person sets it right; look at your notices.",
        "A reviewer will look at it and correct a mistake. See your notices.",
    ),
    ("Insults are noted; they are not withheld.", "Insults are counted, but not withheld."),
    ("It begins", "Beginning"),
    (
        "It has %(count)s messages; at most %(most)s are taken.",
        "It has %(count)s messages; at most %(most)s can be imported.",
    ),
    (
        "It is longer than what is taken: %(characters)s characters, %(messages)s messages.",
        "It is too long to import: %(characters)s characters, %(messages)s messages.",
    ),
    ("Its reader says", "Report by the user"),
    ("Leak of the system text", "Leak of the system prompt"),
    (
        "Links that would carry away what was read are shown as plain text.",
        "Links that would send data to other servers are shown as plain text.",
    ),
    (
        "Long texts of this table (its memos) are kept in another file and were left out.",
        "Long texts of this table (memo fields) are in a separate file and were left out.",
    ),
    ("Matters for experts", "Professional advice"),
    (
        "No help with making or getting weapons that kill many, explosives or untraceable guns.",
        "No help with making or getting weapons of mass destruction, explosives or untraceable guns.",
    ),
    (
        "No made-up accusations against people or companies that exist.",
        "No made-up accusations against real people or companies.",
    ),
    (
        "Nothing that degrades people, or calls for harming them, for what they are.",
        "Nothing that degrades people for who they are, or calls for harming them.",
    ),
    (
        "Nothing that passes for words or a picture of a person who exists.",
        "Nothing that could be mistaken for words or a picture of a real person.",
    ),
    ("Only the first %(count)s of its pictures were read.", "Only the first %(count)s pictures in it were read."),
    ("Only the first of its pictures was read.", "Only the first picture in it was read."),
    ("Passwords and keys in documents are marked.", "Passwords and keys in documents are labelled."),
    (
        "Personal data of others is found, and can be hidden.",
        "Personal data of other people is detected and can be hidden.",
    ),
    (
        "Pictures and files that this file does not hold: %(count)s.",
        "Pictures and files missing from this file: %(count)s.",
    ),
    ("Pictures that the code drew were left out.", "Pictures created by the code were left out."),
    (
        "Protected works are not copied at length, and nothing passes for a product of a brand.",
        "No long copies of protected works, and nothing that imitates a product of a brand.",
    ),
    (
        "Reading this file took too long. It may be damaged, or made to keep programs busy; save it again or split it.",
        "Reading this file took too long. It may be damaged or malicious. Save it again, or split it into smaller "
        "files.",
    ),
    ("Reported. A reader of it asked for a person to look at it.", "Reported. A user asked for a review."),
    ("Shall not be there", "Negative prompt"),
    (
        "Something went wrong here. Your question is kept; the log of the server says what happened.",
        "Something went wrong. Your question is saved; details are in the server log.",
    ),
    ("The answer reached its greatest length and ends here.", "The answer reached its maximum length and ends here."),
    ("The assistant writes nothing meant to arouse.", "The assistant writes no sexually explicit texts."),
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
        "The model began to repeat itself, so the answer ends here.",
        "The model started to repeat itself, so the answer ends here.",
    ),
    (
        "The model thought until its greatest length and gave no answer. Allow a greater length under Advanced, or "
        "choose another model.",
        "The model used its maximum length for reasoning and gave no answer. Increase the response length under "
        "Advanced, or choose another model.",
    ),
    ("The number of steps must lie between 1 and %(most)s.", "The number of steps must be between 1 and %(most)s."),
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
        "The page requires a sign-in or blocks automated access (%(status)s). Save it in your browser and upload the "
        "file.",
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
        "The question is too long for this model. Shorten it, or put the long part into a collection as a file.",
        "The question is too long for this model. Shorten it, or add the long part to a collection as a file.",
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
        "The rest of this answer was held back, because it could seriously hurt people.",
        "The rest of this answer was withheld, because it could seriously hurt people.",
    ),
    (
        "The rest of this answer was held back, because it holds personal data.",
        "The rest of this answer was withheld, because it contains personal data.",
    ),
    (
        "The rest of this answer was held back, because it may copy a work of others.",
        "The rest of this answer was withheld, because it may copy a protected work.",
    ),
    (
        "The rest of this answer was held back, because it may make false claims about somebody.",
        "The rest of this answer was withheld, because it may make false claims about a person or company.",
    ),
    (
        "The rest of this answer was held back, because it may pass for words of a person who exists.",
        "The rest of this answer was withheld, because it could be mistaken for words of a real person.",
    ),
    (
        "The rest of this answer was held back, because it may take an expert's place.",
        "The rest of this answer was withheld, because it needs an expert.",
    ),
    (
        "The rest of this answer was held back, because it repeats what is said to the assistant alone.",
        "The rest of this answer was withheld, because it repeats confidential instructions of the assistant.",
    ),
    (
        "The rest of this answer was held back, because it seems meant to change the assistant's rules.",
        "The rest of this answer was withheld, because it seems meant to change the assistant's rules.",
    ),
    (
        "The rest of this answer was held back, because it seems sexual.",
        "The rest of this answer was withheld, because it seems to be sexual.",
    ),
    (
        "The rest of this answer was held back, because it seems to degrade people for what they are.",
        "The rest of this answer was withheld, because it seems to degrade people for who they are.",
    ),
    (
        "The rest of this answer was held back, because it seems to hold a password or a key.",
        "The rest of this answer was withheld, because it seems to contain a password or a key.",
    ),
    (
        "The rest of this answer was held back, because it seems to insult somebody.",
        "The rest of this answer was withheld, because it seems to insult a person.",
    ),
    (
        "The rest of this answer was held back, because it would carry data away in a link.",
        "The rest of this answer was withheld, because it would send data to another server in a link.",
    ),
    (
        "The rest of this answer was held back: a list of this site names something in it.",
        "The rest of this answer was withheld, because it contains a term that this site blocks.",
    ),
    (
        "The rest of this answer was held back: this assistant is stricter than the site.",
        "The rest of this answer was withheld, because this assistant is stricter than the site.",
    ),
    (
        "The safety check is not available right now. Please try again in a moment.",
        "The safety check is not available right now. Try again in a moment.",
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
        "The server was restarted while this answer was written.",
        "The server was restarted while this answer was being written.",
    ),
    ("The stored file is missing. Please upload it again.", "The stored file is missing. Upload it again."),
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
        "This assistant is stricter than the site, so this question is not answered here. Put it in other words, or "
        "ask another assistant.",
        "This assistant is stricter than the site, so it does not answer this question. Rephrase it, or ask another "
        "assistant.",
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
        "This mailbox holds more than %(most)s parts. Split it into smaller ones.",
        "This mailbox contains more than %(most)s parts. Split it into smaller ones.",
    ),
    ("This page has an impossible size and cannot be shown.", "This page has an invalid size and cannot be shown."),
    ("This passage seems to hold a password or a key.", "This passage seems to contain a password or a key."),
    (
        "This passage speaks to an assistant instead of to its reader.",
        "This passage contains instructions for an assistant.",
    ),
    (
        "This picture has more than %(most)s million pixels. Save it smaller and upload that.",
        "This picture has more than %(most)s million pixels. Save a smaller copy and upload it.",
    ),
    (
        "This picture is held back: what it was asked under is stricter than the site.",
        "This picture was withheld, because the assistant used for it is stricter than the site.",
    ),
    (
        "This question needs an expert who knows the case, so it is not answered here.",
        "This question needs an expert who knows your situation, so it is not answered here.",
    ),
    (
        "This question repeats what is said to the assistant alone, so it is not answered here.",
        "This question repeats confidential instructions of the assistant, so it is not answered here.",
    ),
    (
        "This question seems meant to pass for a person who exists, so it is not answered here.",
        "This question seems to ask for an imitation of a real person, so it is not answered here.",
    ),
    (
        "This question seems to ask for a work or brand of others, so it is not answered here.",
        "This question seems to ask for a copy of a protected work, so it is not answered here.",
    ),
    (
        "This question seems to ask for false claims about somebody, so it is not answered here.",
        "This question seems to ask for false claims about a person or company, so it is not answered here.",
    ),
    (
        "This question seems to ask for software that does harm, so it is not answered here.",
        "This question seems to ask for harmful software, so it is not answered here.",
    ),
    (
        "This question seems to degrade people for what they are, so it is not answered here.",
        "This question seems to degrade people for who they are, so it is not answered here.",
    ),
    (
        "This question seems to insult or threaten somebody, so it is not answered here.",
        "This question seems to insult or threaten a person, so it is not answered here.",
    ),
    (
        "This question would carry data away in a link, so it is not answered here.",
        "This question would send data to another server in a link, so it is not answered here.",
    ),
    (
        "This workbook is of an unusual version or damaged. Open it, save it as .xlsx and upload that.",
        "This workbook is damaged or has an unusual version. Open it, save it as .xlsx and upload that.",
    ),
    (
        "Unpack it and upload the files in it; a whole folder can be dropped at once.",
        "Unpack it and upload the files in it. You can drop a whole folder at once.",
    ),
    ("Upload what is said in it as text.", "Upload a transcript of it as text."),
    (
        "What documents say of health, law and money is answered with its sources; it takes no expert's place.",
        "Answers about health, law and money come from documents, with sources. They do not replace an expert.",
    ),
    (
        "What is said to the assistant alone is neither shown nor sent anywhere.",
        "Confidential instructions of the assistant are never shown or sent.",
    ),
    (
        "Who speaks of hurting themselves gets words of support and help lines. It is never punished.",
        "Users who talk about self-harm get words of support and help lines. They are never punished for it.",
    ),
    ("Works and brands of others", "Copyright and brands"),
    (
        "a table of contents, an index or noise, from which nothing is quoted",
        "table of contents, index or unreadable text: not quoted",
    ),
    ("below the cut", "below the threshold"),
    (
        "says the same as one above, or its document has enough passages there",
        "same as a passage above, or enough passages of its document are above",
    ),
)
FORMER_SENTENCES = dict(_PAIRS)
