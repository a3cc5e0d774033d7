#!/bin/sh
# Weak scaling of vic-train over ranks, from measured or assumed parts: a table for docs/CLUSTER.md. Each rank computes
# the same number of records a step; gradients go by the host's memory (ranks_sum in models/ranks/ranks.c: all-to-all,
# tree, all-gather in pieces of 16 MiB), and nothing overlaps.
#   COMPUTE  milliseconds of a rank's step: forward, backward, update
#   FLOATS   numbers that are added up: parameters and running statistics
#   RECORDS  records of a rank's step; two floats of each are gathered
#   HOST     ranks of a machine
#   LINK     GB/s of a machine's network, each way
#   BUS      GB/s between device and host, for each rank at once; 0: the device is the host
#   MEMORY   GB/s at which a rank copies and adds in host memory
#   LATENCY  microseconds of a message
set -eu
: "${COMPUTE:=56}" "${FLOATS:=25610000}" "${RECORDS:=256}" "${HOST:=8}" "${LINK:=25}" "${BUS:=12}" "${MEMORY:=5}"
: "${LATENCY:=3}"
awk -v compute="$COMPUTE" -v floats="$FLOATS" -v records="$RECORDS" -v host="$HOST" -v link="$LINK" -v bus="$BUS" \
	-v memory="$MEMORY" -v latency="$LATENCY" 'BEGIN {
	bytes = 4 * floats
	print "ranks\tsent MB\tdevice ms\tmemory ms\tnetwork ms\tlatency ms\tstep ms\tefficiency"
	for (r = 1; r <= 1024; r *= 2) {
		h = r < host ? r : host
		sent = r > 1 ? 2 * bytes * (r - 1) / r : 0
		device = r > 1 && bus ? 2 * bytes / bus / 1e6 : 0
		# into the pieces and out of them; the sum reads all that came and writes half of it
		local = r > 1 ? (2 * 2 + 1.5) * bytes / memory / 1e6 : 0
		wire = r > h ? h * 2 * bytes * (r - h) / r / link / 1e6 : 0
		pieces = int(bytes / 16777216) + 1
		# all-to-all and all-gather of each piece, a message to each other rank; meetings and answers by a tree
		wait = r > 1 ? (2 * pieces * (r - 1) + 3 * log(r) / log(2)) * latency / 1e3 : 0
		wait += r > h ? 8 * records * r / link / 1e6 : 0
		step = compute + device + local + wire + wait
		printf "%d\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f %%\n", r, sent / 1e6, device, local, wire, wait, step,
			100 * compute / step
	}
}'
