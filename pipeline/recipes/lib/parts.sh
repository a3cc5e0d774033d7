# Parts that several recipes have: temperatures, foreign data, pictures, pages. Sourced by recipe.sh.
# shellcheck disable=SC2016,SC2034,SC2086,SC2154 # text for other shells; variables of recipe.sh

# ways THEN METHOD:SETTING...: the trainings in these ways on the set that is used, of each seed; after each THEN, a
# command or nothing, with its folder behind it ($seed and $way are set, too). The network is $model, or MODEL of
# MODEL/METHOD:SETTING.
ways() {
	ways_then=$1
	shift
	for seed in $seeds; do
		for way; do
			ways_of=${way#*/}
			[ "$way" = "$ways_of" ] && ways_model=$model || ways_model=${way%%/*}
			cell "$dataset" "$ways_model" "${ways_of%:*}" "${ways_of#*:}" "$seed"
			[ -z "$ways_then" ] || $ways_then "$CELL"
		done
	done
}

# strangers SET: uses the set and what its models were not made for; sets $strangers, the names of those that are here,
# and $dropout, the share that MC dropout leaves out.
strangers() {
	needed "$1"
	strangers=''
	for stranger in $strange; do
		if data_set "$1-$stranger"; then
			use "$1-$stranger"
			strangers="$strangers $stranger"
		fi
	done
	use "$1"
	[ "$kind" = text ] && dropout=0.5 || dropout=0.3
}

# met_by_strangers SET: Figure 8's and Table 1's trainings on the set, and what each says of its strangers; plain training
# at its temperature, too. (Dropout is Kim's of text, the paper's of images.)
met_by_strangers() {
	strangers "$1"
	for seed in $seeds; do
		cell "$1" "$model" baseline - "$seed"
		hot "$CELL"
		for other in $strangers; do
			foreign "$CELL" "$other" "data/$1-$other.vic"
			hot "$CELL" "$other" "data/$1-$other.vic"
		done
		for way in mixup:0.4 mc-dropout:$dropout; do
			cell "$1" "$model" ${way%:*} ${way#*:} "$seed"
			for other in $strangers; do foreign "$CELL" "$other" "data/$1-$other.vic"; done
		done
	done
}

# moved SET SEED HOW: sets $moved, a command that writes the test records of the cell of SEED otherwise than they are:
#   mu0.2      images moved so far along a random direction (vic-perturb); of texts that share of the words replaced by
#              words of other such records
#   drop0.2    texts without that share of the words
#   typo0.2    of texts that share of the longer words with a typing error
#   negated    the texts with a word of negation
#   affirmed   those without
moved() {
	parted "$1" "$2"
	moved_share=${3#mu} moved_share=${moved_share#drop} moved_share=${moved_share#typo}
	case $kind:$3 in
	image:mu*) moved="$parted | vic-perturb -q --mu $moved_share --only test"; return ;;
	text:mu*) moved="mu=$moved_share $data_moved" ;;
	text:drop*) moved="mu=$moved_share $data_dropped" ;;
	text:typo*) moved="mu=$moved_share $data_typos" ;;
	text:negated) moved="negated=1 $data_negated" ;;
	text:affirmed) moved="negated=0 $data_negated" ;;
	*) die "no $kind records are moved as '$3' says" ;;
	esac
	moved="$parted | vic-cat -q --split test --to tsv - | awk -v $moved | vic-tokenize -q --format tsv \
--rules whitespace --split test -"
}
# said CELL NAME COMMAND [--map]: CELL/NAME.logits, what the model says of the records that the command writes; with
# --map at the temperature that fits its dev records best.
said() {
	said_before='' said_map=''
	if [ $# = 4 ]; then
		said_before="$hot_map && " said_map=' --map map'
	fi
	[ -z "$TRIAL" ] || said_map="$said_map --split test"
	derive "$1" "$2" "$said_before$3 | vic-predict -q --threads \$THREADS --device $DEVICE$said_map \"\$CELL/model\""
}
# earlier CELL NAME SET SEED EPOCH TITLE: CELL/NAME.logits, what the weights after that epoch (vic-train --keep-epochs)
# said of the test records.
earlier() {
	parted "$3" "$4"
	derive "$1" "$2" "$parted | vic-predict -q --threads \$THREADS --device $DEVICE --split $judged --name \"$6\" \
\"\$CELL/model.epoch$5\""
}
# hot CELL [NAME STREAM]: CELL/test-hot.logits, or CELL/NAME-hot.logits: at that temperature.
hot() {
	if [ $# = 1 ]; then
		derive "$1" test-hot "$hot_map && vic-calibrate -q --apply map \"\$CELL/test.logits\""
	else
		some_of "$3" 1
		said "$1" "$2-hot" "$some" --map
	fi
}
hot_fit='vic-calibrate -q --min-temperature 0.05 --max-temperature 20'
hot_map="$hot_fit \"\$CELL/dev.logits\" > map"

# choose SET MODEL METHOD SETTINGS SEED: declares the cells of all SETTINGS, with test-hot.logits, and two chosen of them by
# their dev records: dev-nll has the least negative log-likelihood, dev-refined the least after its own temperature (Berta
# et al. 2025). A chosen one holds logits alone.
choose() {
	choose_of=''
	for choose_setting in $4; do
		cell "$1" "$2" "$3" "$choose_setting" "$5"
		hot "$CELL"
		choose_of="$choose_of -i $CELL/dev.logits -i $CELL/test.logits"
	done
	choose_by "$1" "$2" "$3" "$4" "$5" dev-nll 'vic-score -q --brief --tsv --split dev' 2
	choose_by "$1" "$2" "$3" "$4" "$5" dev-refined "$hot_fit --table --tsv" 3
}
# choose_by SET MODEL METHOD SETTINGS SEED NAME TABLE COLUMN: one of them, by what this command's table says of dev.logits.
choose_by() {
	CELL=cells/$1/$2/$3-$6/$5
	known "$CELL" && return 0
	choose_from="\"\$OUT/cells/$1/$2/$3-\$s/$5\""
	job "-t $CELL$choose_of" "for s in $4; do
$7 $choose_from/dev.logits > scores && n=\$(awk '\$1 == \"nll\" { print \$$8 }' scores) &&
echo \"\$n \$s\" || exit 1; done > all && sort -g all | head -n 1 > chosen && read -r n s < chosen &&
cp $choose_from/test.logits $choose_from/dev.logits . && rm scores all && $hot_fit dev.logits > map &&
vic-calibrate -q --apply map test.logits > test-hot.logits"
	predict_jobs="$predict_jobs$job
"
	recipe_cells="$recipe_cells$1	$2	$3	$6	$5	$CELL
"
}

# ways_with_temperature METHOD:SETTING...: trains all sets so, and makes rows of each as it is and at its temperature.
ways_with_temperature() {
	for dataset in $DATA; do
		use "$dataset"
		ways hot "$@"
	done
	recipe_run
	scores test test-hot
}

# scores [LOGITS...]: the stage table: what vic-score says of every training's test.logits, or of these.
scores() {
	stage table || return 0
	[ $# -gt 0 ] || set -- test
	rows_begin
	for scores_of; do
		case $scores_of in *-hot) scores_as=method:hot ;; *) scores_as=- ;; esac
		rows_scores "$scores_of" $scores_as accuracy ece oe gap nll brier
	done
	rows_end
}

# picture NAME COMMAND: OUT/RECIPE/RECIPE-NAME.svg, of what the command prints for vic-plot; it runs in OUT.
picture() {
	(cd "$OUT" && eval "$2") >"$OUT/$RECIPE/picture.part" || die "this failed: $2"
	if command -v gnuplot >/dev/null; then
		vic-plot -q --title "$(sed -n '2s/# vic run: //p' "$recipe_script")" -o "$OUT/$RECIPE/$RECIPE-$1.svg" \
			"$OUT/$RECIPE/picture.part" || exit 1
	else
		say "gnuplot is not installed: no picture $RECIPE-$1.svg"
	fi
	rm "$OUT/$RECIPE/picture.part"
}

# pool SET MODEL METHOD[-SETTING] FILE: sets $pool, a file below OUT with FILE of the first seed, or of all folds end to end.
pool() {
	pool=cells/$1/$2/$3/1/$4
	[ -e "$OUT/cells/$1/$2/$3/fold0" ] || return 0
	mkdir -p "$OUT/$RECIPE/pool"
	pool=$RECIPE/pool/$1-$2-$3-$4
	: >"$OUT/$pool"
	for pool_fold in $seeds; do cat "$OUT/cells/$1/$2/$3/$pool_fold/$4" >>"$OUT/$pool"; done
}
# pools SET MODEL FILE METHOD[-SETTING]...: sets $pools, the files of all these, as words.
pools() {
	pools_set=$1 pools_model=$2 pools_file=$3 pools=''
	shift 3
	for pools_method; do
		pool "$pools_set" "$pools_model" "$pools_method" "$pools_file"
		pools="$pools \"$pool\""
	done
}

# pictures NAME CURVE METHOD[-SETTING]...: a picture of each set and network, NAME-SET-MODEL (of NAME - SET-MODEL), of what
# their test.logits are by vic-reliability --curve CURVE.
pictures() {
	pictures_name=${1#-} pictures_curve=$2
	shift 2
	for dataset in $DATA; do
		use "$dataset"
		for model in $models; do
			pools "$dataset" "$model" test.logits "$@"
			picture "${pictures_name:+$pictures_name-}$dataset-$model" "vic-reliability -q --curve $pictures_curve$pools"
		done
	done
}

# page [NOTE]: OUT/RECIPE/page.html and the same as table.md, table.tex and VERDICTS.tsv (rows.sh), with what the scale leaves
# out, and the NOTE.
page() {
	page_note="Scale $SCALE."
	[ -z "$TRIAL" ] || page_note="A trial of $TRIAL steps a training: its numbers mean nothing. $page_note"
	for page_set in $DATA; do
		data_set "$page_set" || exit 1
		[ -z "$less" ] || page_note="$page_note $page_set: $less."
	done
	rows_page "$(sed -n '2s/# vic run: //p' "$recipe_script")" "$page_note${1:+ $1}"
}
