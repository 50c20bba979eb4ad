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
        "A list of this site names something in this question, so it is not answered here.",
        "This question contains a term that this site blocks, so it is not answered here.",
    ),
    (
        "A list of this site names something in what this picture was asked for, so it is not drawn here.",
        "The description of this picture contains a term that this site blocks, so it is not created here.",
    ),
    (
        "A message of it follows one that is not in the file.",
        "One of its messages follows a message that is not in the file.",
    ),
    (
        "A message of it has %(count)s characters; at most %(most)s are taken.",
        "One of its messages has %(count)s characters; at most %(most)s can be imported.",
    ),
    (
        "A message of it has no id.",
        "One of its messages has no ID.",
    ),
    (
        "A message of it is empty.",
        "One of its messages is empty.",
    ),
    (
        "A part can only be drawn anew of a picture that is there.",
        "You can change a part only of a finished picture.",
    ),
    (
        "A picture that you attached is gone or held for review. Ask without it.",
        "A picture that you attached is no longer available or is held for review. Ask without it.",
    ),
    (
        "A text that speaks to the assistant instead of to its reader is marked. It is shown, and never obeyed.",
        "Text with instructions for the assistant is labelled. It is shown, but never followed.",
    ),
    (
        "An automatic check found something in this picture. A person looks at it.",
        "An automatic check withheld this picture. A reviewer will look at it.",
    ),
    (
        "An expression may have up to %(most)s characters.",
        "An expression can have up to %(most)s characters.",
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
        "Attached pictures are kept, so they are not for temporary chats. Begin a new chat.",
        "Attached files are saved, so temporary chats cannot have any. Start a new chat.",
    ),
    (
        "Attachments that were left out: %(names)s.",
        "Attachments left out: %(names)s.",
    ),
    (
        "Draw a picture",
        "Create a picture",
    ),
    (
        "Drawing this stopped the worker %(times)s times. Try other settings, or tell an administrator.",
        "This picture crashed the worker %(times)s times. Try other settings, or tell an administrator.",
    ),
    (
        "Gives a document of the person who asks in reading order, as numbered sources, by its title or file name. "
        "A long one comes in parts: give the page to read on from.",
        "Returns a document of the user in reading order, as numbered sources, by its title or file name. A long "
        "document comes in parts: give the page to continue from.",
    ),
    (
        "Has pictures drawn from a description, when the person asks for a picture, drawing or illustration. "
        "Describe what is to be seen in one or two sentences. They are shown with the answer when they are drawn.",
        "Creates pictures from a description, when the user asks for a picture, drawing or illustration. Describe "
        "what the picture shows in one or two sentences. The pictures appear with the answer when they are ready.",
    ),
    (
        "Have a picture drawn",
        "Create a picture",
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
        "If that is a mistake, a person sets it right; look at your notices.",
        "A reviewer will look at it and correct a mistake. See your notices.",
    ),
    (
        "Insults are noted; they are not withheld.",
        "Insults are counted, but not withheld.",
    ),
    (
        "It begins",
        "Beginning",
    ),
    (
        "It had been deleted and is back.",
        "It had been deleted and was restored.",
    ),
    (
        "It has %(count)s messages; at most %(most)s are taken.",
        "It has %(count)s messages; at most %(most)s can be imported.",
    ),
    (
        "It holds no question and no answer.",
        "It contains no question and no answer.",
    ),
    (
        "It is in no form that is known here.",
        "Its format is not supported.",
    ),
    (
        "It is longer than what is taken: %(characters)s characters, %(messages)s messages.",
        "It is too long to import: %(characters)s characters, %(messages)s messages.",
    ),
    (
        "It took longer than %(seconds)s seconds and was given up.",
        "It took longer than %(seconds)s seconds and was cancelled.",
    ),
    (
        "Its file is gone.",
        "The file is no longer available.",
    ),
    (
        "Its reader says",
        "Report by the user",
    ),
    (
        "Leak of the system text",
        "Leak of the system prompt",
    ),
    (
        "Letters, digits and dashes. Its token, if it wants one, is set by the operator under this name.",
        "Letters, digits and dashes. If the server needs a token, it is set under this name in the environment.",
    ),
    (
        "Links that would carry away what was read are shown as plain text.",
        "Links that would send data to other servers are shown as plain text.",
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
        "Matters for experts",
        "Professional advice",
    ),
    (
        "No folder of this server is named for this. An administrator sets SYNC_DIR where Openbook is started.",
        "No server folder is set up for this. An administrator can set SYNC_DIR where Openbook is started.",
    ),
    (
        "No help with making or getting weapons that kill many, explosives or untraceable guns.",
        "No help with making or getting weapons of mass destruction, explosives or untraceable guns.",
    ),
    (
        "No made-up accusations against people or companies that exist.",
        "No made-up accusations against real people or companies.",
    ),
    (
        "No picture model is set up. An administrator can name one: IMAGE_MODEL or IMAGE_URL.",
        "No picture model is set up. An administrator can set IMAGE_MODEL or IMAGE_URL.",
    ),
    (
        "No program of this name is among those that the operator allows (MCP_COMMANDS).",
        "No program with this name is allowed (MCP_COMMANDS).",
    ),
    (
        "Nobody answered within %(minutes)s minutes, so it was not done.",
        "It was not approved within %(minutes)s minutes, so it was not done.",
    ),
    (
        "Not there",
        "Negative prompt",
    ),
    (
        "Nothing is set up that describes pictures.",
        "No model that describes pictures is set up.",
    ),
    (
        "Nothing that degrades people, or calls for harming them, for what they are.",
        "Nothing that degrades people for who they are, or calls for harming them.",
    ),
    (
        "Nothing that passes for words or a picture of a person who exists.",
        "Nothing that could be mistaken for words or a picture of a real person.",
    ),
    (
        "Of the cases of review that are under a legal hold, on the ground named above: the text that was judged "
        "with what stood around it, decisions, an appeal, and your name and address. That goes when the hold is "
        "lifted.",
        "From review cases under a legal hold, on the ground named above: the reviewed text with its context, "
        "decisions, an appeal, and your name and e-mail address. These are erased when the hold is lifted.",
    ),
    (
        "One of the chosen collections is no longer there. Choose again.",
        "One of the selected collections is no longer available. Select again.",
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
        "Passages cut to their best sentences",
        "Passages shortened to their best sentences",
    ),
    (
        "Passwords and keys in documents are marked.",
        "Passwords and keys in documents are labelled.",
    ),
    (
        "Personal data of others is found, and can be hidden.",
        "Personal data of other people is detected and can be hidden.",
    ),
    (
        "Pictures and files that this file does not hold: %(count)s.",
        "Pictures and files missing from this file: %(count)s.",
    ),
    (
        "Pictures and tools keep what they make: they are not for temporary chats. Begin a new chat.",
        "Pictures and tools save their results, so temporary chats cannot use them. Start a new chat.",
    ),
    (
        "Pictures that the code drew were left out.",
        "Pictures created by the code were left out.",
    ),
    (
        "Programs are named by the operator in MCP_COMMANDS.",
        "Allowed programs are listed in MCP_COMMANDS.",
    ),
    (
        "Prompt laid out",
        "Prompt assembled",
    ),
    (
        "Protected works are not copied at length, and nothing passes for a product of a brand.",
        "No long copies of protected works, and nothing that imitates a product of a brand.",
    ),
    (
        "Reading its text stopped the worker.",
        "Reading the text crashed the worker.",
    ),
    (
        "Reading this file took too long. It may be damaged, or made to keep programs busy; save it again or split it.",
        "Reading this file took too long. It may be damaged or malicious. Save it again, or split it into smaller "
        "files.",
    ),
    (
        "Reported. A reader of it asked for a person to look at it.",
        "Reported. A user asked for a review.",
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
        "Say what to search for.",
        "Enter what to search for.",
    ),
    (
        "Search in documents",
        "Search documents",
    ),
    (
        "Searches the documents of the person who asks and gives the passages that speak to the query, as numbered "
        "sources. Use it where the sources at hand do not answer the question, with other words than the "
        "question's.",
        "Searches the documents of the user and returns the passages about the query, as numbered sources. Use it "
        "when the sources at hand do not answer the question, with other words than the question's.",
    ),
    (
        "Sentences verified, beside the writing",
        "Sentences verified while writing",
    ),
    (
        "Several documents could be meant: %(names)s. Give the file name.",
        "Several documents match: %(names)s. Give the file name.",
    ),
    (
        "Shall not be there",
        "Negative prompt",
    ),
    (
        "Some of its messages follow each other in a circle.",
        "Its messages refer to each other in a circle.",
    ),
    (
        "Something went wrong here. Your question is kept; the log of the server says what happened.",
        "Something went wrong. Your question is saved; details are in the server log.",
    ),
    (
        "Something went wrong here; the log of the server says what happened.",
        "Something went wrong. Details are in the server log.",
    ),
    (
        "Something went wrong in this tool. The log of the server says what happened.",
        "Something went wrong in this tool. Details are in the server log.",
    ),
    (
        "Steps go up to %(most)s days, weeks, months or years.",
        "You can add or subtract up to %(most)s days, weeks, months or years.",
    ),
    (
        "Such as https://tools.example.com/mcp. Places that are not public are named in MCP_HOSTS.",
        "For example https://tools.example.com/mcp. Addresses that are not public must be listed in MCP_HOSTS.",
    ),
    (
        "Text in it",
        "Text in the picture",
    ),
    (
        "That answer is finished. Ask a follow-up instead.",
        "This answer is already finished. Ask a follow-up instead.",
    ),
    (
        "That answer is no longer there. Reload the page.",
        "This answer is no longer available. Reload the page.",
    ),
    (
        "That assistant is no longer there, or no longer shared with you. Choose another.",
        "This assistant was deleted or is no longer shared with you. Choose another one.",
    ),
    (
        "That call no longer waits for an answer.",
        "This tool call no longer needs your approval.",
    ),
    (
        "That conversation is no longer there. Reload the page.",
        "This conversation is no longer available. Reload the page.",
    ),
    (
        "That day lies outside the calendar (the years 1 to 9999).",
        "This date is outside the calendar (years 1 to 9999).",
    ),
    (
        "That question has been asked meanwhile.",
        "This question has already been sent.",
    ),
    (
        "That question is no longer in this chat. Ask it anew, below.",
        "This question is no longer in the chat. Ask it again below.",
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
        "The answer reached its greatest length and ends here.",
        "The answer reached its maximum length and ends here.",
    ),
    (
        "The arguments cannot be read. Choose the tool from the list behind “/”, which asks for each of them.",
        "The arguments cannot be read. Type “/” and choose the tool from the list; you are then asked for each "
        "argument.",
    ),
    (
        "The arguments do not fit (%(where)s): %(problem)s.",
        "The arguments are not valid (%(where)s): %(problem)s.",
    ),
    (
        "The arguments do not fit: %(missing)s is missing.",
        "The arguments are not valid: %(missing)s is missing.",
    ),
    (
        "The arguments do not fit: %(problem)s.",
        "The arguments are not valid: %(problem)s.",
    ),
    (
        "The assistant writes nothing meant to arouse.",
        "The assistant writes no sexually explicit texts.",
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
        "The call was not made: it was made before with these arguments, and its result stands above.",
        "The call was not repeated: the result for these arguments is above.",
    ),
    (
        "The certificate of the server is not valid, so the page was not fetched. Save it and upload the file.",
        "The server’s certificate is not valid, so the page was not fetched. Save the page and upload the file.",
    ),
    (
        "The check for malicious software found “%(name)s” in this file, so it was not taken.",
        "The malware scan found “%(name)s” in this file, so it was not accepted.",
    ),
    (
        "The collections of this conversation were deleted, or are no longer shared. Choose others.",
        "The collections of this conversation were deleted or are no longer shared with you. Select others.",
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
        "The documents of this assistant are not shared with you. Ask its owner, or choose another.",
        "You do not have access to the documents of this assistant. Ask its owner for access, or choose another "
        "assistant.",
    ),
    (
        "The file held no answer to this question.",
        "The file contained no answer to this question.",
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
        "The log of review (numbers and clauses, no content), hashes of judged texts, and this receipt.",
        "The audit log (numbers and clauses, no content), hashes of reviewed texts, and this receipt.",
    ),
    (
        "The log of the server says why.",
        "Details are in the server log.",
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
        "The model began to repeat itself, so the answer ends here.",
        "The model started to repeat itself, so the answer ends here.",
    ),
    (
        "The model called it with arguments that cannot be read.",
        "The model sent arguments that cannot be read.",
    ),
    (
        "The model called it with more arguments than a tool takes.",
        "The model sent too many arguments.",
    ),
    (
        "The model called tools again and again and gave no answer. Ask otherwise, or have its tools switched off.",
        "The model kept calling tools and gave no answer. Rephrase your question, or ask an administrator to turn "
        "off its tools.",
    ),
    (
        "The model server does not answer. Your question is kept, and the answer begins by itself when it is back.",
        "The model server is not responding. Your question is saved, and the answer starts automatically when the "
        "server is back.",
    ),
    (
        "The model server is busy. Your question is kept and is sent again shortly.",
        "The model server is busy. Your question is saved and will be sent again shortly.",
    ),
    (
        "The model server sent something that is no answer.",
        "The model server sent an invalid answer.",
    ),
    (
        "The model thought until its greatest length and gave no answer. Allow a greater length under Advanced, or "
        "choose another model.",
        "The model used its maximum length for reasoning and gave no answer. Increase the response length under "
        "Advanced, or choose another model.",
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
        "The page sent something about the picture that cannot be read. Reload it and ask again.",
        "The picture settings could not be read. Reload the page and ask again.",
    ),
    (
        "The page sent something that cannot be read. Reload it and ask again.",
        "The question could not be read. Reload the page and ask again.",
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
        "The starting picture cannot be read. Choose a PNG, JPEG or WebP file.",
    ),
    (
        "The picture to start from is held for review.",
        "The starting picture is withheld for review.",
    ),
    (
        "The picture to start from is no longer there.",
        "The starting picture is no longer available.",
    ),
    (
        "The picture to start from must have between 8 and 4096 pixels a side.",
        "The starting picture must have between 8 and 4096 pixels on each side.",
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
        "The rules of the picture server do not allow this picture; describe it otherwise.",
        "The rules of the picture server do not allow this picture. Change the description.",
    ),
    (
        "The safety check is not available right now. Please try again in a moment.",
        "The safety check is not available right now. Try again in a moment.",
    ),
    (
        "The server cannot be reached, or broke off.",
        "The server cannot be reached, or the connection was lost.",
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
        "The server of the page does not answer, or not in a way that can be understood. Check the address.",
        "The server does not answer correctly. Check the address.",
    ),
    (
        "The server of this model does not search with so many beams, or with none at all. Empty “Beams” under "
        "Advanced, or choose another model.",
        "This model does not support this number of beams. Clear “Beams” under Advanced, or choose another model.",
    ),
    (
        "The server says that it failed, and gives no reason.",
        "The server reported an error without a reason.",
    ),
    (
        "The server sent more than %(mb)s MB at once, the most that is read. Ask for less.",
        "The server sent more than the limit of %(mb)s MB at once. Ask for less.",
    ),
    (
        "The server took longer than %(seconds)s seconds and was given up.",
        "The server took longer than %(seconds)s seconds, so the call was cancelled.",
    ),
    (
        "The server was restarted while this answer was written.",
        "The server was restarted while this answer was being written.",
    ),
    (
        "The server's answer does not fit the protocol, or not what it said that it would be. It was not used.",
        "The server's response does not match the protocol or its own description, so it was not used.",
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
        "The tool sent something that is no result.",
        "The tool returned an invalid result.",
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
        "The worker ended three times.",
        "The worker stopped three times.",
    ),
    (
        "The worker was stopped each time while it was at this.",
        "The background process was stopped each time before it finished.",
    ),
    (
        "There is no day %(day)s.",
        "The date %(day)s does not exist.",
    ),
    (
        "There is no document “%(title)s” among those that are searched here. Give its title.",
        "None of the documents searched here is called “%(title)s”. Give its exact title.",
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
        "There is no server of this name. Check the address.",
        "There is no server with this name. Check the address.",
    ),
    (
        "There is no such folder in the one that SYNC_DIR names.",
        "This folder does not exist in SYNC_DIR.",
    ),
    (
        "There is no tool of this name, or it is switched off.",
        "There is no tool with this name, or it is turned off.",
    ),
    (
        "There is not enough memory for a picture of this size; choose a smaller one.",
        "There is not enough memory for a picture of this size. Choose a smaller size.",
    ),
    (
        "There is not enough room left to read “%(title)s”.",
        "There is not enough context left to read “%(title)s”.",
    ),
    (
        "This ZIP holds more than is opened here. Unpack it, and upload its conversations.json alone.",
        "This ZIP is too large to open here. Unpack it and upload only its conversations.json.",
    ),
    (
        "This ZIP is damaged or encrypted. Unpack it, and upload its conversations.json.",
        "This ZIP is damaged or encrypted. Unpack it and upload its conversations.json.",
    ),
    (
        "This address cannot be fetched. Give the http:// or https:// address of a public page, on the usual port "
        "and without a name or password in it; pages of a private network have to be saved and uploaded.",
        "This address cannot be fetched. Enter the http:// or https:// address of a public page, with the default "
        "port and without a user name or password. Pages of a private network have to be saved and uploaded.",
    ),
    (
        "This address holds what is said to the assistant alone, so it was not asked for. Give another address.",
        "This address contains confidential instructions of the assistant, so it was not fetched. Enter another "
        "address.",
    ),
    (
        "This answer is closed; nothing can be added to it.",
        "This answer is finished. Nothing can be added to it.",
    ),
    (
        "This assistant is stricter than the site, so this question is not answered here. Put it in other words, or"
        " ask another assistant.",
        "This assistant is stricter than the site, so it does not answer this question. Rephrase it, or ask another"
        " assistant.",
    ),
    (
        "This assistant shows only pictures that a check has looked at, and no such check is set up here.",
        "This assistant shows only checked pictures, and no picture check is set up on this site.",
    ),
    (
        "This could not be finished yet. Administrators see why in the Doctor; an erasure is tried again every hour.",
        "This could not be finished yet. Administrators see the reason in the Doctor; an erasure is retried every "
        "hour.",
    ),
    (
        "This could not be finished.",
        "The import could not be finished.",
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
        "This is not JSON. Upload the file that the other program's export made, or the ZIP in which it came.",
        "This is not a JSON file. Upload the file that the other program exported, or the ZIP that contains it.",
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
        "This passage seems to hold a password or a key.",
        "This passage seems to contain a password or a key.",
    ),
    (
        "This passage speaks to an assistant instead of to its reader.",
        "This passage contains instructions for an assistant.",
    ),
    (
        "This picture has fewer than 8 pixels on one of its sides, so there is nothing to see. Choose another.",
        "This picture is less than 8 pixels wide or high. Choose a larger one.",
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
        "This question holds control characters that cannot be read. Remove them and ask again.",
        "This question contains control characters that cannot be read. Remove them and ask again.",
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
        "This run stopped the worker each time. Tell an administrator.",
        "This run crashed the worker repeatedly. Tell an administrator.",
    ),
    (
        "This temporary chat is over: the server no longer has it. What you ask now begins a new one.",
        "This temporary chat has ended. Your next question starts a new one.",
    ),
    (
        "This workbook is of an unusual version or damaged. Open it, save it as .xlsx and upload that.",
        "This workbook is damaged or has an unusual version. Open it, save it as .xlsx and upload that.",
    ),
    (
        "Two messages of it have the same id.",
        "Two of its messages have the same ID.",
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
        "Use a valid name: letters, digits and dashes.",
        "Use only letters, digits and dashes.",
    ),
    (
        "What documents say of health, law and money is answered with its sources; it takes no expert's place.",
        "Answers about health, law and money come from documents, with sources. They do not replace an expert.",
    ),
    (
        "What is listed was imported; upload the file again for the rest.",
        "The conversations in the list were imported. Upload the file again to import the rest.",
    ),
    (
        "What is said to the assistant alone is neither shown nor sent anywhere.",
        "Confidential instructions of the assistant are never shown or sent.",
    ),
    (
        "What it gave is withheld: it goes against the rules that hold here, or could do harm.",
        "Its result is withheld: it breaks the rules of this site, or could do harm.",
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
        "What the tool says about its arguments makes no sense.",
        "The tool describes its arguments in a way that is not valid.",
    ),
    (
        "What the tools gave fills the model's window, so no room is left for an answer. Ask for less at once.",
        "The results of the tools fill the model's context, so there is no room for an answer. Ask for less at once.",
    ),
    (
        "What this follows is no longer there. Reload the page.",
        "The message before this one is no longer available. Reload the page.",
    ),
    (
        "Who speaks of hurting themselves gets words of support and help lines. It is never punished.",
        "Users who talk about self-harm get words of support and help lines. They are never punished for it.",
    ),
    (
        "Works and brands of others",
        "Copyright and brands",
    ),
    (
        "Write a date such as 2026-03-01, today, tomorrow or yesterday; add or take away days, weeks, months or "
        "years (today + 3 weeks), or take one date from another (2026-12-24 - today).",
        "Write a date such as 2026-03-01, today, tomorrow or yesterday. Add or subtract days, weeks, months or "
        "years (today + 3 weeks), or subtract one date from another (2026-12-24 - today).",
    ),
    (
        "Your data is under a legal hold: a law or a court asks that all of it is kept, so it cannot go now. An "
        "administrator can say more.",
        "Your data is under a legal hold: a law or a court requires that all of it is kept, so it cannot be erased "
        "now. Ask an administrator for details.",
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
