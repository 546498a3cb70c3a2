from reader.iso7816.atr import parse
from reader.iso7816.t1 import T1
from scripted_characters import ScriptedCharacters
from testing import h


async def test_smoke():
    line = ScriptedCharacters([("00C101FE3E", "00E101FE1E"), ("00000400A404004A"[:0] + "00000400A40400A4", "000002900092")])
    t1 = T1(line, parse(h("3BE000FF81317C4192")))
    await t1.start()
    assert bytes(await t1.transmit(h("00A40400"))) == h("9000")
    line.done()
