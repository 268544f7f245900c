"""Passwords are hashed slowly, salted, and off the event loop."""

import asyncio

from polymem.app.passwords import Argon2Hasher


async def test_a_password_fits_its_own_hash_only() -> None:
    hasher = Argon2Hasher(memory_kib=64, passes=1, lanes=1)
    one, other = await hasher.hash("tulip"), await hasher.hash("tulip")
    assert one != other
    assert one.startswith("$argon2id$")
    assert "tulip" not in one
    assert await hasher.verify("tulip", one)
    assert await hasher.verify("tulip", other)
    assert not await hasher.verify("Tulip", one)
    assert not await hasher.verify("tulip", "no hash at all")
    assert not await hasher.verify("half a pair \ud800", one)


async def test_without_an_account_as_much_is_computed() -> None:
    hasher = Argon2Hasher(memory_kib=64, passes=1, lanes=1)
    assert not await hasher.verify("decoy", None)


async def test_the_event_loop_goes_on_meanwhile() -> None:
    hashing = asyncio.create_task(Argon2Hasher().hash("tulip"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
