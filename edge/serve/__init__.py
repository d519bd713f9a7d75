"""The web side: the guards' page, the live picture and the pull feed, over aiohttp.

One file per concern: `app` puts the routes together, `access` says who may call them, `auth` knows who is asking,
`feed` answers central servers, `images` hands out kept pictures, `watch` shows the live picture, `pages` renders the
page. What it needs from the vision side comes as records over `LiveBoard` and `Store`; no camera, model or pixel code
is reached from here, not even indirectly.
"""

from edge.serve.app import build_app, start
from edge.serve.board import LiveBoard

__all__ = ["LiveBoard", "build_app", "start"]
