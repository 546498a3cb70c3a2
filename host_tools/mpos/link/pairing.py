"""The phone's side of pairing, on Bumble: what its user says, and the bonds that it keeps.

    pairing = Pairing(compare=ask_the_user)
    pipe = await gatt.connect(device, pairing)        pairs at the first time, encrypts by the bond ever after

A phone's own Bluetooth does this in its operating system, and so does the one that bleak drives: bleak is a central only
and cannot answer a passkey, so that a reader with a display is paired there by the system's own dialogue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bumble.core import BaseBumbleError, ProtocolError
from bumble.device import Connection, Device
from bumble.hci import Address, HCI_Error
from bumble.keys import JsonKeyStore, KeyStore, MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from mpos.link.client import ReaderGone

# The reader's person has 28 s to answer (link/pairing.py of the firmware), the protocol 30.
PAIRING_TIMEOUT_S = 35.0
_ENCRYPTION_TIMEOUT_S = 10.0
_IO = PairingDelegate.IoCapability
T = TypeVar("T")


class PairingFailed(ReaderGone):
    """The reader and this phone are not paired: somebody said no, typed a wrong number, or nobody could be asked."""


class BondLost(ReaderGone):
    """The reader does not know this phone's bond, or is another one: the user has to pair it again, with open eyes."""


@dataclass
class Pairing:
    """compare: shows the user a number of six digits and returns whether the reader shows the same; None: the phone has
        no screen. passkey: returns the number that the user reads off the reader, or None; None: no keys.
    bonds: where the bonds are kept; `file_bonds` keeps them over the phone's restart.
    renew: pair again, by the user, with a reader that has lost its bond; otherwise that is BondLost.
    secure: LE Secure Connections, or what came before them (for tests: the reader ends such a link).
    """

    compare: Callable[[int], Awaitable[bool]] | None = None
    passkey: Callable[[], Awaitable[int | None]] | None = None
    bonds: KeyStore = field(default_factory=MemoryKeyStore)
    renew: bool = False
    secure: bool = True
    key_size: int = 16

    @property
    def io(self) -> PairingDelegate.IoCapability:
        """Core 5.4 Vol 3 Part H, 2.3.2."""
        if self.passkey is None:
            return _IO.NO_OUTPUT_NO_INPUT if self.compare is None else _IO.DISPLAY_OUTPUT_AND_YES_NO_INPUT
        return _IO.KEYBOARD_INPUT_ONLY if self.compare is None else _IO.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT

    def attach(self, device: Device) -> None:
        device.keystore = self.bonds
        device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=self.secure,
            mitm=True,
            bonding=True,
            delegate=_Delegate(self),
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )

    async def knows(self, address: Address) -> bool:
        """Whether there is a bond with the device of this address."""
        return await self.bonds.get(str(address)) is not None

    async def secure_link(self, connection: Connection) -> None:
        """Encrypt the link by the bond. Raises BondLost, ReaderGone."""
        try:
            await bounded(connection.encrypt(), _ENCRYPTION_TIMEOUT_S)
        except HCI_Error as error:
            raise BondLost(
                "the reader does not know the bond with this phone: it was reset, has paired four others, or is not the "
                "same reader. Pair it again, and compare the numbers"
            ) from error

    async def pair(self, connection: Connection) -> None:
        """Raises PairingFailed, ReaderGone."""
        try:
            await bounded(connection.pair(), PAIRING_TIMEOUT_S)
        except ProtocolError as error:
            raise PairingFailed(f"pairing failed: {error.error_name}") from error


def file_bonds(path: Path) -> KeyStore:
    """Bonds in a JSON file, in clear as a PC's Bluetooth keeps its own: whoever reads it can be this phone, on the radio."""
    return JsonKeyStore("reader", str(path))


class _Delegate(PairingDelegate):
    def __init__(self, pairing: Pairing):
        super().__init__(pairing.io, maximum_encryption_key_size=pairing.key_size)
        self._pairing = pairing

    async def compare_numbers(self, number: int, digits: int) -> bool:
        return self._pairing.compare is not None and await self._pairing.compare(number)

    async def get_number(self) -> int | None:
        return None if self._pairing.passkey is None else await self._pairing.passkey()


async def bounded(work: Awaitable[T], timeout_s: float) -> T:
    """What `work` returns. Raises ReaderGone when the link ends, at which Bumble cancels whoever waits, and after timeout_s."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=timeout_s)
        if not task.done():
            raise ReaderGone("the reader did not answer in time")
        if task.cancelled():
            raise ReaderGone("the reader disconnected")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, BaseBumbleError):
                await task
