# Sourced by ranks.slow.t: a Slurm of one node and one user in a folder of its own, on ports of its own.
#
#   slurm_start || skip '...' "$slurm_says"
#   srun --mpi=pmix -n 2 PROGRAM...
#   slurm_stop

# slurm_start: 0 when a node is idle and SLURM_CONF says where. Else $slurm_says has the reason.
slurm_start() {
	for slurm_program in munged slurmctld slurmd srun sinfo; do
		slurm_says="$slurm_program is not there"
		PATH=$PATH:/usr/sbin command -v $slurm_program >/dev/null || return
	done
	slurm_dir=$(mktemp -d /tmp/slurm.XXXXXX) || return # a path without spaces, and short: it holds a socket
	mkdir "$slurm_dir/state" "$slurm_dir/spool" "$slurm_dir/munge"
	head -c 128 /dev/urandom >"$slurm_dir/munge/key"
	chmod 700 "$slurm_dir/munge"
	chmod 600 "$slurm_dir/munge/key"
	slurm_host=$(uname -n) slurm_user=$(id -un) slurm_port=$((20000 + $$ % 10000 * 2))
	slurm_cpus=$(nproc)
	cat >"$slurm_dir/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$slurm_host(127.0.0.1)
SlurmUser=$slurm_user
SlurmdUser=$slurm_user
AuthType=auth/munge
AuthInfo=socket=$slurm_dir/munge/sock
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPort=$slurm_port
SlurmdPort=$((slurm_port + 1))
StateSaveLocation=$slurm_dir/state
SlurmdSpoolDir=$slurm_dir/spool
SlurmctldPidFile=$slurm_dir/ctld.pid
SlurmdPidFile=$slurm_dir/slurmd.pid
SlurmctldLogFile=$slurm_dir/ctld.log
SlurmdLogFile=$slurm_dir/slurmd.log
ReturnToService=2
MpiDefault=none
NodeName=$slurm_host NodeAddr=127.0.0.1 CPUs=$slurm_cpus RealMemory=1000 State=UNKNOWN
PartitionName=p Nodes=$slurm_host Default=YES MaxTime=INFINITE State=UP
END
	SLURM_CONF=$slurm_dir/slurm.conf
	export SLURM_CONF
	slurm_says='srun knows no PMIx'
	srun --mpi=list 2>&1 | grep -q pmix || return
	slurm_says="it did not start here: $slurm_dir"
	PATH=$PATH:/usr/sbin munged --force --key-file="$slurm_dir/munge/key" --socket="$slurm_dir/munge/sock" \
		--pid-file="$slurm_dir/munge/pid" --log-file="$slurm_dir/munge/log" --seed-file="$slurm_dir/munge/seed" \
		>"$slurm_dir/said" 2>&1 || return
	PATH=$PATH:/usr/sbin slurmctld -c >>"$slurm_dir/said" 2>&1 || return
	PATH=$PATH:/usr/sbin slurmd -c >>"$slurm_dir/said" 2>&1 || return
	slurm_tries=0
	until sinfo -h -o %T 2>/dev/null | grep -q idle; do
		slurm_tries=$((slurm_tries + 1))
		[ $slurm_tries -le 60 ] || return
		sleep 0.5
	done
}

# slurm_stop: ends its three daemons and removes its folder.
slurm_stop() {
	[ -n "${slurm_dir:-}" ] || return 0
	for slurm_pid in slurmd.pid ctld.pid munge/pid; do
		[ ! -s "$slurm_dir/$slurm_pid" ] || kill "$(cat "$slurm_dir/$slurm_pid")" 2>/dev/null
	done
	slurm_tries=0
	while [ -e "$slurm_dir/ctld.pid" ] && [ $slurm_tries -lt 40 ]; do
		slurm_tries=$((slurm_tries + 1))
		sleep 0.25
	done
	rm -rf "$slurm_dir"
	slurm_dir=
}
