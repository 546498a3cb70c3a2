"""Cards that people bring to a reader although they cannot pay with them."""

from mpos.bench.cards.contact.atr import T0


class MifareClassic1K:
    """A MIFARE Classic 1K as it leaves the factory: no ISO 14443-4, raw commands, every block locked by a key.

    NXP MF1S50yyX: READ 30, authentication 60 and 61, HALT 50. Without the cipher nothing can be read; the card
    stays silent as the real one does after a failed authentication.
    """

    atqa = b"\x00\x04"
    sak = 0x08
    ats: bytes | None = None

    def __init__(self, uid: bytes = bytes.fromhex("3C5D7E9F")):
        self.uid = uid

    def power_on(self) -> None:
        pass  # nothing is kept between activations

    def exchange(self, command: bytes) -> bytes | None:
        return None


class TransitCard:
    """An ISO 14443-4 card with one file system of its own and no payment application, not even a PPSE."""

    atqa = b"\x00\x04"
    sak = 0x20
    ats: bytes | None = bytes.fromhex("0578807002")

    def __init__(self, uid: bytes = bytes.fromhex("08D4E5F6")):
        self.uid = uid

    def power_on(self) -> None:
        pass  # nothing is kept between activations

    def exchange(self, command: bytes) -> bytes | None:
        if len(command) < 4:
            return bytes.fromhex("6700")
        if command[0] != 0x00:
            return bytes.fromhex("6E00")
        # ISO/IEC 7816-4, 11.2.2: SELECT; the name is not on this card
        return bytes.fromhex("6A82") if command[1] == 0xA4 else bytes.fromhex("6D00")


class TransitChip:
    """The same with contacts."""

    atr = T0
    warm_atr: bytes | None = None
    protocol = 0
    applications: tuple[()] = ()

    def __init__(self) -> None:
        self._card = TransitCard()

    def power_on(self) -> None:
        self._card.power_on()

    def exchange(self, command: bytes) -> bytes | None:
        return self._card.exchange(command)
