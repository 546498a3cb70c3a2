"""What an issuer writes into a card before it posts it: the account, the keys, the application's behaviour."""

from dataclasses import dataclass

from pyemv import kd

from mpos.bench import test_keys

AID_DEBIT = bytes.fromhex("A000000333010101")
AID_CREDIT = bytes.fromhex("A000000333010102")

# PBOC 3.0 part 5: terminal qualifiers first, then what cryptogram version 01 is computed over
PDOL = (
    (0x9F66, 4),
    (0x9F02, 6),
    (0x9F03, 6),
    (0x9F1A, 2),
    (0x95, 5),
    (0x5F2A, 2),
    (0x9A, 3),
    (0x9C, 1),
    (0x9F37, 4),
)


@dataclass(frozen=True)
class Personalisation:
    """pan: digits with check digit; sequence: PAN sequence number; expiry, effective: YYMMDD.

    genuine: False makes a card whose keys the issuer does not know.
    """

    pan: str
    sequence: int = 1
    expiry: str = "491231"
    effective: str = "200101"
    service_code: str = "220"
    genuine: bool = True

    def master_key(self) -> bytes:
        """The card's own key, derived from the issuer's. EMV 4.4 Book 2, A1.4.1 (option A)."""
        return self.derived(test_keys.ISSUER_MASTER_KEY)

    def derived(self, issuer_key: bytes) -> bytes:
        """The card's key below one of the issuer's (16 bytes); a stranger's for a card that is not genuine."""
        issuer = issuer_key if self.genuine else bytes(range(1, 17))
        return kd.derive_icc_mk_a(issuer, self.pan, f"{self.sequence:02d}")

    def track2(self) -> bytes:
        """Tag 57: PAN, D, expiry YYMM, service code, discretionary data, F to a whole byte."""
        digits = f"{self.pan}D{self.expiry[:4]}{self.service_code}00000"
        return bytes.fromhex(digits + "F" * (len(digits) % 2))

    def pan_bcd(self) -> bytes:
        """Tag 5A: compressed numeric, F to a whole byte."""
        return bytes.fromhex(self.pan + "F" * (len(self.pan) % 2))


@dataclass(frozen=True)
class Profile(Personalisation):
    """A contactless card.

    decision: "arqc", "aac" or "tc", what the card answers when the reader leaves it the choice.
    cvm: "as-required" (signature when the reader says that verification is required), "signature" (always),
    "online-pin" (always, whatever the reader can do), "device" (done on the cardholder's device).
    track2_in_gpo: track 2 comes with the processing options instead of the first record.
    application_blocked: SELECT answers 6283, GET PROCESSING OPTIONS 6985.
    """

    aid: bytes = AID_DEBIT
    label: str = "PBOC DEBIT"
    pdol: tuple[tuple[int, int], ...] = PDOL
    decision: str = "arqc"
    cvm: str = "as-required"
    track2_in_gpo: bool = False
    application_blocked: bool = False
    kernel_identifier: bytes = b""
