"""Who is named for sealed cases (`duties.py`)."""

from __future__ import annotations

from apps.users.duties import SEALED

named, people, name = SEALED.held, SEALED.people, SEALED.name
