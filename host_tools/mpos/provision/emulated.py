"""Flash the emulated board: start it with its own flash file, flash it through its console, ask it over its link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mpos.bench.qemu import Machine
from mpos.link.client import ReaderClient, ReaderGone, ReaderRefused
from mpos.link.messages import Opcode, Tag
from mpos.link.serial_pipe import SerialPipe
from mpos.provision.compile import TOP
from mpos.provision.device import Code, FlashError
from mpos.provision.flash import Report

STATE = TOP / "build" / "device" / "qemu_rv32"
_TRIES = 5  # each as long as the client waits for an answer


async def flash_emulated(install: Callable[[str], Report], state: Path = STATE) -> Report:
    """`install(port)` is called in a thread. The board is switched off at the end; its flash file stays in `state`.

    Raises FlashError, also when the firmware that was installed does not answer over the link with its version.
    """
    link: asyncio.Future[SerialPipe] = asyncio.get_running_loop().create_future()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link.set_result(SerialPipe(reader, writer))

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with Machine(state, ["", f"{host}:{port}"]) as machine:
            report = await asyncio.to_thread(install, machine.console)
            version = await version_over(await asyncio.wait_for(link, 10))
    if version != report.firmware:
        raise FlashError(Code.NO_ANSWER, f"the firmware answers with version {version}, not {report.firmware}")
    report.answer = f"the firmware answered over its link: version {version}"
    return report


async def version_over(pipe: SerialPipe) -> str:
    """The version that the firmware tells by GET_INFO. Raises FlashError when it does not answer."""
    async with ReaderClient(pipe) as reader:
        for _ in range(_TRIES):
            try:
                answer = await reader.command(Opcode.GET_INFO)
            except TimeoutError:
                continue  # it may still be starting
            except (ReaderGone, ReaderRefused) as error:
                raise FlashError(Code.NO_ANSWER, f"the firmware does not answer over its link: {error}") from None
            return answer.body[Tag.VERSION].decode()
    raise FlashError(Code.NO_ANSWER, "the firmware is installed but does not answer over its link")
