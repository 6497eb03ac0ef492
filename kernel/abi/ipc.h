/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System V and POSIX message queues, semaphores, shared memory. */
#pragma once

#include <linux/ipc.h>
#include <linux/sem.h>
#include <linux/msg.h>
#include <linux/shm.h>
#include <linux/mqueue.h>
