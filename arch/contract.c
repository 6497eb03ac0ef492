/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract, kept: the address of every function in arch, and a use of every constant.  Never
 * read; a port that lacks a name does not compile or link.
 */
#include <arch/abi.h>
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/fpu.h>
#include <arch/io.h>
#include <arch/irqflags.h>
#include <arch/mmu.h>
#include <arch/power.h>
#include <arch/ptrace.h>
#include <arch/signal.h>
#include <arch/smp.h>
#include <arch/syscall.h>
#include <arch/thread.h>
#include <arch/timer.h>
#include <arch/tlb.h>
#include <arch/trapframe.h>
#include <arch/types.h>
#include <arch/usercopy.h>
#include <kernel/lib/compiler.h>

#define NAME(f) (const void *)(f)

static const void *const contract[] __used = {
	/* abi */
	NAME(arch_auxv),
	NAME(arch_vdso_sigreturn),
	arch_vdso_start,
	arch_vdso_end,
	/* boot */
	NAME(arch_boot_info),
	NAME(arch_early_putc),
	NAME(arch_init_early),
	NAME(arch_init),
	NAME(arch_init_cpu),
	NAME(arch_kaslr_offset),
	/* cpu */
	NAME(arch_cpu_self),
	NAME(arch_thread_self),
	NAME(arch_cpu_relax),
	NAME(arch_cpu_idle),
	NAME(arch_cpu_halt),
	NAME(arch_cpu_random),
	NAME(arch_cpu_describe),
	/* debug */
	NAME(arch_unwind_start),
	NAME(arch_unwind_next),
	/* fpu */
	NAME(arch_fpu_kernel_begin),
	NAME(arch_fpu_kernel_end),
	/* io */
	NAME(arch_mb_device),
	NAME(arch_rmb_device),
	NAME(arch_wmb_device),
	NAME(mmio_read8),
	NAME(mmio_read16),
	NAME(mmio_read32),
	NAME(mmio_read64),
	NAME(mmio_write8),
	NAME(mmio_write16),
	NAME(mmio_write32),
	NAME(mmio_write64),
	NAME(arch_dma_sync),
	/* irqflags */
	NAME(arch_irq_enable),
	NAME(arch_irq_disable),
	NAME(arch_irq_save),
	NAME(arch_irq_restore),
	NAME(arch_irq_enabled),
	/* mmu */
	NAME(arch_pt_levels),
	NAME(arch_pt_leaf_ok),
	NAME(arch_pt_hw_dirty),
	NAME(arch_pte_leaf),
	NAME(arch_pte_table),
	NAME(arch_pte_present),
	NAME(arch_pte_is_leaf),
	NAME(arch_pte_addr),
	NAME(arch_pte_flags),
	NAME(arch_pte_change),
	NAME(arch_pte_absent),
	NAME(arch_pte_token),
	NAME(arch_pte_written),
	NAME(arch_mmu_init),
	NAME(arch_mmu_destroy),
	NAME(arch_mmu_switch),
	NAME(arch_mmu_set_kernel_root),
	&arch_kernel_mmu,
	NAME(arch_mmu_kernel_slot_added),
	NAME(arch_icache_sync),
	/* power */
	NAME(arch_reboot),
	NAME(arch_poweroff),
	/* ptrace */
	arch_regsets,
	&arch_nr_regsets,
	NAME(arch_single_step),
	/* signal */
	NAME(arch_signal_push),
	NAME(arch_signal_pop),
	NAME(arch_signal_frame_size),
	/* smp */
	NAME(arch_smp_enumerate),
	NAME(arch_smp_start),
	NAME(arch_smp_park),
	/* syscall */
	NAME(arch_syscall_nr),
	NAME(arch_syscall_args),
	NAME(arch_syscall_result),
	NAME(arch_syscall_set_result),
	NAME(arch_in_syscall),
	NAME(arch_syscall_forget),
	NAME(arch_syscall_restart),
	NAME(arch_syscall_restart_block),
	/* thread */
	NAME(arch_thread_kernel),
	NAME(arch_thread_fork),
	NAME(arch_thread_exec),
	NAME(arch_thread_destroy),
	NAME(arch_switch),
	NAME(arch_tls),
	NAME(arch_set_tls),
	/* timer */
	NAME(arch_timer_init),
	NAME(arch_timer_init_cpu),
	NAME(arch_clock_read),
	NAME(arch_clock_hz),
	NAME(arch_timer_set),
	NAME(arch_wallclock_seconds),
	/* tlb */
	NAME(arch_tlb_flush_range),
	NAME(arch_tlb_flush_all),
	NAME(arch_tlb_flush_kernel),
	/* trapframe */
	NAME(arch_tf_user),
	NAME(arch_tf_irqs_on),
	NAME(arch_tf_pc),
	NAME(arch_tf_set_pc),
	NAME(arch_tf_sp),
	NAME(arch_tf_set_sp),
	NAME(arch_user_frame),
	NAME(arch_tf_dump),
	/* usercopy */
	NAME(arch_copy_from_user),
	NAME(arch_copy_to_user),
	NAME(arch_clear_user),
	NAME(arch_strncpy_from_user),
	NAME(arch_get_user32),
	NAME(arch_get_user64),
	NAME(arch_put_user32),
	NAME(arch_put_user64),
	NAME(arch_user_cmpxchg32),
	NAME(arch_user_fetch_op32),
	NAME(arch_fixup),
};

/* Constants, types and fields. */
static_assert(PAGE_SIZE && ~PAGE_MASK == PAGE_SIZE - 1 && CACHE_LINE &&
		      KSTACK_SIZE >= 4 * PAGE_SIZE,
	      "arch/types.h");
static_assert(sizeof(ARCH_NAME) > 1 && ARCH_MAX_CPUS >= CONFIG_NR_CPUS, "arch/types.h");
static_assert(sizeof(pte_t) == sizeof(u64) && PT_INDEX_BITS == 9 && ARCH_USER_ROOT_ENTRIES,
	      "arch/mmu.h");
static_assert(ARCH_PT_BREAK_BEFORE_MAKE <= 1 && ARCH_TLB_BROADCAST <= 1, "arch/mmu.h, arch/tlb.h");
static_assert(ARCH_ELF_MACHINE && ARCH_CLONE_TLS_LAST <= 1 && ARCH_HAS_STACK_RESTORER <= 1,
	      "arch/abi.h");
static_assert(sizeof_field(struct arch_mmu, root) == sizeof(paddr_t) &&
		      sizeof_field(struct arch_mmu, cpus),
	      "struct arch_mmu");
