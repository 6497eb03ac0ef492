/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end. */
#ifndef ARCH_POWER_H
#define ARCH_POWER_H

_Noreturn void arch_reboot(void);
_Noreturn void arch_poweroff(void);

#endif
