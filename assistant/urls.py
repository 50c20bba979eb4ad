"""URL configuration of the site."""

from __future__ import annotations

from django.urls import include, path

from apps.api.api import api
from apps.users.views.single_sign_on import SignOutView
from apps.users.views.users import show_own_address

handler500 = "apps.operations.health_views.answer_fault"
urlpatterns = [
    # Before django-allauth's page, which empties User.email if addresses need no confirmation.
    path("accounts/email/", show_own_address, name="account_email"),
    path("accounts/logout/", SignOutView.as_view(), name="account_logout"),
    path("accounts/", include("allauth.account.urls")),
    path("", include("apps.users.urls")),
    path("", include("apps.safety.urls")),
    path("", include("apps.documents.urls")),
    path("", include("apps.evaluation.urls")),
    path("", include("apps.operations.urls")),
    path("", include("apps.images.urls")),
    path("", include("apps.privacy.urls")),
    path("administration/", include("apps.administration.urls")),
    path("", include("apps.conversations.urls")),
    path("", api.urls),
]
