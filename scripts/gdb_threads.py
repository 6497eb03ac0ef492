# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands of gdb for a running Vireo that was started without thought of a debugger.

vslide finds where address-space randomisation put the kernel and moves the symbols there; vps lists the threads; vps
NUMBER also says where a thread sleeps: the return addresses on its stack, some of which may be old.  scripts/gdb
loads them; the kernel's file must be loaded, and no machine attached yet."""
import gdb

STEP, WINDOW = 1 << 16, 1 << 30  # of the slide
STATES = ["interruptible", "uninterruptible", "killable", "stopped", "traced", "dead", "new", "idle", "waking", "parked"]


def read(address, length):
    return bytes(gdb.selected_inferior().read_memory(address, length))


# Code is the same wherever it lies; this much of it is not in memory twice.
HERE = int(gdb.parse_and_eval("(long)&arch_switch")) & (1 << 64) - 1
CODE = bytes(int(gdb.parse_and_eval(f"((unsigned char *)&arch_switch)[{i}]")) for i in range(48))


def places_of_kernel():
    """Addresses that are in the kernel, or may be: where the processors are, and where they go when they trap."""
    for inferior_thread in gdb.selected_inferior().threads():
        inferior_thread.switch()
        for register in ("pc", "VBAR", "VBAR_EL1", "stvec"):
            try:
                yield int(gdb.parse_and_eval(f"(long)${register}")) & (1 << 64) - 1
            except gdb.error:
                pass


def slides():
    for place in places_of_kernel():
        nearest = (place - HERE) // STEP * STEP
        yield from range(nearest - 8 * STEP, nearest + 8 * STEP, STEP)
    yield from range(0, WINDOW, STEP)


class Slide(gdb.Command):
    def __init__(self):
        super().__init__("vslide", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for slide in slides():
            try:
                if slide >= 0 and HERE + slide < 1 << 64 and read(HERE + slide, len(CODE)) == CODE:
                    break
            except gdb.MemoryError:
                pass
        else:
            raise gdb.GdbError("no kernel here: has it turned paging on?")
        elf = gdb.current_progspace().filename
        gdb.execute("symbol-file")
        gdb.execute(f"symbol-file {elf} -o {slide:#x}", to_string=True)
        print(f"the kernel slid by {slide:#x}")


def threads():
    kind = gdb.lookup_type("struct thread")
    link = next(f.bitpos // 8 for f in kind.fields() if f.name == "all_link")
    head = gdb.parse_and_eval("&thread_list")
    at = head["next"]
    while int(at) != int(head):
        yield gdb.Value(int(at) - link).cast(kind.pointer())
        at = at["next"]


def state_of(thread):
    bits = int(thread["state"])
    if not bits:
        return "running" if int(thread["on_cpu"]) else "ready"
    return ",".join(name for i, name in enumerate(STATES) if bits >> i & 1)


def places(thread):
    arch = thread["arch"]
    saved = arch["ctx"]["sp"] if any(f.name == "ctx" for f in arch.type.fields()) else arch["sp"]
    low = int(gdb.parse_and_eval("(long)&__text_start")) & (1 << 64) - 1
    high = int(gdb.parse_and_eval("(long)&__text_end")) & (1 << 64) - 1
    sp, stack = int(saved), b""
    if not 0 <= sp - int(thread["stack"]) < 1 << 16:
        return
    # The page above a stack is not mapped.
    while len(stack) < 1 << 16:
        try:
            stack += read(sp + len(stack), 4096 - (sp + len(stack)) % 4096)
        except gdb.MemoryError:
            break
    for i in range(0, len(stack) - 7, 8):
        value = int.from_bytes(stack[i:i + 8], "little")
        if low < value < high:
            yield gdb.execute(f"info symbol {value - 1:#x}", to_string=True).split(" in section")[0].strip()


class Ps(gdb.Command):
    def __init__(self):
        super().__init__("vps", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        wanted = [int(word) for word in argument.split()]
        for t in threads():
            tid = int(t["tid"])
            if wanted and tid not in wanted:
                continue
            print(f"{tid:6} {t['comm'].string(errors='replace'):16} {state_of(t):20} cpu {int(t['cpu'])}"
                  f" ran {int(t['se']['sum_exec']) / 1e9:.3f} s flags {int(t['flags']):#x}"
                  f" preempt {int(t['preempt_count']):#x} {int(t):#x}")
            if wanted:
                for place in places(t):
                    print(f"         {place}")


Slide()
Ps()
