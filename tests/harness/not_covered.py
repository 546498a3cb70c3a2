"""What of the standards no test covers, and why: the end of docs/emv-requirements.md, kept by hand."""

# (standard, section, what, why); sentences without a vertical bar, in the order of the standards
NOT_COVERED = (
    (
        "Book 1",
        "5",
        "The shape of the contacts, voltages, currents, rise times and signal levels.",
        "They are the connector's and the front-end chip's, and need an oscilloscope and a qualified laboratory.",
    ),
    (
        "Book 1",
        "6.1",
        "The clock counts between the contacts' transitions at activation, reset and deactivation.",
        "Their order is tested; the counts are made inside the TDA8035 and the TDA8029.",
    ),
    (
        "Book 1",
        "7.1",
        "The tolerance of the elementary time unit and of the sampling points within a character.",
        "The UART or the coupler makes the bits; the bench sees whole characters.",
    ),
    (
        "Book 1",
        "9.2.3",
        "The error signal of T=0 and the repetition of a single character.",
        "It takes place within a character: a UART shows a parity error at most, the coupler repeats by itself.",
    ),
    (
        "Book 1",
        "12.2.3",
        "Directories within the directory (DDF entries).",
        "EMV has withdrawn them; such an entry is ignored, as the standard asks.",
    ),
    (
        "Book 2",
        "9",
        "Secure messaging.",
        "It is between issuer and card; the reader passes the commands of a script on as they are.",
    ),
    (
        "Book 2",
        "10",
        "The policies of certification authorities, and the life of their keys over years.",
        "Procedures of schemes and acquirers; expiry, checksum and revocation of keys and certificates are tested.",
    ),
    (
        "Book 2",
        "Annex A1",
        "Derivation of card keys and session keys.",
        "A terminal has none of these keys; the bench's cards and issuer do it with other people's code.",
    ),
    (
        "Book 2",
        "Annex B2",
        "Elliptic curves: their certificates, extended data authentication and offline data encipherment.",
        "The cards that the reader is for sign by RSA; a card that offers more is authenticated by RSA or not at all.",
    ),
    (
        "Book 3",
        "10.5",
        "Biometric verification and verification on the cardholder's own device.",
        "No reader here has a sensor; the methods count as unrecognised, which is tested.",
    ),
    (
        "Book 3",
        "10.6.1",
        "The amounts of a sale that was split, added up from a log of earlier transactions.",
        "The reader keeps no log of account numbers, so the floor limit is held against the present sale alone.",
    ),
    (
        "Book 4",
        "5.1",
        "Unattended terminals, cash machines and offline-only terminals as whole products.",
        "The decisions that depend on the terminal type are tested; the boards are attended merchant terminals.",
    ),
    (
        "Book 4",
        "6.5.2",
        "Voice referrals.",
        "Nobody telephones: a referral is a decline, as the acquirer's rules for mobile readers have it.",
    ),
    (
        "Book 4",
        "6.5.3",
        "A transaction that the merchant forces online or accepts against the decision.",
        "The reader offers neither; the card and the host decide.",
    ),
    (
        "Book 4",
        "10",
        "Downloading applications and keys to readers in the field.",
        "They come as a file with the firmware; the acquirer's download is a later issue.",
    ),
    (
        "Book 4",
        "11.1",
        "Showing prompts in the language that the card prefers.",
        "Texts live on the phone, which knows its user's language.",
    ),
    (
        "Book 4",
        "12.2",
        "Messages for advice, reversal and batch data capture.",
        "What is owed to the host is recorded and told to the phone; the messages are a later issue.",
    ),
    (
        "ISO 7816-3",
        "5.1",
        "Operating classes other than the one that the slot is powered with.",
        "The front-end has one supply; a card of another class stays mute.",
    ),
    (
        "ISO 7816-3",
        "12.1.3",
        "Extended length APDUs.",
        "EMV cards have short lengths only (Book 1, 9.4); such a command is not sent.",
    ),
    (
        "PBOC 13",
        "7.5",
        "Loading electronic cash at the reader, and its log.",
        "Loading is an online transaction of its own, with cash or another account; sale and balance are tested.",
    ),
)
