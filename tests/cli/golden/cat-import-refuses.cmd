try() {
	printf "$1" >in.csv
	shift
	vic-cat --from csv "$@" in.csv
	echo "status $?"
}
try '' --kind logits
try 'label,a,b\n' --kind logits
try 'a,1\n' --kind logits
try '0,1,2\n1,3\n' --kind logits
try '0,1,2\n2,3,4\n' --kind logits
try '0,1,2\n1,x,4\n' --kind logits
try '0,1,2\n1,nan,4\n' --kind logits
try '0,1,2\n1,inf,4\n' --kind logits
try '0,1,2\n1,1e39,4\n' --kind logits --dtype f32
try '0,.5,.4\n' --kind probs
try '0,1.5,-.5\n' --kind probs
try '0,1,2\n' --kind logits --classes a,b,c
try 'label,a,a\n0,1,2\n' --kind logits
