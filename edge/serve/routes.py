"""The page's routes; the feed's are in `app`. Each name has its line in `access.ACCESS`."""

from __future__ import annotations

from aiohttp import web

from edge.serve import auth, pages, reviews, watch


def page_routes() -> list[web.RouteDef]:
    """What people call."""
    return [
        web.get("/login", auth.show_login, name="login"),
        web.post("/login", auth.log_in, name="login.check"),
        # A link works once: a mere HEAD must not use it up.
        web.get("/login/link", auth.follow_link, name="login.link", allow_head=False),
        web.post("/logout", auth.log_out, name="logout"),
        web.post("/language", auth.set_language, name="language"),
        web.get("/", pages.now, name="now"),
        web.get("/now/hits", pages.now_hits, name="now.hits"),
        web.get("/now/health", pages.now_health, name="now.health"),
        web.get("/events", watch.events, name="events", allow_head=False),
        web.get("/live/{camera}/frame", watch.frame, name="live.frame"),
        web.get("/live/{camera}/frame.jpg", watch.picture, name="live.picture"),
        web.get("/hits", pages.hits, name="hits"),
        web.get("/hits/{hit_id}", reviews.hit, name="hit"),
        web.post("/hits/{hit_id}/review", reviews.review, name="hit.review"),
        web.post("/hits/{hit_id}/undo", reviews.undo, name="hit.undo"),
        web.get("/people", pages.people, name="people"),
        web.get("/box", pages.box, name="box"),
    ]
