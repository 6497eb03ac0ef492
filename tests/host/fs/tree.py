#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tree.py make DIRECTORY: a tree with something of everything, for images of it (tree.h).
tree.py list DIRECTORY: one line for each file in it, fields separated by tabs: path, mode, links, uid, gid, size,
mtime in seconds, device number, symlink, CRC32 of the contents, attributes as name=hex."""
import os
import random
import stat
import sys
import zlib


def put(path, data, mode=0o644):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)


def text(n):
    words = [b"alpha", b"beta", b"gamma", b"delta", b"epsilon"]
    return b" ".join(random.choice(words) for _ in range(n // 5 + 1))[:n]


def make_files(d):
    os.mkdir(d)
    for size in (0, 1, 100, 2047, 2048, 2049, 4095, 4096, 4097, 131071, 131072, 131073, 200000, 1000000):
        put(f"{d}/text{size}", text(size))
        put(f"{d}/noise{size}", random.randbytes(size), 0o600)
    put(f"{d}/zeroes", bytes(300000))
    put(f"{d}/mixed", random.randbytes(140000) + bytes(400000) + text(150000) + bytes(262144))
    with open(f"{d}/sparse", "wb") as f:
        f.seek(2000000)
        f.write(b"the end")
    os.link(f"{d}/text100", f"{d}/link to text100")


def make_names(d):
    os.mkdir(d)
    put(f"{d}/" + "n" * 250, b"long")
    put(f"{d}/with blanks, and (signs)", b"x")
    put(f"{d}/UPPER.Case", b"upper")
    put(f"{d}/\u00e4\u00f6\u00fc\u20ac", b"utf8")
    os.symlink("text", f"{d}/symlink")
    os.symlink("/absolute/../path/./to", f"{d}/absolute")
    os.symlink("../" * 150 + "a" * 200 + "/" + "b" * 250, f"{d}/long symlink")
    os.symlink("..", f"{d}/up")
    os.mkfifo(f"{d}/fifo")
    try:
        os.mknod(f"{d}/char", stat.S_IFCHR | 0o620, os.makedev(4, 65))
        os.mknod(f"{d}/block", stat.S_IFBLK | 0o660, os.makedev(259, 44))
    except PermissionError:
        pass


def make_dirs(d):
    deep = d
    for i in range(12):
        os.mkdir(deep)
        put(f"{deep}/here", str(i).encode())
        deep += f"/level{i}"
    os.mkdir(f"{d}/many")
    for i in range(700):
        put(f"{d}/many/file number {i:03d}", str(i).encode() * (i % 40))
    os.mkdir(f"{d}/empty")
    os.mkdir(f"{d}/modes")
    for mode in (0o4755, 0o2755, 0o400, 0o1777, 0o444):
        put(f"{d}/modes/{mode:o}", b"m", mode)
    os.chmod(f"{d}/modes", 0o1777)


def make_attributes(d):
    os.mkdir(d)
    for i in range(20):
        put(f"{d}/file{i}", b"attributes")
        try:
            os.setxattr(f"{d}/file{i}", "user.number", str(i).encode())
            os.setxattr(f"{d}/file{i}", "user.same", b"as all others, and longer than eight bytes")
            os.setxattr(f"{d}/file{i}", "trusted.t", b"\0binary\xff")
        except OSError:
            pass
    try:
        os.setxattr(d, "user.dir", b"d")
        os.setxattr(f"{d}/file0", "user.big", random.randbytes(3000))
        os.setxattr(f"{d}/file1", "security.s", b"")
        os.symlink("nowhere", f"{d}/symlink")
        os.setxattr(f"{d}/symlink", "trusted.link", b"l", follow_symlinks=False)
    except OSError:
        pass


def make(d):
    random.seed(7)
    os.makedirs(d)
    make_files(f"{d}/files")
    make_names(f"{d}/names")
    make_dirs(f"{d}/dirs")
    make_attributes(f"{d}/attributes")
    if os.getuid() == 0:
        os.chown(f"{d}/files/text1", 1234, 70000)
    when = 915148800
    for top, dirs, files in os.walk(d, topdown=False):
        for name in sorted(files) + sorted(dirs):
            os.utime(f"{top}/{name}", (when, when), follow_symlinks=False)
            when += 86399 * 7


def attributes(path):
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError:
        return "-"
    return ",".join(f"{n}={os.getxattr(path, n, follow_symlinks=False).hex()}" for n in names) or "-"


def line(top, path):
    st = os.lstat(path)
    link = os.readlink(path) if stat.S_ISLNK(st.st_mode) else "-"
    crc = f"{zlib.crc32(open(path, 'rb').read()):x}" if stat.S_ISREG(st.st_mode) else "-"
    # As stat(2) has it, which is not as this C library has it.
    rdev = os.minor(st.st_rdev) & 0xff | os.major(st.st_rdev) << 8 | (os.minor(st.st_rdev) & ~0xff) << 12
    return "\t".join(map(str, (os.path.relpath(path, top), f"{st.st_mode:o}", st.st_nlink, st.st_uid, st.st_gid,
                               st.st_size, int(st.st_mtime), rdev, link, crc, attributes(path))))


def listing(d):
    for top, dirs, files in os.walk(d):
        for name in dirs + files:
            print(line(d, f"{top}/{name}"))


{"make": make, "list": listing}[sys.argv[1]](sys.argv[2])
