"""The page's routes; the feed's are in `app`. Each name has its line in `access.ACCESS`."""

from __future__ import annotations

from aiohttp import web

from edge.serve.http import auth
from edge.serve.page import accounts, box, claim, commission, examine, hits, live, now, people


def page_routes() -> list[web.RouteDef]:
    """What people call."""
    return [
        web.get("/claim", claim.show, name="claim"),
        web.post("/claim", claim.take, name="claim.take"),
        web.get("/login", auth.show_login, name="login"),
        web.post("/login", auth.log_in, name="login.check"),
        # A link works once: a mere HEAD must not use it up.
        web.get("/login/link", auth.follow_link, name="login.link", allow_head=False),
        web.post("/logout", auth.log_out, name="logout"),
        web.post("/language", auth.set_language, name="language"),
        web.get("/", now.now, name="now"),
        web.get("/now/hits", now.now_hits, name="now.hits"),
        web.get("/now/health", now.now_health, name="now.health"),
        web.get("/now/conditions", now.now_conditions, name="now.conditions"),
        web.get("/events", live.events, name="events", allow_head=False),
        web.get("/live/frames", live.frames, name="live.frames"),
        web.get("/live/{camera}/frame", live.frame, name="live.frame"),
        web.get("/live/{camera}/frame.jpg", live.picture, name="live.picture"),
        web.get("/hits", now.hits, name="hits"),
        web.get("/hits/{hit_id}", hits.hit, name="hit"),
        web.post("/hits/{hit_id}/review", hits.review, name="hit.review"),
        web.post("/hits/{hit_id}/undo", hits.undo, name="hit.undo"),
        web.get("/people", people.people, name="people"),
        web.post("/people", people.add, name="people.add"),
        web.get("/people/new", people.show_new, name="people.new"),
        # People listed by an earlier version may have ids with braces, which a plain `{person_id}` does not match.
        web.get("/people/{person_id:[^/]+}/edit", people.show, name="people.person"),
        web.post("/people/{person_id:[^/]+}/edit", people.change, name="people.change"),
        web.post("/people/{person_id:[^/]+}/erase", people.erase, name="people.erase"),
        web.get("/examine", examine.listing, name="examine"),
        web.post("/examine", examine.submit, name="examine.submit"),
        web.post("/examine/snapshot", examine.snapshot, name="examine.snapshot"),
        web.get("/examine/{job_id}", examine.show, name="examine.job"),
        web.get("/examine/{job_id}/progress", examine.progress, name="examine.progress"),
        web.get("/examine/{job_id}/files/{name}", examine.file, name="examine.file"),
        web.post("/examine/{job_id}/remove", examine.remove, name="examine.remove"),
        web.get("/box", box.box, name="box"),
        web.post("/box/pause", box.pause, name="box.pause"),
        web.post("/box/resume", box.resume, name="box.resume"),
        web.get("/commission", commission.show, name="commission"),
        web.post("/commission", commission.act, name="commission.act"),
        web.get("/commission/sheet", commission.sheet, name="commission.sheet"),
        web.post("/box/users", accounts.add_user, name="box.user.add"),
        web.post("/box/users/password", accounts.set_password, name="box.user.password"),
        web.post("/box/users/remove", accounts.remove_user, name="box.user.remove"),
        web.post("/box/tokens", accounts.add_token, name="box.token.add"),
        web.post("/box/tokens/rotate", accounts.rotate_token, name="box.token.rotate"),
        web.post("/box/tokens/revoke", accounts.revoke_token, name="box.token.revoke"),
        web.post("/box/logins/end", accounts.end_login, name="box.login.end"),
        web.post("/box/password", accounts.own_password, name="box.password"),
    ]
