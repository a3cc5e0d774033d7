"$TOOLS/mkstream" tokens 40 >x
try() {
	vic-split "$@" x
	echo "status $?"
}
try
try --cv 3
try --fold 0
try --cv 3 --fold 3
try --cv 1 --fold 0
try --cv 3 --fold 0 --test .1
try --cv 3 --fold 0
try --dev .1
try --test .1
try --dev .001 --remark
try --cv 41 --fold 0 --remark
try --stratify --no-stratify --dev .1
