"""The contactless cards by name: what each one is, and how a sale with it must end."""

from mpos.bench.cards.entry import Entry
from mpos.bench.cards.faults import REMOVED, faulty
from mpos.bench.cards.others import MifareClassic1K, TransitCard
from mpos.bench.cards.profile import AID_CREDIT, Profile
from mpos.bench.cards.qpboc import QpbocCard

# The command of a transaction at which the card of "removed-mid-read" leaves: PPSE, SELECT, GPO, READ RECORD
_READ_RECORD = 3


def _payment(name: str, story: str, outcome: str, response_code: str, profile: Profile) -> Entry:
    return Entry(name, story, outcome, response_code, 0, "payment", lambda atc: [QpbocCard(profile, atc)])


_APPROVED = Profile("6212340000000019")

ENTRIES = (
    _payment("approved", "A debit card with money on its account.", "approved", "00", _APPROVED),
    _payment(
        "approved-19",
        "A credit card with a 19-digit number, its track 2 among the processing options.",
        "approved",
        "00",
        Profile("6212340000000000194", aid=AID_CREDIT, label="PBOC CREDIT", track2_in_gpo=True),
    ),
    _payment(
        "signature",
        "A card that asks for its holder's signature, whatever the amount.",
        "approved",
        "00",
        Profile("6212340000000076", cvm="signature"),
    ),
    _payment(
        "insufficient-funds",
        "A card whose account holds one fen.",
        "declined",
        "51",
        Profile("6212340000000027"),
    ),
    _payment(
        "unknown-bin",
        "A card of an issuer that the host has never heard of.",
        "declined",
        "15",
        Profile("6212349900000011"),
    ),
    _payment(
        "no-account",
        "A card of the right issuer without an account behind it.",
        "declined",
        "14",
        Profile("6212340000000126"),
    ),
    _payment(
        "expired",
        "A card that expired in December 2019.",
        "declined",
        "54",
        Profile("6212340000000035", expiry="191231", effective="160101"),
    ),
    _payment("blocked", "A card that its issuer has restricted.", "declined", "62", Profile("6212340000000043")),
    _payment("stolen", "A card that was reported stolen.", "declined", "43", Profile("6212340000000050")),
    _payment(
        "counterfeit",
        "A copy with everything but the key: its cryptogram is wrong.",
        "declined",
        "05",
        Profile("6212340000000100", genuine=False),
    ),
    Entry(
        "declined-by-card",
        "A card that refuses the transaction itself (AAC); nothing goes to the host.",
        "declined",
        "",
        405,
        "payment",
        lambda atc: [QpbocCard(Profile("6212340000000068", decision="aac"), atc)],
    ),
    Entry(
        "removed-mid-read",
        "A card that is taken away while its records are read.",
        "error",
        "",
        101,
        "payment",
        lambda atc: [faulty(QpbocCard(Profile("6212340000000084"), atc), _READ_RECORD, REMOVED)],
        torn=True,
    ),
    Entry(
        "two-cards",
        "Two payment cards in one wallet.",
        "error",
        "",
        104,
        "pair",
        lambda atc: [
            QpbocCard(_APPROVED, atc),
            QpbocCard(Profile("6212340000000092"), atc, uid=bytes.fromhex("08C4D5E6")),
        ],
    ),
    Entry(
        "not-payment",
        "A MIFARE Classic door card.",
        "error",
        "",
        105,
        "not-payment",
        lambda atc: [MifareClassic1K()],
    ),
    Entry(
        "transit",
        "A transit card: it speaks APDUs, but has no payment application.",
        "error",
        "",
        105,
        "not-payment",
        lambda atc: [TransitCard()],
    ),
)
