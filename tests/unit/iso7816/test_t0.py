from reader.iso7816.atr import parse
from reader.iso7816.t0 import T0
from scripted_characters import ScriptedCharacters
from testing import h


async def test_smoke():
    line = ScriptedCharacters([("00B2010C00", "6C1C"), ("00B2010C1C", "B2" + "00" * 28 + "9000")])
    t0 = T0(line, parse(h("3B600000")))
    assert bytes(await t0.transmit(h("00B2010C00"))) == bytes(28) + h("9000")
    line.done()
