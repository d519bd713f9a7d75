"""The address of the page: what is typed for it, and whether this machine has it."""

from __future__ import annotations

import pytest

from edge.app.setup.address import parse, require_own
from edge.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        (" 0.0.0.0 ", ("0.0.0.0", 8080)),
        ("8443", ("127.0.0.1", 8443)),
        ("localhost:80", ("localhost", 80)),
        ("gate.example", ("gate.example", 8080)),
        ("::1", ("::1", 8080)),
        ("[::]:8443", ("::", 8443)),
    ],
)
def test_what_is_an_address(text: str, expected: tuple[str, int]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", ":8080", "0.0.0.0:", "http://0.0.0.0:8080", "0.0.0.0:8080/", "a b", "host:port"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match=r"write it as 127\.0\.0\.1:8080"):
        parse(text)


def test_only_an_address_of_this_machine_can_be_listened_on() -> None:
    for host in ("127.0.0.1", "0.0.0.0", "localhost"):
        require_own(host)
    for host in ("300.1.1.1", "192.0.2.1"):
        with pytest.raises(ConfigError, match=r"0\.0\.0\.0 for all"):
            require_own(host)
