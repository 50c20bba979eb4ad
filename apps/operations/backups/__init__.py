"""Backup and restore of an installation: archive, database, schedule, status.

Entry points: `creation.make_backup`, `restore.restore_backup`, `schedule.start_due_backup`; the Doctor's check is in
`apps.operations.doctor.backup_checks`.
"""
