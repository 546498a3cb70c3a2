"""Status words of the virtual cards, and how a command ends with one. ISO/IEC 7816-4, 5.6; EMV 4.4 Book 3, 6.3.5."""

OK = b"\x90\x00"
APPLICATION_BLOCKED = 0x6283
AUTHENTICATION_FAILED = 0x6300
TRIES_LEFT = 0x63C0
WRONG_LENGTH = 0x6700
SECURITY = 0x6982
METHOD_BLOCKED = 0x6983
DATA_INVALIDATED = 0x6984
CONDITIONS = 0x6985
SM_MISSING = 0x6987
SM_WRONG = 0x6988
WRONG_DATA = 0x6A80
NOT_SUPPORTED = 0x6A81
FILE_NOT_FOUND = 0x6A82
RECORD_NOT_FOUND = 0x6A83
WRONG_P1P2 = 0x6A86
DATA_NOT_FOUND = 0x6A88
WRONG_INS = 0x6D00
WRONG_CLA = 0x6E00


class StatusError(Exception):
    """Ends a command with a status word, and with data where the command has some all the same."""

    def __init__(self, status: int, data: bytes = b""):
        super().__init__(f"{status:04X}")
        self.status = status
        self.data = data

    def answer(self) -> bytes:
        return self.data + self.status.to_bytes(2, "big")


def command_data(command: bytes) -> bytes:
    """The data field of a command that has one, with or without Le behind it. ISO/IEC 7816-3, 12.1.3."""
    if len(command) < 6:
        raise StatusError(WRONG_LENGTH)
    n = command[4]
    if not n or len(command) not in (5 + n, 6 + n):
        raise StatusError(WRONG_LENGTH)
    return command[5 : 5 + n]
