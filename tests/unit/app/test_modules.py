"""What is needed once leaves the heap."""

import gc
import sys

from reader.app.modules import forget


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
