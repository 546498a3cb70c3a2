"""An acquiring host with the issuer behind it: ISO 8583 over TCP, DUKPT from the BDK side, cryptograms, accounts.

`async with Acquirer() as acquirer:` listens on acquirer.host, acquirer.port.
"""

import warnings

from cryptography.utils import CryptographyDeprecationWarning

from mpos.acquirer.accounts import Account
from mpos.acquirer.authoriser import Authoriser
from mpos.acquirer.issuer import Issuer
from mpos.acquirer.refusals import REFUSALS
from mpos.acquirer.server import FAULTS, Acquirer

# psec and pyemv take triple DES from where `cryptography` used to keep it; every call would print a warning
warnings.filterwarnings("ignore", message=".*TripleDES.*", category=CryptographyDeprecationWarning)

__all__ = ["FAULTS", "REFUSALS", "Account", "Acquirer", "Authoriser", "Issuer"]
