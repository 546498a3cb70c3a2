"""Names of the reader's outcomes and of the cardholder verification they ask for (firmware/reader/outcome.py)."""

OUTCOMES: dict[int, str] = {
    1: "select next",
    2: "try again",
    3: "approved",
    4: "declined",
    5: "online request",
    6: "try another interface",
    7: "end application",
}

CVMS: dict[int, str] = {
    0: "no verification",
    1: "signature",
    2: "online PIN",
    3: "confirmed on the cardholder's device",
    4: "not applicable",
}
