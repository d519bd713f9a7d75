"""The web side, over aiohttp: the guards' page and the API for central servers.

`routes` is the table of all addresses; `app` builds the application and opens the port; `app_keys` names what handlers
find in it; `bell` wakes those who wait for news; `safe_page` stands
in for all of it where the service can't start. `page` holds the handlers that answer with HTML, `api` those that
answer with data, `http` what every request passes: connection, TLS, login, access, audit, errors.

The vision side is reached only through the records and Protocols of `ports` and `board`, and the store; no camera,
model or pixel code is imported from here, not even indirectly.
"""

from edge.serve.app import build_app, change, close_port, end_gently, start
from edge.serve.board import LiveBoard

__all__ = ["LiveBoard", "build_app", "change", "close_port", "end_gently", "start"]
