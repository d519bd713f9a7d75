"""What `edge setup` is to do, and the doing: the configuration file, the data directory, the first supervisor."""

from __future__ import annotations

import json
import os
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edge import durable
from edge.config import Config, explain
from edge.errors import ConfigError, StoreError
from edge.reach import page_url
from edge.store import Store

LINK_MINUTES = 24 * 60
CAMERA_NAME = "door"
_HEAD = """\
# Written by `edge setup`. docs/settings.md lists every setting with its unit, limits and default; an unknown key is
# refused by name. `edge config show` prints what is in force, `edge config check` whether it can be used.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """One appliance with one camera."""

    source: str
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    camera_name: str = CAMERA_NAME
    loop: bool = False

    def text(self) -> str:
        """The configuration file."""
        loop = "loop = true\n" if self.loop else ""
        return (
            f"{_HEAD}\ndata_dir = {_quoted(str(self.data_dir))}\n\n"
            f"[serve]\nhost = {_quoted(self.host)}\nport = {self.port}\n\n"
            f"[[camera]]\nname = {_quoted(self.camera_name)}\nsource = {_quoted(self.source)}\n{loop}"
        )

    def config(self) -> Config:
        """The settings that this file gives; ConfigError names what can't be used."""
        values: dict[str, Any] = tomllib.loads(self.text())
        try:
            return Config.model_validate(values)
        except ValidationError as error:
            raise ConfigError(explain(error, Path("edge setup"))) from None


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The first supervisor: how they come in. Both are empty where somebody can log in already."""

    name: str
    link: str = ""
    known: tuple[str, ...] = ()
    """Supervisors there were before."""


def require_writable(folder: Path) -> None:
    """Make `folder`; ConfigError with the line that gives it to this user where that is refused."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(folder, PermissionError("it belongs to somebody else"))


def write(plan: Plan, path: Path) -> Path | None:
    """Write the configuration in one step; a former one is kept beside it. Returns where, or None."""
    plan.config()
    former = path.with_name(path.name + ".before") if path.is_file() else None
    try:
        if former is not None:
            durable.replace(former, path.read_bytes())
        durable.replace(path, plan.text().encode())
    except OSError as error:
        raise _refused(path.parent, error) from None
    return former


def make_supervisor(config: Config, name: str, password: str | None) -> Supervisor:
    """Make the first supervisor, with `password` or with a link that works once; nobody where there is one already."""
    with Store.open(config.data_dir) as store:
        users = store.users()
        known = tuple(user.name for user in users if user.role == "supervisor")
        if known:
            return Supervisor(name, known=known)
        if any(user.name == name for user in users):
            raise StoreError(f"{name!r} can log in already, but not as supervisor; give another name with --supervisor")
        store.add_user(name, "supervisor", password or secrets.token_urlsafe(32)).result()
        if password:
            return Supervisor(name)
        secret = store.add_login_link(name, minutes=LINK_MINUTES).result()
    return Supervisor(name, f"{page_url(config.serve)}/login/link?token={secret}")


def _refused(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{folder}: can't be written ({error.strerror or error}); give it to yourself with "
        f'`sudo install -d -m 0700 -o "$(id -un)" {folder}`, or choose another place with --config and --data-dir'
    )


def _quoted(text: str) -> str:
    """A TOML string. JSON's escapes are TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
