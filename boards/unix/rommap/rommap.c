// rommap.open(path) -> memoryview: a file mapped into memory, read only.
//
// A microcontroller has its flash in the address space, and vfs.VfsRom runs bytecode where it lies. This gives the
// unix board the same, so that its heap holds what a board's heap holds. The mapping lasts as long as the process.

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "py/mperrno.h"
#include "py/obj.h"
#include "py/runtime.h"

static mp_obj_t rommap_open(mp_obj_t path_in) {
    int file = open(mp_obj_str_get_str(path_in), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        mp_raise_OSError(errno);
    }
    struct stat status;
    void *at = MAP_FAILED;
    if (fstat(file, &status) == 0 && status.st_size > 0) {
        at = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    } else {
        errno = MP_EINVAL;
    }
    int error = errno;
    close(file);
    if (at == MAP_FAILED) {
        mp_raise_OSError(error);
    }
    return mp_obj_new_memoryview('B', status.st_size, at);
}
static MP_DEFINE_CONST_FUN_OBJ_1(rommap_open_obj, rommap_open);

static const mp_rom_map_elem_t rommap_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_rommap) },
    { MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&rommap_open_obj) },
};
static MP_DEFINE_CONST_DICT(rommap_globals, rommap_globals_table);

const mp_obj_module_t rommap_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&rommap_globals,
};
MP_REGISTER_MODULE(MP_QSTR_rommap, rommap_module);
