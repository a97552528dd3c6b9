#!/usr/bin/env python3
"""embed.py OUTPUT FILE...: writes files as a C source of byte arrays; see src/desk/assets.h."""
import hashlib
import pathlib
import sys

TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

output, paths = pathlib.Path(sys.argv[1]), sorted(map(pathlib.Path, sys.argv[2:]))
text, rows, whole = ['#include "desk/assets.h"\n'], [], hashlib.sha256()
for number, path in enumerate(paths):
    data = path.read_bytes()
    whole.update(path.name.encode() + b"\0" + data)
    body = "".join(f"{byte}," + ("\n" if place % 32 == 31 else "") for place, byte in enumerate(data))
    text.append(f"static const unsigned char file_{number}[] = {{\n{body}\n}};\n")
    rows.append(f'\t{{ "{path.name}", "{TYPES[path.suffix]}", file_{number}, sizeof(file_{number}) }},')
text.append("const struct asset assets[] = {\n" + "\n".join(rows) + "\n};")
text.append(f"const size_t assets_count = {len(paths)};")
text.append(f'const char assets_version[] = "{whole.hexdigest()[:12]}";\n')
output.write_text("\n".join(text))
