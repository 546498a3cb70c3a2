"""DE55 of the request: strictly parsed, and held against the message around it."""

from mpos.acquirer import cryptograms
from mpos.acquirer.refusals import RefusedError

# What an online request must bring (the optional rest: 9F34 9F35 9F1E 9F09 9F41 9F63)
_NEEDED = (
    (0x9F26, 8, 8),
    (0x9F27, 1, 1),
    (0x9F10, 7, 32),
    (0x9F37, 4, 4),
    (0x9F36, 2, 2),
    (0x95, 5, 5),
    (0x9A, 3, 3),
    (0x9C, 1, 1),
    (0x9F02, 6, 6),
    (0x5F2A, 2, 2),
    (0x82, 2, 2),
    (0x9F1A, 2, 2),
    (0x9F03, 6, 6),
    (0x9F33, 3, 3),
    (0x84, 5, 16),
)
_ARQC, _TC = 0x80, 0x40

# UnionPay debit, credit, quasi-credit
APPLICATIONS = tuple(bytes.fromhex(f"A0000003330101{kind}") for kind in ("01", "02", "03"))
# Visa credit or debit, Electron: of cards that are tapped
VISA_APPLICATIONS = (bytes.fromhex("A0000000031010"), bytes.fromhex("A0000000032010"))
_VISA_IAD = 7  # length, key index, version, CVR with its length; behind them the issuer's own, with its length


def parse(data: bytes) -> dict[int, bytes]:
    """Tag -> value of a flat list. Refuses what is malformed, twice there, or incomplete."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        start = at
        at += 1
        if data[start] & 0x1F == 0x1F:
            at += 1
            if at > len(data) or data[at - 1] & 0x80:
                raise RefusedError("chip-data", "A tag is cut off or too long.")
        tag = int.from_bytes(data[start:at], "big")
        if at >= len(data) or data[at] > 0x7F:
            raise RefusedError("chip-data", f"Tag {tag:X} has no usable length.")
        end = at + 1 + data[at]
        if end > len(data):
            raise RefusedError("chip-data", f"Tag {tag:X} is longer than the field.")
        if tag in found:
            raise RefusedError("chip-data", f"Tag {tag:X} is there twice.")
        found[tag] = data[at + 1 : end]
        at = end
    for tag, least, most in _NEEDED:
        if not least <= len(found.get(tag, b"")) <= most:
            raise RefusedError("chip-data", f"Tag {tag:X} is missing or of a wrong length.")
    return found


def check_version(chip: dict[int, bytes], *, is_visa: bool) -> None:
    """9F10 must be what the issuer puts into its cards, and the application one of the account's scheme."""
    iad = chip[0x9F10]
    if is_visa:
        version, own = iad[2], iad[_VISA_IAD:]
        right = iad[0] == _VISA_IAD - 1 and version in cryptograms.VISA and iad[3] == 3
        right = right and (not own or own[0] == len(own) - 1)
    else:
        # Length, key index 01, cryptogram version 01, CVR of three bytes
        version = 1
        right = len(iad) > _VISA_IAD and iad[0] == len(iad) - 1 and iad[1:4] == b"\x01\x01\x03"
    if not right:
        raise RefusedError(
            "chip-data", f"The issuer application data are not those of cryptogram version {version:02X}."
        )
    if chip[0x84].startswith(VISA_APPLICATIONS) != is_visa:
        raise RefusedError("application", "It is of another scheme than the account.")


def check_kind(chip: dict[int, bytes]) -> None:
    """Of a right cryptogram: 9F27 is not under it, the card's verification results are, whose byte 2 names the kind too."""
    if chip[0x9F10][4] << 2 & 0xC0 != chip[0x9F27][0] & 0xC0:
        raise RefusedError("contradiction", "Tag 9F27: the card's verification results name another kind.")


def compare(chip: dict[int, bytes], fields: dict[str, str], is_tapped: bool) -> None:
    """Amount, currency, date, type, trace number and kind of cryptogram must be those of the message."""
    expected = (
        (0x9F02, fields["4"]),
        (0x5F2A, "0" + fields["49"]),
        (0x9C, fields["3"][:2]),
        (0x9F03, "0" * 12),
    )
    for tag, digits in expected:
        if chip[tag].hex() != digits:
            raise RefusedError("contradiction", f"Tag {tag:X}.")
    # DE13 has no year
    if chip[0x9A].hex()[2:] != fields["13"]:
        raise RefusedError("contradiction", "Tag 9A.")
    kind = chip[0x9F27][0] & 0xC0
    # EMV Contactless Book C-3, 5.4 to 5.6: a reader may go online although the card has approved
    if kind != _ARQC and not (is_tapped and kind == _TC):
        raise RefusedError("contradiction", "Tag 9F27: the card did not ask to go online.")
    sequence = chip.get(0x9F41)
    if sequence is not None:
        digits = sequence.hex()
        if not digits.isdecimal() or int(digits) != int(fields["11"]) % 10 ** len(digits):
            raise RefusedError("contradiction", "Tag 9F41.")
    # A card may add digits of its own to the registered name. ISO/IEC 7816-4, 12.2.3
    if not chip[0x84].startswith(APPLICATIONS + (VISA_APPLICATIONS if is_tapped else ())):
        raise RefusedError("application")
