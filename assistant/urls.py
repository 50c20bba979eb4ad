"""URL configuration of the site."""

from __future__ import annotations

from django.urls import include, path

from apps.administration.directory.views import serve_scim
from apps.api.api import api
from apps.users.views.second_factor import PasskeyReauthenticateView, PasskeySignInView, SecondFactorView
from apps.users.views.single_sign_on import SignOutView
from apps.users.views.users import show_own_address

handler500 = "apps.operations.health_views.answer_fault"
urlpatterns = [
    # Before django-allauth's page, which empties User.email if addresses need no confirmation.
    path("accounts/email/", show_own_address, name="account_email"),
    path("accounts/logout/", SignOutView.as_view(), name="account_logout"),
    # Under the names that django-allauth asks for; the pages on one's own factors are those of apps.users.
    path("accounts/second-factor/", SecondFactorView.as_view(), name="mfa_authenticate"),
    path("accounts/passkey/", PasskeySignInView.as_view(), name="mfa_login_webauthn"),
    path("accounts/reauthenticate/passkey/", PasskeyReauthenticateView.as_view(), name="mfa_reauthenticate_webauthn"),
    path("accounts/", include("allauth.account.urls")),
    path("", include("apps.users.urls")),
    path("", include("apps.safety.urls")),
    path("", include("apps.documents.urls")),
    path("", include("apps.evaluation.urls")),
    path("", include("apps.operations.urls")),
    path("", include("apps.images.urls")),
    path("", include("apps.privacy.urls")),
    path("scim/v2/", serve_scim, name="scim"),
    path("scim/v2/<path:path>", serve_scim, name="scim_path"),
    path("administration/", include("apps.administration.urls")),
    path("", include("apps.conversations.urls")),
    path("", api.urls),
]
