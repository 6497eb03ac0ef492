#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# LIMIT 600
# BusyBox's own test suite, case by case.  Its largest sets of vectors exercise arithmetic and not
# the system: those are left out, and so is the network.
cp -r /abi/bb /tmp/bb
cd /tmp/bb/testsuite || exit
applets=
for a in $(busybox --list); do
	case $a in
	bc | dc | md5sum | sha*sum | tar | wget) continue ;;
	esac
	[ -e "$a.tests" ] || [ -d "$a" ] || continue
	applets="$applets $a"
done
# shellcheck disable=SC2086
./runtest $applets 2>/dev/null | sed -n 's/^\(PASS\|FAIL\|SKIPPED\|UNTESTED\): \(.*\)/\2: \1/p'
rm -rf /tmp/bb
