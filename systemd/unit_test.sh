#!/bin/sh
# unit_test.sh ANALYZE UNIT: systemd knows every line of the unit, and finds little exposed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The program need not be installed for its unit to be checked.
sed 's|=[^ ]*/mailreeve |=/bin/true |' "$2" >"$work/mailreeve.service"
faults=$("$1" verify --man=no --recursive-errors=no "$work/mailreeve.service" 2>&1 | grep "mailreeve" || true)
if [ -n "$faults" ]; then
	echo "$faults"
	exit 1
fi
"$1" security --offline=true --threshold=20 --no-pager "$work/mailreeve.service" | tail -1
