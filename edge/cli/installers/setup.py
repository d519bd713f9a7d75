"""`edge setup`."""

from __future__ import annotations

import getpass
import logging
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.common import err, out
from edge.config import DEFAULT_PATH, Config, find_origins
from edge.errors import ConfigError, EdgeError
from edge.store.accounts.passwords import MIN_PASSWORD

AddressOption = Annotated[str | None, typer.Option(help="address and port of the page [default: 127.0.0.1:8080]")]
SourceOption = Annotated[
    str | None, typer.Option(help="rtsp://..., http://.../stream.mjpg, v4l2:/dev/video0, picamera:0, csi:0, a file")
]


def setup(
    camera: SourceOption = None,
    camera_name: Annotated[str, typer.Option(help="short name of the camera")] = "door",
    address: AddressOption = None,
    data_dir: Annotated[Path | None, typer.Option(help="folder of hits and list [default: /var/lib/edge]")] = None,
    supervisor: Annotated[str | None, typer.Option(help="who logs in first [default: the name of this user]")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing: options and defaults hold")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a configuration that is there")] = False,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="open the camera and check the address before writing anything")
    ] = True,
    config: Annotated[
        Path | None, typer.Option("--config", help="configuration file to write [default: /etc/edge/edge.toml]")
    ] = None,
) -> None:
    """Set up this box: test the camera, write the configuration, make the first supervisor.

    Asks for what is not given as an option. Nothing is written before the camera has given a picture.
    """
    from edge.app.service.settings import require_usable
    from edge.app.setup.plan import Plan, require_writable, write

    if not yes and not sys.stdin.isatty():
        raise ConfigError("`edge setup` asks, and there is no terminal: give --yes and --camera")
    path = config or find_origins().path
    if not _may_write(path, yes=yes, overwrite=overwrite):
        out.print("Nothing was changed.")
        return
    source = _test_camera(camera, camera_name, yes=yes, test=test)
    host, port = _address(address, yes=yes, test=test)
    folder = data_dir or Path(_ask("Folder of hits, pictures and the list", str(Config().data_dir), yes=yes))
    plan = Plan(source, folder.expanduser().resolve(), host, port, camera_name, loop=_is_recorded(source))
    made = plan.config()
    require_usable(made)  # says what is wrong before anything is written
    name, password = _ask_supervisor(supervisor, yes=yes)
    require_writable(path.parent)
    require_writable(plan.data_dir)
    former = write(plan, path)
    out.print(f"Written: {path}" + (f"; the former one is {former}" if former else ""), markup=False)
    more = "" if path == DEFAULT_PATH else f" --config {path}"
    _make_supervisor(made, name, password, more)
    _tell_next(more)


def _ask(question: str, default: str, *, yes: bool) -> str:
    return default if yes else str(typer.prompt(question, default=default or None, err=True)).strip()


def _may_write(path: Path, *, yes: bool, overwrite: bool) -> bool:
    """Whether to write; a configuration that is there is only replaced where somebody said so."""
    if not path.exists() or overwrite:
        return True
    if yes:
        raise ConfigError(f"{path}: is there already, and is left as it is; give --overwrite to replace it")
    return bool(typer.confirm(f"{path} is there already. Replace it?", default=False, err=True))


def _test_camera(given: str | None, name: str, *, yes: bool, test: bool) -> str:
    """The source of a camera that gave a picture; in a terminal, asked for until one does."""
    from edge.app.setup.camera import completed, look, proposed

    while True:
        source = completed(given or _ask("Camera (such as rtsp://user:password@address/path)", proposed(), yes=yes))
        if not source:
            raise ConfigError("no camera was given, and this machine has no video device: give --camera")
        if not test:
            return source
        err.print("Opening the camera ...", markup=False)
        logging.getLogger("edge").addHandler(logging.NullHandler())  # what the camera's side logs is said here, once
        try:
            seen = look(name, source)
        except EdgeError as error:
            if yes:
                raise
            err.print(f"{error}\n", soft_wrap=True, markup=False)
            given = None
            continue
        out.print(f"The camera works: {seen.width} x {seen.height}.", markup=False)
        return source


def _is_recorded(source: str) -> bool:
    from edge.app.setup.camera import is_recorded

    return is_recorded(source)


def _address(given: str | None, *, yes: bool, test: bool) -> tuple[str, int]:
    """Host and port of the page; in a terminal, asked for until they can be used."""
    from edge.app.setup import address

    question, usual = "Address of the page (0.0.0.0:8080 for other machines, too)", f"{address.HOST}:{address.PORT}"
    while True:
        try:
            host, port = address.parse(given or _ask(question, usual, yes=yes))
            if test:
                address.require_own(host)
        except ConfigError as error:
            if given or yes:
                raise typer.BadParameter(str(error)) from None
            err.print(f"{error}\n", soft_wrap=True, markup=False)
            continue
        return host, port


def _ask_supervisor(name: str | None, *, yes: bool) -> tuple[str, str]:
    """Name and password of the first supervisor; an empty password stands for a link."""
    name = name or _ask("Your name on the page; you are its first supervisor", getpass.getuser(), yes=yes)
    password = (
        ""
        if yes
        else typer.prompt(
            "Password (empty: a link that logs you in once)", "", hide_input=True, err=True, show_default=False
        )
    )
    while password and len(password) < MIN_PASSWORD:
        password = typer.prompt(
            f"At least {MIN_PASSWORD} characters", "", hide_input=True, err=True, show_default=False
        )
    return name, password


def _make_supervisor(made: Config, name: str, password: str, more: str) -> None:
    """Make the first supervisor; `more` is what each further command needs to find this configuration."""
    from edge.app.setup.plan import LINK_MINUTES, make_supervisor
    from edge.reach import is_encrypted, page_url

    done = make_supervisor(made, name, password or None)
    if done.known:
        out.print(f"{', '.join(done.known)} can log in as supervisor already: nobody was added.", markup=False)
    elif done.link:
        out.print(f"\nThis link logs {name} in once, within {LINK_MINUTES // 60} hours:\n    {done.link}", markup=False)
        if is_encrypted(made.serve):
            out.print(
                "If that name is not known on your network, put this machine's IP address in its place. The browser "
                "warns of the box's own certificate: compare its fingerprint with the one in the log of the service.",
                markup=False,
            )
        edge = called()
        out.print(
            f"`{edge} user password {name}{more}` gives a password, `{edge} user link {name}{more}` another link.",
            markup=False,
        )
    else:
        out.print(f"\n{name} may log in as supervisor at {page_url(made.serve)}.", markup=False)


def called() -> str:
    """The command as whoever called it can call it again: `edge`, or where that is not found the path they typed."""
    typed = sys.argv[0]
    return typed if Path(typed).name == "edge" and not shutil.which("edge") else "edge"


def _tell_next(more: str) -> None:
    out.print(f"\nNext:\n    {called()} doctor{more}\n    {called()} run{more}", markup=False)
    out.print("    then open the page, log in, and enrol somebody under People.", markup=False)
