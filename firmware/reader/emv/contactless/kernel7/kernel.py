"""Kernel 7, UnionPay QuickPass (qPBOC), online path: EMV Contactless Book C-7; JR/T 0025.12.

One application that Entry Point has selected, to its outcome. What the kernel does not do: approve offline, verify
the card's signature (fDDA), contactless standard PBOC with GENERATE AC. Without fDDA nothing but the cryptogram proves
the card: the qualifiers (9F6C) are not under it, so the host has to hold what they say, the cardholder's device
included, against the card's verification results in 9F10.
"""

from ....outcome import Outcome
from .initiate import initiate
from .processing import process
from .read_data import read_data


async def run(commands, name: bytes, fci, data) -> Outcome:
    """`commands`: a Commands; `name`: the ADF name selected; `fci`: the response data to it; `data`: a DataStore with
    the reader's own data objects.

    ONLINE_REQUEST with its CVM; DECLINED (E_CARD_DECLINED, E_OFFLINE_APPROVED); SELECT_NEXT, TRY_AGAIN,
    TRY_ANOTHER_INTERFACE, END_APPLICATION with a reason. Raises as `EntryPoint.run`.
    """
    outcome = await initiate(commands, name, fci, data)
    if outcome is None:
        outcome = await read_data(commands, data)
    if outcome is None:
        outcome = process(data)
    return outcome
