"""Virtual cards, personalised under the test issuer of `mpos.bench.test_keys`."""

from mpos.bench.cards.entry import Entry
from mpos.bench.cards.faults import faulty
from mpos.bench.cards.profile import Profile
from mpos.bench.cards.qpboc import QpbocCard
from mpos.bench.cards.registry import CARDS, make_card

__all__ = ["CARDS", "Entry", "Profile", "QpbocCard", "faulty", "make_card"]
