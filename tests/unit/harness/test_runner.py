"""What the runner promises to one test about the others."""

import asyncio
import os

_begun = set()
_ended = set()
_tasks = []


async def _sleeps(name):
    _begun.add(name)
    try:
        await asyncio.sleep(1000)
    finally:
        _ended.add(name)


async def test_leaves_tasks_behind():
    for name in ("first", "second"):
        _tasks.append(asyncio.create_task(_sleeps(name)))
    asyncio.get_event_loop().create_task(_sleeps("third"))
    await asyncio.sleep_ms(0)
    assert _begun == {"first", "second", "third"}
    assert _ended == set()


async def test_what_was_left_behind_was_cancelled():
    # Run alone there was nothing to cancel, and both are empty.
    assert _ended == _begun


async def test_an_exception_that_somebody_takes_later():
    async def dies():
        raise ValueError("taken")

    task = asyncio.create_task(dies())
    await asyncio.sleep_ms(5)
    try:
        await task
    except ValueError as error:
        assert str(error) == "taken"
    else:
        raise AssertionError("lost")


def test_files_are_written_into_a_folder_of_the_tests_own():
    assert os.listdir() == []
    with open("state.bin", "wb") as file:
        file.write(b"x")
    assert os.listdir() == ["state.bin"]


def test_comparisons_evaluate_each_side_once():
    def side(value):
        calls.append(value)
        return value

    calls = []
    assert side(1) < side(2)
    assert side(3) not in (side(4),)
    assert side(None) is None
    assert calls == [1, 2, 3, 4, None]
