"""Erases a person: the one way, for page and API alike."""

from __future__ import annotations

from aiohttp import web

from edge.serve.app_keys import STORE, written
from edge.serve.ports import EXAMINER, PEOPLE
from edge.store import Receipt


async def erase_person(
    app: web.Application, person_id: str, *, by: str, if_version: int | None = None
) -> tuple[Receipt, int]:
    """Erase a person and delete all results of examinations, since any may show them; return receipt and their number.

    Works without the people service, too: a person can be erased from a device whose models are missing.

    Raises PreconditionError if the watchlist no longer has the version `if_version`.
    """
    if (service := app[PEOPLE]) is not None:
        receipt = await service.erase(person_id, by=by, if_version=if_version)
    else:
        receipt = await written(app[STORE].forget_person(person_id, by=by, if_version=if_version))
    examiner = app[EXAMINER]
    return receipt, await examiner.remove_all() if examiner is not None else 0
