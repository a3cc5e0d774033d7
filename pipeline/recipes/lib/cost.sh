# About how long a recipe takes, for --plan, --cost and `vic run`. Sourced by recipe.sh.
# shellcheck disable=SC2154 # variables of recipe.sh
#
# A training is expected to take what others of its data set, model and method took in this OUT on this machine and
# device (OUT/times.tsv), else those of its data set and model. Where there is none: what costs.tsv says of it, which was
# measured on another machine. (Of both so many times as much as it has times their epochs.) Else it is not known, and
# that is said; of a trial costs.tsv says nothing. On CPUs it is CPU time that counts, shared by the
# cores in use, so a machine that was busy then, or has more cores now, does no harm.

# cost_cell DATASET/MODEL METHOD-SETTING COMMAND: adds the cell $CELL, and whether it is there, of this command. (data.sh has
# the set's epochs, methods.tsv those of a setting.)
cost_cell() {
	cost_state=new
	if [ -f "$OUT/$CELL/command" ]; then
		IFS= read -r cost_command <"$OUT/$CELL/command" || cost_command=''
		[ "$cost_command" = "$3" ] && cost_state=there || cost_state=anew
	fi
	cost_epochs=${epochs:-1}
	case $TRIAL:$2 in
	:manifold-*long) cost_epochs=${longest:-1} ;;
	:*long) cost_epochs=${long:-1} ;;
	esac
	cost_cells="$cost_cells$cost_state	$1	${2%-}	$cost_epochs	${epochs:-1}
"
}

# Prints the line.
cost_line() {
	cost_at=$(case $ENGINE:$SSHLOGIN in xargs:* | parallel: | parallel:*/:) uname -n ;; esac)
	cost_times=$OUT/times.tsv
	[ -f "$cost_times" ] || cost_times=/dev/null
	printf '%s' "$cost_cells" | awk -F '\t' -v device="$DEVICE" -v host="$cost_at" -v scale="${TRIAL:+trial }$SCALE" \
		-v jobs="${JOBS:-1}" -v cores=$((${JOBS:-1} * THREADS < jobs_cores ? ${JOBS:-1} * THREADS : jobs_cores)) '
		function known(key, s) { sum[key] += s; n[key]++ }
		function long(s) {
			return s < 90 ? sprintf("%d s", s + 0.5) : s < 5400 ? sprintf("%d min", s / 60 + 0.5) : sprintf("%.1f h", s / 3600)
		}
		BEGIN { gpu = device ~ /^cuda/ }
		FILENAME ~ /costs.tsv$/ { if ($1 == scale && !gpu) elsewhere[$2 "/" $3] = $4; next }
		FILENAME != "-" {
			split($1, part, "/")
			bow = part[3] == "bow"
			if (host != "" && $6 != host || !bow && $5 != device) next
			s = gpu && !bow ? $2 * cores / jobs : $3
			if (part[4] !~ /long$/) known(part[2] "/" part[3], s)
			known(part[2] "/" part[3] "/" part[4], s)
			next
		}
		{
			all++
			if ($1 == "there") { there++; next }
			anew += $1 == "anew"
			method = $2 "/" $3
			if (method in n) here += sum[method] / n[method]
			else if ($2 in n) here += sum[$2] / n[$2] * $4 / $5
			else if ($2 in elsewhere) { there_s += elsewhere[$2] * $4 / $5; foreign = 1 }
			else if (!unknown[$2]++) names = names (names == "" ? "" : ", ") $2
			else next
		}
		END {
			line = all + 0 (all == 1 ? " training" : " trainings")
			if (there) line = line ", " there " done"
			if (anew) line = line ", " anew " to be made anew by another command"
			s = (here + there_s) / cores
			if (s > 0 && host != "") line = line ", about " long(s) (foreign ? " (by times measured elsewhere)" : "")
			else if (s > 0) line = line ", about " long(s * cores) " of one core"
			if (names != "") line = line "; how long is not known of " names
			print line
		}' "$LIB/costs.tsv" "$cost_times" -
}
