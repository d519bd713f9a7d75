"""Runs the service so that it never falls silent: one that can't start ends in a page that says why.

Same port and certificate, no cameras, no models, no database. The page tries the start again after some minutes, and at
once when the configuration file changes. Used by the unit (`edge run --safe-page`); by hand, `edge run` just ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from edge import disclosure
from edge.app.service import logs, service
from edge.app.service.start.failed_starts import GOOD_AFTER_S, FailedStarts, Failure
from edge.config import DEFAULT_PATH, Config, ServeConfig, file, load
from edge.errors import ConfigError, EdgeError, ModelError, ServiceError, StoreError
from edge.ops.system.systemd import SignsOfLife, feed_watchdog, notify_systemd
from edge.serve import start
from edge.serve.http.tls import identity_without_names
from edge.serve.safe_page import Trouble, build_safe_page

log = logging.getLogger(__name__)

RETRY_S = 300
LOOK_EVERY_S = 2.0
TRIAL = "SAFE_PAGE_TRIAL"
"""Set in the environment of the start that the safe page itself tries."""


def run(path: Path | None, read: Callable[[Path | None], Config]) -> None:
    """Run the service; where it can't start, the safe page, until it is told to stop. Raises what it can't show."""
    is_trial = os.environ.pop(TRIAL, "") != ""
    try:
        config = read(path)
    except ConfigError as error:
        logs.configure_logging("info")
        known = _listening(path)
        if known is None:
            raise
        _serve(known[0], known[1], None, failure_of(error), path)
    logs.configure_logging(config.runtime.log_level)
    starts = FailedStarts(config.data_dir)
    if (former := starts.begin(is_trial=is_trial)) is not None:
        _serve(config.serve, config.data_dir, starts, former, path)
    try:
        asyncio.run(service.run(config, on_ready=lambda running: _strike_out_later(starts), reread=lambda: load(path)))
    except Exception as error:
        if isinstance(error, ModelError) and config.serve.keep_page:
            raise  # the page was there already, and the service was told to stop
        log.error("the service ended: %s", error, exc_info=None if isinstance(error, EdgeError) else error)
        failure = failure_of(error)
        # systemd does not restart what is configured wrongly; and what can't be counted would go on for ever.
        is_last = starts.note(failure) or isinstance(error, ConfigError | ModelError) or not starts.is_kept
        if not is_last and not is_trial:
            raise
        try:
            _serve(config.serve, config.data_dir, starts, failure, path)
        except ServiceError:
            raise error from None  # such as a port that another program has
    starts.clear()


def failure_of(error: Exception) -> Failure:
    """What the safe page says of an error; of a fault of the program only its name, for its text may hold anything."""
    kinds = ((ConfigError, "config"), (ModelError, "models"), (StoreError, "storage"), (EdgeError, "unavailable"))
    kind = next((name for known, name in kinds if isinstance(error, known)), "crash")
    why = disclosure.hide(str(error)) if kind != "crash" else f"the program broke off with {type(error).__name__}"
    return Failure(kind, why)


def _strike_out_later(starts: FailedStarts) -> None:
    asyncio.get_running_loop().call_later(GOOD_AFTER_S, starts.clear)


def _serve(
    serve: ServeConfig, data_dir: Path, starts: FailedStarts | None, failure: Failure, path: Path | None
) -> NoReturn:
    """Show the page until there is reason to try again, then start anew in this process; ends when told to stop."""
    if starts is not None:
        starts.keep_safe()
    if asyncio.run(_show(serve, data_dir, failure, path)):
        log.info("the start is tried again")
        os.environ[TRIAL] = "1"
        os.execv(sys.executable, [sys.executable, *_arguments()])
    if starts is not None:
        starts.clear()
    raise SystemExit(0)


def _arguments() -> list[str]:
    """What this process was started with, for the interpreter."""
    return list(sys.orig_argv[1:])


async def _show(serve: ServeConfig, data_dir: Path, failure: Failure, path: Path | None) -> bool:
    """Serve the page; whether to try again (True), or the service was told to stop."""
    since = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        # A reload would end the page, and a file that changes is seen anyway.
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-safe-"))
        try:
            shown = await asyncio.to_thread(identity_without_names, serve, data_dir, Path(scratch))
        except ConfigError as error:
            # Without the installer's certificate there is no way to show the page beyond this machine.
            raise ServiceError(str(error)) from error
        page = build_safe_page(Trouble(failure.kind, failure.why, since, RETRY_S))
        runner, port = await start(page, serve.host, serve.port, None if shown is None else shown.context)
        stack.push_async_callback(runner.cleanup)
        log.error("the service can't run, a page on port %d says why: %s", port, failure.why)
        turns = itertools.count()
        feeding = asyncio.create_task(feed_watchdog(lambda: SignsOfLife(0, next(turns), is_any_live=False)))
        stack.callback(feeding.cancel)
        notify_systemd(f"READY=1\nSTATUS=can't run ({failure.kind}); a page says why")
        before, ends_at = _stamp(path), loop.time() + RETRY_S
        while loop.time() < ends_at:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), LOOK_EVERY_S)
                return False
            if _stamp(path) != before:
                return True
    return True


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        about = (path or DEFAULT_PATH).stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_ino


def _listening(path: Path | None) -> tuple[ServeConfig, Path] | None:
    """Address and data directory of a configuration that is wrong elsewhere; None where they can't be known."""
    try:
        values = file.read(path or DEFAULT_PATH, dict(os.environ))
        serve = ServeConfig.model_validate(values.get("serve", {}))
        return serve, Path(str(values.get("data_dir", Config().data_dir)))
    except (ConfigError, ValueError):  # pydantic's ValidationError is a ValueError
        return None
