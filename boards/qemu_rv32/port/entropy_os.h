// The board's part of the module `os` (included by extmod/modos.c): random bytes from the processor's entropy source,
// the `seed` CSR of RISC-V's scalar cryptography extension (Zkr, chapter 4), which QEMU fills from the host's.

#include "py/mperrno.h"

enum { SEED_POLLS = 1000 };

static mp_obj_t mp_os_urandom(mp_obj_t count_in) {
    mp_int_t count = mp_obj_get_int(count_in);
    if (count < 0) {
        mp_raise_ValueError(NULL);
    }
    vstr_t bytes;
    vstr_init_len(&bytes, count);
    unsigned polls = 0;
    for (mp_int_t i = 0; i < count;) {
        uint32_t seed;
        __asm volatile ("csrrw %0, 0x015, zero" : "=r" (seed));
        uint32_t state = seed >> 30; // 0: self test, 1: wait, 2: 16 bits of entropy, 3: dead
        if (state == 2) {
            bytes.buf[i++] = seed;
            if (i < count) {
                bytes.buf[i++] = seed >> 8;
            }
            polls = 0;
        } else if (state == 3 || ++polls > SEED_POLLS) {
            mp_raise_OSError(MP_EIO);
        }
    }
    return mp_obj_new_bytes_from_vstr(&bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
