# A Slurm of one's own on this machine, for tests: keys, ports and folders are private. Sourced after lib.sh.
#
#   slurm_start || skip ... "$slurm_why"    brings up munged, slurmctld and slurmd, and sets SLURM_CONF
#   slurm_kill_slurmd; slurm_start_slurmd
#   slurm_end                               ends what was started, and removes its folder

# shellcheck disable=SC2034 # slurm_why is for whoever calls
slurm_start() {
	for slurm_program in sbatch squeue munged slurmctld slurmd; do
		command -v $slurm_program >/dev/null || [ -x "/usr/sbin/$slurm_program" ] || {
			slurm_why="$slurm_program is not installed"
			return 1
		}
	done
	PATH=$PATH:/usr/sbin
	S=$(mktemp -d /tmp/vic-slurm.XXXXXX) || return 1 # short: sockets lie in it
	mkdir "$S/state" "$S/spool" "$S/log"
	head -c 128 /dev/urandom >"$S/key"
	chmod 600 "$S/key"
	munged --force --key-file="$S/key" --socket="$S/sock" --pid-file="$S/munged.pid" --log-file="$S/log/munged" \
		--seed-file="$S/seed" >"$S/log/start" 2>&1 || { slurm_why="munged: $(head -1 "$S/log/start")"; slurm_end; return 1; }
	slurm_port=$((20000 + $$ % 20000))
	cat >"$S/slurm.conf" <<END
ClusterName=vic
SlurmctldHost=$(uname -n)(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$S/sock
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPort=$slurm_port
SlurmdPort=$((slurm_port + 1))
StateSaveLocation=$S/state
SlurmdSpoolDir=$S/spool
SlurmctldPidFile=$S/ctld.pid
SlurmdPidFile=$S/slurmd.pid
SlurmctldLogFile=$S/log/ctld
SlurmdLogFile=$S/log/slurmd
ReturnToService=2
MpiDefault=none
MaxArraySize=6
KillWait=2
SlurmdTimeout=20
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
NodeName=$(uname -n) NodeAddr=127.0.0.1 CPUs=2 RealMemory=500 State=UNKNOWN
PartitionName=p Nodes=$(uname -n) Default=YES MaxTime=INFINITE State=UP
END
	SLURM_CONF=$S/slurm.conf
	export SLURM_CONF
	slurmctld -D >/dev/null 2>&1 &
	slurm_ctld=$!
	slurm_start_slurmd
	slurm_tries=0
	until [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; do
		slurm_tries=$((slurm_tries + 1))
		if [ $slurm_tries -gt 120 ]; then
			slurm_why="Slurm did not come up: $(tail -1 "$S/log/slurmd") $(tail -1 "$S/log/ctld")"
			slurm_end
			return 1
		fi
		sleep 0.5
	done
}
slurm_start_slurmd() {
	slurmd -D >/dev/null 2>&1 &
	slurm_slurmd=$!
}
slurm_kill_slurmd() {
	kill -9 "$slurm_slurmd"
	wait "$slurm_slurmd" 2>/dev/null
}
slurm_end() {
	slurm_tries=0
	if [ -n "${slurm_ctld:-}" ]; then
		scancel -u "$(id -un)" 2>/dev/null
		while [ -n "$(squeue -h 2>/dev/null)" ] && [ $slurm_tries -lt 40 ]; do
			slurm_tries=$((slurm_tries + 1))
			sleep 0.25
		done
	fi
	for slurm_pid in ${slurm_slurmd:-} ${slurm_ctld:-} $(cat "$S/munged.pid" 2>/dev/null); do
		kill "$slurm_pid" 2>/dev/null
	done
	slurm_tries=0
	for slurm_pid in ${slurm_slurmd:-} ${slurm_ctld:-} $(cat "$S/munged.pid" 2>/dev/null); do
		while kill -0 "$slurm_pid" 2>/dev/null && [ $slurm_tries -lt 40 ]; do
			slurm_tries=$((slurm_tries + 1))
			sleep 0.25
		done
		kill -9 "$slurm_pid" 2>/dev/null
	done
	slurm_ctld='' slurm_slurmd=''
	rm -rf "$S"
}
