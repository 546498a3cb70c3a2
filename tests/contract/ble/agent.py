# Runs in MicroPython: does what a test on the host tells it, a line at a time, so that a test reads as one story.
#
# A line on standard input is the repr of an expression or of statements; an awaitable result is awaited. A line on
# standard output is "= repr(result)" or "! exception message".

import asyncio
import sys

space = {"asyncio": asyncio}


async def obey(code):
    try:
        value = eval(code, space)
    except SyntaxError:
        exec(code, space)
        return None
    return await value if hasattr(value, "send") else value


async def main():
    lines = asyncio.StreamReader(sys.stdin.buffer)
    while line := await lines.readline():
        try:
            print("=", repr(await obey(eval(line))))
        except Exception as error:  # whatever it is, the test hears of it
            print("!", type(error).__name__, error)


asyncio.run(main())
