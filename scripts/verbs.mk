# SPDX-License-Identifier: GPL-2.0-or-later
#
# The verbs that are not compilation.

help:
	@scripts/help

clean:
	rm -rf $(addprefix build/,$(ARCHES)) $(wildcard build/*-debug build/*-kasan build/*-kcsan)

.PHONY: help clean
