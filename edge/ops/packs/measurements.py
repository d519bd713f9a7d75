"""Files in the data directory that hold what `edge probe` measured on this device, one record each."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from edge import durable
from edge.errors import ConfigError, StoreError

Record = TypeVar("Record", bound=BaseModel)


def read(path: Path, kind: type[Record], again: str) -> Record | None:
    """The record of a file; None if there is none, ConfigError, with the command that makes it `again`, if damaged."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); check who owns data_dir") from None
    except ValidationError as error:
        raise ConfigError(f"{path}: damaged ({error.errors()[0]['msg']}); run `{again}` again") from None


def write(path: Path, record: BaseModel) -> Path:
    """Put a record in the place of the former one; StoreError where the disk does not take it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, (record.model_dump_json(indent=2) + "\n").encode())
    except OSError as error:
        raise StoreError(f"{path}: can't be written ({error.strerror}); check who owns data_dir") from None
    return path
