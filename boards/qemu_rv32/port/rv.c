// rv: how many instructions something takes. Exact and repeatable when QEMU runs with -icount, and without meaning
// otherwise. What passes while the processor sleeps is not counted.

#include "py/runtime.h"
#include "board.h"

// instret() -> int: instructions retired since the start
static mp_obj_t rv_instret(void) {
    return mp_obj_new_int_from_ull(clock_instructions());
}
static MP_DEFINE_CONST_FUN_OBJ_0(rv_instret_obj, rv_instret);

// count(f) -> (instructions, f()): nothing is allocated between the two readings except by f itself
static mp_obj_t rv_count(mp_obj_t function) {
    uint64_t before = clock_instructions();
    mp_obj_t result = mp_call_function_0(function);
    uint64_t after = clock_instructions();
    mp_obj_t both[] = { mp_obj_new_int_from_ull(after - before), result };
    return mp_obj_new_tuple(2, both);
}
static MP_DEFINE_CONST_FUN_OBJ_1(rv_count_obj, rv_count);

static const mp_rom_map_elem_t rv_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_rv) },
    { MP_ROM_QSTR(MP_QSTR_count), MP_ROM_PTR(&rv_count_obj) },
    { MP_ROM_QSTR(MP_QSTR_instret), MP_ROM_PTR(&rv_instret_obj) },
};
static MP_DEFINE_CONST_DICT(rv_globals, rv_globals_table);

const mp_obj_module_t rv_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&rv_globals,
};
MP_REGISTER_MODULE(MP_QSTR_rv, rv_module);
