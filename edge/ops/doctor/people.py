"""Checks users, tokens, watchlist and pullers, and whether the calibration was made for this watchlist."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from edge.config import Config
from edge.errors import EdgeError
from edge.names import counted
from edge.ops.doctor.check import Check, failed, passed, warned
from edge.ops.doctor.models import EmbedderInUse
from edge.ops.doctor.settings import check_statuses
from edge.store import Consumer, Store, Token, User
from edge.store.identity.identity import FIX, Finding

SOON = dt.timedelta(days=14)
MAX_PULL_PAUSE = dt.timedelta(minutes=15)
"""A central server pulls at least every minute; after this long without a pull it has lost the connection."""


def check_people(config: Config, in_use: EmbedderInUse, now: dt.datetime) -> Iterator[Check]:
    """Check the database. Where there is none, report what is missing without creating it."""
    if not (config.data_dir / "edge.db").exists():
        fix = "it is made when `edge setup`, the service or `edge enrol` first runs"
        yield warned("database", "not made yet", fix)
        yield from (check_users([]), check_tokens([], now), _nobody_listed())
        return
    try:
        with Store.open(config.data_dir) as store:
            yield passed("database", "opens, schema as expected")
            yield check_identity(store.identity.look())
            yield check_users(store.users())
            yield check_tokens(store.tokens(), now)
            yield check_pulls(store.consumers(), now)
            yield from _watchlist(config, store, in_use, now)
    except EdgeError as error:
        fix = "restore the data directory from a backup, or move it away to start anew"
        yield failed("database", str(error), fix)


def check_identity(found: Finding) -> Check:
    """Check that the device is on the machine it was made on: a copy shares id, tokens and keys with another."""
    if found.is_clone:
        return failed("identity", found.sentence(), FIX)
    return passed("identity", found.sentence())


def check_users(users: Sequence[User]) -> Check:
    """Check that somebody can log in, and that somebody can edit the list."""
    add = "edge user add NAME --role supervisor"
    if not users:
        return warned("users", "nobody can log in", f"{add}; or enter the code that `edge run` prints on the page")
    roles = sorted({user.role for user in users})
    if "supervisor" not in roles:
        return warned("users", f"{len(users)}, but no supervisor: nobody can change the list", add)
    return passed("users", f"{len(users)}: {', '.join(roles)}")


def check_tokens(tokens: Sequence[Token], now: dt.datetime) -> Check:
    """Check when tokens that read alerts end. A name passes as long as one of its tokens lasts."""
    add = "edge token add {} --scope alerts:read"
    if not tokens:
        return warned("tokens", "no central server can pull", add.format("NAME"))
    ends: dict[str, dt.datetime | None] = {}
    for token in tokens:
        known = ends.get(token.name, dt.datetime.min.replace(tzinfo=dt.UTC))
        ends[token.name] = None if token.expires_at is None or known is None else max(known, token.expires_at)
    over = [name for name, end in ends.items() if end is not None and end <= now]
    soon = [name for name, end in ends.items() if end is not None and now < end <= now + SOON]
    fix = f"{add.format((over or soon or ['NAME'])[0])}, bring it to the server, then `edge token revoke NAME --older`"
    if over:
        return failed("tokens", f"expired: {', '.join(over)}", fix)
    if soon:
        return warned("tokens", f"will expire within {SOON.days} days: {', '.join(soon)}", fix)
    return passed("tokens", f"{len(tokens)}: {', '.join(ends)}")


def check_pulls(consumers: Sequence[Consumer], now: dt.datetime) -> Check:
    """Check when each central server last pulled."""
    fix = "check that server, its token and the way to this box; `edge doctor` there, or tools/central/conformance.py"
    if not consumers:
        return passed("last pull", "no server may pull")
    never = [one.name for one in consumers if one.last_pull_at is None]
    quiet = [one for one in consumers if one.last_pull_at is not None and now - one.last_pull_at > MAX_PULL_PAUSE]
    if never:
        return warned("last pull", f"never: {', '.join(never)}", fix)
    if quiet:
        told = ", ".join(f"{one.name} {_age(now - one.last_pull_at)} ago, {one.lag} items behind" for one in quiet)  # type: ignore[operator]
        return warned("last pull", told, fix)
    return passed("last pull", ", ".join(f"{one.name}, {one.lag} items behind" for one in consumers))


def _watchlist(config: Config, store: Store, in_use: EmbedderInUse, now: dt.datetime) -> Iterator[Check]:
    people, references = store.people(), store.references()
    if not people:
        yield _nobody_listed()
    else:
        yield check_age(len(people), store.watchlist_changed_at(), config.watchlist.max_age_days, now)
        ended = [one.person_id for one in people if one.expires_at is not None and one.expires_at <= now]
        if ended:
            fix = "erase them (`edge forget ID`) or give them a new end (`edge enrol --expires`)"
            yield warned("expired entries", f"{len(ended)} never match any more, such as {ended[0]}", fix)
    yield check_statuses(config, sorted({one.status for one in people}))
    others = sum(one.model_sha256 != in_use.embedder for one in references) if in_use.embedder else 0
    if others:
        found = f"{others} of {len(references)} were made by another model and match nobody"
        yield (failed if others == len(references) else warned)("references", found, "edge watchlist reembed")
    elif references:
        yield passed("references", f"{len(references)}, all of the embedder in use")
    yield _calibration(store, in_use, bool(people))


def check_age(people: int, changed_at: dt.datetime | None, max_age_days: float, now: dt.datetime) -> Check:
    """Check the age of the list: one that is too old alerts on nobody; `max_age_days` 0 means it never gets old."""
    if changed_at is None or max_age_days == 0:
        return passed(
            "watchlist",
            counted(people, "person", "people") + (f", changed {_age(now - changed_at)} ago" if changed_at else ""),
        )
    left = changed_at + dt.timedelta(days=max_age_days) - now
    fix = "send or confirm the list again (PUT /api/v1/watchlist), or raise watchlist.max_age_days"
    found = f"{counted(people, 'person', 'people')}, last confirmed {_age(now - changed_at)} ago"
    if left <= dt.timedelta(0):
        return failed("watchlist", f"{found}: too old, nobody is alerted on", fix)
    if left < dt.timedelta(days=max_age_days) / 5:
        return warned("watchlist", f"{found}: it will be too old in {_age(left)}", fix)
    return passed("watchlist", found)


def _calibration(store: Store, in_use: EmbedderInUse, has_people: bool) -> Check:
    kept, fix = store.calibration.thresholds(), "edge watchlist calibrate --one-in 10000 --write"
    if kept is None:
        if not has_people:
            return passed("calibration", "nobody is listed yet")
        return warned("calibration", "this list was not calibrated: the configuration's values hold", fix)
    if in_use.embedder is not None and kept.model_sha256 != in_use.embedder:
        return warned("calibration", "made for another embedder, so the configuration's values hold", fix)
    if kept.watchlist_digest != store.watchlist_version()[1]:
        return warned("calibration", "made for this list as it was before its last change", fix)
    limits = ", ".join(f"{kind} {limit:.3f}" for kind, limit in kept.min_similarity.items())
    return passed("calibration", f"one false alert in {kept.one_in:,.0f} faces: {limits}")


def _nobody_listed() -> Check:
    fix = "edge enrol --id ID --name NAME --status STATUS PICTURE..."
    return warned("watchlist", "nobody is looked for", fix)


def _age(span: dt.timedelta) -> str:
    hours = span.total_seconds() / 3600
    return (
        f"{hours * 60:.0f} minutes" if hours < 2 else f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
    )
