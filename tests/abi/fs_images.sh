#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Images of file systems that are only read, made by tests/abi/images: found by mount, walked, and not written.
export LC_ALL=C
run() {
	echo "$*: $("$@" 2>&1 | tr '\n' '|')"
}
walk() {
	find . | sort | while read -r f; do
		stat -c '%n %a %u %g %F %t %T %Y' "$f"
		[ -L "$f" ] && echo "$f -> $(readlink "$f")"
		[ -f "$f" ] && echo "$f holds $(md5sum <"$f") $(stat -c %s "$f")"
	done
}
refuse() {
	run touch new
	run mkdir new
	run rm Hello.txt
	run chmod 600 Hello.txt
	run mv Hello.txt other
	run ln Hello.txt other
	run dd if=/dev/zero of=Dir/numbers
	run mount -o remount,rw .
}
try() {
	echo "--- $*"
	mount "$@" /tmp/fs_images/m 2>&1 && {
		sed -n 's|^/dev/loop[0-9]* /tmp/fs_images/m ||p' /proc/mounts
		(cd m && find . | sort | head -5 | tr '\n' ' ')
		umount m
		echo
	}
}
mkdir m
echo "--- iso9660"
run mount /abi/image.iso m
sed -n 's|^/dev/loop[0-9]* /tmp/fs_images/m ||p' /proc/mounts
cd m
walk
refuse
run bin/script
run stat -f -c '%T %s %l %a %c' .
cd ..
umount m
try -t iso9660 -o ro,norock /abi/image.iso
try -t iso9660 -o ro,norock,check=strict /abi/image.iso
try -t iso9660 -o ro,norock,nojoliet /abi/image.iso
try -t iso9660 -o ro,norock,nojoliet,map=off,uid=5,gid=6,mode=0400,dmode=0511 /abi/image.iso
try -t iso9660 -o ro,overriderockperm,mode=0400,dmode=0500,block=2048 /abi/image.iso
try -t iso9660 -o ro,check=r /abi/image.iso
try -t iso9660 -o ro,iocharset=utf8 /abi/image.iso
try -t iso9660 -o ro,norock,iocharset=utf8 /abi/image.iso
try -t iso9660 -o ro,hide,showassoc,cruft,nocompress /abi/image.iso
for bad in bogus block=4096 map=upside session=100 mode=x sbsector=100 uid=-1 check=x; do
	try -t iso9660 -o ro,$bad /abi/image.iso
done
echo "--- squashfs"
run mount /abi/image.squashfs m
sed -n 's|^/dev/loop[0-9]* /tmp/fs_images/m ||p' /proc/mounts
cd m
walk
refuse
run bin/script
run stat -f -c '%T %s %l %a %c %d' .
run stat -c '%s %h' Dir
cd ..
umount m
try -t squashfs /abi/image.squashfs
try -t squashfs -o ro,errors=panic /abi/image.squashfs
try -t squashfs -o ro,errors=continue /abi/image.squashfs
for bad in bogus errors errors=perhaps; do
	try -t squashfs -o ro,$bad /abi/image.squashfs
done
echo "--- directories in a circle"
run mount -t ext2 -o ro /abi/image.circle m
for name in a/b/c/near a/b/c/far a/b/c/root a/b/c/itself twice a/b/c; do
	run stat -c %F m/$name
done
umount m
echo "--- no file systems"
try -t squashfs /abi/image.iso
try -t iso9660 -o ro /abi/image.squashfs
