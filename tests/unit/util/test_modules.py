"""What is needed once leaves the heap."""

import gc
import sys

from reader.util.modules import forget, forget_each, keep_only, loaded


def test_a_forgotten_module_gives_its_heap_back():
    import reader.storage

    gc.collect()
    before = gc.mem_alloc()
    from reader.storage import parameters_file

    gc.collect()
    loaded = gc.mem_alloc()
    assert loaded - before > 1000
    del parameters_file
    forget("reader.storage.parameters_file")
    assert "reader.storage.parameters_file" not in sys.modules
    assert not hasattr(reader.storage, "parameters_file")
    gc.collect()
    # Names that the module brought stay: MicroPython never forgets a string it has interned
    assert gc.mem_alloc() - before < (loaded - before) // 2


def test_it_can_be_loaded_again():
    from reader.storage import parameters_file

    forget("reader.storage.parameters_file")
    from reader.storage import parameters_file as again

    assert again is not parameters_file
    assert again.parse is not parameters_file.parse


def test_those_that_are_there():
    import reader.link.framing
    import reader.link.protocol  # noqa: F401

    forget_each("reader.link.protocol", "reader.link.none")
    assert "reader.link.protocol" not in sys.modules
    assert "reader.link.framing" in sys.modules


def test_a_package_before_what_is_in_it():
    import reader.link.framing  # noqa: F401

    forget("reader.link")
    forget("reader.link.framing")
    assert "reader.link.framing" not in sys.modules


def test_what_came_since():
    import reader.link.framing

    kept = loaded()
    import reader.link.protocol
    import reader.outcome  # noqa: F401

    keep_only(kept)
    assert "reader.link.protocol" not in sys.modules and "reader.outcome" not in sys.modules
    assert "reader.link.framing" in sys.modules
    keep_only(kept)


def test_native_code_that_few_need_stays():
    kept = loaded()
    import reader.crypto.aes
    import reader.crypto.aes192  # noqa: F401

    keep_only(kept)
    assert "reader.crypto.aes" not in sys.modules
    assert "reader.crypto.aes192" in sys.modules
