/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attribute areas of ext4 as bytes: a random sequence of changes against a model, and noise.
 *
 * link: fs/ext4/xattr_area.c
 */
#include <fs/ext4/xattr_area.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <host.h>

#define NAMES 12

static struct {
	char name[40];
	u8 index, value[600];
	u32 len, size;
	bool there;
} model[NAMES];

static void model_make(void)
{
	for (int i = 0; i < NAMES; i++) {
		model[i].len = i ? 1 + host_random(30) : 0;
		for (u32 k = 0; k < model[i].len; k++)
			model[i].name[k] = 'a' + i;
		model[i].index = 1 + i % 7;
		model[i].there = false;
	}
}

static struct ext4_xattr_name name_of(int i)
{
	return (struct ext4_xattr_name){model[i].index, (u8)model[i].len, model[i].name};
}

static void model_check(const struct ext4_xattr_area *a)
{
	u32 count = 0, off;

	EXPECT_STR(ext4_xattr_area_fault(a) ?: "sound", "sound");
	for (int i = 0; i < NAMES; i++) {
		struct ext4_xattr_name n = name_of(i);
		int err = ext4_xattr_area_find(a, &n, &off);

		EXPECT_EQ(err, model[i].there ? 0 : -ENODATA);
		if (err)
			continue;
		EXPECT_EQ(ext4_xattr_at(a, off)->value_size, model[i].size);
		EXPECT(!memcmp(a->base + ext4_xattr_at(a, off)->value_offs, model[i].value,
			       model[i].size));
		count++;
	}
	ext4_xattr_for_each(a, at) count--;
	EXPECT_EQ(count, 0);
}

static void model_step(struct ext4_xattr_area *a, u32 max)
{
	int i = host_random(NAMES);
	struct ext4_xattr_name n = name_of(i);
	u8 value[600];
	u32 size = host_random(max);

	if (host_random(3) == 0) {
		EXPECT_EQ(ext4_xattr_area_set(a, &n, NULL, 0), model[i].there ? 0 : -ENODATA);
		model[i].there = false;
		return;
	}
	for (u32 k = 0; k < size; k++)
		value[k] = host_random(256);
	if (ext4_xattr_area_set(a, &n, value, size) == 0) {
		model[i].there = true;
		model[i].size = size;
		memcpy(model[i].value, value, size);
	}
}

TEST(changes)
{
	static const u32 sizes[] = {96, 256, 1024, 4096};

	for (int round = 0; round < 40; round++) {
		struct ext4_xattr_area a = {
			.size = sizes[round % 4], .first = round & 4 ? 32 : 0, .sorted = round & 8};

		a.base = host_alloc(a.size);
		memset(a.base, 0, a.size);
		model_make();
		for (int step = 0; step < 400; step++) {
			model_step(&a, round & 16 ? 600 : 40);
			model_check(&a);
		}
		host_free(a.base);
	}
}

TEST(noise)
{
	for (int round = 0; round < 30000; round++) {
		struct ext4_xattr_area a = {.size = 256, .first = 32, .sorted = true};
		u32 off;

		a.base = host_alloc(a.size);
		memset(a.base, 0, a.size);
		model_make();
		for (int step = 0; step < 8; step++)
			model_step(&a, 40);
		for (u32 i = 0; i < 1 + host_random(6); i++)
			a.base[32 + host_random(224)] =
				round & 1 ? host_random(256) : host_random(2) * 255;
		if (!ext4_xattr_area_fault(&a)) {
			struct ext4_xattr_name n = name_of(host_random(NAMES));

			(void)ext4_xattr_area_hash(&a);
			if (!ext4_xattr_area_find(&a, &n, &off))
				EXPECT(ext4_xattr_area_set(&a, &n, round & 2 ? NULL : "value", 5) <=
				       0);
			else
				EXPECT(ext4_xattr_area_set(&a, &n, "value", 5) <= 0);
		}
		host_free(a.base);
	}
}
