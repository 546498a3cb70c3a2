"""A contactless Visa card (qVSDC): EMV Contactless Book C-3.

Cryptogram versions 10, 17 and 18, fDDA of version 01, and the issuer's update at a second presentment: EXTERNAL
AUTHENTICATE and script commands after a SELECT without GET PROCESSING OPTIONS.
"""

from __future__ import annotations

from pyemv import kd

from mpos.bench import test_keys
from mpos.bench.cards import cryptogram, status
from mpos.bench.cards.contact import scripts
from mpos.bench.cards.contact.pin import ReferencePin
from mpos.bench.cards.contactless.application import ContactlessApplication
from mpos.bench.cards.contactless.card import ContactlessCard
from mpos.bench.cards.cryptogram import ARQC, TC
from mpos.bench.cards.profile import Profile
from mpos.bench.cards.status import StatusError, command_data


class QvsdcApplication(ContactlessApplication):
    """State that lasts as well: arqc (of the last transaction that went online, until it is answered), put, blocked."""

    def __init__(self, profile: Profile, atc: int = 0):
        self.arqc = b""
        self.authenticated: bool | None = None
        self.put: dict[int, bytes] = {}  # what scripts have written
        self.pin = ReferencePin("", 0)
        self.card_blocked = False
        super().__init__(profile, atc)

    # Book C-3, annex A: dynamic data authentication
    def interchange_profile(self) -> bytes:
        return bytes.fromhex("2000" if self.profile.oda else "0000")

    def decide(self, ttq: bytes, terminal: dict[int, bytes]) -> int:
        return self.by_profile(ttq)

    def cryptogram(self, kind: int, terminal: dict[int, bytes], results: bytes) -> tuple[bytes, bytes]:
        version = self.profile.cvn
        iad = cryptogram.visa_issuer_application_data(kind, version, results)
        value = cryptogram.visa(version, self.key, terminal, self.files.aip, self.atc, iad)
        self.arqc = value if kind == ARQC else b""
        self.authenticated = None
        return iad, value

    def own_objects(self, kind: int) -> list[tuple[int, bytes]]:
        rows = [(0x9F6E, bytes.fromhex(self.profile.form_factor))] if self.profile.form_factor else []
        if self.profile.available and kind == TC:
            rows.append((0x9F5D, bytes.fromhex("000000005000")))
        return rows

    def fdda_version(self, ttq: bytes) -> int:
        return self.profile.fdda_version

    # Book C-3, issuer update processing
    def more_commands(self, command: bytes) -> bytes | None:
        cla, ins, p1, p2 = command[:4]
        if (cla, ins) == (0x00, 0x82):
            return self._external_authenticate(p1, p2, command_data(command))
        if cla in (0x84, 0x04):
            return self._script(command)
        return None

    def _external_authenticate(self, p1: int, p2: int, data: bytes) -> bytes:
        if p1 or p2:
            raise StatusError(status.WRONG_P1P2)
        if not 8 <= len(data) <= 16:
            raise StatusError(status.WRONG_LENGTH)
        # Once for each cryptogram, and not in the middle of a transaction
        if not self.profile.takes_update or self.initiated or not self.arqc or self.authenticated is not None:
            raise StatusError(status.CONDITIONS)
        self.authenticated = cryptogram.visa_proof_holds(self.profile.cvn, self.key, self.atc, self.arqc, data)
        if not self.authenticated:
            raise StatusError(status.AUTHENTICATION_FAILED)
        return b""

    def _script(self, command: bytes) -> bytes:
        if not self.profile.takes_update or self.initiated or not self.authenticated:
            raise StatusError(status.CONDITIONS)
        counter = self.atc.to_bytes(2, "big")
        mac_key, data_key = (
            kd.derive_visa_sm_sk(self.profile.derived(key), counter)
            for key in (test_keys.VISA_SCRIPT_MAC_KEY, test_keys.VISA_SCRIPT_DATA_KEY)
        )
        scripts.execute(self, command, mac_key, data_key)
        return b""

    @property
    def key_half(self) -> bytes:
        """What a changed PIN is hidden with: the card's own key."""
        return self.key


class QvsdcCard(ContactlessCard):
    """A card with one Visa application; `atc` is the counter before the next transaction."""

    def __init__(self, profile: Profile, atc: int = 0, uid: bytes = bytes.fromhex("08A1B2C3")):
        super().__init__(QvsdcApplication(profile, atc), uid=uid)
