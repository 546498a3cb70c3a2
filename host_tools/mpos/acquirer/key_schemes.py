"""Which keys a packet is under, by its DE57: the schemes of the readers, and what the host remembers of each.

DE57 is TLV: DF01 the KSN (none under master/session), DF02 the scheme, DF03 the PIN block where it has 16 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psec import des

from mpos.acquirer import dukpt, dukpt_aes, working_keys
from mpos.acquirer.books import Books
from mpos.acquirer.packet_keys import X919, AesKeys, PacketKeys, TdesKeys
from mpos.acquirer.refusals import RefusedError
from mpos.bench import test_keys

TDES_DUKPT, AES_DUKPT, MASTER_SESSION = 1, 2, 3
NAMES = {TDES_DUKPT: "TDES DUKPT", AES_DUKPT: "AES DUKPT", MASTER_SESSION: "master/session"}

_KSN, _SCHEME, _PIN_BLOCK = bytes.fromhex("DF01"), bytes.fromhex("DF0201"), bytes.fromhex("DF0310")
_KSN_BYTES = {TDES_DUKPT: 10, AES_DUKPT: 12, MASTER_SESSION: 0}
_PIN_BLOCK_BYTES = 16


@dataclass(frozen=True)
class KeyInformation:
    """DE57, read. ksn: b"" where the scheme has none; pin_block: b"" where it is not here."""

    scheme: int
    ksn: bytes
    pin_block: bytes = b""

    @classmethod
    def read(cls, data: bytes) -> KeyInformation | None:
        """None for anything but what one of the schemes sends."""
        for scheme, size in _KSN_BYTES.items():
            ksn = data[len(_KSN) + 1 :][:size]
            begin = _KSN + bytes([size]) + ksn if size else b""
            end = begin + _SCHEME + bytes([scheme])
            if len(ksn) == size and data.startswith(end):
                rest = data[len(end) :]
                if not rest:
                    return cls(scheme, ksn)
                if scheme == AES_DUKPT and rest[:3] == _PIN_BLOCK and len(rest) == len(_PIN_BLOCK) + _PIN_BLOCK_BYTES:
                    return cls(scheme, ksn, rest[len(_PIN_BLOCK) :])
        return None

    def for_answer(self) -> bytes:
        """DE57 of the answer: the same, without the PIN block."""
        begin = _KSN + bytes([len(self.ksn)]) + self.ksn if self.ksn else b""
        return begin + _SCHEME + bytes([self.scheme])

    def __str__(self) -> str:
        return f"KSN {self.ksn.hex().upper()}" if self.ksn else NAMES[self.scheme]


class KeySchemes:
    """key_sets: first five bytes of a TDES KSN -> base derivation key; aes_key_sets: the same of the first four of an AES
    KSN; master_keys: terminal -> master key (TMK). None: those of the bench. mac: of the packets under working keys."""

    def __init__(
        self,
        books: Books,
        key_sets: Mapping[bytes, bytes] | None = None,
        aes_key_sets: Mapping[bytes, bytes] | None = None,
        master_keys: Mapping[str, bytes] | None = None,
        mac: str = X919,
    ):
        self.books = books
        self.key_sets = key_sets or {dukpt.key_set(test_keys.KSN_BASE): test_keys.BDK}
        self.aes_key_sets = aes_key_sets or {dukpt_aes.key_set(test_keys.READER_ID): test_keys.AES_BDK}
        self.master_keys = master_keys
        self.mac = mac

    def new_keys(self, information: KeyInformation, fields: Mapping[str, str]) -> PacketKeys:
        """Those of a packet that has come. Refuses a KSN of no key of ours and one that is not higher than the reader's last;
        a terminal that has not signed in."""
        keys = self.keys(information, fields)
        if information.ksn:
            device, counter = self._counted(information)
            if counter <= self.books.last_counter(device) or self.books.is_burnt(device, counter):
                raise RefusedError("stale-ksn")
        return keys

    def keys(self, information: KeyInformation, fields: Mapping[str, str]) -> PacketKeys:
        """The same, whenever the packet came."""
        ksn = information.ksn
        if information.scheme == MASTER_SESSION:
            working = self.working_keys(fields["41"])
            iv = des.encrypt_tdes_ecb(working.track, int(fields["11"]).to_bytes(8, "big"))
            return TdesKeys(working.pin, working.track, working.mac, working.mac, iv, self.mac)
        module = dukpt if information.scheme == TDES_DUKPT else dukpt_aes
        bdk = (self.key_sets if module is dukpt else self.aes_key_sets).get(module.key_set(ksn))
        if bdk is None or not module.is_possible(ksn):
            raise RefusedError("key-set")
        derived = module.derive(bdk, ksn)
        kind = TdesKeys if module is dukpt else AesKeys
        return kind(derived.pin, derived.data, derived.mac_request, derived.mac_response)

    def accept(self, information: KeyInformation) -> None:
        """The MAC was right: from now on only higher counters of this reader count."""
        if information.ksn:
            self.books.advance(*self._counted(information))

    def may_refuse(self, information: KeyInformation) -> bool:
        """The MAC was wrong: whether that may be said under the answer's MAC. The counter is burnt then; keys that
        are not a packet's own say nothing to a stranger."""
        return bool(information.ksn) and self.books.burn(*self._counted(information))

    def master_key(self, terminal: str) -> bytes:
        key = test_keys.MASTER_KEY if self.master_keys is None else self.master_keys.get(terminal)
        if key is None:
            raise RefusedError("terminal", "It has no master key.")
        return key

    def working_keys(self, terminal: str) -> working_keys.WorkingKeys:
        """Those of the terminal's last sign-in."""
        sent = self.books.working_keys(terminal)
        if not sent:
            raise RefusedError("sign-in")
        return working_keys.unwrap(self.master_key(terminal), sent)

    def _counted(self, information: KeyInformation) -> tuple[bytes, int]:
        module = dukpt if information.scheme == TDES_DUKPT else dukpt_aes
        return module.device(information.ksn), module.counter(information.ksn)
