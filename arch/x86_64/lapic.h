/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of the local APIC, by their offset in memory; an x2APIC's MSR is that over 16. */
#pragma once

#include <kernel/lib/types.h>

#define LAPIC_ID	    0x020
#define LAPIC_TPR	    0x080
#define LAPIC_EOI	    0x0b0
#define LAPIC_SVR	    0x0f0
#define LAPIC_ICR	    0x300
#define LAPIC_ICR_HIGH	    0x310
#define LAPIC_LVT_TIMER	    0x320
#define LAPIC_LVT_LINT0	    0x350
#define LAPIC_LVT_LINT1	    0x360
#define LAPIC_LVT_ERROR	    0x370
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE  0x3e0

#define LAPIC_VEC_TIMER 0xf4

#define ICR_INIT    0x500
#define ICR_STARTUP 0x600

u32 x86_lapic_read(unsigned reg);
void x86_lapic_write(unsigned reg, u32 v);
u32 x86_lapic_id(void);

/* Write the interrupt command register.  Context: any. */
void x86_lapic_send(u32 apic_id, u32 command);
