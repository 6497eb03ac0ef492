/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asked for by some headers of the user interface, which need nothing from it here. */
