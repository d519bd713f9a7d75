"""The box page: health, storage, each camera's last day, the audit; and its forms for users, logins and tokens."""
