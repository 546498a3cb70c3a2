"""Licences as public parsers of AAMVA's stripes have them for examples: tracks 1, 2 and 3 of invented people.

Sentinels left out. Track 3 is fields of fixed length: versions (1, 1), postal code (11), class (2), restrictions (10),
endorsements (4), sex (1), height (3), weight (3), hair (3), eyes (3), and more.
"""

# winfinit/aamvajs, tests
TEXAS = (
    b"TXAUSTIN^DOE$JOHN^12345 SHERBOURNE ST^",
    b"63601538774194=150819810101",
    b'" ' + b"78729      " + b"C " + b" " * 14 + b"1505130BLKBLK",
)
# winfinit/aamvajs, description
FLORIDA = (
    b"FLDELRAY BEACH^DOE$JOHN$^4818 S FEDERAL BLVD^           ",
    b"6360100462172082009=2101198299090=",
    b"! " + b"33435      " + b"I " + b" " * 14 + b"1600" + b" " * 35 + b"ECCECC00000",
)
# Parser::AAMVA::License, synopsis
OREGON = (b"ORSPRINGFIELD ^ SIMPSON $HOMER$J ^ 742 EVERGREEN TERR ^", b"6360291234567890123=180119550512=", b"")
