"""What may be shown of a camera's source: scheme, host, port and path. Passwords never, wherever they come up.

`shown` gives the form of a source for people; `hide` masks secrets in any text, also in what libraries say. Passwords
are remembered from the sources themselves and from what `credentials` fills in; none is kept elsewhere.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import sys
import threading
import traceback
from types import TracebackType
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from edge import credentials

HIDDEN = "***"
NETWORK = ("rtsp", "rtsps", "http", "https")
_EXAMPLE_LOGIN = re.compile(r"user:pass(%[0-9A-F]{2})*word")
"""What messages write in the place of a login; it is nobody's."""
MIN_LENGTH = 3
"""Shorter secrets are masked in addresses alone: elsewhere they would be found in every other word."""

_PASSWORD_NAMES = "password|passwd|passwort|passphrase|pass|pwd|psw|pswd|passcode|secret"
_SECRET_NAMES = (
    rf"{_PASSWORD_NAMES}|pw|p|token|access_?token|api_?key|access_?key|key|auth|authorization|signature|sign|sig|session|sid|"
    "sessionid|credentials?|login|loginpas|loginpass|login_?password|user_?pass|userpwd|usrpwd|[a-z_]*(?:pwd|passwd|password|token|secret)"
)
_LOGIN_NAMES = rf"{_SECRET_NAMES}|user|username|usr|usrname|user_?name|loginuse|loginname|account|u"
# Recorders write `/user=admin_password=secret_channel=1`: `_` and a further name end a value, too.
_VALUE = r"=((?:(?!_[A-Za-z]+=)[^/?&;,#\s\"'<>])*)"
_IN_ADDRESS = re.compile(rf"(?<![A-Za-z])({_LOGIN_NAMES}){_VALUE}", re.IGNORECASE)
_IN_TEXT = re.compile(rf"(?<![A-Za-z])({_PASSWORD_NAMES}){_VALUE}", re.IGNORECASE)
_SECRET_PAIR = re.compile(rf"(?<![A-Za-z])({_SECRET_NAMES}){_VALUE}", re.IGNORECASE)
_PATH_LOGIN = re.compile(r"(?<=/)([^/:?#]+):([^/:?#]+)(?=/|$)")
"""Some recorders want `/0/user:secret/main`."""
_USER_NAMES = "admin|administrator|root|user|guest|operator|viewer|service|supervisor"
_AFTER_USER = re.compile(rf"(?<=/)({_USER_NAMES}|{_PASSWORD_NAMES}|token)/([^/?#]+)", re.IGNORECASE)
"""Others want `/admin/secret/main`."""
_ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*)://?([^\s\"'<>]+)")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?", re.ASCII)

_lock = threading.Lock()
_forms: set[str] = set()
_hosts: set[str] = set()
_known: re.Pattern[str] | None = None


def split_login(rest: str) -> tuple[str | None, str]:
    """Split what follows `://` into login and the rest; marks that belong escaped may stand in the login.

    The login ends at the last `@` before the path. An `@` after that counts, too, where a host follows it and what
    stands before the path is no host.
    """
    head = re.split(r"[/?#]", rest, maxsplit=1)[0]
    login, at, _ = head.rpartition("@")
    end = len(login) if at else -1
    later = rest.rfind("@", len(head))
    if later >= 0 and _is_host(re.split(r"[/?#]", rest[later + 1 :], maxsplit=1)[0]) and not _is_query(rest, later):
        end = later
    return (None, rest) if end < 0 else (rest[:end], rest[end + 1 :])


def _is_query(rest: str, at: int) -> bool:
    """Whether the `@` at that place belongs to a value of a query, as in `host/a?mail=a@b.c`."""
    before, mark, query = rest[:at].partition("?")
    host = re.split(r"[/#]", before, maxsplit=1)[0].rpartition("@")[2]
    return bool(mark) and "=" in query and "#" not in rest[:at] and _HOST.fullmatch(host) is not None


def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def shown(source: str) -> str:
    """The source as people may see it: no user name, no password, no query."""
    remember(source)
    scheme, mark, rest = source.partition("://")
    if not mark:
        kind, colon, rest = source.partition(":")
        is_path = colon and kind.lower() in ("file", "folder", "v4l2", "picamera", "csi")
        return (
            hide(source)
            if is_path
            else hide(_IN_ADDRESS.sub(rf"\1={HIDDEN}", _without_query(source.rpartition("@")[2])))
        )
    return hide(f"{scheme}://{_reduced(rest)}")


def _reduced(rest: str) -> str:
    """Host, port and path of what follows `://`."""
    login, rest = split_login(rest)
    host, path = re.match(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    if login is None and not _is_host(host) and host:
        host = HIDDEN  # half a login, or what is left of one
    path = _without_query(path)
    if _IN_ADDRESS.search(path) is None and _IN_ADDRESS.search(unquote(path)) is not None:
        path = unquote(path)
    path = _PATH_LOGIN.sub(HIDDEN, _IN_ADDRESS.sub(rf"\1={HIDDEN}", path))
    return host + _AFTER_USER.sub(rf"\1/{HIDDEN}", path)


def _without_query(text: str) -> str:
    return re.split(r"[?#]", text, maxsplit=1)[0]


def remember(source: str) -> None:
    """Remember the secrets of a source, and those that its `{credential:NAME}` stand for."""
    secrets = [found for name in credentials.names(source) if (found := credentials.peek(name)) is not None]
    scheme, mark, rest = source.partition("://")
    if mark and scheme.lower() in NETWORK:
        login, rest = split_login(rest)
        if login is not None:
            user, colon, password = login.partition(":")
            secrets.append(password if colon else user)
            _remember_form(base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode())
        pairs = [
            pair
            for text in (rest, unquote(rest))
            for found in (_SECRET_PAIR, _PATH_LOGIN)
            for pair in found.findall(text)
        ]
        secrets += [value for _, value in pairs]
        host = re.split(r"[/?#]", rest, maxsplit=1)[0].lower()
        with _lock:
            _hosts.add(host)
    for secret in secrets:
        remember_secret(secret)


def remember_secret(secret: str) -> None:
    """Remember one secret in every form in which it may come up."""
    for plain in {secret, unquote(secret), unquote_plus(secret)}:
        escaped = {quote(plain, safe=""), quote(plain), quote_plus(plain), html.escape(plain), json.dumps(plain)[1:-1]}
        escaped |= {one.replace("%", "%25") for one in escaped}
        lower = {re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), one) for one in escaped}
        for form in {plain, repr(plain)[1:-1]} | escaped | lower:
            _remember_form(form)


def _remember_form(form: str) -> None:
    global _known
    if len(form) < MIN_LENGTH or credentials.names(form) or _EXAMPLE_LOGIN.fullmatch(f"user:{form}") or form == HIDDEN:
        return
    with _lock:
        if form not in _forms:
            _forms.add(form)
            longest_first = sorted(_forms, key=len, reverse=True)
            _known = re.compile("|".join(map(re.escape, longest_first)))


def hide(text: str) -> str:
    """The text with every known secret masked, logins taken out of addresses, and cameras' addresses cut short."""
    if (known := _known) is not None:
        text = known.sub(HIDDEN, text)
    if "://" in text:
        text = _ADDRESS.sub(_hide_in_address, text)
    return _IN_TEXT.sub(rf"\1={HIDDEN}", text) if "=" in text else text


def _hide_in_address(found: re.Match[str]) -> str:
    scheme, rest = found[1], found[2]
    login, after = split_login(rest)
    if _EXAMPLE_LOGIN.fullmatch(login or ""):
        return found[0]
    host = re.split(r"[/?#]", after, maxsplit=1)[0].lower()
    is_camera = scheme.lower() in ("rtsp", "rtsps") or host in _hosts
    if login is None and not is_camera:
        return found[0]
    end = re.search(r"[).,;:!]*$", rest)
    return f"{scheme}://{_reduced(rest)}" + (end[0] if end and not _reduced(rest).endswith(end[0]) else "")


class SecretsFilter(logging.Filter):
    """Masks secrets in all that is logged, tracebacks too."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, masked."""
        record.msg, record.args = hide(record.getMessage()), None
        if record.exc_info:
            kind, error, trace = record.exc_info
            record.exc_text = hide("".join(traceback.format_exception(kind, error, trace)).rstrip())
        return True


def guard_tracebacks() -> None:
    """Mask secrets in what Python itself writes to stderr of errors that nobody caught."""

    def write(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if sys.stderr is not None:
            sys.stderr.write(hide("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = write
    threading.excepthook = lambda told: write(told.exc_type, told.exc_value, told.exc_traceback)
    if logging.lastResort is not None:
        logging.lastResort.addFilter(SecretsFilter())
