"""Permission to open sealed cases, as functions (see `special_permissions`)."""

from __future__ import annotations

from apps.users.special_permissions import SEALED

named, people, name = SEALED.held, SEALED.people, SEALED.name
