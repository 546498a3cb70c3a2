"""Status words of a card. ISO/IEC 7816-4, table 6; EMV 4.4 Book 3, 6.3.5."""

STATUS_WORDS: dict[int, str] = {
    0x9000: "all right",
    0x6281: "part of the data may be corrupted",
    0x6282: "end of file reached early",
    0x6283: "application blocked",
    0x6300: "authentication failed",
    0x6400: "execution error, nothing changed",
    0x6581: "memory failure",
    0x6700: "wrong length",
    0x6881: "logical channel not supported",
    0x6882: "secure messaging not supported",
    0x6982: "security status not satisfied",
    0x6983: "authentication method blocked",
    0x6984: "referenced data not usable",
    0x6985: "conditions of use not satisfied",
    0x6986: "command not allowed: see the cardholder's device",
    0x6987: "secure messaging object missing",
    0x6988: "secure messaging object wrong",
    0x6A80: "wrong data",
    0x6A81: "function not supported, or card blocked",
    0x6A82: "file or application not found",
    0x6A83: "record not found",
    0x6A84: "not enough memory",
    0x6A85: "length does not agree with the data objects",
    0x6A86: "wrong P1 or P2",
    0x6A87: "length does not agree with P1 and P2",
    0x6A88: "data object not found",
    0x6B00: "wrong P1 or P2, offset outside the file",
    0x6D00: "instruction not supported",
    0x6E00: "class not supported",
    0x6F00: "no precise diagnosis",
}


def meaning(status: int) -> str:
    """What a status word says; an unknown one is explained by its first byte."""
    known = STATUS_WORDS.get(status)
    if known is not None:
        return known
    first, second = status >> 8, status & 0xFF
    if first == 0x61:
        return f"{second or 256} more bytes are waiting"
    if first == 0x6C:
        return f"wrong Le: {second or 256} would be right"
    if first == 0x63 and second >> 4 == 0xC:
        return f"verification failed, {second & 0x0F} tries left"
    general = {
        0x62: "warning, nothing changed",
        0x63: "warning, something changed",
        0x64: "execution error, nothing changed",
        0x65: "execution error, something changed",
        0x67: "wrong length",
        0x68: "function of the class not supported",
        0x69: "command not allowed",
        0x6A: "wrong parameters",
    }
    return general.get(first, "not a status word of the standard")
