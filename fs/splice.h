/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving data between files and pipes without passing through user memory. */
#pragma once

#include <fs/vfs/file.h>

struct pipe;

#define SPLICE_F_MOVE	  1
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_MORE	  4
#define SPLICE_F_GIFT	  8

/* flags: SPLICE_F_*.  Return bytes, 0 at the end, or a negative errno.  Context: may sleep. */
ssize_t splice_file_to_pipe(struct file *in, loff_t *pos, struct pipe *p, size_t len,
			    unsigned flags);
ssize_t splice_pipe_to_file(struct pipe *p, struct file *out, loff_t *pos, size_t len,
			    unsigned flags);
ssize_t splice_pipe_to_pipe(struct pipe *in, struct pipe *out, size_t len, unsigned flags);
/* Duplicate without consuming. */
ssize_t splice_tee(struct pipe *in, struct pipe *out, size_t len, unsigned flags);
/* From file to file through a private pipe: sendfile. */
ssize_t splice_direct(struct file *in, loff_t *in_pos, struct file *out, loff_t *out_pos,
		      size_t len, unsigned flags);
