// flash: the board's flash, 4 MB of memory that the host keeps in a file: a ROM region, run in place, a storage region
// for a file system, and two raw ones for the reader, as an ESP32's partitions. All are block devices with blocks of
// 4 KB, and behave as NOR flash does: an erased byte is FF, and a write only clears bits. The ROM region can also be
// read as a buffer.
//
//   flash.rom       what vfs.rom_ioctl(2, 0) gives, and MicroPython mounts at /rom
//   flash.storage   mounted at / by _boot.py
//   flash.keys, flash.journal

#include <string.h>

#include "extmod/vfs.h"
#include "py/mperrno.h"
#include "py/runtime.h"
#include "board.h"

// As host_tools/mpos/bench/qemu.py lays the file out
enum {
    BLOCK_SIZE = 4096,
    ROM_SIZE = 1024 * 1024,
    KEYS_SIZE = 64 * 1024,
    JOURNAL_SIZE = 32 * 1024,
    STORAGE_SIZE = 2 * 1024 * 1024,
    STORAGE = ROM_SIZE,
    KEYS = STORAGE + STORAGE_SIZE,
    JOURNAL = KEYS + KEYS_SIZE,
};

typedef struct {
    mp_obj_base_t base;
    uint8_t *start;
    size_t size;
} region_obj_t;

static const mp_obj_type_t region_type;
static const region_obj_t rom = { { &region_type }, (uint8_t *)PCI_MEMORY_WINDOW, ROM_SIZE };
static const region_obj_t storage = { { &region_type }, (uint8_t *)PCI_MEMORY_WINDOW + STORAGE, STORAGE_SIZE };
static const region_obj_t keys = { { &region_type }, (uint8_t *)PCI_MEMORY_WINDOW + KEYS, KEYS_SIZE };
static const region_obj_t journal = { { &region_type }, (uint8_t *)PCI_MEMORY_WINDOW + JOURNAL, JOURNAL_SIZE };

void flash_init(void) {
    // The memory of QEMU's ivshmem device is its BAR 2, 64 bits wide
    pci_assign(PCI_SLOT_FLASH, 2, PCI_MEMORY_WINDOW);
    pci_assign(PCI_SLOT_FLASH, 3, 0);
    pci_enable(PCI_SLOT_FLASH);
}

static uint8_t *at(const region_obj_t *self, size_t n_args, const mp_obj_t *args, mp_buffer_info_t *buffer, int flags) {
    mp_get_buffer_raise(args[2], buffer, flags);
    mp_int_t block = mp_obj_get_int(args[1]);
    mp_int_t offset = n_args == 4 ? mp_obj_get_int(args[3]) : 0;
    if (block < 0 || (size_t)block >= self->size / BLOCK_SIZE || offset < 0
        || (size_t)offset > self->size - (size_t)block * BLOCK_SIZE
        || buffer->len > self->size - (size_t)block * BLOCK_SIZE - offset) {
        mp_raise_OSError(MP_EINVAL);
    }
    return self->start + block * BLOCK_SIZE + offset;
}

// readblocks(block, buffer, offset=0)
static mp_obj_t region_readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buffer;
    const uint8_t *from = at(MP_OBJ_TO_PTR(args[0]), n_args, args, &buffer, MP_BUFFER_WRITE);
    memcpy(buffer.buf, from, buffer.len);
    return MP_OBJ_NEW_SMALL_INT(0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(region_readblocks_obj, 3, 4, region_readblocks);

// writeblocks(block, buffer) erases first; writeblocks(block, buffer, offset) does not
static mp_obj_t region_writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buffer;
    uint8_t *to = at(MP_OBJ_TO_PTR(args[0]), n_args, args, &buffer, MP_BUFFER_READ);
    if (n_args == 3) {
        memset(to, 0xff, (buffer.len + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE);
    }
    const uint8_t *from = buffer.buf;
    for (size_t i = 0; i < buffer.len; i++) {
        to[i] &= from[i];
    }
    return MP_OBJ_NEW_SMALL_INT(0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(region_writeblocks_obj, 3, 4, region_writeblocks);

static mp_obj_t region_ioctl(mp_obj_t self_in, mp_obj_t request_in, mp_obj_t argument_in) {
    region_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (mp_obj_get_int(request_in)) {
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(self->size / BLOCK_SIZE);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(BLOCK_SIZE);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE: {
            mp_int_t block = mp_obj_get_int(argument_in);
            if (block < 0 || (size_t)block >= self->size / BLOCK_SIZE) {
                return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
            }
            memset(self->start + block * BLOCK_SIZE, 0xff, BLOCK_SIZE);
            return MP_OBJ_NEW_SMALL_INT(0);
        }
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(region_ioctl_obj, region_ioctl);

static mp_int_t region_get_buffer(mp_obj_t self_in, mp_buffer_info_t *buffer, mp_uint_t flags) {
    region_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self != &rom || flags != MP_BUFFER_READ) {
        return 1;
    }
    buffer->buf = self->start;
    buffer->len = self->size;
    buffer->typecode = 'B';
    return 0;
}

static const mp_rom_map_elem_t region_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&region_ioctl_obj) },
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&region_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&region_writeblocks_obj) },
};
static MP_DEFINE_CONST_DICT(region_locals, region_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    region_type,
    MP_QSTR_Region,
    MP_TYPE_FLAG_NONE,
    buffer, region_get_buffer,
    locals_dict, &region_locals
    );

mp_obj_t mp_vfs_rom_ioctl(size_t n_args, const mp_obj_t *args) {
    switch (mp_obj_get_int(args[0])) {
        case MP_VFS_ROM_IOCTL_GET_NUMBER_OF_SEGMENTS:
            return MP_OBJ_NEW_SMALL_INT(1);
        case MP_VFS_ROM_IOCTL_GET_SEGMENT:
            if (n_args > 1 && mp_obj_get_int(args[1]) == 0) {
                return MP_OBJ_FROM_PTR(&rom);
            }
            MP_FALLTHROUGH;
        default:
            return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
}

static const mp_rom_map_elem_t flash_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_flash) },
    { MP_ROM_QSTR(MP_QSTR_rom), MP_ROM_PTR(&rom) },
    { MP_ROM_QSTR(MP_QSTR_storage), MP_ROM_PTR(&storage) },
    { MP_ROM_QSTR(MP_QSTR_keys), MP_ROM_PTR(&keys) },
    { MP_ROM_QSTR(MP_QSTR_journal), MP_ROM_PTR(&journal) },
};
static MP_DEFINE_CONST_DICT(flash_globals, flash_globals_table);

const mp_obj_module_t flash_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&flash_globals,
};
MP_REGISTER_MODULE(MP_QSTR_flash, flash_module);
