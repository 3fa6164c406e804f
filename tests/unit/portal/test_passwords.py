"""Passwords: what is refused, and that hashing is bounded and of the recommended cost."""

import asyncio
import os
import threading

import pytest
from argon2 import Type, extract_parameters
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.matching import L33T_TABLE, enumerate_l33t_subs, relevant_l33t_subtable

from services.common.web import Problem
from services.portal.account_passwords import LEAST, MOST, Passwords, demand, judge, read
from tests.unit.portal.samples import settings


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "quatre chats verts dansent",
        "çà et là, où donc ?",
        "日本語の長い合言葉です。。",
        "abcdefghijkl mnop qrs",
        "tout en minuscules sans chiffre",
    ],
)
def test_length_is_enough_and_no_kind_of_character_is_asked_for(password: str) -> None:
    assert judge(password).refusal is None


@pytest.mark.parametrize(
    ("password", "own", "rule"),
    [
        ("x" * (LEAST - 1), (), "PASSWORD_SHORT"),
        ("x" * (MOST + 1), (), "PASSWORD_LONG"),
        ("passwordpassword", (), "PASSWORD_COMMON"),
        ("azertyuiop12", (), "PASSWORD_COMMON"),
        ("motdepasse2026", (), "PASSWORD_COMMON"),
        ("111111111111", (), "PASSWORD_COMMON"),
        ("claire.martin@menuiserie.example", ("claire.martin@menuiserie.example",), "PASSWORD_COMMON"),
        ("ClaireMartin", ("x@y.example", "Claire Martin"), "PASSWORD_COMMON"),
    ],
)
def test_what_is_short_common_or_ones_own_is_refused_with_its_rule(
    password: str, own: tuple[str, ...], rule: str
) -> None:
    judged = judge(password, own)
    assert (judged.refusal, judged.strength) == (rule, "refused")
    with pytest.raises(Problem) as raised:
        demand(judged)
    assert raised.value.status == 422
    assert raised.value.errors[0]["value"] is None


@given(st.text(min_size=0, max_size=300))
def test_every_text_gets_a_judgement_in_words_that_do_not_repeat_it(password: str) -> None:
    judged = judge(password)
    assert 0 <= judged.score <= 4
    assert len(password) < 30 or password not in judged.message


async def test_the_cost_is_the_first_one_that_owasp_recommends_and_a_change_of_it_is_noticed() -> None:
    usual, other = Passwords(settings()), Passwords(settings(password_passes=4))
    hashed = await usual.hash("quatre chats verts dansent")
    found = extract_parameters(hashed)
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 46 * 1024, 1, 1)
    assert await other.verify(hashed, "quatre chats verts dansent")
    assert (usual.outdated(hashed), other.outdated(hashed)) == (False, True)
    for made in (usual, other):
        await made.close()


async def test_nobody_has_a_password_but_it_is_verified_all_the_same() -> None:
    passwords = Passwords(settings(password_kib=64, password_passes=1))
    assert not await passwords.verify(None, "nobody has this password")
    assert not await passwords.verify("not a hash", "quatre chats verts dansent")
    await passwords.close()


async def test_more_than_the_room_are_told_to_come_again_and_hashing_steps_back_for_the_rest() -> None:
    passwords = Passwords(settings(password_kib=64, password_passes=1, password_threads=1, password_waiting=2))
    held, seen = threading.Event(), list[int]()

    def wait() -> None:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        held.wait(20)

    waiting = [asyncio.create_task(passwords._run(wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as raised:
        await passwords.hash("quatre chats verts dansent")
    held.set()
    await asyncio.gather(*waiting)
    assert (raised.value.status, raised.value.code) == (503, "SIGN_IN_BUSY")
    assert await passwords.verify(await passwords.hash("quatre chats verts"), "quatre chats verts")
    assert min(seen) >= os.getpriority(os.PRIO_PROCESS, os.getpid())
    assert max(seen) >= 10
    await passwords.close()


@given(st.text(alphabet="4@8({[<369&#!1|0$5+7%2/abc", max_size=MOST))
def test_no_choice_of_signs_makes_judging_long(password: str) -> None:
    """Each way of reading signs as letters is a search of its own through every list."""
    assert len(enumerate_l33t_subs(relevant_l33t_subtable(read(password), L33T_TABLE))) <= 32
    assert len(read(password)) <= 40


def test_signs_for_letters_still_make_no_common_word_a_good_password() -> None:
    assert judge("M0tdep@sse12").refusal == "PASSWORD_COMMON"
