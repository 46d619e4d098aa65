"""Starts copies of one command together, waits for all, and prints what they used.

Usage: python copies.py COUNT COMMAND... What each says, a line that fits into a pipe, is told when all have ended;
its own line comes last. It imports next to nothing on purpose: a new process's peak begins at its starter's.
"""

import json
import os
import sys
import time

count, command = int(sys.argv[1]), sys.argv[2:]
began = time.perf_counter()
pipes = [os.pipe() for _ in range(count)]
started = [
    os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)])
    for _, writer in pipes
]
ends = [os.wait4(process, 0) for process in started]
wall_s = time.perf_counter() - began
broken = [os.waitstatus_to_exitcode(status) for _, status, _ in ends if status]
if broken:
    sys.exit(f"exit status {broken} of {command[0]}")
for reader, writer in pipes:
    os.close(writer)
    with os.fdopen(reader) as said:
        sys.stdout.write(said.read())
used = [usage for _, _, usage in ends]
peaks = [usage.ru_maxrss / 1024 for usage in used]  # Linux tells KiB
cpu_s = sum(usage.ru_utime + usage.ru_stime for usage in used)
print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "peaks_mib": peaks}))
