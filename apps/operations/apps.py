"""App configuration of set-up, the Doctor, health checks, settings and backups."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "apps.operations"

    def ready(self) -> None:
        from apps.lib import outgoing_email
        from apps.operations import mail_server  # the models can be imported only now
        from apps.safety.models import snapshot_keys
        from apps.users.models import MailServer

        outgoing_email.use_page_server(lambda: mail_server.load_mail_server() is not None)
        snapshot_keys.encrypted_models.append(MailServer)
