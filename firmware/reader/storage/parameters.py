"""The reader's parameters as the transactions use them. Where they come from is parameters_file.py."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any


class Section:
    """One section of the file; its keys are attributes, as the table of the section types them."""

    if _TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...


class Parameters:
    """`terminal`: id, merchant, name, serial (str); country, currency, exponent, type, category (int); capabilities,
    additional_capabilities (bytes).

    `host`: tpdu (5 bytes), header (6 bytes), batch, timeout_s (int), pin_codes (text, commas between),
    key_scheme (dukpt/scheme.py), mac (1 X9.19, 2 the ECB of UnionPay), and the terminal's terminal_id and merchant_id.

    `contactless`: a tuple of 1 to 8: aid (5 to 16 bytes), kernel (int), ttq (4 bytes), transaction_limit, cvm_limit,
    floor_limit (minor units, or None), application_version (2 bytes), status_check, zero_amount, extended_selection (bool),
    pan_ranges (str or None).
    """

    def __init__(self, terminal: Section, host: Section, contactless: tuple):
        self.terminal = terminal
        self.host = host
        self.contactless = contactless
