"""The claim of a new device, and the language of a user."""

from __future__ import annotations

import pytest

from edge.errors import AuthError, ConflictError
from edge.store import Store


def test_a_claim_code_works_once_and_makes_one_supervisor(store: Store) -> None:
    assert not store.claim.is_claimed()
    old = store.claim.new_code().result(10)
    code = store.claim.new_code().result(10)
    for wrong in (old, "", "AAAA-AAAA-AAAA"):
        with pytest.raises(AuthError, match="not the code"):
            store.claim.redeem(wrong, "rosa", "correct horse 1").result(30)
    store.claim.redeem(code.lower().replace("-", " "), "rosa", "correct horse 1").result(30)
    assert [(user.name, user.role) for user in store.users()] == [("rosa", "supervisor")]
    assert store.claim.is_claimed()
    for call in (lambda: store.claim.redeem(code, "eve", "correct horse 1"), store.claim.new_code):
        with pytest.raises(ConflictError, match="has been claimed"):
            call().result(30)


def test_a_session_knows_its_users_language(store: Store) -> None:
    store.add_user("rosa", "guard", "correct horse 1").result(30)
    secret = store.add_session("rosa", 1).result(10)
    session = store.check_session(secret)
    assert session is not None
    assert session.language is None
    store.set_language("rosa", "de").result(10)
    session = store.check_session(secret)
    assert session is not None
    assert session.language == "de"
