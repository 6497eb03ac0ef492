/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What boot.S left behind for the rest of this architecture. */
#pragma once

extern paddr_t boot_dtb;	/* where firmware put the device tree, 0 if nowhere */
extern paddr_t boot_image_pa;	/* where the image was loaded */
extern bool boot_entered_el2;	/* the machine gave us EL2 and we left it */
