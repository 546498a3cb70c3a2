"""Cards for offline data authentication, right and wrong. EMV 4.4 Book 3, 10.3; Book 2, 5 and 6."""

from mpos.bench.cards.contact.personalities.making import entry, profile

ENTRIES = (
    entry(
        "chip",
        "A debit card with DDA that goes online: the usual case.",
        "approved",
        "00",
        profile(201),
        tvr="0000000000",
        tsi="F800",
        cvm="signature",
    ),
)
