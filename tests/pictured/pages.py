"""Table of every page of the product, in the order of docs/pages.md: user, route, title and purpose.

`route` is a row of `tests/access/route_permissions.py`; `path` a URL with names of `walk.ADDRESSES` and the like in
braces. If something has to be done before the screenshot, `tests/pictured/acts.py` has a function for the name.
"""

from __future__ import annotations

from dataclasses import dataclass

MAYA, TOM, MORGAN, ROBIN, ADA = "maya.lindqvist", "tom.okafor", "morgan.ellis", "robin.castellanos", "ada.keller"
NOBODY = ""
M = "administration/"
A, C, D, P, T = "assistants/<uuid:pk>/", "collections/<uuid:pk>/", "documents/<uuid:pk>/", "people/", "c/<uuid:pk>/"


@dataclass(frozen=True, slots=True)
class Page:
    """Page to picture."""

    name: str  # name of its file without extension
    route: str  # as in the matrix of routes
    title: str
    line: str
    person: str = MAYA
    path: str = ""  # "": the route itself
    main: bool = False  # True: also pictured in dark mode and on a phone

    @property
    def address(self) -> str:
        return self.path or f"/{self.route}"


CHAPTERS: dict[str, tuple[Page, ...]] = {
    "First run": (
        Page("setup", "setup/", "Welcome", "The first page of a new site makes its administrator.", NOBODY),
        Page("setup-checks", "setup/", "Set-up", "Model, embedding model and sample collection are tried for real.",
             ADA),
        Page("first-answer", T, "First answer", "Set-up ends in a chat with a cited answer.", ADA, "{first}"),
    ),
    "Coming in": (
        Page("sign-in", "accounts/login/", "Sign in", "With address and password; the language is chosen below.",
             NOBODY),
        Page("by-invitation", "accounts/signup/", "Sign-up by invitation", "What is said without a link.", NOBODY),
        Page("sign-up", "accounts/signup/", "Sign up", "With the link of an invitation.", NOBODY,
             "/accounts/signup/?invitation={invitation}"),
        Page("address-sent", "accounts/confirm-email/", "Check your e-mail",
             "After sign-up, where addresses are confirmed.",
             NOBODY),
        Page("address-confirm", r"accounts/^confirm-email/(?P<key>[-:\w]+)/$", "Confirm an address",
             "Where the link of that mail leads.", NOBODY, "/accounts/confirm-email/{confirm}/"),
        Page("password-forgotten", "accounts/password/reset/", "Forgotten password", "A link is sent to the address.",
             NOBODY),
        Page("password-sent", "accounts/password/reset/done/", "The link was sent", "The same words whoever asks.",
             NOBODY),
        Page("password-new", r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", "A new password",
             "Where that link leads.", NOBODY, "/accounts/password/reset/key/{reset}/"),
        Page("password-set-anew", "accounts/password/reset/key/done/", "Password changed", "And on to signing in.",
             NOBODY),
        Page("inactive", "accounts/inactive/", "Closed account", "What somebody reads whose account was closed.",
             NOBODY),
        Page("suspended", "suspended/", "Suspended",
             "What somebody who is suspended reads after signing in, and the appeal.",
             NOBODY, "/accounts/login/"),
    ),
    "Chat": (
        Page("new-chat", "", "New chat", "Where every visit begins.",
             main=True),
        Page("answer", T, "An answer and its source",
             "Quotes first, each sentence with its passage; the page beside it.",
             path="{boiler}", main=True),
        Page("pill", T, "A citation", "Hovering over a pill shows the passage, with the words that match.",
             path="{boiler}"),
        Page("behind", T, "Behind the scenes",
             "What was searched, weighed and dropped, and the tokens with their doubts.",
             path="{boiler}", main=True),
        Page("nothing-found", T, "Nothing found", "It says what was searched, and offers ways on.", path="{nothing}"),
        Page("tool", T, "A tool", "The model called the calculator; its card shows what went in and came out.",
             path="{tool}"),
        Page("picture-in-chat", T, "Pictures in the chat", "Asked for with /picture, drawn by the built-in painter.",
             path="{drawn}"),
        Page("attached", T, "A picture that was attached", "This model sees no pictures: it was given the text in it.",
             path="{attached}"),
        Page("how-words-are-chosen", "", "How words are chosen",
             "Precise, balanced, creative, and each number behind them."),
        Page("scope", "", "Where is searched", "Collections, and what of their documents."),
        Page("feedback-panel", T, "Feedback", "A thumb, why, and a report to the reviewers.", path="{boiler}"),
        Page("versions", T, "Versions of an answer", "Regenerated, both stay: turned between below the answer.",
             path="{notice}"),
        Page("compare", "answers/<uuid:answer>/compare/", "Compare two answers", "Side by side, with their settings.",
             path="{compare}"),
        Page("share", T, "Share a conversation", "A link with an end, and what its readers see of the sources.",
             path="{guests}"),
        Page("shared", "shared/<slug:secret>/", "As its reader sees it", "Passages open by the reader's own rights.",
             TOM,
             "/shared/{secret}/"),
        Page("print", "c/<uuid:pk>/print/", "Print", "A conversation on paper, its sources as a list.",
             path="{guests}print/"),
        Page("temporary", "temporary/", "Temporary chat", "Nothing of it is kept."),
        Page("temporary-gone", "temporary/<uuid:pk>/", "A temporary chat that is over",
             "What its address says afterwards.",
             path="/temporary/0199a000-0000-7000-8000-000000000000/"),
        Page("conversations", "conversations/all/", "All conversations",
             "Found by what was said; moved, archived, deleted."),
        Page("found", "conversations/all/", "Found again", "Full-text search over one's own history.",
             path="/conversations/all/?q=boiler"),
        Page("import", "conversations/import/", "Bring chats along", "Files of other programs, read and checked."),
        Page("import-report", "conversations/import/<uuid:pk>/", "What came along",
             "Item by item, and why one did not.",
             path="/conversations/import/{import}/"),
        Page("shortcuts", "", "Keyboard", "Everything can be done without a mouse."),
    ),
    "Assistants": (
        Page("assistants", "assistants/", "Assistants", "One's own, those that were shared, and the site's."),
        Page("assistant-new", "assistants/new/", "A new assistant",
             "Instructions, examples, collections, tools; tried beside it.",
             TOM),
        Page("assistant", A, "An assistant", "The form, with a preview that answers.", TOM, "{assistant}"),
        Page("assistant-versions", A + "versions/", "Its versions", "Who changed what, and the way back.", TOM,
             "{assistant}versions/"),
        Page("assistant-people", A + "people/", "Who may ask it", "People, groups, or everyone.", TOM,
             "{assistant}people/"),
        Page("assistant-delete", A + "delete/", "Delete it", "What happens to its conversations.", TOM,
             "{assistant}delete/"),
        Page("prompts", "prompts/", "Saved prompts", "Behind / in the composer, with blanks to fill."),
        Page("prompt", "prompts/<int:pk>/", "A saved prompt", "Its name and its text.", path="{prompt}"),
    ),
    "Documents": (
        Page("collections", "collections/", "Collections", "One's own and those that were shared.", ADA),
        Page("collection", C, "Files", "What is ready, what could not be read, and why.", ADA, "{board}", main=True),
        Page("passages", C + "passages/", "Passages", "As they are searched; each can be switched off.", TOM,
             "{manuals}passages/"),
        Page("test", C + "test/", "Test", "A question, the passages that it finds, and the cut.", TOM,
             "{manuals}test/?q=What+does+error+E4+mean%3F"),
        Page("golden", C + "golden/", "Golden questions", "What the search must find, and how well each run did.", TOM,
             "{manuals}golden/"),
        Page("tuning", C + "settings/search/", "How it is searched",
             "Another size of passages on trial, compared before it counts.",
             TOM, "{manuals}settings/search/"),
        Page("collection-people", C + "people/", "Sharing", "Readers, editors, groups, or everyone.", ADA,
             "{house}people/"),
        Page("collection-settings", C + "settings/", "Settings", "Name, description, how long its documents are kept.",
             ADA,
             "{house}settings/"),
        Page("collection-delete", C + "delete/", "Delete a collection", "What goes with it.", ADA, "{house}delete/"),
        Page("folder", C + "sync/", "Server folder", "What would change, before anything does.", ADA,
             "{board}sync/?folder=Letters+of+2026"),
        Page("document", D, "A document", "The page, with the passage boxed and its words to select.", TOM, "{plant}",
             main=True),
        Page("document-text", D, "A table", "Formats without pages show the text as it was read.", ADA, "{solar}"),
        Page("document-rename", D + "rename/", "Rename", "The title that answers show.", TOM, "{plant}rename/"),
        Page("document-delete", D + "delete/", "Delete a document", "Answers keep their words; its passages are gone.",
             TOM,
             "{plant}delete/"),
    ),
    "Pictures": (
        Page("pictures", "pictures/", "Pictures", "The studio and the gallery.", main=True),
        Page("picture", "pictures/<uuid:pk>/", "A picture", "Its words, seed and numbers, and the steps from noise.",
             path="{picture}"),
        Page("picture-change", "pictures/<uuid:pk>/change/", "Change part", "What is marked is drawn anew; the rest "
             "stays to the last pixel.", path="{picture}change/"),
        Page("verify", "verify/", "Verify a picture", "Anybody with the file sees what it says of itself.", NOBODY),
    ),
    "Your account": (
        Page("instructions", "instructions/", "Your instructions", "What every answer heeds, and what it remembers."),
        Page("notices", "notices/", "Notices", "What was held, what was decided, who read it, and the appeal."),
        Page("tokens", "tokens/", "API tokens", "What programs sign in with."),
        Page("api", "api/docs", "The API", "Described for programs; clients of OpenAI's work too."),
        Page("limits", "limits/", "Limits", "What may still be used."),
        Page("privacy", "privacy/", "Privacy", "In plain words, with a copy of all data and its erasure."),
        Page("keeping", "privacy/keeping/", "Retention", "One's own conversations and collections."),
        Page("erase", "privacy/erase/", "Have everything erased", "Said plainly, and confirmed with the password."),
        Page("receipt", "privacy/receipts/<uuid:pk>/", "Receipt", "What remains of an account that is gone.", NOBODY,
             "/privacy/receipts/{receipt}/"),
        Page("email", "accounts/email/", "E-mail address", "Confirmed or not."),
        Page("password", "accounts/password/change/", "Password", "Changed with the old one."),
        Page("language", "language/", "Language", "English, German, Spanish."),
        Page("sure", "accounts/reauthenticate/", "Once more the password", "Before something that cannot be undone."),
        Page("sign-out", "accounts/logout/", "Sign out", "Asked, where the address is opened by hand."),
    ),
    "Review": (
        Page("queue", "review/", "The queue", "What waits, by severity and age; people are pseudonyms.", MORGAN),
        Page("case", "review/<uuid:pk>/", "A case", "The words, what stood around them, and the clause.", MORGAN,
             "/review/{case}/",
             main=True),
        Page("appeal", "review/<uuid:pk>/", "An appeal", "Decided by somebody else than the first decision.", ROBIN,
             "/review/{appealed}/"),
        Page("batch", "review/batches/<uuid:pk>/", "Many alike",
             "Near-duplicates, looked through and decided together.", ROBIN,
             "/review/batches/{batch}/"),
        Page("look", "review/looks/<uuid:pk>/", "A second look", "Without the score and the first decision.", ROBIN,
             "/review/looks/{look}/"),
        Page("figures", "review/figures/", "Figures", "Precision, appeals and agreement.",
             MORGAN),
        Page("care", "review/care/", "Care", "What a reviewer is spared.", MORGAN),
        Page("feedback", "feedback/", "Feedback", "What people said about answers.", MORGAN),
        Page("feedback-one", "feedback/<int:pk>/", "One of them", "With the answer, and what can be done.", MORGAN,
             "/feedback/{feedback}/"),
    ),
    "Administration": (
        Page("people", "people/", "Users", "Searched, filtered and sorted; invitations.", ADA),
        Page("person", P + "<int:pk>/", "A user", "Role, groups, special permissions, suspension.", ADA,
             "/people/{tom}/"),
        Page("suspend", P + "<int:pk>/suspend/", "Suspend account", "A reason, and for how long.", ADA,
             "/people/{tom}/suspend/"),
        Page("groups", P + "groups/", "Groups", "Collections and assistants are shared with them.", ADA),
        Page("group", P + "groups/<int:pk>/", "A group", "Its members.", ADA, "{group}"),
        Page("group-delete", P + "groups/<int:pk>/delete/", "Delete a group",
             "What its members would no longer reach.", ADA,
             "{group}delete/"),
        Page("limit-settings", P + "limits/", "Limits for everybody", "By person, group and network address.", ADA),
        Page("policy", "review/policy/", "Policy", "Versions: drafted, replayed, approved by somebody else.", ADA),
        Page("policy-edit", "review/policy/edit/", "Edit the policy",
             "Thresholds with sliders, which say how many verdicts would change.", ADA),
        Page("policy-changes", "review/policy/<int:pk>/changes/", "What a policy would change",
             "Shadow mode, and the test on past verdicts.", ADA,
             "/review/policy/{policy}/changes/"),
        Page("lists", "review/lists/", "Own lists", "Words and patterns of the site, with their hits.", ADA),
        Page("list", "review/lists/<slug:name>/", "A list", "Tried over what was decided before it counts.", ADA,
             "/review/lists/list-codes/"),
        Page("log", "review/log/", "Log", "Who looked at what, in a chain that cannot be changed.", ADA),
        Page("holds", "privacy/holds/", "Legal holds", "Whose data must not go, and why.", ADA),
        Page("tools", "tools/", "Tools", "What a model may call, and MCP servers.", ADA),
        Page("settings", "settings/", "Settings", "Sign-up, and how answers are composed.", ADA),
        Page("administration-collections", M + "collections/", "Collections", "Whose they are, how large, with whom"
             " they are shared; nothing of what is in them.", ADA),
        Page("administration-models", M + "models/", "Models", "What answers, embeds, judges and draws.", ADA),
        Page("administration-environment", M + "environment/", "Environment", "Each variable, its source and meaning.",
             ADA),
        Page("doctor", "doctor/", "Doctor", "The checks of set-up, and more, at any time.", ADA),
    ),
    "When something is not there": (
        Page("not-found", "nowhere/", "Nothing here", "Unknown and forbidden look the same."),
        Page("offline", "offline/<slug:code>/", "Without a line", "What the installed app shows.", NOBODY,
             "/offline/en/"),
    ),
}  # fmt: skip
PAGES = tuple(page for pages in CHAPTERS.values() for page in pages)
