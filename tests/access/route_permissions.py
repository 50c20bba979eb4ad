"""Matrix of who may reach each route. `tests/access/test_routes.py` fails for a route without a row here."""

from __future__ import annotations

PUBLIC = "public"  # answers every client
SIGNED_IN = "signed in"  # same for every user, or only the user's own rows
READ = "read"  # owner, editor, reader
EDIT = "edit"  # owner, editor
OWN = "own"  # owner
ADMIN = "administrator"
STAFF = "staff"  # reviewers and administrators
TOKEN = "token"  # answers clients with a personal token; cookies are ignored (tests/api/test_tokens.py)
SETUP = "set-up"  # steps of the first administrator only

G, V, B, L = (
    "pictures/<uuid:pk>/",
    "review/<uuid:pk>/",
    "review/batches/<uuid:pk>/",
    "review/second-reviews/",
)
C, D, P = "collections/<uuid:pk>/", "documents/<uuid:pk>/", "people/"
GLASS = "review/break-glass/"
M = "administration/"
MATRIX = {
    "accounts/login/": PUBLIC,
    "accounts/logout/": PUBLIC,
    "accounts/inactive/": PUBLIC,
    "accounts/signup/": PUBLIC,
    "accounts/join/": PUBLIC,
    "accounts/join/<str:token>/": PUBLIC,  # the token is signed, and was mailed to its address
    "accounts/reauthenticate/": SIGNED_IN,
    "accounts/reauthenticate/passkey/": SIGNED_IN,
    "accounts/provider/login/": PUBLIC,
    "accounts/provider/callback/": PUBLIC,
    "accounts/provider/reauthenticate/": SIGNED_IN,
    "accounts/provider/backchannel-logout/": PUBLIC,  # the provider signs its token
    # after the password, before anybody is signed in: tests/users/test_second_factor.py
    "accounts/second-factor/": PUBLIC,
    "accounts/second-factor/set-up/": PUBLIC,
    "accounts/passkey/": PUBLIC,
    # one's own, those of others are as unknown; some ask for the password: tests/users/test_second_factor.py
    **dict.fromkeys(
        [
            f"security/{part}"
            for part in (
                "",
                "add/",
                "factors/<int:pk>/remove/",
                "factors/<int:pk>/rename/",
                "codes/",
                "codes/new/",
                "codes/download/",
                "devices/end/",
                "devices/<slug:key>/end/",
            )
        ],
        SIGNED_IN,
    ),
    "accounts/email/": SIGNED_IN,
    "accounts/confirm-email/": PUBLIC,
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": PUBLIC,
    "accounts/password/change/": SIGNED_IN,
    "accounts/password/set/": SIGNED_IN,
    "accounts/password/reset/": PUBLIC,
    "accounts/password/reset/done/": PUBLIC,
    "accounts/password/reset/key/done/": PUBLIC,
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": PUBLIC,
    "accounts/login/code/confirm/": PUBLIC,
    "language/": PUBLIC,
    "words/<slug:code>.js": PUBLIC,  # the texts of the scripts in a language
    "instructions/": SIGNED_IN,
    "limits/": SIGNED_IN,
    "privacy/": PUBLIC,  # overview for every visitor, actions for signed-in users
    "privacy/consent/": SIGNED_IN,
    "privacy/keeping/": SIGNED_IN,
    "privacy/copy/": SIGNED_IN,
    "privacy/copy/<uuid:pk>/": SIGNED_IN,  # only the user's own: tests/privacy/test_data_export.py
    "privacy/erase/": SIGNED_IN,
    "privacy/receipts/<uuid:pk>/": PUBLIC,  # of an erased account; the URL is the secret
    "privacy/holds/": ADMIN,
    "privacy/holds/<uuid:pk>/": ADMIN,  # of a case
    # asks for the password again: tests/administration/test_guards.py
    **dict.fromkeys([M + "collections/", M + "models/", M + "environment/"], ADMIN),
    # asks for the password again: tests/administration/test_mail_server.py
    **dict.fromkeys([M + "mail/", M + "mail/remove/"], ADMIN),
    # asks for the password again: tests/administration/test_directory_page.py
    **dict.fromkeys([M + "directory/", M + "directory/revoke/"], ADMIN),
    # answers the token of the directory alone: tests/administration/test_directory.py
    **dict.fromkeys(["scim/v2/", "scim/v2/<path:path>"], TOKEN),
    # asks for the password again: tests/administration/test_model_pages.py
    **dict.fromkeys(
        [
            f"{M}models/{part}"
            for part in (
                "<int:pk>/",
                "<int:pk>/reading/",
                "<int:pk>/remove/",
                "environment/<str:name>/",
                "calibrate/",
                "helpers/<slug:kind>/",
                "helpers/<slug:kind>/remove/",
                "servers/new/",
                "servers/<int:pk>/",
                "servers/<int:pk>/offered/",
                "servers/<int:pk>/add/",
                "servers/<int:pk>/remove/",
            )
        ],
        ADMIN,
    ),
    M: STAFF,  # reviewers see cases and requests for access only: tests/administration/test_to_do.py
    M + "checks/": ADMIN,
    # redirects of former addresses
    M + "documents/collection/": ADMIN,
    **dict.fromkeys(
        [M + kind + part for kind in ("users/user/", "auth/group/") for part in ("", "<int:pk>/change/")], ADMIN
    ),
    M + "users/<int:pk>/offboarding/": ADMIN,  # asks for the password again
    "tokens/": SIGNED_IN,
    "tokens/<int:pk>/revoke/": SIGNED_IN,
    "api/docs": SIGNED_IN,
    "api/openapi.json": SIGNED_IN,
    **dict.fromkeys(
        [
            "v1/models",
            "v1/models/<path:name>",
            "v1/<path:rest>",
            "v1/chat/completions",
            "v1/embeddings",
            "api/collections",
            "api/collections/<uuidstr:pk>",
            "api/collections/<uuidstr:pk>/documents",
            "api/collections/<uuidstr:pk>/pages",
            "api/documents/<uuidstr:pk>",
            "api/documents/<uuidstr:pk>/cancel",
            "api/documents/<uuidstr:pk>/retry",
            "api/search",
            "api/conversations",
            "api/conversations/<uuidstr:pk>",
            "api/conversations/<uuidstr:pk>/messages",
            "api/conversations/<uuidstr:pk>/questions",
            "api/answers/<uuidstr:pk>",
            "api/answers/<uuidstr:pk>/stop",
        ],
        TOKEN,
    ),
    P: ADMIN,
    P + "limits/": ADMIN,
    P + "limits/usage/": ADMIN,
    P + "limits/usage/<int:pk>/remove/": ADMIN,
    P + "usage/": ADMIN,
    P + "invite/": ADMIN,
    P + "invitations/<int:pk>/renew/": ADMIN,
    "tools/": ADMIN,
    "tools/<slug:name>/call/": SIGNED_IN,  # 404 unless callable: tests/conversations/tools/test_call_form.py
    "tools/servers/": ADMIN,
    "tools/servers/<int:pk>/": ADMIN,
    P + "<int:pk>/": ADMIN,
    P + "<int:pk>/groups/": ADMIN,
    P + "<int:pk>/role/": ADMIN,
    P + "<int:pk>/active/": ADMIN,
    P + "<int:pk>/second-factor/remove/": ADMIN,
    P + "<int:pk>/address/": ADMIN,
    **dict.fromkeys([P + "<int:pk>/sealed/", P + "<int:pk>/break-glass/"], ADMIN),
    P + "invitations/<int:pk>/revoke/": ADMIN,
    P + "requests/<int:pk>/approve/": ADMIN,
    P + "requests/<int:pk>/decline/": ADMIN,
    P + "groups/": ADMIN,
    P + "groups/<int:pk>/": ADMIN,
    P + "groups/<int:pk>/remove/": ADMIN,
    P + "groups/<int:pk>/rename/": ADMIN,
    P + "groups/<int:pk>/delete/": ADMIN,
    "collections/": SIGNED_IN,
    "collections/filters/": SIGNED_IN,  # of readable documents: tests/documents/retrieval/test_facets.py
    C: READ,
    C + "tray/": READ,
    C + "upload/": EDIT,
    C + "pages/": EDIT,
    C + "sync/": ADMIN,
    C + "retry/": EDIT,
    C + "files/": READ,  # downloads; changes only by editors: tests/documents/web/test_file_actions.py
    C + "dismiss/": EDIT,
    C + "passages/": READ,
    C + "statistics/": OWN,
    C + "test/": READ,
    C + "golden/": READ,
    C + "golden/state/": READ,
    C + "golden/run/": EDIT,
    C + "golden/answers/": EDIT,
    C + "golden/<int:number>/remove/": EDIT,
    C + "settings/search/": OWN,
    C + "settings/search/state/": OWN,
    C + "settings/search/<int:number>/swap/": OWN,
    C + "settings/search/<int:number>/discard/": OWN,
    C + "people/": OWN,
    C + "people/groups/": OWN,
    C + "people/groups/remove/": OWN,
    C + "people/remove/": OWN,
    C + "people/everyone/": OWN,
    C + "settings/": OWN,
    C + "delete/": OWN,
    D: READ,
    D + "passage/": READ,
    D + "fault/": READ,  # known faults and pages only: tests/documents/web/test_tell_owner.py
    D + "pages/<int:number>.png": READ,
    D + "file/": READ,
    D + "passages/<int:number>/enabled/": EDIT,
    D + "passages/<int:number>/keywords/": EDIT,
    D + "cancel/": EDIT,
    D + "fetch/": EDIT,
    D + "retry/": EDIT,
    D + "rename/": EDIT,
    D + "move/": EDIT,
    D + "delete/": EDIT,
    "setup/": SETUP,
    "setup/model/": SETUP,
    "setup/embedding/": SETUP,
    "setup/reading/": SETUP,
    "setup/sample/": SETUP,
    "setup/ask/": SETUP,
    "review/": STAFF,
    # administrators, and users with the special permission: tests/conversations/disclosure/test_break_glass.py
    **dict.fromkeys([GLASS, *(GLASS + part for part in ("<uuid:pk>/", "<uuid:pk>/decide/"))], STAFF),
    GLASS + "<uuid:pk>/<uuid:conversation>/": STAFF,
    **dict.fromkeys(["review/figures/", "review/figures/bias/"], STAFF),
    **dict.fromkeys(
        [V, *(V + part for part in ("claim/", "renew/", "decide/", "release/", "undo/", "similar/", "second-review/"))],
        STAFF,
    ),
    V + "picture.png": STAFF,
    V + "reopen/": ADMIN,
    **dict.fromkeys(
        [L, *(L + part for part in ("<uuid:pk>/", "<uuid:pk>/submit/", "<uuid:pk>/renew/", "<uuid:pk>/release/"))],
        STAFF,
    ),
    **dict.fromkeys([B, *(B + part for part in ("renew/", "decide/", "release/", "undo/"))], STAFF),
    "review/blocklists/": ADMIN,
    "review/blocklists/<slug:name>/": ADMIN,
    "people/<int:pk>/suspend/": ADMIN,
    "people/suggestions/": ADMIN,
    "review/log/": ADMIN,
    "review/log/export/": ADMIN,
    "review/log/verify/": ADMIN,
    "review/policy/": ADMIN,
    # redirects of former addresses
    **dict.fromkeys(["review/audits/", "review/care/", "review/preferences/", "review/looks/<uuid:pk>/"], STAFF),
    **dict.fromkeys(["review/thresholds/", "review/lists/", "review/lists/<slug:name>/"], ADMIN),
    "review/policy/edit/": ADMIN,
    "review/policy/clauses/<slug:code>/": ADMIN,
    "review/policy/preview/<slug:code>/": ADMIN,
    "review/policy/<int:pk>/": ADMIN,
    "review/policy/<int:pk>/changes/": STAFF,
    # Asks to sign in, unless the user has just proved the password: tests/safety/moderation/test_suspended_sign_in.py.
    "suspended/": PUBLIC,
    "notices/": SIGNED_IN,
    "notices/new/": SIGNED_IN,
    "notices/<int:pk>/seen/": SIGNED_IN,  # only the user's own: tests/users/test_notices.py
    "notices/<int:pk>/appeal/": SIGNED_IN,  # only the user's own: tests/safety/views/test_review_console.py
    "doctor/": ADMIN,
    "doctor/<slug:name>/": ADMIN,
    "settings/": ADMIN,
    "status/": PUBLIC,  # empty for anonymous visitors
    "manifest/<slug:code>.webmanifest": PUBLIC,
    "service-worker.js": PUBLIC,
    "share/": PUBLIC,  # what the operating system shares; nothing of it is read
    "offline/<slug:code>/": PUBLIC,  # cached by the service worker, without user data
    "health/live/": PUBLIC,
    "health/ready/": PUBLIC,
    "metrics": PUBLIC,  # asks for METRICS_TOKEN: tests/operations/test_metrics.py
    "": SIGNED_IN,
    "temporary/": SIGNED_IN,
    "temporary/<uuid:pk>/": SIGNED_IN,  # says that the chat has ended, for any id
    D + "source/<int:number>/": READ,
    "c/<uuid:pk>/": OWN,
    "c/<uuid:pk>/delete/": OWN,
    "c/<uuid:pk>/rename/": OWN,
    "c/<uuid:pk>/tags/": OWN,
    "assistants/": SIGNED_IN,
    "assistants/new/": SIGNED_IN,
    "assistants/preview/": SIGNED_IN,
    **dict.fromkeys(
        ["assistants/<uuid:pk>/" + part for part in ("", "versions/", "people/", "people/remove/", "people/everyone/")],
        OWN,
    ),
    "assistants/<uuid:pk>/delete/": OWN,
    "assistants/<uuid:pk>/picture.png": OWN,
    "c/<uuid:pk>/queue/": OWN,
    "answers/<uuid:answer>/compare/": OWN,
    "beams/": SIGNED_IN,
    "prompts/": SIGNED_IN,
    "prompts/<int:pk>/": OWN,
    "prompts/<int:pk>/delete/": OWN,
    "c/<uuid:pk>/share/": OWN,
    "shared/<slug:secret>/": SIGNED_IN,
    "shared/<slug:secret>/copy/": SIGNED_IN,
    "shared/<slug:secret>/answers/<uuid:answer>/behind/": SIGNED_IN,  # 404 except for what an open link shows
    "shared/<slug:secret>/attached/<uuid:pk>/": SIGNED_IN,  # 404 except for what an open link shows
    "attached/": SIGNED_IN,
    "attached/<uuid:pk>/": OWN,
    "attached/<uuid:pk>/remove/": OWN,
    "files/": SIGNED_IN,
    "files/<uuid:pk>/remove/": OWN,
    "files/<uuid:pk>/move/": OWN,
    "shared/<slug:secret>/pictures/<uuid:pk>.png": SIGNED_IN,  # 404 except for what an open link shows
    "answers/<uuid:answer>/feedback/": OWN,
    "answers/<uuid:answer>/feedback/detail/": OWN,
    "feedback/": STAFF,
    "feedback/<int:pk>/": STAFF,
    "feedback/<int:pk>/handled/": STAFF,
    "feedback/preferences.jsonl": ADMIN,
    "c/<uuid:pk>/choose/": OWN,
    "c/<uuid:pk>/fork/": OWN,
    "c/<uuid:pk>/turns/": OWN,
    "c/<uuid:pk>/export.md": OWN,
    "c/<uuid:pk>/export.json": OWN,
    "c/<uuid:pk>/print/": OWN,
    "search/": SIGNED_IN,  # only what the user may read: tests/conversations/history/test_palette.py
    "conversations/": SIGNED_IN,
    "answers/<uuid:answer>/": OWN,
    "answers/<uuid:answer>/markdown/": OWN,
    "answers/<uuid:answer>/behind/": OWN,
    "answers/<uuid:answer>/thoughts/": OWN,
    "answers/<uuid:answer>/pictures/": OWN,
    "answers/<uuid:answer>/sources/<int:number>/": OWN,
    "pictures/": SIGNED_IN,
    "pictures/expand/": SIGNED_IN,
    "pictures/presets/": SIGNED_IN,
    "pictures/presets/<int:pk>/": OWN,
    "pictures/presets/<int:pk>/delete/": OWN,
    "pictures/tiles/": SIGNED_IN,
    "pictures/delete/": SIGNED_IN,
    "pictures/download/": SIGNED_IN,
    **dict.fromkeys(
        [
            G,
            *(G + f"{part}/" for part in ("cancel", "again", "favourite", "repeat", "upscale", "change")),
            G + "file.png",
            G + "preview.jpg",
        ],
        OWN,
    ),
    G + "frames/<int:step>.jpg": OWN,
    "verify/": PUBLIC,
    "conversations/more/": SIGNED_IN,
    "conversations/all/": SIGNED_IN,
    "conversations/change/": SIGNED_IN,
    "conversations/import/": SIGNED_IN,
    "conversations/import/<uuid:pk>/": OWN,
    "folders/<int:pk>/": OWN,
}
