"""Modules of a page are preloaded, so that the browser fetches all at once."""

from __future__ import annotations

import re

from assistant.templatetags.scripts import preload_modules


def test_a_page_preloads_the_modules_that_its_scripts_import_directly_or_through_others() -> None:
    links = re.findall(r'<link rel="modulepreload" href="[^"]*/(js/[^"]+)">', preload_modules("js/pages/chat.js"))
    assert links[0] == "js/pages/chat.js" and len(links) == len(set(links))
    assert {"js/chat/turn.js", "js/chat/checkpoints.js", "js/lib/i18n.js", "js/chat/copy.js"} <= set(links)
