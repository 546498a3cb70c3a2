"""Why this host refuses, by name: the response code (DE39) and a sentence for its log."""

REFUSALS: dict[str, tuple[str, str]] = {
    # Answered without MAC: no key of this request may be trusted or used (see authoriser.py)
    "format": ("30", "The message cannot be read."),
    "key-set": ("97", "The KSN belongs to no key of this host."),
    "sign-in": ("A0", "The terminal has no working keys: it has to sign in."),
    "stale-ksn": ("94", "The KSN is not higher than the reader's last one: a replay, or a packet that came late."),
    # Answered with a MAC under the response key; "mac" and "duplicate" without one under master/session
    "mac": ("A0", "The MAC is wrong."),
    "field": ("30", "A field is missing or malformed."),
    "message": ("12", "This host does not do that kind of message or transaction."),
    "currency": ("12", "This host books in CNY only."),
    "late": ("68", "The packet was made at another time: it was kept back, or the reader's clock is wrong."),
    "merchant": ("03", "The terminal belongs to another merchant."),
    "terminal": ("97", "The terminal is not registered."),
    "duplicate": ("94", "This terminal has used this trace number in this batch."),
    "amount": ("13", "The amount is zero."),
    "track": ("30", "The track does not decrypt to a track 2."),
    "track-3": ("30", "The track does not decrypt to a track 3."),
    "tracks": ("59", "The tracks name different accounts."),
    "chip-data": ("30", "DE55 is malformed or lacks an object."),
    "contradiction": ("59", "DE55 says something else than the message around it."),
    "application": ("57", "The card's application is not accepted here."),
    "account-number": ("14", "The account number has a wrong check digit."),
    "issuer": ("15", "No issuer has this range of account numbers."),
    "no-account": ("14", "The issuer has no such account."),
    "cryptogram": ("05", "The card's cryptogram is wrong."),
    "cvn": ("59", "The card verification number is wrong: a counterfeit or altered stripe."),
    "fallback": ("45", "The card has a chip and the terminal can read it, but the stripe was read."),
    "condition": ("59", "The terminal says that a chip failed, and the card has none."),
    "service-code": ("57", "The card's service code does not allow this sale."),
    "pin-required": ("55", "The card's service code asks for a PIN, and none came."),
    "atc": ("59", "The card's counter did not increase: a replayed cryptogram or a copied card."),
    "pin-missing": ("30", "The card's data say that a PIN was entered for the host, and none came."),
    "pin-demanded": ("1A", "The issuer wants the cardholder's PIN for this tap, and none came."),
    "pin-block": ("99", "The PIN block does not decrypt to a PIN of this account."),
    "pin": ("55", "The PIN is wrong."),
    "pin-tries": ("75", "The PIN was wrong too often."),
    "referral": ("01", "The issuer wants to be asked by telephone."),
    "expired": ("54", "The card has expired, or its expiry is not the one the issuer gave it."),
    "lost": ("41", "The card was reported lost."),
    "stolen": ("43", "The card was reported stolen."),
    "blocked": ("62", "The issuer has restricted the card."),
    "limit": ("61", "The amount is over the account's limit."),
    "funds": ("51", "The balance does not cover the amount."),
}


class RefusedError(Exception):
    """The request is refused; `why` is a key of REFUSALS."""

    def __init__(self, why: str, remark: str = ""):
        super().__init__(why)
        self.why = why
        self.code, sentence = REFUSALS[why]
        self.sentence = f"{sentence} {remark}".strip()
