"""What speaks against an offline approval: EMV Contactless Book C-3, 5.5.1."""

from contactless_session import session

from reader import outcome
from reader.emv.contactless import restrictions
from reader.emv.data import DataStore
from reader.errors import E_EXCEPTION_FILE, E_EXPIRED
from testing import cases, h, requirement

_PAN = h("6212340000000018")


class _Tables:
    def __init__(self, sequence):
        self._sequence = sequence

    def is_excepted(self, pan, sequence):
        return bytes(pan) == _PAN and sequence == self._sequence


def _run(expiration="261130", effective=None, ctq=None, tables=None, sequence=None):
    data = DataStore(256)
    for tag, value in ((0x5A, _PAN), (0x5F24, expiration), (0x5F25, effective), (0x9F6C, ctq), (0x5F34, sequence)):
        if value is not None:
            assert data.put_card(tag, h(value))
    return restrictions.run(session(data=data, tables=tables, time=(2026, 11, 23, 0, 0, 0)))


@requirement("Book C-3", "5.5.1.1", "An offline approval of an expired application, or one without date, is declined.")
@cases("261122", "251231", None, "001231", "991231")
def test_expired(expiration):
    result = _run(expiration)
    assert (result.code, result.reason) == (outcome.DECLINED, E_EXPIRED)


@cases("261123", "261130", "271231", "491231")
def test_valid_to_the_end_of_its_day(expiration):
    assert _run(expiration) is False


@cases(("261123", True), ("200101", True), ("991231", True), ("261124", False), ("270101", False))
def test_effective_from_its_day_on(effective, is_valid):
    result = _run(effective=effective)
    assert result is False if is_valid else result.reason == E_EXPIRED


@requirement("Book C-3", "5.5.1.1", "An expired card whose qualifiers say so asks its issuer.")
def test_the_issuer_is_asked():
    assert _run("251231", ctq="0800") is True
    assert _run("251231", ctq="F700").reason == E_EXPIRED


@requirement("Book C-3", "5.5.1.2", "An offline approval of an account in the exception file is declined.")
def test_the_exception_file():
    assert _run(tables=_Tables(-1)).reason == E_EXCEPTION_FILE
    assert _run(tables=_Tables(1), sequence="01").reason == E_EXCEPTION_FILE
    assert _run(tables=_Tables(2), sequence="01") is False
    # also where the issuer would have been asked because of the date
    assert _run("251231", ctq="0800", tables=_Tables(-1)).reason == E_EXCEPTION_FILE
