#!/usr/bin/env python3
"""layers.py: every include arrow between the rooms of src/ must be one that ARCHITECTURE.md draws.

Prints each wrong arrow as file:line and exits 1. No list of exceptions."""
import pathlib
import re
import sys

MAY = {  # room: rooms it may include besides itself
    "base": "",
    "mail": "base",
    "net": "base",
    "store": "base",
    "auth": "base mail",
    "policy": "base mail auth",
    "diagnose": "base mail auth",
    "session": "base mail auth policy store",
    "front": "base mail net session",
    "report": "base mail auth store",
    "desk": "base mail net auth policy session diagnose report store",
}
PURE = {"mail", "auth", "policy", "diagnose"}  # no clock, file, socket or database
IMPURE = re.compile(r"^(time\.h|unistd\.h|fcntl\.h|stdio_ext\.h|poll\.h|netdb\.h|netinet/.*|arpa/.*|sys/(socket|stat|time|epoll|un|uio|ioctl|select)\.h"
                    r"|unbound\.h|sqlite3\.h|libpq.*|curl/.*|microhttpd\.h|ldap\.h)$")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')

top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "src"
faults = []
for path in sorted(top.rglob("*.[ch]")) + sorted(top.rglob("*.def")):
    parts = path.relative_to(top).parts
    room = parts[0] if len(parts) > 1 else None  # main.c may know everyone
    if room is not None and room not in MAY:
        faults.append(f"{path}: a room that ARCHITECTURE.md does not know: {room}")
        continue
    test = path.name.endswith("_test.c")
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found or room is None:
            continue
        ours, system = found.groups()
        if ours:
            other = ours.split("/")[0] if "/" in ours else None
            if other is None:
                faults.append(f"{path}:{number}: write it as \"room/noun.h\": {ours}")
            elif other != room and other not in MAY[room].split():
                faults.append(f"{path}:{number}: {room} may not include {ours}")
        elif room in PURE and not test and IMPURE.match(system):
            faults.append(f"{path}:{number}: {room} decides and does no I/O: <{system}>")
print("\n".join(faults) if faults else "every include points the right way")
sys.exit(1 if faults else 0)
