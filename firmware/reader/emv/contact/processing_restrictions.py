"""Processing restrictions: EMV 4.4 Book 3, 10.4. Versions, usage control, dates; what does not fit is told in the TVR,
and the action codes judge it later."""

from micropython import const

from ...errors import E_TAG_FORMAT, ReaderError
from ...util.bcd import to_int

_TAG_5F24_APPLICATION_EXPIRATION_DATE = const(0x5F24)
_TAG_5F25_APPLICATION_EFFECTIVE_DATE = const(0x5F25)
_TAG_5F28_ISSUER_COUNTRY_CODE = const(0x5F28)
_TAG_9F07_APPLICATION_USAGE_CONTROL = const(0x9F07)
_TAG_9F08_APPLICATION_VERSION_NUMBER_ICC = const(0x9F08)

# TVR, byte 2: Book 3, Annex C5
_VERSIONS_DIFFER = const(0x80)
_EXPIRED = const(0x40)
_NOT_YET_EFFECTIVE = const(0x20)
_SERVICE_NOT_ALLOWED = const(0x10)

# Application usage control: Book 3, Annex C2; each pair is domestic, international
_AUC1_CASH = const(0x80)
_AUC1_GOODS_OR_SERVICES = const(0x28)
_AUC1_ATM = const(0x02)
_AUC1_NOT_ATM = const(0x01)
_AUC2_CASHBACK = const(0x80)

_TYPE_GOODS_AND_SERVICES = const(0)
_TYPE_CASH = const(1)
_TYPE_CASHBACK = const(9)
_TYPE_CASH_ADVANCE = const(17)

_CAPABILITY_CASH = const(0x80)  # 9F40, byte 1
_ATM_FIRST = const(14)
_ATM_LAST = const(16)

_CENTURY = const(50)


def run(s) -> None:
    """Sets the bits of TVR byte 2. Raises E_TAG_MISSING, E_TAG_FORMAT for dates that are none."""
    get = s.data.get
    # 10.4.1: without the card's number the versions are taken to be the same
    version = get(_TAG_9F08_APPLICATION_VERSION_NUMBER_ICC)
    if version is not None and bytes(version) != bytes(s.application.version):
        s.set_tvr(2, _VERSIONS_DIFFER)
    usage = get(_TAG_9F07_APPLICATION_USAGE_CONTROL)
    if usage is not None and not _allowed(s, usage, get(_TAG_5F28_ISSUER_COUNTRY_CODE)):
        s.set_tvr(2, _SERVICE_NOT_ALLOWED)
    year, month, day = s.tx.time[:3]
    today = year * 10000 + month * 100 + day
    # 10.4.3: effective from its day on
    effective = get(_TAG_5F25_APPLICATION_EFFECTIVE_DATE)
    if effective is not None and _date(effective, _TAG_5F25_APPLICATION_EFFECTIVE_DATE) > today:
        s.set_tvr(2, _NOT_YET_EFFECTIVE)
    # 10.4.4: valid to the end of its day
    expiration = s.data.need(_TAG_5F24_APPLICATION_EXPIRATION_DATE)
    if _date(expiration, _TAG_5F24_APPLICATION_EXPIRATION_DATE) < today:
        s.set_tvr(2, _EXPIRED)


def _allowed(s, usage, country) -> bool:
    """10.4.2: the kind of terminal, then, where the issuer's country is known, the kind of transaction."""
    terminal = s.terminal
    # Book 4, Annex A1: unattended, of a financial institution, and gives cash
    atm = _ATM_FIRST <= terminal.type <= _ATM_LAST and terminal.additional_capabilities[0] & _CAPABILITY_CASH
    if not usage[0] & (_AUC1_ATM if atm else _AUC1_NOT_ATM):
        return False
    if country is None:
        return True
    # Table 36: the bit for international use is the one below that for domestic use
    shift = 0 if to_int(country) == terminal.country else 1
    kind = s.tx.transaction_type
    if kind in (_TYPE_CASH, _TYPE_CASH_ADVANCE):
        return usage[0] & _AUC1_CASH >> shift != 0
    if kind not in (_TYPE_GOODS_AND_SERVICES, _TYPE_CASHBACK):
        return True
    # A sale is of goods, of services or of both: one of the two bits is enough
    if not usage[0] & _AUC1_GOODS_OR_SERVICES >> shift:
        return False
    cashback = kind == _TYPE_CASHBACK or s.tx.amount_other > 0
    return not cashback or usage[1] & _AUC2_CASHBACK >> shift != 0


def _date(value, tag: int) -> int:
    """YYMMDD as YYYYMMDD; Book 4, 6.7.3: years from 50 on are of the 20th century."""
    date = to_int(value)
    if not 1 <= date // 100 % 100 <= 12 or not 1 <= date % 100 <= 31:
        raise ReaderError(E_TAG_FORMAT, tag)
    return date + (20000000 if date < _CENTURY * 10000 else 19000000)
