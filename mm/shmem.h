/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory with a name or an offset but no file below: tmpfs, memfd, shared anonymous, System V.
 *
 * A struct shmem is embedded in the object (or made by shmem_create for shared anonymous mappings).
 * Pages appear, cleared, when touched; they leave memory only to swap.
 */
#pragma once

#include <mm/mapping.h>

struct vma_ops;

struct shmem {
	struct mapping mapping;
	u64 size;      /* [a] bytes; written under the object's lock */
	/* [mapping.lock; read without] F_SEAL_*; F_SEAL_SEAL when sealing is not allowed */
	u32 seals;
	u64 allocated; /* [mapping.lock] pages present or in swap: st_blocks */
	u64 swapped;   /* [mapping.lock; read without] those in swap */
	struct list swap_link; /* [shmem.c] objects that may have some */
	/* Limits of the mount: take or give back pages.  Returns 0 or -ENOSPC.  Optional. */
	int (*charge)(void *host, s64 pages);
};

struct vma;
/* MAP_SHARED | MAP_ANONYMOUS: give the new area an object of its own.  Returns 0 or -ENOMEM. */
int shmem_map_anonymous(struct vma *vma) __must_check;

/* F_SEAL_* by their numbers in fcntl.h. */
#define SHMEM_SEAL_SEAL         0x01u
#define SHMEM_SEAL_SHRINK       0x02u
#define SHMEM_SEAL_GROW         0x04u
#define SHMEM_SEAL_WRITE        0x08u
#define SHMEM_SEAL_FUTURE_WRITE 0x10u
#define SHMEM_SEAL_EXEC         0x20u

/* `host` is what mapping.host and charge get.  Context: any. */
void shmem_init(struct shmem *s, void *host, int (*charge)(void *host, s64 pages));
/* Frees all pages. */
void shmem_fini(struct shmem *s);

static inline struct shmem *mapping_shmem(struct mapping *m)
{
	return container_of(m, struct shmem, mapping);
}

/*
 * The folio at `index`, up to date, locked, referenced.  `create`: make it; else a hole gives *out
 * = NULL. Returns 0, -ENOMEM, -ENOSPC, -EINTR.
 */
int shmem_get_folio(struct shmem *s, u64 index, bool create, struct folio **out) __must_check;

/* File operations for objects of fs.  The write lock of the object is held where sizes change. */
ssize_t shmem_read_iter(struct shmem *s, struct iov_iter *to, loff_t *pos);
/* Grows the object when it must; obeys seals (-EPERM). */
ssize_t shmem_write_iter(struct shmem *s, struct iov_iter *from, loff_t *pos);
/* ftruncate.  Returns 0 or -EPERM by seal. */
int shmem_truncate(struct shmem *s, loff_t size) __must_check;
/*
 * fallocate(2): mode 0, KEEP_SIZE, PUNCH_HOLE|KEEP_SIZE, ZERO_RANGE(|KEEP_SIZE).  -EOPNOTSUPP
 * otherwise.
 */
int shmem_fallocate(struct shmem *s, int mode, loff_t pos, loff_t len) __must_check;
/* SEEK_DATA, SEEK_HOLE.  Returns the offset or -ENXIO. */
loff_t shmem_seek(struct shmem *s, loff_t pos, bool data);
/* fcntl F_ADD_SEALS.  Returns 0, -EPERM, -EBUSY (writable mappings and F_SEAL_WRITE). */
int shmem_add_seals(struct shmem *s, u32 seals) __must_check;

/* file_ops.mmap of such files: checks seals, sets the operations. */
int shmem_mmap(struct shmem *s, struct vma *vma) __must_check;

/* mapping_ops of shmem mappings; recognise them by mapping_test(m, MAPPING_SHMEM). */
extern const struct mapping_ops shmem_mapping_ops;
