#!/bin/sh
# What an option of one program means to another, which finds it in provenance (pipeline/frame/marks.h): every option of
# every program is looked at. A new one of those that are listed here gets its mark, or is put into the list of those
# without.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
for program in "$BIN"/vic*; do
	"$program" --marks || echo "$program: gives no list"
done >marks

same 'every marked option is one of its program, with the default that the table says' '' \
	"$(awk -F '\t' 'NF != 3 || $3 !~ /^([0-9]+(=[a-z|-]+)?)?$/' marks)"
same 'an option is a seed if and only if it is called so' "$(awk -F '\t' '$2 == "--seed"' marks)" \
	"$(awk -F '\t' '$3 == 1' marks)"
same 'the others with a mark' \
	"$(printf '%s\n' 'vic-calibrate --apply 32' 'vic-cat --split 8=dev' 'vic-images --split 8=dev' \
	'vic-perturb --mu 4' 'vic-predict --map 32' 'vic-split --dev 8' 'vic-tokenize --split 8=dev' 'vic-train --select 16=dev-accuracy|best-dev|dev-nll|dev-refined')" \
	"$(awk -F '\t' '$3 != "" && $3 != 1 && $3 != 2 { print $1, $2, $3 }' marks)"

# Options of training that stand in no title: the seed, the machine, files, and what a run of another size needs.
sort >untold <<'L'
--batch
--channels
--checkpoint
--checkpoint-every
--class-weights
--clip-norm
--crop
--crop-pad
--crop-scale
--decay
--device
--epochs
--eps
--filters
--fit
--flip
--history
--keep-epochs
--list-models
--lr
--lr-factor
--lr-steps
--maps
--max-norm
--max-tokens
--model
--momentum
--nesterov
--ngrams
--no-flip
--no-nesterov
--output
--patience
--plan
--plan-device
--precision
--ranks
--reduce
--resize
--resume
--rho
--schedule
--seed
--select
--shards
--stop-top5
--threads
--tune
--weight-decay
L
same 'every option of vic-train stands in a title or is known not to' "$(cat untold)" \
	"$(awk -F '\t' '$1 == "vic-train" && $3 != 2 { print $2 }' marks | sort)"
finish
