"""The sign-in: working keys from the host, for readers whose key scheme is master/session. Loaded for one.

A transaction like any other to the phone: an ONLINE_REQUEST, its ONLINE_RESULT, a RESULT. The keys are stored in one step,
or nothing is.
"""

from micropython import const

from .. import outcome
from ..dukpt import working
from ..errors import ReaderError
from ..iso8583 import sign_in as messages
from ..storage.log_events import LOG_SIGN_IN
from . import online

_APPROVED = "00"
_ECB = const(2)  # of parameters.host.mac

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .transaction import Transaction


async def go(t: "Transaction") -> outcome.Outcome:
    """The packet out, the answer in, its keys stored. Raises why they are not (working.take, messages.unpack), E_NO_KEY."""
    parts = t.parts
    host = parts.parameters.host
    result = t.result
    working.check(parts.ring)
    result.stan = parts.counters.next_stan()
    n = messages.pack(host, result.stan, parts.room)
    error = await online.ask_host(t, memoryview(parts.room)[:n], host.timeout_s)
    if error is not None:
        raise error
    result.response_code, sent = messages.unpack(host, result.stan, t.frame)
    if result.response_code != _APPROVED:
        return outcome.Outcome(outcome.DECLINED)
    try:
        working.take(parts.ring, sent, host.mac == _ECB)
    except ReaderError as refused:
        parts.log(LOG_SIGN_IN, refused.code << 16 | refused.detail)
        raise
    return outcome.Outcome(outcome.APPROVED)
