"""`edge backup ...`: the data directory as one file, and back."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, err, out, print_json, progress_bars, read_config
from edge.errors import ImageError
from edge.names import counted
from edge.store import Store
from edge.store.backup.archive import Manifest

if TYPE_CHECKING:
    from edge.store.backup.restore import Present

app = typer.Typer(help="The data directory as one file, and back.", no_args_is_help=True)


@app.command("create")
def backup_create(
    file: Annotated[Path, typer.Argument(help="file to write; it must not exist yet")],
    recipient: Annotated[
        list[str] | None,
        typer.Option(help="encrypt for this key: age1..., an OpenSSH public key, or a file that holds one"),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write database, pictures and keys as of one instant to a file; the service may run meanwhile.

    Without a recipient the file is not encrypted: whoever has it has the list, the pictures and the keys.
    """
    from edge.store.backup.create import create

    data_dir = read_config(config).data_dir
    if not (data_dir / "edge.db").exists():
        raise ImageError(f"{data_dir}: there is no data to back up yet")
    lost: list[str] = []
    with Store.open(data_dir) as store, progress_bars() as tell:
        made = create(data_dir, file, dt.datetime.now(dt.UTC), tuple(recipient or ()), tell, lost.append)
        store.audit("local", "backup.create", "backup", {"head": made.head, "encrypted": bool(recipient)}).result()
        owners = {sha256: store.pictured_in_reference(sha256) for sha256 in lost}
    told = _told(made) | {"file": str(file), "is_encrypted": bool(recipient), "left_out": owners}
    if lost:
        named = ", ".join(f"{sha256[:12]}" + (f" (of {owner})" if owner else "") for sha256, owner in owners.items())
        err.print(
            f"warning: {counted(len(lost), 'picture', 'pictures')} left out, for the file in {data_dir / 'blobs'} is "
            f"missing or damaged: {named}; enrol pictures of people again",
            soft_wrap=True,
            markup=False,
        )
    if as_json:
        print_json(told)
        return
    how = "encrypted" if recipient else "NOT encrypted: whoever has it has the list, the pictures and the keys"
    out.print(f"{file} holds {_in_words(made)}; it is {how}.")


@app.command("restore")
def backup_restore(
    file: Annotated[Path, typer.Argument(help="file of `edge backup create`")],
    identity: Annotated[Path | None, typer.Option(help="file with the private key, where it is encrypted")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without this, only say what would be replaced")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a backup whole, and say what it would replace; with `--yes` put it in the place of the data.

    The service must be stopped. A new feed epoch begins, and pullers are told. What was there lies in the folder
    `restore.replaced` of the data directory until the next erasure or restore, or until the disk is short.
    """
    from edge.store.backup import restore

    data_dir = read_config(config).data_dir
    now = dt.datetime.now(dt.UTC)
    with progress_bars() as tell:
        found = restore.restore(file, data_dir, now, identity, tell) if yes else restore.look(file, identity, tell)
    there = (restore.replaced if yes else restore.present)(data_dir, found.made_at)
    if as_json:
        present = None if there is None else dataclasses.asdict(there)
        print_json({"backup": _told(found), "present": present, "is_done": yes})
        return
    if yes:
        out.print(f"Restored: {_in_words(found)}. Start the service; `edge doctor` says if this is another machine.")
        _tell_erased(there)
        return
    out.print(f"The backup is whole: {_in_words(found)}.")
    if there is None:
        out.print(f"There is no data in {data_dir} that it would replace.")
    else:
        out.print(
            f"It would replace {there.device_id}: {counted(there.people, 'person', 'people')}, "
            f"{counted(there.hits, 'hit', 'hits')}, feed up to {there.head}."
        )
    if not found.sha256:
        out.print(
            "An earlier version made it: nothing vouches for its counts and dates; its files are checked all the same."
        )
    _tell_erased(there)
    out.print("Nothing was changed: stop the service, and give --yes.")


def _tell_erased(there: Present | None) -> None:
    """Say that the backup may hold people who were erased since: nothing but this line tells of it."""
    if there is not None and there.erased_since:
        erased = "1 person was" if there.erased_since == 1 else f"{there.erased_since} people were"
        out.print(f"{erased} erased here since; whoever of them is in the backup must be erased again.")


def _told(made: Manifest) -> dict[str, object]:
    told = {key: getattr(made, key) for key in ("device_id", "made_at", "program", "epoch", "head")}
    return told | {key: getattr(made, key) for key in ("people", "hits", "pictures", "num_bytes")}


def _in_words(made: Manifest) -> str:
    nouns = ((made.people, "person", "people"), (made.hits, "hit", "hits"), (made.pictures, "picture", "pictures"))
    counts = ", ".join(counted(*one) for one in nouns)
    return f"{made.device_id} of {made.made_at}: {counts}, feed up to {made.head}"
