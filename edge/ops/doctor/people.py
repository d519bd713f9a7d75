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
from edge.records import Person, Reference
from edge.store import Consumer, Store, Token, User
from edge.store.identity.identity import FIX, Finding
from edge.watchlist.look_alikes import look_alikes

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
            yield from check_losses(store)
            yield check_identity(store.identity.look(), config.box_id)
            yield check_users(store.users())
            yield check_tokens(store.tokens(), now)
            yield check_pulls(store.consumers(), now)
            yield from _watchlist(config, store, in_use, now)
    except EdgeError as error:
        fix = "restore the data directory from a backup, or move it away to start anew"
        yield failed("database", str(error), fix)


def check_losses(store: Store) -> Iterator[Check]:
    """Check that every kept picture is there and every hit can be read."""
    store.losses.look_for_pictures()
    store.losses.look_for_hits()
    found = store.losses.now()
    fix = "look at the kernel log whether the disk fails; `edge backup restore` brings back what a backup holds"
    if found.folder:
        own = f"give the service's user the folder {store.folder / 'blobs'}, or move away what lies there"
        yield failed("pictures", f"{found.folder}: hits are kept without pictures", own)
    elif found.pictures:
        gone = counted(found.pictures, "kept picture is", "kept pictures are")
        yield warned("pictures", f"{gone} not on the disk any more", fix)
    else:
        yield passed("pictures", "every kept picture is there")
    if found.hits:
        yield warned("hits", f"{counted(found.hits, 'hit', 'hits')} can't be read: damaged in the database", fix)
    else:
        yield passed("hits", "every hit can be read")


def check_identity(found: Finding, box_id: str = "") -> Check:
    """Check that the device is on the machine it was made on: a copy shares id, tokens and keys with another."""
    told = found.sentence(box_id)
    return failed("identity", told, FIX) if found.is_clone else passed("identity", told)


def check_users(users: Sequence[User]) -> Check:
    """Check that somebody can log in, and that somebody can edit the list."""
    add = "edge user add NAME --role supervisor"
    if not users:
        return warned(
            "users", "nobody can log in", f"{add}; or open the page and enter the code that `edge run` prints"
        )
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
    fix = "check that this server runs, has its token and reaches this box (`python -m tools.central.conformance`)"
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
        ended = [one.person_id for one in people if one.has_ended(now)]
        if ended:
            fix = "erase them (`edge forget ID`) or give them a new end (`edge enrol --expires`)"
            yield warned("expired entries", f"{len(ended)} never match any more, such as {ended[0]}", fix)
    yield check_statuses(config, sorted({one.status for one in people}))
    others = sum(one.model_sha256 != in_use.embedder for one in references)
    if references and in_use.embedder is None:
        fix = "mend what is named under `models`, then run `edge doctor` again"
        yield warned("references", f"{len(references)}, and which embedder is in use can't be told", fix)
    elif others:
        found = f"{others} of {len(references)} were made by another model and match nobody"
        yield (failed if others == len(references) else warned)("references", found, "edge watchlist reembed")
    elif references:
        yield passed("references", f"{len(references)}, all of the embedder in use")
    yield from check_pictures(people, references)
    yield from _look_alikes([one for one in references if one.model_sha256 == in_use.embedder])
    yield _calibration(store, in_use, bool(people))


def check_pictures(people: Sequence[Person], references: Sequence[Reference]) -> Iterator[Check]:
    """Warn of people on the list without a picture, whom nobody can recognise."""
    pictured = {one.person_id for one in references}
    missing = [one for one in people if one.person_id not in pictured]
    if missing:
        found = f"{counted(len(missing), 'person has', 'people have')} none, such as {missing[0].person_id}"
        fix = "add pictures on the page under People, or send them with PUT; nobody can be recognised without one"
        yield warned("pictures of people", found, fix)


def _look_alikes(references: Sequence[Reference]) -> Iterator[Check]:
    """Warn of people who are told from nobody: most often one person under two ids."""
    pairs = {tuple(sorted((one.person_id, other.person_id))): alike for one, other, alike in look_alikes(references)}
    if not pairs:
        return
    (first, second), similarity = max(pairs.items(), key=lambda pair: pair[1])
    more = f", and {counted(len(pairs) - 1, 'more pair', 'more pairs')}" if len(pairs) > 1 else ""
    found = f"{first} and {second} (similarity {similarity:.2f}){more}: neither may be told from the other"
    fix = "if they are one person, add the pictures to one id, and erase the other with `edge forget ID`"
    yield warned("look-alikes", found, fix)


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
    if hours < 2:
        return counted(round(hours * 60), "minute", "minutes")
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
