"""The operator's tool and the service that does what it asks for."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deploy.local import Stack
from services.common.deadletter_cli import main
from tests.integration.plumbing.events import answer_id, bad_record, records, step
from tests.integration.plumbing.ladder import SECRET, Ladder
from tests.integration.plumbing.world import SERVICE, World, emptied_world

Tool = Callable[..., Awaitable[tuple[int, str]]]
DONE = ("--apply", "--by", "ada", "--note", "mended")


@pytest.fixture
async def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        monkeypatch.setenv("CHORALE_DSN", found.dsns.worker)
        yield found


@pytest.fixture
def tool(world: World, capsys: pytest.CaptureFixture[str]) -> Tool:
    async def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(main, [*arguments, "--service", SERVICE])
        return code, capsys.readouterr().out

    return run


async def _park_three(world: World) -> None:
    """Key a: a bug and two behind it. Key b: rejected. One without a key."""
    deliver = world.deliver()
    await deliver.batch(records(step("a", 1, number="bug"), step("a", 2), step("b", 1, number="rejected")))
    await deliver.batch([*records(step("a", 3)), bad_record(key=None, value=b"\xff")])


async def test_list_and_show_say_what_is_parked_and_why(world: World, tool: Tool) -> None:
    await _park_three(world)
    code, out = await tool("list")
    assert code == 0
    assert "5 dead letters of notify" in out
    assert all(word in out for word in ("BUG", "BEHIND", "TEST_RULE", "fr.chorale.status.changed.v1", "test.steps/0/"))
    code, out = await tool("list", "--key", "b")
    assert "1 dead letters" in out
    code, out = await tool("show", "1")
    assert all(word in out for word in ('"detail": "Broken"', "_go_wrong", "ce_id", "value_bytes"))
    assert "invoice_number" not in out
    code, out = await tool("show", "1", "--payload", "--by", "Camille Martin")
    assert (code, "invoice_number" in out) == (2, False)
    code, out = await tool("show", "1", "--payload", "--by", "Camille Martin", "--note", "Réclamation 4711")
    assert "invoice_number" in out
    look = await world.pool.fetchrow("select subject, reason, everywhere from operator_look order by id desc limit 1")
    assert look is not None
    assert tuple(look) == ("commande:Camille Martin", "Réclamation 4711", True), "it names no tenant"
    assert SECRET not in out


async def test_a_key_cannot_move_the_operators_cursor(world: World, tool: Tool) -> None:
    await world.deliver().batch([bad_record(key=b"\x1b[2Jx\r\n")])
    _, out = await tool("list")
    assert "\x1b" not in out
    assert "\\x1b[2Jx" in out


async def test_a_dry_run_changes_nothing(world: World, tool: Tool) -> None:
    await _park_three(world)
    before = [dict(row) for row in await world.letters()]
    for action in ("replay", "drop"):
        code, out = await tool(action, "--all")
        assert code == 0
        assert "Dry run: 5 letters" in out
    assert [dict(row) for row in await world.letters()] == before
    assert await world.empty("dead_letter_audit")


async def test_applying_needs_a_name_and_a_choice(world: World, tool: Tool) -> None:
    await _park_three(world)
    code, out = await tool("drop", "1", "--apply")
    assert (code, "--by" in out) == (2, True)
    code, out = await tool("drop", *DONE)
    assert (code, "Say which" in out) == (2, True)
    assert {state for _, state in await world.states()} == {"parked"}


async def test_a_replay_applies_the_letter_and_its_followers_in_order(world: World, tool: Tool) -> None:
    events = [step("a", 1, number="bug"), step("a", 2), step("a", 3)]
    await world.deliver().batch(records(*events))
    code, out = await tool("replay", "1", *DONE)
    assert code == 0
    assert "3 letters: replay." in out
    await world.sweeper(Ladder(mended=True)).sweep()
    assert await world.effects("a") == [1, 2, 3]
    assert await world.outgoing_ids() == [answer_id(event) for event in events]
    assert {state for _, state in await world.states()} == {"replayed"}
    audit = await world.pool.fetch("select action, operator, note from dead_letter_audit order by id")
    assert [tuple(row) for row in audit[:3]] == [("replay", "ada", "mended")] * 3
    assert [tuple(row) for row in audit[3:]] == [("replayed", "service", None)] * 3
    await world.deliver().batch(records(*events, step("a", 4)))
    assert await world.effects("a") == [1, 2, 3, 4]


async def test_an_event_that_comes_between_the_decision_and_the_replay_goes_on_behind_it(
    world: World, tool: Tool
) -> None:
    await world.deliver().batch(records(step("a", 1, number="bug"), step("a", 2)))
    await tool("replay", "1", *DONE)
    await world.deliver().batch(records(step("a", 3)))
    assert (await world.states())[2] == ("behind", "parked")
    await world.sweeper(Ladder(mended=True)).sweep()
    assert await world.effects("a") == [1, 2, 3]


async def test_a_replay_that_fails_parks_again_with_its_new_reason_and_keeps_the_order(
    world: World, tool: Tool
) -> None:
    await world.deliver().batch(records(step("a", 1, number="bug"), step("a", 2, number="rejected"), step("a", 3)))
    await tool("replay", "1", *DONE)
    half_mended = Ladder()
    del half_mended.wrong["bug"]
    for _ in range(2):
        await world.sweeper(half_mended).sweep()
    assert await world.states() == [("bug", "replayed"), ("rejected", "parked"), ("behind", "parked")]
    assert [(row["reason"], row["attempts"]) for row in await world.letters()][1] == ("TEST_RULE", 2)
    assert await world.effects("a") == [1]
    await world.deliver().batch(records(step("a", 4)))
    await tool("replay", "--key", "a", *DONE)
    await world.sweeper(Ladder(mended=True)).sweep()
    assert await world.effects("a") == [1, 2, 3, 4]


async def test_poison_that_is_replayed_is_parked_again(world: World, tool: Tool) -> None:
    await world.deliver().batch([bad_record(key=None, value=b"\xff"), *records(step("a", 1, number="bug"))])
    await tool("replay", "--all", *DONE)
    await world.sweeper(Ladder(mended=True)).sweep()
    assert [state for _, state in await world.states()] == ["parked", "replayed"]
    assert (await world.letters())[0]["attempts"] == 2


async def test_two_instances_replay_each_letter_once(world: World, tool: Tool) -> None:
    keys = [f"k{number}" for number in range(10)]
    await world.deliver().batch(records(*(step(key, n, number="bug") for key in keys for n in (1, 2))))
    await tool("replay", "--all", *DONE)
    mended = Ladder(mended=True)
    await asyncio.gather(*(world.sweeper(mended).sweep() for _ in range(3)))
    for key in keys:
        assert await world.effects(key) == [1, 2]
    assert all(row["attempts"] == 2 for row in await world.letters())


async def test_a_drop_releases_those_behind_up_to_the_next_that_stays(world: World, tool: Tool) -> None:
    deliver = world.deliver()
    await deliver.batch(records(step("a", 1, number="rejected"), step("a", 1)))
    await deliver.batch([bad_record(key=b"a"), *records(step("a", 2))])
    code, out = await tool("drop", "1", *DONE)
    assert code == 0
    assert "1 letters parked behind are released" in out
    await world.sweeper().sweep()
    assert await world.effects("a") == [1]
    expected = [("rejected", "dropped"), ("behind", "replayed"), ("poison", "parked"), ("behind", "parked")]
    assert await world.states() == expected
    await tool("drop", "3", *DONE)
    await world.sweeper().sweep()
    assert await world.effects("a") == [1, 2]
    actions = await world.pool.fetch("select action from dead_letter_audit where operator = 'ada' order by id")
    assert [row["action"] for row in actions] == ["drop", "released", "drop", "released"]


async def test_an_event_parked_while_its_blocker_is_dropped_is_not_forgotten(world: World, tool: Tool) -> None:
    """The tool holds no key lock: a follower may be parked by a transaction that still saw the letter open."""
    await world.deliver().batch(records(step("a", 1, number="rejected")))
    await world.deliver().batch(records(step("a", 1)))
    await world.pool.execute("update dead_letter set state = 'dropped' where id = 1")
    await world.sweeper().sweep()
    assert await world.effects("a") == [1]


async def test_what_is_settled_is_never_settled_again(world: World, tool: Tool) -> None:
    await world.deliver().batch(records(step("a", 1, number="bug")))
    await tool("replay", "1", *DONE)
    await world.sweeper(Ladder(mended=True)).sweep()
    for action in ("drop", "replay"):
        _, out = await tool(action, "1", "--settled", *DONE)
        assert "0 letters" in out
    assert await world.states() == [("bug", "replayed")]
    await world.sweeper().sweep()
    assert await world.effects("a") == [1]
    _, out = await tool("show", "1")
    assert "replay by ada: mended" in out


async def test_a_drop_and_a_replay_at_once_never_do_both(world: World, tool: Tool) -> None:
    for number in range(6):
        key = f"k{number}"
        await world.deliver().batch(records(step(key, 1, number="bug")))
        await tool("replay", "--key", key, *DONE)
        await asyncio.gather(tool("drop", "--key", key, *DONE), world.sweeper(Ladder(mended=True)).sweep())
        state = await world.pool.fetchval("select state from dead_letter where key = $1", key)
        assert (state, await world.effects(key)) in (("dropped", []), ("replayed", [1]))


async def test_the_tool_is_a_command(world: World) -> None:
    await _park_three(world)
    command = [sys.executable, "-m", "services.common.deadletter", "replay", "--service", SERVICE, "--reason", "BUG"]
    done = await asyncio.to_thread(
        subprocess.run, [*command, *DONE], env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "3 letters: replay." in done.stdout
