"""Cards for processing restrictions, risk management, action analysis and what the host says.

EMV 4.4 Book 3, 10.4, 10.6 to 10.9, 10.11. TVR byte 2: 80 version, 40 expired, 20 not yet effective, 10 service not
allowed, 08 new card; byte 4: 80 floor limit, 40 and 20 consecutive offline transactions.
The reader's action codes: denial 0010000000, online D84004F800, default D84000A800.
"""

from mpos.bench.cards.contact.personalities.making import (
    NO_CODES,
    SIGNATURE,
    approved,
    approved_offline,
    broken,
    declined,
    profile,
)
from mpos.bench.cards.contact.spoiled import EXTERNAL_AUTHENTICATE, GENERATE_AC
from mpos.bench.cards.faults import status
from mpos.bench.emv_keys import EXCEPTION_SEQUENCE

_E_STATUS_WORD, _E_EMV_DATA = 401, 402
_E_CARD_DECLINED, _E_TERMINAL_DECLINED, _E_CARD_REFUSED = 405, 409, 410

_VERSION = "0080000000"
_OTHER_VERSION = "0040"
_DEFAULT, _DENIAL, _ONLINE = range(3)
_UNREACHABLE = "refuse"


def _codes(which: int, code: str) -> tuple[str, str, str]:
    """One action code of the issuer, the others nothing."""
    codes = list(NO_CODES)
    codes[which] = code
    return codes[0], codes[1], codes[2]


ENTRIES = (
    # Offline
    approved_offline("offline-approved", "A card that approves by itself.", profile(322, decision="tc"), cvm=SIGNATURE),
    declined(
        "offline-declined",
        "A card that refuses by itself.",
        "",
        _E_CARD_DECLINED,
        profile(323, decision="aac"),
        tsi="E800",
    ),
    declined(
        "service-not-allowed",
        "A card that asks to go online and says in the same breath that this service is not allowed.",
        "",
        _E_CARD_DECLINED,
        profile(324, cid=0x01),
        tsi="E800",
    ),
    # 10.4
    approved_offline(
        "version-differs",
        "An application of another version, which nobody minds.",
        profile(325, version=_OTHER_VERSION, iac=NO_CODES, decision="tc"),
        tvr=_VERSION,
    ),
    approved("no-version", "A card that does not tell its version.", profile(326, version="")),
    declined(
        "chip-expired",
        "A card that expired in 2019: the host refuses it.",
        "54",
        0,
        profile(331, expiry="191231", effective="160101"),
        tvr="0040000000",
        tsi="F800",
    ),
    approved(
        "not-yet-effective",
        "A card that is valid from 2048 on: the issuer wants to decide that itself.",
        profile(332, effective="480101"),
        tvr="0020000000",
    ),
    declined(
        "no-goods-or-services",
        "A card for cash only.",
        "",
        _E_TERMINAL_DECLINED,
        profile(333, auc="C300"),
        tvr="0010000000",
        tsi="E800",
    ),
    declined(
        "cash-machines-only",
        "A card for cash machines only.",
        "",
        _E_TERMINAL_DECLINED,
        profile(334, auc="FE00"),
        tvr="0010000000",
        tsi="E800",
    ),
    declined(
        "wrong-country",
        "A card of another country that is valid at home only.",
        "",
        _E_TERMINAL_DECLINED,
        profile(335, auc="AB00", country="0840"),
        tvr="0010000000",
        tsi="E800",
    ),
    approved("foreign", "A card of another country that is valid everywhere.", profile(336, country="0840")),
    approved("no-usage-control", "A card without a word on where it may be used.", profile(337, auc="")),
    approved("services-only", "A card for services at home: a sale may be one.", profile(338, auc="0900")),
    # 10.6
    approved(
        "floor-limit",
        "A sale over the reader's floor limit goes online.",
        profile(339, decision="tc", iac=NO_CODES),
        amount="150.00",
        tvr="0000008000",
    ),
    approved(
        "at-floor-limit",
        "A sale of exactly the floor limit goes online.",
        profile(340, decision="tc", iac=NO_CODES),
        amount="100.00",
        tvr="0000008000",
    ),
    approved_offline(
        "under-floor-limit",
        "A sale of one fen less does not.",
        profile(346, decision="tc", iac=NO_CODES),
        amount="99.99",
    ),
    approved(
        "new-card",
        "A card that has never been online.",
        profile(347, lower=2, upper=4),
        tvr="0008000000",
    ),
    approved(
        "velocity-lower",
        "A card with more offline sales in a row than the lower limit.",
        profile(348, lower=4, upper=10, last_online=5, decision="tc"),
        used=10,
        tvr="0000004000",
    ),
    approved(
        "velocity-upper",
        "A card with more offline sales in a row than both limits.",
        profile(349, lower=4, upper=10, last_online=5, decision="tc"),
        used=20,
        tvr="0000006000",
    ),
    approved_offline(
        "velocity-within",
        "A card that was online lately.",
        profile(350, lower=4, upper=10, last_online=9, decision="tc"),
        used=10,
    ),
    approved(
        "velocity-unknown",
        "A card with limits that does not tell when it was online.",
        profile(351, lower=4, upper=10, last_online=9, hidden=(0x9F13,), decision="tc"),
        used=10,
        tvr="0000006000",
    ),
    approved(
        "velocity-backwards",
        "A card that was online later than now.",
        profile(352, lower=4, upper=10, last_online=500, decision="tc"),
        tvr="0000006000",
    ),
    approved(
        "exception-file",
        "A card on the reader's list of bad ones: the host decides.",
        profile(200, sequence=EXCEPTION_SEQUENCE, decision="tc", iac=NO_CODES),
        tvr="1000000000",
    ),
    approved(
        "no-risk-asked",
        "A card that leaves risk management to the reader; it does it all the same.",
        profile(353, aip="7400"),
    ),
    # 10.7
    declined(
        "denied-by-issuer",
        "A version the issuer wants to have declined.",
        "",
        _E_TERMINAL_DECLINED,
        profile(354, version=_OTHER_VERSION, iac=_codes(_DENIAL, _VERSION)),
        tvr=_VERSION,
        tsi="E800",
    ),
    approved(
        "online-by-issuer",
        "A version the issuer wants to see online.",
        profile(355, version=_OTHER_VERSION, iac=_codes(_ONLINE, _VERSION), decision="tc"),
        tvr=_VERSION,
    ),
    approved(
        "no-action-codes",
        "A card without action codes: everything odd goes online.",
        profile(356, version=_OTHER_VERSION, iac=None, decision="tc"),
        tvr=_VERSION,
    ),
    # Unable to go online
    approved_offline(
        "host-down-approved",
        "The host cannot be reached, and neither reader nor card minds.",
        profile(357, iac=NO_CODES),
        fault=_UNREACHABLE,
    ),
    declined(
        "host-down-over-limit",
        "The host cannot be reached, and the sale is over the floor limit: the reader declines.",
        "",
        _E_TERMINAL_DECLINED,
        profile(358, iac=NO_CODES),
        amount="150.00",
        fault=_UNREACHABLE,
        tvr="0000008000",
        tsi="E800",
    ),
    declined(
        "host-down-by-issuer",
        "The host cannot be reached, and the issuer wants that version declined then.",
        "",
        _E_TERMINAL_DECLINED,
        profile(359, version=_OTHER_VERSION, iac=_codes(_DEFAULT, _VERSION)),
        fault=_UNREACHABLE,
        tvr=_VERSION,
        tsi="E800",
    ),
    declined(
        "host-down-refused",
        "The host cannot be reached; the reader would approve, the card does not.",
        "",
        _E_CARD_DECLINED,
        profile(360, iac=NO_CODES, second="aac"),
        fault=_UNREACHABLE,
        tvr="0000000000",
        tsi="E800",
    ),
    # The host
    declined("referral", "The issuer wants to be asked by telephone.", "01", 0, profile(301), tsi="F800"),
    declined("chip-insufficient-funds", "The account holds one fen.", "51", 0, profile(302), tsi="F800"),
    declined("chip-stolen", "The card was reported stolen.", "43", 0, profile(306), tsi="F800"),
    declined(
        "chip-counterfeit",
        "A copy without the key for cryptograms: its cryptogram is wrong.",
        "05",
        0,
        profile(307, genuine=False),
        tsi="E800",
    ),
    declined(
        "host-not-authentic",
        "The host approves and cannot prove itself, so the card does not: a reversal.",
        "00",
        _E_CARD_REFUSED,
        profile(303),
        tvr="0000000040",
        tsi="F800",
    ),
    declined(
        "host-not-authentic-cdol2",
        "The same with the proof inside the second GENERATE AC, where the reader does not see why.",
        "00",
        _E_CARD_REFUSED,
        profile(304, issuer_authentication="cdol2"),
        tsi="E800",
    ),
    approved(
        "arpc-in-cdol2",
        "The issuer's proof goes into the second GENERATE AC.",
        profile(308, issuer_authentication="cdol2"),
        tsi="E800",
    ),
    approved(
        "no-issuer-authentication",
        "A card that wants no proof of the host.",
        profile(309, issuer_authentication=""),
        tsi="E800",
    ),
    approved(
        "authentication-refused",
        "A card that does not take the issuer's proof and approves all the same.",
        profile(310),
        fault_at=(EXTERNAL_AUTHENTICATE, status(0x6985)),
        tvr="0000000040",
    ),
    declined(
        "refused-after-approval",
        "The host approves, the card does not: a reversal.",
        "00",
        _E_CARD_REFUSED,
        profile(361, second="aac"),
        tsi="F800",
    ),
    declined(
        "second-request",
        "A card that asks to go online once more.",
        "00",
        _E_CARD_REFUSED,
        profile(362, second="arqc"),
        tsi="F800",
    ),
    declined(
        "second-failed",
        "The host approves, and the card answers with an error: a reversal.",
        "00",
        _E_CARD_REFUSED,
        profile(363),
        fault_at=(GENERATE_AC, status(0x6985), 1),
        tsi="F800",
    ),
    # 9.3: more than was asked for
    broken(
        "approves-unasked",
        "A card that approves although it was asked for a request to the host.",
        _E_EMV_DATA,
        profile(364, always="tc", version=_OTHER_VERSION, iac=_codes(_ONLINE, _VERSION)),
    ),
    broken(
        "asks-unasked",
        "A card that wants to go online although the reader declines.",
        _E_EMV_DATA,
        profile(365, always="arqc", version=_OTHER_VERSION, iac=_codes(_DENIAL, _VERSION)),
    ),
    broken(
        "cryptogram-refused",
        "A card that gives no cryptogram.",
        _E_STATUS_WORD,
        profile(366),
        fault_at=(GENERATE_AC, status(0x6985)),
    ),
)
