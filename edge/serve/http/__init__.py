"""What every request passes: connections, TLS, login, access, uploads, errors."""
