"""CPU time and memory of processes and of the whole machine, from /proc."""
import os
import re

from .settings import WORK

TICKS = os.sysconf('SC_CLK_TCK')


def _stat(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(') ', 1)[1].split()
    except OSError:
        return None


def tree(root):
    """A process and all that descend from it."""
    children = {}
    for name in os.listdir('/proc'):
        if name.isdigit() and (stat := _stat(name)):
            children.setdefault(int(stat[1]), []).append(int(name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds(root):
    """CPU seconds of a process tree, with what its ended children used."""
    stats = [stat for pid in tree(root) if (stat := _stat(pid))]
    return sum(int(field) for stat in stats for field in stat[11:15]) / TICKS


def memory_kib(root):
    """Resident memory of a process tree, in KiB."""
    total = 0
    for pid in tree(root):
        try:
            with open(f'/proc/{pid}/status') as file:
                found = re.search(r'VmRSS:\s+(\d+)', file.read())
        except OSError:
            continue
        total += int(found[1]) if found else 0
    return total


def machine_seconds():
    """Busy, idle and stolen seconds of all cores together."""
    with open('/proc/stat') as file:
        fields = [int(field) / TICKS for field in file.readline().split()[1:9]]
    return sum(fields[:3]) + fields[5] + fields[6], fields[3] + fields[4], fields[7]


def postmaster():
    """The process id of the benchmark's PostgreSQL."""
    with open(WORK + '/pg/postmaster.pid') as file:
        return int(file.readline())
