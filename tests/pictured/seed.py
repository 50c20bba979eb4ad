"""`python -m tests.pictured.seed VERB` on the data of the pictured site, from outside its processes."""

from __future__ import annotations

import os
import sys

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
    django.setup()
    from tests.pictured import place, reviewed, talked

    verbs = (place.people, place.library, place.habits, place.helpers, place.golden, reviewed.review, talked.tidy)
    sys.stdout.write({verb.__name__: verb for verb in verbs}[sys.argv[1]]() or "")
