#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# LIMIT 7200
# WITH processes storms
# What a storm took is given back: after caches are dropped, free memory after the second run equals
# that after the first within 0.25 %.
settle() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '/^MemFree/ { print $2 }' /proc/meminfo
}
/abi/processes
/abi/storms
first=$(settle)
/abi/processes
/abi/storms
second=$(settle)
total=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
lost=$((first - second))
if [ $((lost * 400)) -le "$total" ]; then
	echo "memory is given back: yes"
else
	echo "memory is given back: no, $lost KiB of $first are gone"
fi
