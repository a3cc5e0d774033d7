#!/bin/sh
# pipeline/recipes/setup.sh on machines made of scripts: as root, with sudo, without it, with packages that do not exist
# there.
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MAKELEVEL MODE
for to in 'my build' "a'b" 'a#b' 'a:b' 'a$b' '~/x' / -x 'a%b'; do
	CONFIG_TO=$to fails 1 'make cannot build into a folder of that name' "B=$to is refused" \
		sh "$ROOT/pipeline/recipes/configure.sh" "$T/to" build
done
fails 2 'MODE=nosuch is none of release asan' 'so is a MODE that is none' make --no-print-directory -C "$ROOT" -n MODE=nosuch
fails 2 'no/such/config.mk is not there yet' 'make -n before the first make says what is missing' \
	make --no-print-directory -C "$ROOT" -n -f rules.mk B=no/such
mkdir -p "$T/bin" "$T/tree/pipeline" || exit 1
cp -r "$ROOT/pipeline/recipes" "$T/tree/pipeline/"
cd "$T/tree" || exit 1
for tool in sh sed tr grep cat mkdir rm env; do
	ln -s "$(command -v $tool)" "$T/bin/$tool"
done
put() { { echo '#!/bin/sh'; cat; } >"$T/bin/$1" && chmod +x "$T/bin/$1"; }
# The machine: $T/installed lists its packages, $T/absent those that do not exist, $T/log what apt-get was asked for.
put dpkg-query <<END
while read -r p; do echo "\$p  installed"; done <"$T/installed"
END
put apt-get <<END
echo "apt-get \$*" >>"$T/log"
[ "\$(cat "$T/user")" = 0 ] || [ "\${AS_ROOT:-}" = 1 ] || exit 100
case " \$* " in *' update '*) exit 0 ;; esac
for p in "\$@"; do
	case \$p in -*|install|*=*) continue ;; esac
	if grep -qx "\$p" "$T/absent"; then echo "E: Unable to locate package \$p" >&2; exit 100; fi
done
for p in "\$@"; do case \$p in -*|install|*=*) ;; *) echo "\$p" >>"$T/installed" ;; esac; done
END
echo "exit 0" | put true
put id <<END
cat "$T/user"
END
sudo_there() { printf 'case $1 in -n) shift ;; esac\nexec env AS_ROOT=1 "$@"\n' | put sudo; }

# machine USER INSTALLED ABSENT
machine() {
	rm -rf build
	echo "$1" >"$T/user"
	printf '%s\n' $2 >"$T/installed"
	printf '%s\n' $3 >"$T/absent"
	: >"$T/log"
	rm -f "$T/bin/sudo"
}
setup() { env -i PATH="$T/bin" YES="${yes:-1}" AGAIN="${again:-0}" sh pipeline/recipes/setup.sh "$@" </dev/null \
	>"$T/out" 2>&1; }
asked() { grep -c "$1" "$T/log"; }
has() { grep -cx "$1" "$T/installed"; }

machine 0 "gcc" ""
setup build
same 'root installs what is missing' '0 1 1 1' "$? $(has libjansson-dev) $(has libdnnl-dev) $(has make)"
: >"$T/log"
setup build
same 'nothing to do is silent' '0 ' "$? $(cat "$T/out")"
same 'and asks apt-get nothing' '' "$(cat "$T/log")"
setup build test
same "the tests' packages come with the tests" '0 1' "$? $(has libcmocka-dev)"

machine 0 "" "libdnnl-dev"
setup build
same 'a package that does not exist is done without when it is optional' '0 0 1 1' \
	"$? $(has libdnnl-dev) $(has libdeflate-dev) $(has libcsv-dev)"
like 'and it is said' 'going on without libdnnl-dev' "$(cat "$T/out")"
: >"$T/log"
setup build
same 'once, and not at every make' '0  ' "$? $(cat "$T/out") $(cat "$T/log")"
: >"$T/absent"
again=1 setup build
same 'make setup asks again' '0 1' "$? $(has libdnnl-dev)"

machine 0 "" "libdnnl-dev libdeflate-dev"
setup build
same 'neither of the two' '0 1' "$? $(has libcsv-dev)"
machine 0 "" "libcsv-dev"
setup build
same 'one that there is no doing without' 1 $?
like 'is named' 'could not install:.* libcsv-dev' "$(cat "$T/out")"

machine 1000 "" ""
sudo_there
setup build
same 'an ordinary user with sudo' '0 1' "$? $(has libcsv-dev)"
machine 1000 "" ""
setup build
same 'without sudo nothing can be installed' '1 0' "$? $(has libcsv-dev)"
like 'and what to ask for is said' 'to run: apt-get install -y .*libcsv-dev' "$(cat "$T/out")"
all=$(sed -n 's/^need="//p; s/^ca-cert.*/&/p' pipeline/recipes/setup.sh | tr -d '"')
machine 1000 "$all" ""
setup build
same 'without sudo, but all that is needed is there' 0 $?
like 'and it is said what is done without' 'going on without libdnnl-dev libdeflate-dev' "$(cat "$T/out")"
machine 0 "" ""
yes=0 setup build
same 'without YES=1 and a terminal nothing is installed' '1 0' "$? $(asked install)"
like 'the way is named' 'YES=1' "$(cat "$T/out")"
machine 0 "$all" ""
yes=0 setup build
same 'what is optional does not stop it' '0 0' "$? $(asked install)"
rm "$T/bin/dpkg-query"
machine 0 "" ""
setup build
same 'another distribution is left to configure' '0 0' "$? $(asked install)"
finish
