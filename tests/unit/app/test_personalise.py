"""The initial key goes in once; a line that is none changes nothing."""

from reader.app.counters import Counters
from reader.app.notices import Notices
from reader.app.personalise import personalise
from reader.dukpt.tdes import TdesDukpt
from reader.errors import E_KEY_EXISTS, E_NO_KEY
from testing import MemoryStore, cases, raises

# X9.24-1:2009, A.4: the initial key of the standard's examples and its serial number
_LINE = "6AC292FAA1315B4D858AB3A3D7D5933A FFFF9876543210E00000"


def test_once():
    keys, counters, notices = MemoryStore(), MemoryStore(), MemoryStore()
    personalise(keys, counters, notices, _LINE)
    assert TdesDukpt(keys).next().ksn[-1] == 1
    assert Counters(counters).next_stan() == 1
    assert Notices(notices).check() == 0
    kept = keys.data
    with raises(E_KEY_EXISTS):
        personalise(keys, counters, notices, _LINE)
    assert keys.data == kept and Counters(counters).next_stan() == 2


@cases(
    ("",),
    (_LINE[:-1],),
    (_LINE + "0",),
    (_LINE.replace(" ", "0"),),
    (_LINE[:32] + " " + "X" * 20,),
    ("G" + _LINE[1:],),
    (_LINE[:31] + " " + "0" * 21,),
)
def test_no_such_line(line):
    keys, counters, notices = MemoryStore(), MemoryStore(), MemoryStore()
    with raises(E_NO_KEY):
        personalise(keys, counters, notices, line)
    assert keys.data is None and counters.data is None and notices.data is None
