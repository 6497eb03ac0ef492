/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the compiler calls when instrumented code does something undefined.
 *
 * Each place is reported once, with a backtrace: the high bit of the column in its (writable)
 * description remembers.  The structures and names are the compiler's interface.
 */
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/atomic.h>

struct source_location {
	const char *file;
	u32 line;
	u32 column; /* [a] bit 31: reported */
};

struct type_descriptor {
	u16 kind; /* 0: integer */
	u16 info; /* integer: bit 0 signed, the rest log2 of the width */
	char name[];
};

struct overflow_data {
	struct source_location where;
	struct type_descriptor *type;
};

struct shift_data {
	struct source_location where;
	struct type_descriptor *left, *right;
};

struct bounds_data {
	struct source_location where;
	struct type_descriptor *array, *index;
};

struct mismatch_data {
	struct source_location where;
	struct type_descriptor *type;
	u8 log_alignment, access_kind;
};

struct place_data {
	struct source_location where;
};

void __ubsan_handle_add_overflow(struct overflow_data *d, unsigned long a, unsigned long b);
void __ubsan_handle_sub_overflow(struct overflow_data *d, unsigned long a, unsigned long b);
void __ubsan_handle_mul_overflow(struct overflow_data *d, unsigned long a, unsigned long b);
void __ubsan_handle_negate_overflow(struct overflow_data *d, unsigned long a);
void __ubsan_handle_divrem_overflow(struct overflow_data *d, unsigned long a, unsigned long b);
void __ubsan_handle_pointer_overflow(struct place_data *d, unsigned long base,
				     unsigned long result);
void __ubsan_handle_shift_out_of_bounds(struct shift_data *d, unsigned long a, unsigned long b);
void __ubsan_handle_out_of_bounds(struct bounds_data *d, unsigned long index);
void __ubsan_handle_type_mismatch_v1(struct mismatch_data *d, unsigned long pointer);
void __ubsan_handle_load_invalid_value(struct overflow_data *d, unsigned long value);
void __ubsan_handle_vla_bound_not_positive(struct overflow_data *d, unsigned long bound);
void __ubsan_handle_nonnull_arg(struct place_data *d);
void __ubsan_handle_builtin_unreachable(struct place_data *d);

static void report(struct source_location *where, const char *what, const char *type,
		   unsigned long a, unsigned long b)
{
	if (atomic_fetch_or(&where->column, 1u << 31) >> 31)
		return;
	log_raw(LOG_REPORT, "UBSAN: %s at %s:%u (%s, %#lx, %#lx)", what, where->file, where->line,
		type, a, b);
	backtrace(LOG_REPORT, NULL, NULL);
}

void __ubsan_handle_add_overflow(struct overflow_data *d, unsigned long a, unsigned long b)
{
	report(&d->where, "addition overflow", d->type->name, a, b);
}

void __ubsan_handle_sub_overflow(struct overflow_data *d, unsigned long a, unsigned long b)
{
	report(&d->where, "subtraction overflow", d->type->name, a, b);
}

void __ubsan_handle_mul_overflow(struct overflow_data *d, unsigned long a, unsigned long b)
{
	report(&d->where, "multiplication overflow", d->type->name, a, b);
}

void __ubsan_handle_negate_overflow(struct overflow_data *d, unsigned long a)
{
	report(&d->where, "negation overflow", d->type->name, a, 0);
}

void __ubsan_handle_divrem_overflow(struct overflow_data *d, unsigned long a, unsigned long b)
{
	report(&d->where, "division overflow", d->type->name, a, b);
}

void __ubsan_handle_pointer_overflow(struct place_data *d, unsigned long base, unsigned long result)
{
	report(&d->where, "pointer overflow", "", base, result);
}

void __ubsan_handle_shift_out_of_bounds(struct shift_data *d, unsigned long a, unsigned long b)
{
	report(&d->where, "shift out of bounds", d->left->name, a, b);
}

void __ubsan_handle_out_of_bounds(struct bounds_data *d, unsigned long index)
{
	report(&d->where, "index out of bounds", d->array->name, index, 0);
}

void __ubsan_handle_type_mismatch_v1(struct mismatch_data *d, unsigned long pointer)
{
	report(&d->where, pointer ? "misaligned or too small object" : "null pointer",
	       d->type->name, pointer, d->access_kind);
}

void __ubsan_handle_load_invalid_value(struct overflow_data *d, unsigned long value)
{
	report(&d->where, "invalid value", d->type->name, value, 0);
}

void __ubsan_handle_vla_bound_not_positive(struct overflow_data *d, unsigned long bound)
{
	report(&d->where, "array bound not positive", d->type->name, bound, 0);
}

void __ubsan_handle_nonnull_arg(struct place_data *d)
{
	report(&d->where, "null argument", "", 0, 0);
}

void __ubsan_handle_builtin_unreachable(struct place_data *d)
{
	panic("UBSAN: reached the unreachable at %s:%u", d->where.file, d->where.line);
}
