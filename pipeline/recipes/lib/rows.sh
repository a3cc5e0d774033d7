# From cells to numbers: the rows of a recipe's RESULTS.tsv. Sourced by recipes, not run.
#
# OUT is the folder of all results and RECIPE the recipe's name, so $OUT/$RECIPE/cells.tsv lists the cells (dataset,
# model, method, setting, seed, folder; a header line) and $OUT/$RECIPE/RESULTS.tsv gets a line a number:
#
#     figure dataset model method setting seed n metric value low high command
#
# A recipe calls rows_begin, then what it needs of the rest in any order, then rows_end. While $rows_only names methods,
# or $rows_sets data sets, rows are of these alone.
#
#     rows_scores test - accuracy ece oe        CELL/test.logits by vic-score
#     rows_scores hot method:hot ece            CELL/hot.logits; the method's name becomes METHOD+hot
#     rows_scores noise data:noise entropy      CELL/noise.logits; the data's name becomes DATASET/noise
#     rows_scores first setting:first gap       CELL/first.logits; of the setting the last word, "last" or that of
#                                               "0.4-last", becomes first
#     rows_scores test - true_point true_ece    of made data whose posterior is known (data.sh: truth)
#     rows_ensemble test - ece oe gap           the test.logits of all cells of a group that has several as one model's,
#                                               their probabilities averaged; METHOD+ensemble, a single row with
#                                               vic-score's interval over records. They must be of the same records
#     rows_differences "mixup 0.4" ece oe       less METHOD [SETTING] on the same records, by vic-compare, where there
#                                               is one cell of each; the metric becomes "ece less mixup 0.4"
#     rows_ensemble_differences baseline test ece   the ensembles of a group that has several less that of METHOD
#                                               [SETTING], members of the same seeds: "ece less baseline+ensemble"
#     rows_foreign noise auroc aupr_in fpr95    test.logits against noise.logits by vic-ood, scored by the largest
#                                               probability (fpr95: accepted foreign records); the data are DATASET/noise
#     rows_foreign noise:hot auroc              the same of test-hot.logits and noise-hot.logits, as METHOD+hot; so has
#                                               rows_confident
#     rows_confident noise 0.9                  share of the records of noise.logits whose confidence is above 0.9, a bin's
#                                               lower end: metric above_0.9
#     rows_history train_loss dev_ece           the last epoch of CELL/history.tsv; with :rise (dev_ece:rise) that less
#                                               the middle epoch's
#
# Beside the rows of cells stands one whose seed is "all": of folds their records together, of seeds the mean with
# Student's 95 % interval of the mean (cut at the bounds of the number), of a single cell the cell. What ranks records
# by one model's scores (vic-ood) or has no records (histories) has the mean of folds too. Intervals of cells are
# vic-score's, of 1000 resamples. Rows come in the order of cells.tsv. `command` is what was run, for a shell that has
# OUT: the bytes do not depend on where OUT is, nor on when or by how many jobs the cells were made.

ROWS_HEAD='figure	dataset	model	method	setting	seed	n	metric	value	low	high	command'

rows_begin() {
	rows_dir=$OUT/$RECIPE
	export OUT
	: > "$rows_dir/rows.part"
	# A line a group of cells that differ in their seed alone: dataset|model|method|setting|folder of all|its cells
	awk -F '\t' -v top="$OUT/" '
		NR == 1 { next }
		{
			folder = $6
			if (index(folder, top) == 1) folder = substr(folder, length(top) + 1)
			sub(/\/$/, "", folder)
			base = cell = folder
			sub(/\/[^\/]*$/, "", base)
			sub(/.*\//, "", cell)
			key = $1 "|" $2 "|" $3 "|" $4 "|" base
			if (!(key in cells)) order[++n] = key
			cells[key] = cells[key] (cells[key] == "" ? "" : " ") cell
		}
		END { for (i = 1; i <= n; i++) print order[i] "|" cells[order[i]] }' "$rows_dir/cells.tsv" > "$rows_dir/groups.part"
	[ -s "$rows_dir/groups.part" ] || { printf '%s\n' "$RECIPE: $rows_dir/cells.tsv names no cell" >&2; return 1; }
}

# rows_each FUNCTION ARG...: once for each group, with $dataset $model $method $setting $base $cells.
rows_each() {
	while IFS='|' read -r dataset model method setting base cells; do
		case " ${rows_sets:-$dataset} : ${rows_only:-$method} " in
		*" $dataset "*:*" $method "*) "$@" < /dev/null || return 1 ;;
		esac
	done < "$rows_dir/groups.part"
}

# rows_run COMMAND FILTER ARG...: what the command prints, through the filter; a failure says the command.
rows_run() {
	rows_command=$1
	export rows_command
	shift
	if ! (eval "$rows_command") > "$rows_dir/table.part"; then
		printf '%s\n' "$RECIPE: this failed: $rows_command" >&2
		return 1
	fi
	"$@" < "$rows_dir/table.part" >> "$rows_dir/rows.part"
}

# rows_take COLUMN SEED SUFFIX METRIC...: rows from a table of metrics, whose value, low and high begin in the column;
# `confidence` is accuracy + gap. A metric that the table lacks is an error.
rows_take() {
	rows_column=$1 rows_seed=$2 rows_suffix=$3
	shift 3
	rows_lead="${TRIAL:+trial of }$RECIPE|$dataset|$model|$method|$setting|$rows_seed" rows_suffix=$rows_suffix rows_wanted=$* \
		rows_column=$rows_column awk -F '\t' '
		function short(v) { return v ~ /^-?[0-9]/ ? sprintf("%.6g", v) : v }
		NR > 1 { value[$1] = $at; low[$1] = $(at + 1); high[$1] = $(at + 2); there[$1] }
		BEGIN { at = ENVIRON["rows_column"] + 0 }
		END {
			lead = ENVIRON["rows_lead"]
			gsub(/\|/, "\t", lead)
			n = "n" in there ? value["n"] : "n_in" in there ? value["n_in"] : ""
			k = split(ENVIRON["rows_wanted"], wanted, " ")
			for (i = 1; i <= k; i++) {
				m = wanted[i]
				if (m == "confidence" && "gap" in there) {
					there[m]
					value[m] = value["accuracy"] + value["gap"]
				}
				if (!(m in there)) {
					print "rows: no metric " m " in what this prints: " ENVIRON["rows_command"] > "/dev/stderr"
					exit 1
				}
				printf "%s\t%s\t%s%s\t%s\t%s\t%s\t%s\n", lead, n, m, ENVIRON["rows_suffix"], short(value[m]),
					short(low[m]), short(high[m]), ENVIRON["rows_command"]
			}
		}'
}

# rows_as WHERE: what the row is called: "-", method:NAME, data:NAME, setting:NAME, or several with commas.
rows_as() {
	case $1 in
	-) ;;
	?*,?*) rows_as "${1%%,*}" && rows_as "${1#*,}" ;;
	setting:?*)
		case $setting in *-?*) setting=${setting%-*}-${1#*:} ;; *) setting=${1#*:} ;; esac ;;
	method:?*) method=$method+${1#method:} ;;
	data:?*) dataset=$dataset/${1#data:} ;;
	*) echo "rows: '$1' is none of -, method:NAME, data:NAME, setting:NAME" >&2; return 1 ;;
	esac
}

rows_scores() {
	rows_each rows_score_group "$@"
}
# rows_score_options METRIC...: sets $rows_options, of vic-score.
rows_score_options() {
	rows_rounds=0 rows_options=--brief
	for rows_metric in "$@"; do
		case $rows_metric in
		accuracy | ece | oe | nll | brier | gap | confidence) rows_rounds=1000 ;;
		entropy) rows_options='--floor 0' ;; # without an interval, as the next
		true_*) rows_options="--floor 0 --posterior \"\$OUT/data/${dataset%%/*}.posterior\"" ;;
		*) rows_rounds=1000 rows_options='--floor 0' ;;
		esac
	done
	rows_options="--tsv -q --bootstrap $rows_rounds $rows_options"
}
rows_score_group() {
	rows_file=$1.logits
	rows_as "$2" || return 1
	shift 2
	rows_score_options "$@"
	rows_list=''
	for cell in $cells; do
		rows_run "vic-score $rows_options \"\$OUT/$base/$cell/$rows_file\"" rows_take 2 "$cell" '' "$@" || return 1
		rows_list="$rows_list $cell/$rows_file"
	done
	case $cells in
	fold*' '*)
		rows_run "cd \"\$OUT/$base\" && cat$rows_list | vic-score $rows_options --name pooled" \
			rows_take 2 all '' "$@" || return 1 ;;
	esac
}

rows_ensemble() {
	rows_each rows_ensemble_group "$@"
}
rows_ensemble_group() {
	case $cells in *' '*) ;; *) return 0 ;; esac
	rows_file=$1.logits
	rows_as "$2" && rows_as method:ensemble || return 1
	shift 2
	rows_score_options "$@"
	rows_list=''
	for cell in $cells; do rows_list="$rows_list $cell/$rows_file"; done
	rows_run "cd \"\$OUT/$base\" && vic-score $rows_options --ensemble$rows_list" rows_take 2 all '' "$@"
}

rows_differences() {
	rows_each rows_differ_group "$@"
}
# rows_group_of METHOD [SETTING]: sets $rows_base and $rows_cells, of that group beside the one at hand; nothing: none.
rows_group_of() {
	rows_base=$(awk -F '|' -v place="$dataset|$model" -v against="$1" -v not="$base" '
		$1 "|" $2 == place && ($3 ($4 == "" || $4 == "-" ? "" : " " $4)) == against && $5 != not {
			print $5 "|" $6
		}' "$rows_dir/groups.part")
	rows_cells=${rows_base#*|} rows_base=${rows_base%%|*}
}
rows_differ_group() {
	rows_against=$1
	shift
	case $cells in *' '*) return 0 ;; esac
	rows_group_of "$rows_against"
	case $rows_cells in '' | *' '*) return 0 ;; esac
	# The fourth column is B - A.
	rows_run "vic-compare --tsv -q \"\$OUT/$rows_base/$rows_cells/test.logits\" \"\$OUT/$base/$cells/test.logits\"" \
		rows_take 4 "$cells" " less $rows_against" "$@"
}

rows_ensemble_differences() {
	rows_each rows_ensemble_differ_group "$@"
}
rows_ensemble_differ_group() {
	rows_against=$1 rows_file=$2.logits
	shift 2
	case $cells in *' '*) ;; *) return 0 ;; esac
	rows_group_of "$rows_against"
	[ "$rows_cells" = "$cells" ] || return 0
	rows_list='' rows_others=''
	for cell in $cells; do
		rows_list="$rows_list \"\$OUT/$base/$cell/$rows_file\""
		rows_others="$rows_others \"\$OUT/$rows_base/$cell/$rows_file\""
	done
	rows_as method:ensemble
	case $rows_against in
	*' '*) rows_against="${rows_against%% *}+ensemble ${rows_against#* }" ;;
	*) rows_against=$rows_against+ensemble ;;
	esac
	rows_run "vic-compare --tsv -q --ensemble$rows_others$rows_list" rows_take 4 all " less $rows_against" "$@"
}

# rows_hot NAME[:AFTER]: what rows_foreign and rows_confident call rows of NAME-AFTER.logits; sets $rows_name and $rows_after.
rows_hot() {
	dataset=$dataset/${1%%:*} rows_after=''
	case $1 in *:*) method=$method+${1#*:} rows_after=-${1#*:} ;; esac
	rows_name=${1%%:*}$rows_after
}

rows_foreign() {
	rows_each rows_foreign_group "$@"
}
rows_foreign_group() {
	rows_hot "$1"
	shift
	for cell in $cells; do
		rows_run "vic-ood --tsv -q --score msp --in \"\$OUT/$base/$cell/test$rows_after.logits\" \
--out \"\$OUT/$base/$cell/$rows_name.logits\"" rows_take 2 "$cell" '' "$@" || return 1
	done
}

rows_confident() {
	rows_each rows_confident_group "$@"
}
rows_confident_group() {
	rows_hot "$1"
	rows_bins=$(awk -v least="$2" 'BEGIN { printf "%.0f", 1 / (1 - least) }')
	for cell in $cells; do
		rows_run "vic-reliability -q --curve histogram --bins $rows_bins \"\$OUT/$base/$cell/$rows_name.logits\"" \
			rows_last_bin "$cell" "$2" || return 1
	done
}
# rows_last_bin SEED LEAST: of a histogram whose last bin begins at LEAST, the share of records in it.
rows_last_bin() {
	rows_seed=$1
	awk -F '\t' -v least="$2" 'NR > 1 { n += $5 } END {
		if ($3 - least > 1e-6 || least - $3 > 1e-6) { print "rows: no bin begins at " least > "/dev/stderr"; exit 1 }
		printf "metric\tvalue\nn\t%d\nabove_%s\t%s\t%s\t%s\n", n, least, $6, $9, $10
	}' > "$rows_dir/share.part" || return 1
	rows_take 2 "$rows_seed" '' "above_$2" < "$rows_dir/share.part"
}

rows_history() {
	rows_each rows_history_group "$@"
}
rows_history_group() {
	for cell in $cells; do
		rows_run "cat \"\$OUT/$base/$cell/history.tsv\"" rows_history_take "$cell" "$@" || return 1
	done
}
rows_history_take() {
	rows_seed=$1
	shift
	rows_wanted=$* awk -F '\t' '
		NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
		{ line[++n] = $0 }
		END {
			print "metric\tvalue"
			split(line[n], last, "\t")
			split(line[int((n + 1) / 2)], middle, "\t")
			k = split(ENVIRON["rows_wanted"], wanted, " ")
			for (i = 1; i <= k; i++) {
				name = wanted[i]
				rise = sub(/:rise$/, "", name)
				if (!(name in column)) continue
				at = column[name]
				if (last[at] == "-" || rise && middle[at] == "-") continue
				printf "%s\t%.9g\n", wanted[i], rise ? last[at] - middle[at] : last[at]
			}
		}' > "$rows_dir/history.part" || return 1
	rows_take 2 "$rows_seed" '' "$@" < "$rows_dir/history.part"
}

# Adds the rows of "all" that are means over seeds (or over folds, of what cannot be pooled), after each group's last.
# (vic-score --seeds has them of what it measures alone, would measure all cells a second time, and knows no interval.)
# Student's two-sided 95 % points for up to 30 degrees of freedom, beyond by Cornish and Fisher's expansion.
rows_end() {
	awk -F '\t' -v OFS='\t' -v head="$ROWS_HEAD" '
		BEGIN {
			print head
			split("12.7062 4.30265 3.18245 2.77645 2.57058 2.44691 2.36462 2.30600 2.26216 2.22814 2.20099 2.17881 " \
				"2.16037 2.14479 2.13145 2.11991 2.10982 2.10092 2.09302 2.08596 2.07961 2.07387 2.06866 2.06390 " \
				"2.05954 2.05553 2.05183 2.04841 2.04523 2.04227", t, " ")
			z = 1.959963984540054
		}
		function student(df) {
			if (df <= 30) return t[df]
			return z + (z ^ 3 + z) / (4 * df) + (5 * z ^ 5 + 16 * z ^ 3 + 3 * z) / (96 * df * df)
		}
		# No number lies outside the bounds of its kind, whatever the spread of a few says.
		function within(metric, x) {
			if (metric ~ /^gap| less |:rise$/) return x
			if (metric ~ /^(accuracy|ece|oe|confidence|above_|auroc|aupr|fpr)/ && x > 1) return 1
			return x < 0 ? 0 : x
		}
		{
			key = $1 OFS $2 OFS $3 OFS $4 OFS $5
			if (!(key in first)) { first[key]; order[++groups] = key }
			of = key SUBSEP $8
			if (!(of in seen)) { seen[of]; metrics[key] = metrics[key] (metrics[key] == "" ? "" : OFS) $8 }
			if ($6 == "all") { all[of] = $0; next }
			rows[key] = rows[key] $0 "\n"
			k = ++count[of]
			v[of, k] = $9; n[of] = $7; only[of] = $0
		}
		END {
			for (g = 1; g <= groups; g++) {
				key = order[g]
				printf "%s", rows[key]
				m = split(metrics[key], metric, OFS)
				for (i = 1; i <= m; i++) {
					of = key SUBSEP metric[i]
					k = count[of]
					if (of in all) { print all[of]; continue }
					if (k == 1) {
						split(only[of], field, OFS)
						print key, "all", field[7], field[8], field[9], field[10], field[11], field[12]
						continue
					}
					mean = sum = finite = 0
					for (j = 1; j <= k; j++) { finite += v[of, j] ~ /^-?[0-9]/; mean += v[of, j] / k }
					for (j = 1; j <= k; j++) sum += (v[of, j] - mean) ^ 2
					half = student(k - 1) * sqrt(sum / (k - 1) / k)
					if (finite == k)
						printf "%s\tall\t%s\t%s\t%.6g\t%.6g\t%.6g\tmean of the %d\n", key, n[of], metric[i], mean,
							within(metric[i], mean - half), within(metric[i], mean + half), k
				}
			}
		}' "$rows_dir/rows.part" > "$rows_dir/RESULTS.part" || return 1
	mv "$rows_dir/RESULTS.part" "$rows_dir/RESULTS.tsv"
	rm -f "$rows_dir/rows.part" "$rows_dir/groups.part" "$rows_dir/table.part" "$rows_dir/history.part" \
		"$rows_dir/share.part"
}

# rows_picture NAME OPTION...: $OUT/$RECIPE/$RECIPE-NAME.svg, RESULTS.tsv drawn by vic-plot with these options.
#
#     rows_picture bars --metric accuracy,ece,oe
#     rows_picture alpha --curve settings --method mixup --metric ece,oe,accuracy
rows_picture() {
	rows_to=$OUT/$RECIPE/$RECIPE-$1.svg
	shift
	if command -v gnuplot > /dev/null; then
		vic-plot -q "$@" -o "$rows_to" "$OUT/$RECIPE/RESULTS.tsv"
	else
		echo "$RECIPE: gnuplot is not installed: no picture $rows_to" >&2
	fi
}

# rows_page TITLE NOTE [CLAIMS]: beside RESULTS.tsv page.html, with all pictures of the recipe, table.md, table.tex and
# VERDICTS.tsv. NOTE says at what scale the results were made.
rows_page() {
	rows_at=$OUT/$RECIPE rows_title=$1 rows_note=$2 rows_claims=${3:-$LIB/claims.tsv}
	set -- --results "$rows_at/RESULTS.tsv" --claims "$rows_claims"
	vic-report -q "$@" --format tsv > "$rows_at/table.part" && mv "$rows_at/table.part" "$rows_at/VERDICTS.tsv" &&
		vic-report -q "$@" --title "$rows_title" --note "$rows_note" --format md > "$rows_at/table.part" &&
		mv "$rows_at/table.part" "$rows_at/table.md" &&
		vic-report -q "$@" --title "$rows_title" --format latex > "$rows_at/table.part" &&
		mv "$rows_at/table.part" "$rows_at/table.tex" || return 1
	for rows_svg in "$rows_at/$RECIPE"-*.svg; do
		[ ! -e "$rows_svg" ] || set -- "$@" --picture "$rows_svg"
	done
	vic-report -q "$@" --title "$rows_title" --note "$rows_note" -o "$rows_at/page.html"
}
