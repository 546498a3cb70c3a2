"""Files from the server: taken as a whole or not at all, from nobody else, none that is older; whenever the power goes."""

import vfs
from powered_files import PoweredFiles

from reader.app import file_load
from reader.crypto.cmac import cmac, derive_into
from reader.errors import E_FILE, E_KEY_REPLAY, E_LINK_BODY, E_LINK_STATE, E_NO_KEY, E_PARAMETERS
from reader.link import protocol
from reader.storage import parameters_file
from reader.storage.key_ring import KeyRing
from testing import Power, PowerCut, cases, h, path, raises, ring_parts

# An operation that is cut is not done, done, or half done; tests/unit/storage has the ring at all kinds of cuts
_SHAPES = (0, 1, 2)

FILE_LIMIT_S = 240

_BEGIN, _DATA, _COMMIT = protocol.FILE_BEGIN, protocol.FILE_DATA, protocol.FILE_COMMIT
_PARAMETERS, _TABLES = protocol.FILE_PARAMETERS, protocol.FILE_TABLES
_ROOT, _SERIALS, _READER_ID = 3, 5, 11
_LOADED, _REFUSED = 13, 14
_FOLDER = "/cut"
_ID = h("FFFF9876543210E0")
_ROOT_KEY = bytes(range(16))
_CHUNK = 900


def _sample():
    with open(path("boards/unix/parameters.json"), "rb") as file:
        return file.read()


_OLD = _sample()
_NEW = _OLD.replace(b"MPOS TEST MERCHANT BEIJING", b"ANOTHER MERCHANT OF BEIJING")
# storage/emv_tables.py: a list of revoked certificates, and one of exceptions
_OLD_TABLES = h("E3 09 A000000333 01 000001")
_NEW_TABLES = h("E3 12 A000000333 01 000001 A000000333 01 000002 E4 10") + bytes(16)


class Entropy:
    def fill(self, buf):
        for i in range(len(buf)):
            buf[i] = 7 * i + 1 & 0xFF


class Board:
    parameters = _FOLDER + "/parameters.json"
    emv_tables = _FOLDER + "/emv.tlv"


class Reader:
    def __init__(self, parts):
        self.board = Board()
        self.ring = KeyRing(*parts)
        self.upload = None
        self.events = []
        self.restarts = 0

    def log(self, event, detail=0):
        self.events.append((event, detail))

    def restart(self):
        self.restarts += 1


class World:
    """A reader with files and keys on one power."""

    def __init__(self):
        self.power = Power()
        self.parts = ring_parts(self.power)
        ring = KeyRing(*self.parts)
        ring.create(Entropy())
        ring.write([(_ROOT, _ROOT_KEY), (_READER_ID, _ID)])
        self.disk = PoweredFiles(self.power)
        self.disk.files = {"parameters.json": _OLD, "emv.tlv": _OLD_TABLES}
        self.reader = Reader(self.parts)

    def __enter__(self):
        vfs.mount(self.disk, _FOLDER)
        return self

    def __exit__(self, *_):
        vfs.umount(_FOLDER)

    def image(self):
        keys, journal, secret = self.parts
        return keys.copy(), journal.copy(), secret.data, dict(self.disk.files)

    def put_back(self, image):
        keys, journal, secret = self.parts
        keys.put_back(image[0])
        journal.put_back(image[1])
        secret.data = image[2]
        self.disk.files = dict(image[3])
        self.reader = Reader(self.parts)

    def number(self, name):
        kept = bytearray(12)
        self.reader.ring.read_into(_SERIALS, kept)
        return int.from_bytes(kept[4 * name : 4 * name + 4], "big")

    def ask(self, opcode, *objects):
        writer = protocol.Writer().begin(protocol.COMMAND, opcode, 1)
        for tag, value in objects:
            writer.put(tag, value)
        write = file_load.handle(self.reader, opcode, 1, writer.body())
        answer = write(protocol.Writer().begin(protocol.RESPONSE, opcode, 1)).body()
        assert protocol.need_int(answer, protocol.ERROR, 2) == 0

    def begin(self, name, number, size):
        self.ask(
            _BEGIN,
            (protocol.FILE_NAME, bytes((name,))),
            (protocol.FILE_NUMBER, number.to_bytes(4, "big")),
            (protocol.FILE_SIZE, size.to_bytes(4, "big")),
        )

    def data(self, offset, data):
        self.ask(_DATA, (protocol.FILE_OFFSET, offset.to_bytes(4, "big")), (protocol.DATA, data))

    def commit(self, mac):
        self.ask(_COMMIT, (protocol.FILE_MAC, mac))

    def send(self, name, number, content, mac=None):
        self.begin(name, number, len(content))
        for at in range(0, len(content), _CHUNK):
            self.data(at, content[at : at + _CHUNK])
        self.commit(mac or _mac(name, number, content))


def _mac(name, number, content, root=_ROOT_KEY, reader_id=_ID):
    key = bytearray(16)
    derive_into(root, b"mPOS files", reader_id, key)
    return cmac(key, bytes((name,)), number.to_bytes(4, "big"), len(content).to_bytes(4, "big"), content)


@cases(
    (_PARAMETERS, "parameters.json", _NEW),
    (_TABLES, "emv.tlv", _NEW_TABLES),
)
def test_a_file(name, on_disk, content):
    with World() as world:
        world.send(name, 7, content)
        assert world.disk.files[on_disk] == content
        assert sorted(world.disk.files) == ["emv.tlv", "parameters.json"]
        assert world.number(name) == 7 and world.number(3 - name) == 0
        assert world.reader.upload is None
        assert world.reader.restarts == 1
        assert world.reader.events == [(_LOADED, name)]


def test_what_is_loaded_is_what_counts():
    with World() as world:
        world.send(_PARAMETERS, 1, _NEW)
        assert parameters_file.load(Board.parameters).terminal.name == "ANOTHER MERCHANT OF BEIJING"


def test_the_mac():
    # Computed by OpenSSL's CMAC
    assert _mac(_TABLES, 7, _OLD_TABLES) == h("33F7AB60DF2777DB5306DCCC12DA8C23")


def test_pieces_that_are_sent_again():
    with World() as world:
        world.begin(_TABLES, 1, len(_NEW_TABLES))
        for _ in range(3):
            world.data(0, _NEW_TABLES[:10])
        world.data(10, _NEW_TABLES[10:])
        world.data(10, _NEW_TABLES[10:])
        world.commit(_mac(_TABLES, 1, _NEW_TABLES))
        assert world.disk.files["emv.tlv"] == _NEW_TABLES


def test_begun_anew():
    with World() as world:
        world.begin(_PARAMETERS, 1, len(_NEW))
        world.data(0, _NEW[:_CHUNK])
        world.send(_TABLES, 1, _NEW_TABLES)
        assert world.disk.files["emv.tlv"] == _NEW_TABLES
        world.begin(_PARAMETERS, 1, len(_NEW))
        world.data(0, _NEW[:_CHUNK])
        world.send(_PARAMETERS, 1, _NEW)
        assert world.disk.files["parameters.json"] == _NEW


def _refused(world, code, detail, action):
    """It is, the files and the keys stay what they are, nothing restarts."""
    before = world.image()
    with raises(code, detail):
        action()
    keys, journal, secret, files = world.image()
    assert (keys, journal, secret) == before[:3]
    for name in ("parameters.json", "emv.tlv"):
        assert files[name] == before[3][name]
    assert world.reader.restarts == 0


@cases(
    (0, 1, 10, E_FILE, 1),
    (3, 1, 10, E_FILE, 1),
    (_PARAMETERS, 1, 0, E_FILE, 2),
    (_PARAMETERS, 1, 8193, E_FILE, 2),
    (_TABLES, 1, 131073, E_FILE, 2),
    (_PARAMETERS, 0, 10, E_KEY_REPLAY, 0),
)
def test_no_such_file(name, number, size, code, detail):
    with World() as world:
        _refused(world, code, detail, lambda: world.begin(name, number, size))
        assert world.reader.events == [(_REFUSED, code << 16 | detail)]
        assert world.reader.upload is None


def test_the_longest():
    with World() as world:
        world.begin(_PARAMETERS, 1, 8192)
        world.begin(_TABLES, 1, 131072)


def test_an_older_one():
    with World() as world:
        world.send(_TABLES, 5, _NEW_TABLES)
        world.reader = Reader(world.parts)
        for number in (5, 4, 0):
            _refused(world, E_KEY_REPLAY, None, lambda n=number: world.begin(_TABLES, n, len(_OLD_TABLES)))
        world.send(_PARAMETERS, 1, _NEW)  # each file has its own numbers


def test_a_newer_one_came_in_between():
    with World() as world:
        world.begin(_TABLES, 5, len(_NEW_TABLES))
        world.data(0, _NEW_TABLES)
        open_file = world.reader.upload
        world.send(_TABLES, 5, _NEW_TABLES)
        world.reader = Reader(world.parts)
        world.reader.upload = open_file
        world.disk.files["emv.tlv.new"] = _NEW_TABLES
        _refused(world, E_KEY_REPLAY, None, lambda: world.commit(_mac(_TABLES, 5, _NEW_TABLES)))


def test_nothing_open():
    with World() as world:
        _refused(world, E_LINK_STATE, None, lambda: world.data(0, b"x"))
        _refused(world, E_LINK_STATE, None, lambda: world.commit(bytes(16)))
        world.send(_TABLES, 1, _NEW_TABLES)
        world.reader.restarts = 0
        _refused(world, E_LINK_STATE, None, lambda: world.data(0, b"x"))


def test_pieces_that_do_not_fit():
    with World() as world:
        world.begin(_TABLES, 1, 20)
        world.data(0, bytes(10))
        for offset, data in ((0, bytes(5)), (11, bytes(2)), (9, bytes(2)), (10, bytes(11)), (0xFFFFFFFF, bytes(2))):
            _refused(world, E_FILE, 3, lambda at=offset, piece=data: world.data(at, piece))
        _refused(world, E_LINK_BODY, protocol.DATA, lambda: world.ask(_DATA, (protocol.FILE_OFFSET, bytes(4))))
        assert world.reader.upload == (_TABLES, 1, 20, 10)
        _refused(world, E_FILE, 4, lambda: world.commit(bytes(16)))
        assert world.reader.upload is None


@cases(
    (lambda mac: bytes(16), "zeros"),
    (lambda mac: bytes((mac[0] ^ 1,)) + mac[1:], "its first bit"),
    (lambda mac: mac[:15] + bytes((mac[15] ^ 0x80,)), "its last"),
    (lambda mac: _mac(_TABLES, 2, _NEW_TABLES), "of another number"),
    (lambda mac: _mac(_PARAMETERS, 1, _NEW_TABLES), "of another file"),
    (lambda mac: _mac(_TABLES, 1, _NEW_TABLES + b"\x00"), "of another size"),
    (lambda mac: _mac(_TABLES, 1, _NEW_TABLES, root=bytes(16)), "under another root"),
    (lambda mac: _mac(_TABLES, 1, _NEW_TABLES, reader_id=bytes(8)), "for another reader"),
)
def test_not_from_the_server(change, why):
    with World() as world:
        mac = bytes(change(bytes(_mac(_TABLES, 1, _NEW_TABLES))))
        _refused(world, E_FILE, 5, lambda: world.send(_TABLES, 1, _NEW_TABLES, mac))
        assert world.reader.upload is None, why
        assert world.reader.events == [(_REFUSED, E_FILE << 16 | 5)]


def test_what_is_on_the_medium_counts():
    with World() as world:
        world.begin(_TABLES, 1, len(_NEW_TABLES))
        world.data(0, _NEW_TABLES)
        world.disk.files["emv.tlv.new"] = _NEW_TABLES[:-1] + b"\x01"
        _refused(world, E_FILE, 5, lambda: world.commit(_mac(_TABLES, 1, _NEW_TABLES)))


def test_a_server_that_errs():
    """Vouched for, and refused all the same by the reader's own loaders."""
    with World() as world:
        _refused(world, E_PARAMETERS, 2, lambda: world.send(_PARAMETERS, 1, b"nothing"))
        wrong = _NEW.replace(b'"version": 1', b'"version": 2')
        _refused(world, E_PARAMETERS, 3, lambda: world.send(_PARAMETERS, 1, wrong))
        _refused(world, E_PARAMETERS, 63, lambda: world.send(_TABLES, 1, h("E5 00")))
        world.send(_PARAMETERS, 1, _NEW)


def test_no_session_root():
    with World() as world:
        world.reader.ring.write([(_ROOT, None)])
        _refused(world, E_NO_KEY, _ROOT, lambda: world.send(_TABLES, 1, _NEW_TABLES))


def test_a_medium_that_fails():
    with World() as world:
        world.begin(_TABLES, 1, len(_NEW_TABLES))
        world.data(0, _NEW_TABLES)
        del world.disk.files["emv.tlv.new"]
        _refused(world, E_FILE, 6, lambda: world.commit(_mac(_TABLES, 1, _NEW_TABLES)))

        def full(*_):
            raise OSError(28)

        world.disk.open = full
        _refused(world, E_FILE, 6, lambda: world.begin(_TABLES, 1, len(_NEW_TABLES)))
    with World() as world:
        world.disk.rename = full
        with raises(E_FILE, 6):
            world.send(_TABLES, 1, _NEW_TABLES)
        # The number is used up, the file still the old one
        assert world.number(_TABLES) == 1 and world.disk.files["emv.tlv"] == _OLD_TABLES
        assert world.reader.restarts == 0


@cases(
    (_PARAMETERS, "parameters.json", _OLD, _NEW),
    (_TABLES, "emv.tlv", _OLD_TABLES, _NEW_TABLES),
)
def test_the_power_goes(name, on_disk, old, new):
    """At every operation on a file and on the flash, in every way that one can be cut."""
    with World() as world:
        world.send(name, 3, old)
        before = world.image()
        outcomes = set()
        for shape in _SHAPES:
            n = 0
            was_cut = True
            while was_cut:
                n += 1
                world.put_back(before)
                world.power.cut(n, shape)
                try:
                    world.send(name, 4, new)
                except PowerCut:
                    pass
                was_cut = world.power.restore()
                world.disk.lose()
                world.reader = Reader(world.parts)
                world.reader.ring.check()
                found = world.disk.files[on_disk]
                number = world.number(name)
                # Whole, and never a new file under an old number
                assert (found, number) in ((old, 3), (old, 4), (new, 4)), (n, shape)
                outcomes.add((found == new, number))
                if was_cut and found == old:
                    world.send(name, number + 1, new)
                    assert world.disk.files[on_disk] == new
        assert outcomes == {(False, 3), (False, 4), (True, 4)}
        assert n > 12
