"""Create, link, change, close and reopen accounts as the directory says. Everything runs in the caller's transaction.

The directory sees and changes only accounts that it made, or that were linked with it. It never gives a role or a
password, and never deletes: what it deletes is closed, as an administrator closes the account of a leaver. It reopens
only what it closed itself.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.utils import timezone
from scim2_models import ForbiddenException, InvalidValueException, NotFoundException, UniquenessException

from apps.administration.directory.schema import ScimUser
from apps.privacy.models import DataRequest
from apps.safety.moderation.account_suspensions import find_suspension
from apps.users import audit_hook, groups
from apps.users.accounts import LastAdministrator, close_account, reinstate_user
from apps.users.models import DirectoryAccount, User
from apps.users.single_sign_on.provider_settings import load_provider

NAME_CHARACTERS, ADDRESS_CHARACTERS, ID_CHARACTERS = 120, 254, 200


def create_account(sent: ScimUser) -> DirectoryAccount:
    """Return a new account, the one that is linked, or the one that the directory deleted before.

    Raise UniquenessException for user names and addresses of others.
    """
    user_name, address = _read_user_name(sent), _read_address(sent)
    external_id = _read_text(sent.external_id, ID_CHARACTERS, "externalId")
    known = DirectoryAccount.objects.select_related("user").filter(
        Q(user_name_key=user_name.casefold()) | Q(user__email__iexact=address)
    )
    if found := known.first():
        # An address may pass on to another person, who must not enter the account of the one before.
        if found.removed is None or found.external_id != external_id:
            raise _taken(found.removed is not None)
        row = found
        row.removed, row.user_name, row.user_name_key = None, user_name, user_name.casefold()
    else:
        row = _make_or_link(user_name, address, external_id)
    wanted = sent.active is not False
    row.save()
    _set_name(row, sent)
    if row.active != wanted:
        _set_active(row, wanted)
    return row


def change_account(row: DirectoryAccount, sent: ScimUser) -> None:
    """Change the account to what the directory sent. Attributes that it did not send stay."""
    user_name = _read_user_name(sent)
    if DirectoryAccount.objects.filter(user_name_key=user_name.casefold()).exclude(pk=row.pk).exists():
        raise _taken(False)
    row.user_name, row.user_name_key = user_name, user_name.casefold()
    row.external_id = _read_text(sent.external_id, ID_CHARACTERS, "externalId")
    row.save()
    _set_name(row, sent)
    if sent.emails:
        _set_address(row, _read_address(sent))
    if sent.active is not None and sent.active != row.active:
        _set_active(row, sent.active)


def remove_account(row: DirectoryAccount) -> None:
    """Close the account, take it out of the directory's groups, and hide it from the directory. Nothing is deleted."""
    if row.active:
        _set_active(row, False)
    for group in row.user.groups.filter(directory_group__isnull=False):
        groups.remove_member(group, row.user)
    row.removed = timezone.now()
    row.save()


def lock_account(pk: str) -> DirectoryAccount:
    """Return the account of that id, locked until the end of the transaction. Raise NotFoundException."""
    rows = DirectoryAccount.objects.select_for_update(of=("self",)).select_related("user")
    found = rows.filter(user=int(pk), removed=None).first() if is_id(pk) else None
    if found is None:
        raise NotFoundException(detail=f"User {pk[:40]!r} is not known here.")
    return found


def is_id(text: str) -> bool:
    """Return whether the text can be an id of this site."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def _make_or_link(user_name: str, address: str, external_id: str) -> DirectoryAccount:
    row = DirectoryAccount(user_name=user_name, user_name_key=user_name.casefold(), external_id=external_id)
    owner = User.objects.filter(email__iexact=address).first()
    if owner is None:
        owner = User.objects.create_user(address, None)
        EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
        _tell("person.joined", owner)
    elif _may_link(owner):
        row.created_here = False
        _tell("person.linked", owner)
    else:
        raise UniquenessException(
            detail="An account with this address exists here and does not belong to the directory. Its user links "
            "it by signing in with the provider once; then send this user again."
        )
    row.user = owner
    return row


def _may_link(owner: User) -> bool:
    """Return whether an existing account may pass to the directory: by the rules of a sign-in with the provider."""
    provider = load_provider()
    if not provider.issuer:
        return False
    if SocialAccount.objects.filter(user=owner, provider=provider.issuer).exists():
        return True
    verified = EmailAddress.objects.filter(user=owner, email__iexact=owner.email, verified=True)
    return bool(provider.link == "verified" and verified.exists())


def _set_active(row: DirectoryAccount, active: bool) -> None:
    """Close or reopen the account. Raise ForbiddenException for the last administrator."""
    row.active = active
    if not active:
        row.closed = row.user.is_active
        try:
            close_account(row.user)
        except LastAdministrator as error:
            raise ForbiddenException(
                detail="This is the last administrator of the site who can sign in, so the account stays active. Make "
                "another user an administrator first."
            ) from error
    row.save()
    if active and row.closed and not _is_closed_otherwise(row.user):
        row.closed = False
        row.save()
        reinstate_user(row.user)


def _is_closed_otherwise(user: User) -> bool:
    erasure = DataRequest.objects.filter(user=user, kind=DataRequest.Kind.ERASE, status=DataRequest.Status.WAITING)
    return erasure.exists() or find_suspension(user) is not None


def _set_name(row: DirectoryAccount, sent: ScimUser) -> None:
    """Change the name. An account that was linked keeps its own where the directory has none."""
    name = (sent.display_name or "").strip()[:NAME_CHARACTERS]
    if name != row.user.name and (name or row.created_here):
        row.user.name = name
        row.user.save(update_fields=["name"])


def _set_address(row: DirectoryAccount, address: str) -> None:
    """Change the address of an account that the directory made.

    Accounts with a password or a role keep theirs: whoever receives its mail could set a new password.
    """
    user = row.user
    if address == user.email or not row.created_here or user.is_staff or user.has_usable_password():
        return
    if User.objects.filter(email__iexact=address).exclude(pk=user.pk).exists():
        raise UniquenessException(detail="Another account has this address.")
    user.email = address
    user.save(update_fields=["email"])
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=address, verified=True, primary=True)
    _tell("person.address", user)


def _read_user_name(sent: ScimUser) -> str:
    user_name = _read_text(sent.user_name, ADDRESS_CHARACTERS, "userName")
    if not user_name:
        raise InvalidValueException(detail="userName is missing.")
    return user_name


def _read_address(sent: ScimUser) -> str:
    """Return the address in lower case. Raise InvalidValueException."""
    address = str(sent.emails[0].value or "").strip().lower() if sent.emails else ""
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidValueException(detail="An e-mail address is needed: in emails, or as the userName.") from None
    return _read_text(address, ADDRESS_CHARACTERS, "emails")


def _read_text(value: str | None, limit: int, name: str) -> str:
    text = (value or "").strip()
    if len(text) > limit or "\0" in text:
        raise InvalidValueException(detail=f"{name} may have {limit} characters.")
    return text


def _taken(is_former: bool) -> UniquenessException:
    former = (
        "A former user had this name or address. If it is another person, an administrator deletes that account first."
    )
    return UniquenessException(detail=former if is_former else "Another user has this userName or address.")


def _tell(kind: str, user: User) -> None:
    audit_hook.record_change(kind, user=user.pk, subject=f"person {user.pk}")
