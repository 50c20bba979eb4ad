"""Codes of apps (TOTP, RFC 6238) and recovery codes: make them, show them, use each once.

Entry points: `use_code`, `find_step`, `draw_qr_code`, `renew_recovery_codes`, `list_fresh_recovery_codes`.
"""

from __future__ import annotations

import time

import qrcode
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.http import HttpRequest

from apps.users.models import User

_Type = Authenticator.Type
STEP_KEY = "last_step"  # of an app's data: the time step whose code was used last
FRESH_KEY = "recovery_codes_until"  # of a session: time until which new recovery codes are shown, in seconds
FRESH_S = 600


def use_code(user: User, code: str) -> Authenticator | None:
    """Use up the code, of the app or a recovery code, and return what accepted it; None if nothing did.

    A code of the app counts only if it is younger than the last one that was used. Raise ValidationError if the key of
    the secret is missing.
    """
    with transaction.atomic():  # the rows are locked, so that only one of two simultaneous requests uses a code
        rows = Authenticator.objects.select_for_update().filter(user=user, type__in=[_Type.TOTP, _Type.RECOVERY_CODES])
        for row in rows:
            if _use_app_code(row, code) if row.type == _Type.TOTP else row.wrap().validate_code(code):
                return row
    return None


def find_step(secret: str, code: str, after: int = -1) -> int | None:
    """Return the time step of the code, of those that are valid now and later than `after`; None if it has none."""
    return next(
        (
            step
            for step in yield_hotp_counters_from_time()
            if step > after and compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step)))
        ),
        None,
    )


def _use_app_code(row: Authenticator, code: str) -> bool:
    step = find_step(decrypt(row.data["secret"]), code, row.data.get(STEP_KEY, -1))
    if step is None:
        return False
    row.data[STEP_KEY] = step
    row.save(update_fields=["data"])
    return True


def draw_qr_code(text: str) -> tuple[int, str]:
    """Return the side of the QR code in modules, with its quiet zone, and the path of its dark modules for an SVG."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    matrix = code.get_matrix()
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, is_dark in enumerate(row) if is_dark)
    return len(matrix), "".join(dark)


def renew_recovery_codes(user: User) -> None:
    """Replace the recovery codes by new ones. Must run inside a transaction."""
    Authenticator.objects.filter(user=user, type=_Type.RECOVERY_CODES).delete()
    RecoveryCodes.activate(user)


def show_fresh_recovery_codes(request: HttpRequest) -> None:
    """Let this session show the recovery codes for FRESH_S seconds."""
    request.session[FRESH_KEY] = time.time() + FRESH_S


def list_fresh_recovery_codes(request: HttpRequest, user: User) -> list[str]:
    """Return the unused recovery codes, in two groups of digits, while this session may show them; else none."""
    row = Authenticator.objects.filter(user=user, type=_Type.RECOVERY_CODES).first()
    if row is None or request.session.get(FRESH_KEY, 0) < time.time():
        return []
    return [f"{code[:4]} {code[4:]}" for code in row.wrap().get_unused_codes()]


def count_recovery_codes(user: User) -> int:
    """Return how many recovery codes are left. Raise ValidationError if their key is missing."""
    row = Authenticator.objects.filter(user=user, type=_Type.RECOVERY_CODES).first()
    return len(row.wrap().get_unused_codes()) if row is not None else 0
