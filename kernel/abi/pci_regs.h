/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of PCI configuration space. */
#pragma once

#include <linux/pci_regs.h>
