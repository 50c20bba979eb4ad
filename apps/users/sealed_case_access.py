"""Who is named for sealed cases (`duties.py`)."""

from __future__ import annotations

from apps.users.special_permissions import SEALED

named, people, name = SEALED.held, SEALED.people, SEALED.name
