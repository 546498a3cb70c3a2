"""Issuer-to-card script processing: EMV 4.4 Book 3, 10.10 and Annex E; Book 4, 12.2.4 and A5.

The scripts of one answer (71 and 72 together) are at most 128 bytes long, as the standard has it; of a longer answer
none is performed.
"""

from micropython import const

from ...errors import E_TLV, ReaderError
from ...util import ber_tlv
from .session import TSI_SCRIPT

_TAG_71_ISSUER_SCRIPT_TEMPLATE_1 = const(0x71)
_TAG_72_ISSUER_SCRIPT_TEMPLATE_2 = const(0x72)
_TAG_86_ISSUER_SCRIPT_COMMAND = const(0x86)
_TAG_9F18_ISSUER_SCRIPT_IDENTIFIER = const(0x9F18)

_TOTAL_MOST = const(128)
_SCRIPTS_MOST = const(16)  # whose results are told: as many as 128 bytes hold, if none of them is malformed
_IDENTIFIER = const(4)

# TVR, byte 5
_FAILED_BEFORE = const(0x20)
_FAILED_AFTER = const(0x10)

# A result's first byte: Book 4, A5
_NOT_PERFORMED = const(0x00)
_FAILED = const(0x10)  # and the number of the command, 15 for that and all after it
_SUCCESSFUL = const(0x20)
_NUMBER_MOST = const(15)

_SW1_GOOD = (0x90, 0x62, 0x63)

_HEADER = const(4)
_DATA = const(5)


async def run(s, template: int) -> None:
    """Perform the scripts `template` (71 before the second GENERATE AC, 72 after it) of `s.answer_data`.

    Five bytes for each into `s.script_results` (result, then its identifier or zeros), TVR byte 5, TSI. Raises what
    `transmit` raises, with the results complete: the script it happened in has failed, those after it are not performed.
    """
    scripts = []
    total = 0
    try:
        for tag, value in ber_tlv.objects(s.answer_data):
            if tag in (_TAG_71_ISSUER_SCRIPT_TEMPLATE_1, _TAG_72_ISSUER_SCRIPT_TEMPLATE_2):
                total += ber_tlv.size_of(tag, len(value))
                if tag == template:
                    scripts.append(value)
    except ReaderError as error:
        if error.code != E_TLV:
            raise
        return  # Nothing of such an answer is believed: online_processing has said so
    failed_bit = _FAILED_BEFORE if template == _TAG_71_ISSUER_SCRIPT_TEMPLATE_1 else _FAILED_AFTER
    if scripts:
        s.set_tsi(TSI_SCRIPT)
    gone = None
    for index in range(min(len(scripts), _SCRIPTS_MOST)):
        script = scripts[index]
        result = _NOT_PERFORMED
        if gone is None and total <= _TOTAL_MOST and _is_well_formed(script):
            # 10.10: each script by itself: one that fails does not stop the next
            result, gone = await _perform(s, script)
        if result != _SUCCESSFUL:
            s.set_tvr(5, failed_bit)
        s.script_results.append(result)
        s.script_results.extend(_identifier(script))
    if gone is not None:
        raise gone


async def _perform(s, script) -> "tuple[int, ReaderError | None]":
    """Its commands one after the other, to the first that fails: the result, and what took the card away if so."""
    number = 0
    for tag, command in ber_tlv.objects(script):
        if tag != _TAG_86_ISSUER_SCRIPT_COMMAND:
            continue
        number = min(number + 1, _NUMBER_MOST)
        gone = None
        good = _is_command(command)
        if good:
            try:
                _, sw = await s.commands.script(command)
                # 10.10: a warning is no error
                good = sw >> 8 in _SW1_GOOD
            except ReaderError as error:
                gone = error
        if gone is not None or not good:
            return _FAILED | number, gone
    return _SUCCESSFUL, None


def _is_well_formed(script) -> bool:
    """Annex E: at most one identifier of four bytes, then commands, and nothing else."""
    commands = 0
    identifiers = 0
    try:
        for tag, value in ber_tlv.objects(script):
            if tag == _TAG_86_ISSUER_SCRIPT_COMMAND:
                commands += 1
            elif tag == _TAG_9F18_ISSUER_SCRIPT_IDENTIFIER and len(value) == _IDENTIFIER and not commands:
                identifiers += 1
            else:
                return False
    except ReaderError as error:
        if error.code != E_TLV:
            raise
        return False
    return commands > 0 and identifiers <= 1


def _is_command(command) -> bool:
    """A short command APDU of any of the four cases (ISO 7816-4, 5.1), so that no transport has to guess its parts."""
    n = len(command)
    if n <= _DATA:
        return n >= _HEADER
    return command[_HEADER] > 0 and _DATA + command[_HEADER] <= n <= _DATA + command[_HEADER] + 1


def _identifier(script):
    """The script's identifier, if it begins with one; else zeros."""
    try:
        tag, start, end = ber_tlv.read(script)
    except ReaderError as error:
        if error.code != E_TLV:
            raise
        return bytes(_IDENTIFIER)
    if tag == _TAG_9F18_ISSUER_SCRIPT_IDENTIFIER and end - start == _IDENTIFIER:
        return script[start:end]
    return bytes(_IDENTIFIER)
