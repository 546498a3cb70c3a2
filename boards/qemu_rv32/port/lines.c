// lines.Uart(n): the auxiliary serial lines. 0: the contactless chip, 1: the link to the phone, 2: the chip slot's
// coupler, 3: the keys of a PIN pad.
//
// Streams that never block: read() and write() give None when nothing can be moved, and select and asyncio wait for
// them. On the host they are sockets (host_tools/mpos/bench/qemu.py).

#include "py/mperrno.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "board.h"

enum { LINE_COUNT = 4, REGISTERS_EACH = 8, IO_ADDRESS = 0x1000 };

static uart_t uarts[LINE_COUNT];

void lines_init(void) {
    pci_assign(PCI_SLOT_LINES, 0, IO_ADDRESS);
    pci_enable(PCI_SLOT_LINES);
    for (unsigned n = 0; n < LINE_COUNT; n++) {
        uart_open(&uarts[n], PCI_IO_WINDOW + IO_ADDRESS + n * REGISTERS_EACH);
    }
}

bool lines_interrupt(void) {
    bool has_acted = false;
    for (unsigned n = 0; n < LINE_COUNT; n++) {
        has_acted |= uart_interrupt(&uarts[n]);
    }
    return has_acted;
}

typedef struct {
    mp_obj_base_t base;
    uart_t *uart;
} line_obj_t;

static const mp_obj_type_t line_type;
static const line_obj_t line_objects[LINE_COUNT] = {
    { { &line_type }, &uarts[0] },
    { { &line_type }, &uarts[1] },
    { { &line_type }, &uarts[2] },
    { { &line_type }, &uarts[3] },
};

static mp_obj_t line_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    mp_int_t n = mp_obj_get_int(args[0]);
    if (n < 0 || n >= LINE_COUNT) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such line"));
    }
    return MP_OBJ_FROM_PTR(&line_objects[n]);
}

static void line_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    line_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Uart(%d)", (int)(self->uart - uarts));
}

static mp_uint_t line_read(mp_obj_t self_in, void *into, mp_uint_t size, int *error) {
    line_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_uint_t count = uart_read(self->uart, into, size);
    if (count == 0 && size != 0) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return count;
}

static mp_uint_t line_write(mp_obj_t self_in, const void *from, mp_uint_t size, int *error) {
    line_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_uint_t count = uart_write(self->uart, from, size);
    if (count == 0 && size != 0) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return count;
}

static mp_uint_t line_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t argument, int *error) {
    line_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_CLOSE) {
        return 0;
    }
    if (request != MP_STREAM_POLL) {
        *error = MP_EINVAL;
        return MP_STREAM_ERROR;
    }
    mp_uint_t found = 0;
    if ((argument & MP_STREAM_POLL_RD) && uart_available(self->uart)) {
        found |= MP_STREAM_POLL_RD;
    }
    if ((argument & MP_STREAM_POLL_WR) && uart_is_writable(self->uart)) {
        found |= MP_STREAM_POLL_WR;
    }
    return found;
}

static mp_obj_t line_any(mp_obj_t self_in) {
    line_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return MP_OBJ_NEW_SMALL_INT(uart_available(self->uart));
}
static MP_DEFINE_CONST_FUN_OBJ_1(line_any_obj, line_any);

static const mp_rom_map_elem_t line_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_any), MP_ROM_PTR(&line_any_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_stream_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj) },
};
static MP_DEFINE_CONST_DICT(line_locals, line_locals_table);

static const mp_stream_p_t line_stream = {
    .read = line_read,
    .write = line_write,
    .ioctl = line_ioctl,
};

static MP_DEFINE_CONST_OBJ_TYPE(
    line_type,
    MP_QSTR_Uart,
    MP_TYPE_FLAG_NONE,
    make_new, line_make_new,
    print, line_print,
    protocol, &line_stream,
    locals_dict, &line_locals
    );

static const mp_rom_map_elem_t lines_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_lines) },
    { MP_ROM_QSTR(MP_QSTR_Uart), MP_ROM_PTR(&line_type) },
};
static MP_DEFINE_CONST_DICT(lines_globals, lines_globals_table);

const mp_obj_module_t lines_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&lines_globals,
};
MP_REGISTER_MODULE(MP_QSTR_lines, lines_module);
