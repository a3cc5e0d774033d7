#!/bin/sh
# Weak scaling of vic-train over ranks, from measured or assumed parts: a table for docs/CLUSTER.md. Each rank computes
# the same number of records a step; gradients go by the host's memory (ranks_sum in models/ranks/ranks.c: all-to-all,
# tree, all-gather in pieces of 16 MiB), or, with INNER, from card to card (models/core/cuda/sums/across.c, in buckets).
#   COMPUTE  milliseconds of a rank's step: forward, backward, update
#   FLOATS   numbers that are added up: parameters and running statistics
#   RECORDS  records of a rank's step; two floats of each are gathered
#   HOST     ranks of a machine
#   LINK     GB/s of a machine's network, each way
#   INNER    GB/s of a card to the others of its machine; 0: there is no NCCL
#   BUS      GB/s between device and host, for each rank at once; 0: the device is the host. Not with INNER
#   MEMORY   GB/s at which a rank copies and adds in host memory. Not with INNER
#   LATENCY  microseconds of a message
#   OVERLAP  the part of COMPUTE that the last shard's backward takes (2/3 with one shard a rank), of which the sums are
#            beside: gradients are complete in proportion to its time, and each BUCKET of bytes is then sent, one after
#            the other. 0: sums begin when it has ended
set -eu
: "${COMPUTE:=56}" "${FLOATS:=25610000}" "${RECORDS:=256}" "${HOST:=8}" "${LINK:=25}" "${BUS:=12}" "${MEMORY:=5}"
: "${LATENCY:=3}" "${INNER:=0}" "${OVERLAP:=0}" "${BUCKET:=26214400}"
[ "$INNER" = 0 ] || BUS=0 MEMORY=0
awk -v compute="$COMPUTE" -v floats="$FLOATS" -v records="$RECORDS" -v host="$HOST" -v link="$LINK" -v bus="$BUS" \
	-v memory="$MEMORY" -v latency="$LATENCY" -v inner="$INNER" -v overlap="$OVERLAP" -v bucket="$BUCKET" '
# When the last of n sums that take `all` milliseconds together is done, which are complete one after the other in the
# last part of `compute`.
function ends(all, n,   k, at, end) {
	for (k = 1; k <= n; k++) {
		at = compute * (1 - overlap * (1 - k / n))
		end = (end > at ? end : at) + all / n
	}
	return end
}
BEGIN {
	bytes = 4 * floats
	print "ranks\tsent MB\tdevice ms\tmemory ms\tcards ms\tnetwork ms\tlatency ms\tnot hidden ms\tstep ms\tefficiency"
	for (r = 1; r <= 1024; r *= 2) {
		h = r < host ? r : host
		sent = r > 1 ? 2 * bytes * (r - 1) / r : 0
		device = r > 1 && bus ? 2 * bytes / bus / 1e6 : 0
		# into the pieces and out of them; the sum reads all that came and writes half of it
		local = r > 1 && memory ? (2 * 2 + 1.5) * bytes / memory / 1e6 : 0
		cards = inner ? 2 * bytes * (h - 1) / r / inner / 1e6 : 0
		wire = r > h ? h * 2 * bytes * (r - h) / r / link / 1e6 : 0
		piece = inner ? bucket : 16777216
		pieces = int((bytes + piece - 1) / piece)
		# all-to-all and all-gather of each piece, a message to each other rank; meetings and answers by a tree
		messages = r > 1 ? 2 * pieces * (r - 1) * latency / 1e3 : 0
		meet = r > 1 ? 3 * log(r) / log(2) * latency / 1e3 : 0
		meet += r > h ? 8 * records * r / link / 1e6 : 0
		step = ends(device + local + cards + wire + messages, pieces) + meet
		printf "%d\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f %%\n", r, sent / 1e6, device, local, cards, wire,
			messages + meet, step - compute, step, 100 * compute / step
	}
}'
