"""What of the standards no test covers, and why: the end of docs/emv-requirements.md, kept by hand."""

# (standard, section, what, why); one sentence each, without a vertical bar
NOT_COVERED = (
    (
        "Book 1",
        "5",
        "Voltages, currents, rise times and signal levels.",
        "They are the front-end chip's, and need an oscilloscope and a qualified laboratory.",
    ),
    (
        "Book 1",
        "6.1",
        "The physical contact unit, and where contacts C4, C6 and C8 lead.",
        "A property of the connector that is soldered, not of the firmware.",
    ),
    (
        "Book 1",
        "6.1.3",
        "The exact clock counts between the contacts' transitions at activation and deactivation.",
        "The order is tested; the counts are generated inside the TDA8035 and TDA8029.",
    ),
    (
        "Book 1",
        "7.1",
        "The tolerance of the elementary time unit and of each bit's sampling point.",
        "The UART or the coupler makes the bits; the bench sees whole characters.",
    ),
    (
        "Book 1",
        "9.1",
        "The error signal of T=0 and repetition of single characters.",
        "It takes place within a character; a UART shows a parity error at most, the coupler repeats by itself.",
    ),
    (
        "ISO 7816-3",
        "5",
        "Operating classes other than the one that the slot is powered with.",
        "The front-end has one supply; a card of another class stays mute.",
    ),
    (
        "ISO 7816-3",
        "12",
        "Extended length APDUs and the ENVELOPE command.",
        "EMV cards have short lengths only (Book 1, 9.4).",
    ),
    (
        "Book 2",
        "8",
        "Key derivation of cards and issuer hosts.",
        "These keys are never in a terminal; the bench's cards and acquirer have them.",
    ),
    (
        "Book 2",
        "10",
        "Management of certification authorities over years.",
        "Procedures of schemes and acquirers; expiry and revocation of a key are covered.",
    ),
    (
        "Book 3",
        "10.6.1",
        "Amounts of a sale that was split, added up from a transaction log.",
        "The reader keeps no log of earlier approved transactions, so that only the present amount counts.",
    ),
    (
        "Book 4",
        "6.3.2",
        "The whole amount of functions that terminal types other than attended and online have.",
        "M35 and D200 are attended merchant terminals, type 22.",
    ),
    (
        "Book 4",
        "6.6",
        "Voice referral by telephone.",
        "The host of this project answers a referral like a decline, as UnionPay's terminal rules have it.",
    ),
    (
        "Book 4",
        "11.1",
        "Prompts in a language chosen from the card's preference beyond those that the phone has.",
        "Texts live on the phone; the card's preference is handed to it.",
    ),
    (
        "Book 4",
        "10.2",
        "Downloading application and key tables over the air.",
        "They come as a file with the firmware; the acquirer's download is a later issue.",
    ),
)
