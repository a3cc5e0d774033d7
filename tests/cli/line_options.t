#!/bin/sh
# Which options of vic-tokenize say how a line becomes tokens: each of them, and no other, is taken from a model's
# history when vic-predict --text reads new lines.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

printf 'A Well-Known dull film, isn'\''t it\nCaf\303\251<br />well-known\n' >lines
# OPTION AS IN A HISTORY | line, or other | what it is tried with
cat >table <<'END'
--format=tsv         | other |
--rules=ptb          | line  |
--rules=whitespace   | line  |
--lower              | line  |
--cased              | line  | --rules=ptb
--hyphens=split      | line  | --rules=ptb
--encoding=latin1    | line  | --rules=ptb
--split=dev          | other |
--label-column=1     | other |
--text-column=2      | other |
--name-column=2      | other |
--separator=;        | other |
--quotes=bare        | other |
--html               | line  | --rules=ptb
--header             | other |
--no-header          | other |
--classes=a,b        | other |
--fine               | other |
--allow-empty        | other |
--allow-documents    | other |
--flush              | other |
--output=elsewhere   | other |
END
vic-tokenize --help | sed -n '/^example:/q; s/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p' | grep -vxE -- \
	'--(quiet|help|version)' | sort >options
sed 's/[= ].*//' table | sort -u >tried
same 'every option of vic-tokenize is in the table' "$(cat options)" "$(cat tried)"

tokens() {
	vic-tokenize "$@" 2>said | vic-cat --to tsv -
}
sed 's/ *| */|/g' table | while IFS='|' read -r option kind with; do
	# shellcheck disable=SC2086 # one option or none
	tokens --line-as-in $with -- --format lines lines >without
	# shellcheck disable=SC2086
	tokens --line-as-in /some/folder $with $option -- --format lines lines >got || echo failed >got
	if [ "$kind" = line ]; then
		# shellcheck disable=SC2086
		tokens $with "$option" --format lines lines >wanted
	else
		cp without wanted
	fi
	cmp -s got wanted || echo "$option: not as on a command line"
	[ "$kind" = other ] || [ "$option" = --lower ] || ! cmp -s wanted without || echo \
		"$option: changes nothing here: a test that cannot fail"
done >bad
same 'each option that says how a line becomes tokens is taken from a history, and no other is' '' "$(cat bad)"
ok 'nothing was written where the history wrote' test ! -e elsewhere
fails 2 "unknown option '--hyphenz'; did you mean '--hyphens'" 'a history of another version is not guessed at' \
	vic-tokenize --line-as-in --hyphenz=split -- --format lines lines

# The whole way: a model of hyphens taken apart knows the parts of a new line's words.
mkdir mr
for i in 1 2 3 4 5 6 7 8; do
	echo "a well - known dull film $i" >>mr/rt-polarity.neg
	echo "a first - rate bright film $i" >>mr/rt-polarity.pos
done
vic-tokenize -q --format mr --rules ptb --hyphens split mr | vic-embed -q --random --dim 8 |
	vic-train -q --epochs 1 --device ref -o model
echo 'a well-known dull film' >new
vic-predict --device ref --top-k 0 --text model new >answer 2>said
same 'all words of the line are the model'\''s' '' "$(cat said)"
vic-tokenize -q --format lines --rules ptb --hyphens split new | vic-predict -q --device ref model | vic-cat --to tsv \
	- >piped
tail -n +2 piped | paste answer - | awk -F '\t' '{
	neg = $1 == "neg" ? $2 : $4
	d = neg - 1 / (1 + exp($7 - $6))
	exit !(d < 1e-6 && -d < 1e-6 && NF == 7)
}'
tap $? 'and its answer is that of the pipe'
mv mr ./--mr
vic-tokenize -q --format mr --rules ptb --hyphens split -- --mr | vic-embed -q --random --dim 8 |
	vic-train -q --epochs 1 --device ref -o dashed
vic-predict --device ref --top-k 0 --text dashed new >dashes 2>said
same 'a folder called like an option is none of its options' "$(cat answer)" "$(cat dashes said)"
finish
