"""Cards whose data are wrong or odd: what is wrong ends with an error that names it, what is merely odd with a sale.

EMV 4.4 Book 3, 6.5, 7.5, 9.2.2, 10.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpos.bench.cards.contact.layout import Layout
from mpos.bench.cards.contact.personalities.making import approved, broken, profile
from mpos.bench.cards.contact.profile import CDOL1, CDOL2, ContactProfile
from mpos.bench.cards.contact.spoiled import GENERATE_AC, GET_OPTIONS, READ_RECORD
from mpos.bench.cards.faults import BAD_LENGTH, BAD_TAG, MUTE, NO_DATA, REMOVED, TRAILING, instead
from mpos.bench.cards.tlv import tlv

_E_REMOVED, _E_TIMEOUT = 101, 103
_E_TLV, _E_DOL, _E_FORMAT, _E_MISSING, _E_DUPLICATE = 301, 302, 303, 304, 305
_E_STATUS_WORD, _E_EMV_DATA = 401, 402

# The first two READ RECORD are for the directory: its one record, and that there is no second
_FIRST_RECORD = 2
_AIP, _AFL = bytes.fromhex("7C00"), bytes.fromhex("0801030110010500")
_CID, _ATC, _AC, _IAD = b"\x80", b"\x00\x01", bytes(8), bytes.fromhex("07010103A0000001")


def _drop(tag: int) -> Callable[[Layout], None]:
    return lambda files: files.drop(tag)


def _put(tag: int, value: str) -> Callable[[Layout], None]:
    return lambda files: files.put(tag, bytes.fromhex(value))


def _twice(tag: int) -> Callable[[Layout], None]:
    return lambda files: files.add((1, 3), tag, files.get(tag))


def _raw(record: str) -> Callable[[Layout], None]:
    """In place of the record with track 2."""
    return lambda files: files.raw.__setitem__((1, 2), bytes.fromhex(record))


def _afl(entries: str) -> Callable[[Layout], None]:
    def spoil(files: Layout) -> None:
        files.afl = bytes.fromhex(entries)

    return spoil


def _spoiled(number: int, spoil: Callable[[Layout], None], **more: Any) -> ContactProfile:
    return profile(number, spoil=spoil, **more)


_OPTIONS = (
    ("options-format-1-short", "Processing options of one byte.", _E_FORMAT, tlv(0x80, b"\x7c")),
    ("options-no-afl", "Processing options without a file locator.", _E_MISSING, tlv(0x77, tlv(0x82, _AIP))),
    ("options-no-aip", "Processing options without an interchange profile.", _E_MISSING, tlv(0x77, tlv(0x94, _AFL))),
    (
        "options-aip-long",
        "An interchange profile of three bytes.",
        _E_FORMAT,
        tlv(0x77, tlv(0x82, _AIP + b"\0"), tlv(0x94, _AFL)),
    ),
    (
        "options-twice",
        "Two interchange profiles.",
        _E_DUPLICATE,
        tlv(0x77, tlv(0x82, _AIP), tlv(0x82, _AIP), tlv(0x94, _AFL)),
    ),
    (
        "options-other-template",
        "Processing options in the template of a record.",
        _E_TLV,
        tlv(0x70, tlv(0x82, _AIP), tlv(0x94, _AFL)),
    ),
    ("options-empty", "No processing options at all.", _E_TLV, b""),
)

_CRYPTOGRAM = (
    (
        "cryptogram-no-kind",
        "A cryptogram that does not say what it is.",
        _E_MISSING,
        tlv(0x77, tlv(0x9F36, _ATC), tlv(0x9F26, _AC)),
    ),
    (
        "cryptogram-missing",
        "An answer with everything but the cryptogram.",
        _E_MISSING,
        tlv(0x77, tlv(0x9F27, _CID), tlv(0x9F36, _ATC)),
    ),
    (
        "cryptogram-short",
        "A cryptogram of seven bytes.",
        _E_FORMAT,
        tlv(0x77, tlv(0x9F27, _CID), tlv(0x9F36, _ATC), tlv(0x9F26, _AC[1:])),
    ),
    (
        "cryptogram-format-1-short",
        "A cryptogram in format 1 that is cut off.",
        _E_FORMAT,
        tlv(0x80, _CID, _ATC, _AC[1:]),
    ),
    (
        "cryptogram-format-1-long",
        "Too many issuer data behind a cryptogram in format 1.",
        _E_FORMAT,
        tlv(0x80, _CID, _ATC, _AC, bytes(33)),
    ),
    ("cryptogram-other-template", "A cryptogram in the template of a record.", _E_TLV, tlv(0x70, tlv(0x9F27, _CID))),
    ("cryptogram-empty", "An answer without a byte.", _E_TLV, b""),
    (
        "cryptogram-unknown-kind",
        "A cryptogram of a kind that EMV does not know.",
        _E_EMV_DATA,
        tlv(0x80, b"\xc0", _ATC, _AC, _IAD),
    ),
)

_RECORDS = (
    ("record-truncated", "A record shorter than it says.", _E_TLV, _raw("700A5F2004414243")),
    ("record-too-long", "Bytes behind a record's template.", _E_TLV, _raw("70075F20044142434400DEAD")),
    ("record-other-template", "A record in another template.", _E_TLV, _raw("77075F200441424344")),
    ("record-empty", "A record without a byte.", _E_TLV, _raw("")),
    ("record-bad-tag", "A tag that never ends.", _E_TLV, _raw("70049FFFFFFF")),
    ("record-indefinite", "A length that is left open.", _E_TLV, _raw("70045F208041")),
    ("object-truncated", "An object longer than its record.", _E_TLV, _raw("70055F20084142")),
    ("no-expiry", "No expiry date.", _E_MISSING, _drop(0x5F24)),
    ("no-number", "No account number.", _E_MISSING, _drop(0x5A)),
    ("no-cdol1", "No list for the first cryptogram.", _E_MISSING, _drop(0x8C)),
    ("no-cdol2", "No list for the second.", _E_MISSING, _drop(0x8D)),
    ("number-twice", "Two account numbers, even if they are the same.", _E_DUPLICATE, _twice(0x5A)),
    ("expiry-twice", "Two expiry dates.", _E_DUPLICATE, _twice(0x5F24)),
    ("expiry-short", "An expiry date of two bytes.", _E_FORMAT, _put(0x5F24, "4912")),
    ("expiry-no-date", "An expiry date in the 13th month.", _E_FORMAT, _put(0x5F24, "491331")),
    ("expiry-no-digits", "An expiry date that is no number.", _E_FORMAT, _put(0x5F24, "4912F1")),
    ("number-too-long", "An account number of 22 digits.", _E_FORMAT, _put(0x5A, "62123400000000000000FF")),
    (
        "number-of-another",
        "An account number that is not the one of track 2.",
        _E_EMV_DATA,
        _put(0x5A, "6212340000002015"),
    ),
    ("name-too-long", "A name of 27 letters.", _E_FORMAT, _put(0x5F20, "41" * 27)),
    ("sequence-long", "A sequence number of two bytes.", _E_FORMAT, _put(0x5F34, "0001")),
    ("action-code-short", "An action code of four bytes.", _E_FORMAT, _put(0x9F0D, "FC78FCA8")),
    ("usage-control-short", "A usage control of one byte.", _E_FORMAT, _put(0x9F07, "FF")),
    ("cvm-list-short", "A list of methods without its second amount.", _E_FORMAT, _put(0x8E, "00000000000000")),
    ("cvm-list-odd", "A list of methods with half a rule.", _E_FORMAT, _put(0x8E, "00000000000000001E031F")),
    (
        "track2-no-separator",
        "A track 2 without its separator.",
        _E_FORMAT,
        _put(0x57, "62123400000020154912220000000F"),
    ),
    ("cdol-cut-off", "A list that ends in the middle of a tag.", _E_DOL, _put(0x8C, "9F02069F")),
    ("cdol-long-length", "A list with a length of two bytes.", _E_DOL, _put(0x8C, "9F028106")),
    ("afl-odd", "A file locator of five bytes.", _E_FORMAT, _afl("0801030100")),
    ("afl-empty", "A file locator without an entry.", _E_MISSING, _afl("")),
    ("afl-file-zero", "File 0 in the file locator.", _E_FORMAT, _afl("00010100")),
    ("afl-file-31", "File 31 in the file locator.", _E_FORMAT, _afl("F8010100")),
    ("afl-low-bits", "Bits in the file locator that must be zero.", _E_FORMAT, _afl("09010100")),
    ("afl-record-zero", "Record 0 in the file locator.", _E_FORMAT, _afl("08000100")),
    ("afl-backwards", "A file locator whose last record is before the first.", _E_FORMAT, _afl("08030100")),
    ("afl-all-signed", "More signed records than there are.", _E_FORMAT, _afl("08010302" + "10010506")),
    ("afl-no-record", "A record that the card has not got.", _E_STATUS_WORD, _afl("08010900")),
    ("afl-no-file", "A file that the card has not got.", _E_STATUS_WORD, _afl("38010100")),
)

_ANSWERS = (
    ("record-mute", "A card that falls silent while it is read.", _E_TIMEOUT, READ_RECORD, MUTE),
    ("record-no-data", "A record of nothing but a status word.", _E_TLV, READ_RECORD, NO_DATA),
    ("record-wrong-length", "A record that says it is endless.", _E_TLV, READ_RECORD, BAD_LENGTH),
    ("record-wrong-tag", "A record whose tag never ends.", _E_TLV, READ_RECORD, BAD_TAG),
    ("record-trailing", "A record with bytes behind it.", _E_TLV, READ_RECORD, TRAILING),
    ("removed-at-options", "A card that is taken out at GET PROCESSING OPTIONS.", _E_REMOVED, GET_OPTIONS, REMOVED),
    ("removed-at-record", "A card that is taken out while it is read.", _E_REMOVED, READ_RECORD, REMOVED),
    ("removed-at-cryptogram", "A card that is taken out at its first cryptogram.", _E_REMOVED, GENERATE_AC, REMOVED),
)

# Unknown, a template, longer and shorter than the object, twice, and without a byte
_ODD = ((0xDF01, 5), (0xA5, 4), (0x9F5E, 3), (0x5A, 10), (0x9F02, 12), (0x9F33, 1), (0x9F1E, 0))


def _padded(files: Layout) -> None:
    """Annex B1: zeros before, between and behind the objects."""
    rows = [tlv(tag, value) for tag, value in files.records[1, 3]]
    files.raw[1, 3] = tlv(0x70, b"\0\0", b"\0".join(rows), b"\0\0\0")


def _flood(files: Layout) -> None:
    """Objects of 240 bytes that have a place in a record, one in each."""
    files.put(0x9F1F, b"0" * 180)
    for number, tag in enumerate((0x9F20, 0x97, 0x9F2D, 0x9F2E, 0x9F2F), 1):
        files.records[3, number] = [(tag, bytes(240))]
    files.afl += bytes([3 << 3, 1, 5, 0])


ENTRIES = (
    *(
        broken(name, story, error, profile(370 + i), fault_at=(GET_OPTIONS, instead(answer)))
        for i, (name, story, error, answer) in enumerate(_OPTIONS)
    ),
    *(
        broken(name, story, error, profile(380 + i), fault_at=(GENERATE_AC, instead(answer)))
        for i, (name, story, error, answer) in enumerate(_CRYPTOGRAM)
    ),
    *(broken(name, story, error, _spoiled(410 + i, spoil)) for i, (name, story, error, spoil) in enumerate(_RECORDS)),
    *(
        broken(
            name,
            story,
            error,
            profile(470 + i),
            fault_at=(instruction, what, _FIRST_RECORD if instruction == READ_RECORD else 0),
        )
        for i, (name, story, error, instruction, what) in enumerate(_ANSWERS)
    ),
    broken(
        "pdol-malformed",
        "A list for the processing options without a length.",
        _E_DOL,
        profile(480, raw_pdol=b"\x9f\x66"),
    ),
    broken(
        "cdol-too-long",
        "A list that asks for more than a command can hold.",
        _E_DOL,
        profile(481, cdol1=(*CDOL1, (0x9F4E, 127), (0x9F4E, 127))),
    ),
    approved(
        "cdol-odd",
        "Lists that ask for what no reader knows, for too much and for too little: zeros and cuts, and it works.",
        profile(482, cdol1=(*CDOL1, *_ODD), cdol2=(*CDOL2, *_ODD)),
    ),
    approved(
        "pdol-odd",
        "The same for the processing options.",
        profile(483, pdol=((0x9F66, 4), *_ODD)),
    ),
    approved(
        "tc-hash",
        "A card that wants a hash and has no list for it: the reader takes its own, and says so.",
        profile(488, cdol1=(*CDOL1, (0x98, 20))),
        tvr="0000000080",
    ),
    approved(
        "tc-hash-own-list",
        "A card that wants a hash over a list of its own.",
        _spoiled(489, lambda files: files.add((1, 3), 0x97, bytes.fromhex("9F02069A03")), cdol1=(*CDOL1, (0x98, 20))),
    ),
    approved(
        "no-track2", "A card without track 2: account number and expiry stand for it.", _spoiled(487, _drop(0x57))
    ),
    approved(
        "object-unknown",
        "Objects that nobody knows are passed over.",
        _spoiled(484, lambda files: files.add((1, 3), 0xDF01, b"\x01")),
    ),
    approved("padded", "Zeros around the objects of a record, which are allowed.", _spoiled(485, _padded)),
    broken(
        "too-much-data",
        "A card with more data than a reader can hold.",
        306,
        _spoiled(486, _flood, ca_index=0xE0, issuer_bits=1984, icc_bits=1984),
    ),
)
