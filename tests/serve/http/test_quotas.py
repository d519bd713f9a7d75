"""Limits are each caller's first and the box's last, and the last tenth is for those who hold little."""

from __future__ import annotations

import contextlib

import pytest

from edge.errors import AuthError
from edge.serve.http.quotas import ConnectionLimits, OpenConnections, Shares, network_of


def hold(shares: Shares, stack: contextlib.ExitStack, owner: str, times: int) -> int:
    """Hold as many as it gets of `times`."""
    got = 0
    for _ in range(times):
        with contextlib.suppress(AuthError):
            stack.enter_context(shares.held_by(owner))
            got += 1
    return got


def test_one_caller_leaves_room_for_others_and_two_leave_the_last_tenth() -> None:
    shares = Shares(100, "long polls")
    with contextlib.ExitStack() as stack:
        assert hold(shares, stack, "token a", 110) == 50
        assert hold(shares, stack, "token b", 110) == 40
        assert hold(shares, stack, "token c", 110) == 8, "the last tenth, a little for each"
        assert hold(shares, stack, "user a", 110) == 2
        with pytest.raises(AuthError, match="all 100 long polls") as caught, shares.held_by("token d"):
            pass
        assert (caught.value.http_status, caught.value.retry_after_s) == (429, 5)
    assert shares.used == 0


def test_a_share_may_be_named() -> None:
    shares = Shares(64, "live views", per_owner=16)
    with contextlib.ExitStack() as stack:
        assert [hold(shares, stack, f"user {name}", 64) for name in "abcde"] == [16, 16, 16, 10, 6]


def test_addresses_that_crowd_leave_connections_for_others() -> None:
    connections: OpenConnections[int] = OpenConnections(ConnectionLimits(400, 250))
    number = 0
    for address in ("127.0.0.2", "127.0.0.3"):
        for _ in range(250):
            if connections.why_full(address) is None:
                connections.add(number := number + 1, address)
    assert number == 360
    assert connections.why_full("127.0.0.3") == "the last connections are for other addresses"
    for _ in range(8):
        assert connections.why_full("127.0.0.9") is None
        connections.add(number := number + 1, "127.0.0.9")
    assert connections.why_full("127.0.0.9") is not None
    assert connections.why_full("127.0.0.10") is None


def test_a_machine_with_many_ipv6_addresses_is_one() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:192.0.2.7") == network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("fe80::1%eth0") == network_of("fe80::2%eth0")
    assert network_of("?") == "?"
