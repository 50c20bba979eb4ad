"""URLs of the administration's own pages, and of those that took the place of its former pages."""

from __future__ import annotations

from django.urls import path

from apps.administration import mail_views, model_views, offboarding_views, views
from apps.administration.directory import views as directory_views

app_name = "administration"
urlpatterns = [
    path("", views.show_to_do, name="index"),
    path("checks/", views.check_to_do, name="to_do_checks"),
    path("collections/", views.list_collections, name="collections"),
    path("models/", views.show_models, name="models"),
    path("models/<int:pk>/", model_views.show_model, name="model"),
    path("models/<int:pk>/reading/", model_views.measure_reading, name="model_reading"),
    path("models/<int:pk>/remove/", model_views.remove_model, name="model_remove"),
    path("models/environment/<str:name>/", model_views.show_environment_model, name="environment_model"),
    path("models/calibrate/", model_views.calibrate_support, name="models_calibrate"),
    path("models/helpers/<slug:kind>/", model_views.show_helper, name="helper"),
    path("models/helpers/<slug:kind>/remove/", model_views.remove_helper, name="helper_remove"),
    path("models/servers/new/", model_views.add_server, name="model_server_new"),
    path("models/servers/<int:pk>/", model_views.show_server, name="model_server"),
    path("models/servers/<int:pk>/offered/", model_views.list_offered, name="model_server_offered"),
    path("models/servers/<int:pk>/add/", model_views.add_model, name="model_add"),
    path("models/servers/<int:pk>/remove/", model_views.remove_server, name="model_server_remove"),
    path("mail/", mail_views.edit_mail_server, name="mail_server"),
    path("mail/remove/", mail_views.remove_mail_server, name="mail_server_remove"),
    path("directory/", directory_views.edit_directory, name="directory"),
    path("directory/revoke/", directory_views.revoke_token, name="directory_revoke"),
    path("environment/", views.show_environment, name="environment"),
    path("users/<int:pk>/offboarding/", offboarding_views.offboard_user, name="offboarding"),
    path("users/user/", views.redirect_old_page, {"to": "users:people"}, name="old_users"),
    path("users/user/<int:pk>/change/", views.redirect_old_page, {"to": "users:user"}, name="old_user"),
    path("auth/group/", views.redirect_old_page, {"to": "users:groups"}, name="old_groups"),
    path("auth/group/<int:pk>/change/", views.redirect_old_page, {"to": "users:group"}, name="old_group"),
    path(
        "documents/collection/",
        views.redirect_old_page,
        {"to": "administration:collections"},
        name="old_collections",
    ),
]
