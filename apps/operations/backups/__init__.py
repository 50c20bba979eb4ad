"""Backup and restore of an installation: the archive, the database, the schedule, and the check of the Doctor.

Entry points: `making.make_backup`, `restoring.restore_backup`, `schedule.start_due_backup`, `doctor.report_backups`.
"""
