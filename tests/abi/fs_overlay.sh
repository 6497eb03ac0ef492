#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# An overlay of three trees, on one tmpfs: lookup, merging, whiteouts, copy-up, opaque directories, renames.
run() {
	echo "$*: $("$@" 2>&1 | tr '\n' '|')"
}
tree() {
	(cd "$1" && find . | sort | tr '\n' ' ')
}
mkdir t
mount -t tmpfs none t
cd t
mkdir low1 low2 up work all
mkdir -p low1/dir low1/both low2/both low2/deep/a/b low2/gone
echo one >low1/file
echo two >low2/file
echo low2 >low2/only
echo x >low1/dir/x
echo 1 >low1/both/one
echo 2 >low2/both/two
echo d >low2/deep/a/b/d
ln -s only low2/link
chmod 640 low2/only
touch -d '2001-02-03 04:05:06' low2/only
echo g >low2/gone/g
echo hard >low2/h1
ln low2/h1 low2/h2
run mount -t overlay none all
run mount -t overlay -o lowerdir=low1:nothing none all
run mount -t overlay -o lowerdir=low1,upperdir=up none all
run mount -t overlay -o lowerdir=low1,upperdir=up,workdir=up/w none all
run mount -t overlay -o lowerdir=low1,bogus=1 none all
run mount -t overlay -o lowerdir=low1:low2,upperdir=up,workdir=work over all
grep ' overlay ' /proc/mounts | sed 's/,uuid=[a-z]*//;s/,nouserxattr//'
echo "all: $(tree all)"
run cat all/file
run cat all/link
run stat -c '%a %Y %s %F' all/only
run stat -f -c %T all
# Copy-up by writing, by attributes, by opening.
echo more >>all/only
run cat all/only
run cat low2/only
run stat -c '%a %s' up/only
chmod 600 all/file
run stat -c %a all/file low1/file up/file
echo z >all/dir/y
echo "up: $(tree up)"
echo "dir: $(tree all/dir)"
echo "both: $(tree all/both)"
mv all/deep/a/b/d all/deep/a/b/e
echo "deep: $(tree all/deep)"
run stat -c '%F %t %T' up/deep/a/b/d
run cat up/deep/a/b/e
# Removal and whiteouts.
rm all/link
run cat all/link
run stat -c %F up/link
rm all/both/one
echo "both: $(tree all/both)"
run rmdir all/gone
rm all/gone/g
run rmdir all/gone
run ls all/gone
run stat -c %F up/gone
mkdir all/gone
echo "gone again: $(tree all/gone)"
echo new >all/gone/new
echo "gone: $(tree all/gone)"
run getfattr -n trusted.overlay.opaque all/gone
rm -r all/both
echo "all: $(tree all)"
echo over >all/both
run cat all/both
# A directory that lower layers share does not move; a new one does.
run mv all/dir all/dir2
run ls all/dir2
mkdir all/fresh
echo f >all/fresh/f
run mv all/fresh all/moved
echo "moved: $(tree all/moved)"
# A name over a whiteout, and links.
echo back >all/link
run cat all/link
run ln all/link all/hard
run stat -c %h all/hard all/link
echo through >all/hard
run cat all/link
ln -s target all/sym
run readlink all/sym
mkfifo all/fifo
run stat -c %F all/fifo
# A file open for reading sees what is written after its copy-up.
echo before >low2/late
exec 5<all/late
echo after >all/late
run cat <&5
exec 5<&-
truncate -s 2 all/late
run cat all/late
run cat low2/late
# A copy-up leaves the other names of a lower file behind; its own names stay together.
cat all/h1 all/h2 >/dev/null
echo more >>all/h1
run cat all/h1
run cat all/h2
exec 5<all/h1
ln all/h1 all/h3
echo 2 >/proc/sys/vm/drop_caches
echo end >>all/h3
run cat all/h1
run stat -c '%s %h' all/h1 all/h2 all/h3
exec 5<all/only
[ "$(awk '/^ino/ { print $2 }' /proc/self/fdinfo/5)" = "$(stat -c %i all/only)" ] && echo "fdinfo has stat's number"
exec 5<&-
[ "$(stat -c %i all/h1)" = "$(stat -c %i up/h1)" ] && echo "a link that broke has the copy's number"
# Removed while open, still readable.
exec 6<all/deep/a/b/e
rm all/deep/a/b/e
run cat <&6
exec 6<&-
run rmdir all/deep/a/b
echo "deep: $(tree all/deep)"
run umount all
# The same again: what was done is there.
run mount -t overlay -o lowerdir=low1:low2,upperdir=up,workdir=work over all
echo "all: $(tree all)"
run umount all
# Without an upper layer it is read-only.
run mount -t overlay -o lowerdir=up:low1:low2 over all
echo "all: $(tree all)"
run touch all/new
run rm all/only
run umount all
cd ..
umount t
