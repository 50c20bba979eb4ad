"""The chat pages and their fragments. Every row is fetched through `visible_to`: unknown and foreign are both 404.

`/` and `/c/<uuid>/` render `conversations/conversation.html` with

    conversation    the row, or None on the page of a new chat
    collections     [{"id", "name", "documents" (ready), "waiting" (still being read), "chosen": bool}] that this person may search
    turns           [{"question": {"id", "html", "text"}, "answer": {…}}] along the chosen path, oldest first

where an answer is

    id, status, reason      `status` as in `Message.Status`; "writing" while its turn runs
    html                    its blocks, pills included; of a writing answer what was last kept, shown until the replay replaces it
    last_seq                resume after this number; 0 replays everything and replaces `html` (always 0 while writing)
    steps                   [{"name", "words", "ms"}]
    quotes_html, sources_html, nothing_html     rendered fragments, or ""
    style, model, without_documents, nothing_found
    siblings, place         "2 of 3": how many answers the question has, and which one this is

Fragments: `conversations/_sources.html` (`answer` id, `used`, `also`: lists of {"number", "title", "page", "href", "strength", "gone"}),
`conversations/_quotes.html` (`answer` id, `quotes`: list of {"number", "text", "title", "page", "href", "strength"}),
`conversations/_nothing.html` (`answer` id, `searched`: names, `documents`: how many ready, `query`),
`conversations/_source.html` (the panel: `source`: {"number", "title", "page", "href", "text", "strength", "gone", "passage_url" for hx-get},
`previous`, `next`: href or ""), `conversations/_preview.html` (the hover card: `source` likewise, with `snippet_html`).
`components/_conversations.html` is the sidebar's list, at `/conversations/`.
POST `/c/<uuid>/delete/` answers with a redirect to `/`, `/c/<uuid>/rename/` (field `title`) with the page or the sidebar's list.
"""
