#!/usr/bin/env python3
"""The laptop's agent beside collectd and prometheus-node-exporter, on one machine at the same time.

Starts a collector (not measured), enrols an agent and lets all three measure this machine for a
while; then prints what each of them cost: CPU, wakeups (context switches of all threads), resident
memory. The uplink's pushes are part of the agent's figures.

  tests/bench/agent/run.py [--build build/release] [--minutes 10] [--mode idle|use] [--json FILE]
  tests/bench/agent/run.py --peers-only      beside an agent that somebody else started

Needs collectd-core and prometheus-node-exporter; a peer that is not there is left out and said so.
See README.md beside this file for what the figures mean, and the one above it for those recorded.
"""

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

COLLECTD_PLUGINS = ["cpu", "memory", "load", "interface", "df", "disk", "processes", "swap",
                    "uptime", "users"]
SCRAPE_S = 15
WARM_UP_S = 60

# Runs the uplink in its place and notes what it cost.
UPLINK_WRAPPER = """#!/usr/bin/env python3
import os, resource, sys
child = os.posix_spawn({program!r}, [{program!r}] + sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
with open({notes!r}, "a") as notes:
    notes.write("%f %d %d\\n" % (usage.ru_utime + usage.ru_stime,
                                usage.ru_nvcsw + usage.ru_nivcsw, usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) & 0x7f)
"""


def end_with_parent():
    """In a child: SIGTERM when the bench is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def fail(text):
    sys.exit("bench: " + text)


class Cost:
    """Totals of a process since it started."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(") ")[2].split()
        self.cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        self.switches = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            for line in open(f"/proc/{pid}/task/{task}/status"):
                if "ctxt_switches" in line:
                    self.switches += int(line.split()[1])
        self.rss_kib = 0
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("VmRSS:"):
                self.rss_kib = int(line.split()[1])
        # Nanoseconds on a CPU, of all threads, where the kernel tells; ticks are coarse.
        try:
            ns = sum(int(open(f"/proc/{pid}/task/{task}/schedstat").read().split()[0])
                     for task in os.listdir(f"/proc/{pid}/task"))
            self.cpu_s = ns / 1e9
        except OSError:
            pass


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="candor-bench-")
        self.children = []
        self.stop = threading.Event()

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        places = {
            "candor": "collector/cli/candor",
            "candor-collector": "collector/candor-collector",
            "candor-agent": "agent/daemon/candor-agent",
            "candor-uplink": "agent/uplink/candor-uplink",
        }
        path = os.path.join(self.options.build, places[name])
        if not os.access(path, os.X_OK):
            found = [os.path.join(folder, name)
                     for folder, _, files in os.walk(self.options.build) if name in files]
            if not found:
                fail(f"{name} is not built in {self.options.build}")
            path = found[0]
        return path

    def spawn(self, name, words, **more):
        log = open(self.path(name + ".log"), "w")
        child = subprocess.Popen(words, stdout=log, stderr=log, preexec_fn=end_with_parent, **more)
        self.children.append(child)
        return child

    def wait_for_line(self, name, text, limit_s=30):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            for line in open(self.path(name + ".log")):
                if text in line:
                    return line
            time.sleep(0.1)
        fail(f"{name} does not say '{text}': " + open(self.path(name + ".log")).read())

    def run(self, words, **more):
        done = subprocess.run(words, capture_output=True, text=True, **more)
        if done.returncode != 0:
            fail(" ".join(words) + ": " + done.stderr)
        return done.stdout

    def start_agent(self):
        data = self.path("collector")
        self.run([self.program("candor-collector"), "init", "--data", data])
        self.spawn("collector", [self.program("candor-collector"), "--data", data, "--listen",
                                 "127.0.0.1:0", "--enroll", "127.0.0.1:0", "--http",
                                 "127.0.0.1:0"])
        ready = self.wait_for_line("collector", "candor-collector ready")
        addresses = dict(word.split("=", 1) for word in ready.split() if "=" in word)
        environment = dict(os.environ, CANDOR_COLLECTOR=addresses["fleet"],
                           CANDOR_CREDENTIAL=data + "/admin.toml")
        rows = json.loads(self.run([self.program("candor"), "token", "create", "--format", "json"],
                                   env=environment))["rows"]
        with open(os.open(self.path("token"), os.O_CREAT | os.O_WRONLY, 0o600), "w") as token:
            token.write(rows[0]["token"] + "\n")
        state = self.path("agent")
        fingerprint = open(data + "/ca.sha256").read().split()[0]
        self.run([self.program("candor-agent"), "enroll", "--collector", addresses["enroll"],
                  "--token-file", self.path("token"), "--ca-fingerprint", fingerprint, "--state",
                  state])
        wrapper = self.path("uplink")
        with open(wrapper, "w") as out:
            out.write(UPLINK_WRAPPER.format(program=self.program("candor-uplink"),
                                            notes=self.path("uplink.costs")))
        os.chmod(wrapper, 0o755)
        host, port = addresses["fleet"].rsplit(":", 1)
        # On a machine where nobody can be seen, the cadence in use can stand for either.
        tick_s, push_s = (10, 300) if self.options.mode == "use" else (60, 900)
        with open(self.path("agent.toml"), "w") as config:
            config.write(f'[uplink]\nprogram = "{wrapper}"\nsocket = ""\n'
                         f"[tick]\nactive_s = {tick_s}\nidle_s = {tick_s}\n"
                         f"[push]\nactive_s = {push_s}\nidle_s = {push_s}\n"
                         f'[[service]]\nname = "collector"\nhost = "{host}"\nport = {port}\n'
                         "tls = false\n")
        return self.spawn("agent", [self.program("candor-agent"), "--config",
                                    self.path("agent.toml"), "--state", state])

    def start_collectd(self):
        if shutil.which("collectd") is None:
            print("collectd is not installed: left out", file=sys.stderr)
            return None
        plugins = "".join(f"LoadPlugin {plugin}\n" for plugin in COLLECTD_PLUGINS)
        with open(self.path("collectd.conf"), "w") as config:
            config.write(f'BaseDir "{self.folder}"\nPIDFile "{self.path("collectd.pid")}"\n'
                         f"Interval 10\n{plugins}LoadPlugin csv\n"
                         f'<Plugin csv>\n  DataDir "{self.path("csv")}"\n</Plugin>\n')
        return self.spawn("collectd", ["collectd", "-f", "-C", self.path("collectd.conf")])

    def start_exporter(self):
        if shutil.which("prometheus-node-exporter") is None:
            print("prometheus-node-exporter is not installed: left out", file=sys.stderr)
            return None
        child = self.spawn("exporter", ["prometheus-node-exporter",
                                        "--web.listen-address=127.0.0.1:19100"])
        threading.Thread(target=self.scrape, daemon=True).start()
        return child

    def scrape(self):
        while not self.stop.wait(SCRAPE_S):
            try:
                urllib.request.urlopen("http://127.0.0.1:19100/metrics", timeout=10).read()
            except OSError as error:
                print("scrape failed:", error, file=sys.stderr)

    def uplink_costs(self, since):
        cpu_s = switches = pushes = rss = 0
        try:
            lines = open(self.path("uplink.costs")).readlines()[since:]
        except OSError:
            lines = []
        for line in lines:
            cpu, count, kib = line.split()
            cpu_s, switches, pushes = cpu_s + float(cpu), switches + int(count), pushes + 1
            rss = max(rss, int(kib))
        return cpu_s, switches, pushes, rss

    def measure(self):
        watched = {"candor-agent": None if self.options.peers_only else self.start_agent(),
                   "collectd": self.start_collectd(),
                   "prometheus-node-exporter": self.start_exporter()}
        watched = {name: child for name, child in watched.items() if child is not None}
        time.sleep(WARM_UP_S)
        for name, child in watched.items():
            if child.poll() is not None:
                fail(f"{name} ended early, see its log in {self.folder}")
        before = {name: Cost(child.pid) for name, child in watched.items()}
        pushes_before = self.uplink_costs(0)[2]
        begin = time.monotonic()
        rss_max = {name: 0 for name in watched}
        while time.monotonic() - begin < self.options.minutes * 60:
            time.sleep(5)
            for name, child in watched.items():
                rss_max[name] = max(rss_max[name], Cost(child.pid).rss_kib)
        seconds = time.monotonic() - begin
        rows = []
        for name, child in watched.items():
            after = Cost(child.pid)
            row = {"program": name, "cpu_s": after.cpu_s - before[name].cpu_s,
                   "switches": after.switches - before[name].switches, "rss_kib": rss_max[name],
                   "pushes": 0}
            if name == "candor-agent":
                rows.append(dict(row, program="candor-agent, daemon alone"))
                cpu_s, switches, pushes, rss = self.uplink_costs(pushes_before)
                row["cpu_s"] += cpu_s
                row["switches"] += switches
                row["pushes"] = pushes
                row["uplink_rss_kib"] = rss
                row["program"] = "candor-agent, uplink included"
            rows.append(row)
        for row in rows:
            row["cpu_pct"] = 100 * row["cpu_s"] / seconds
            row["wakeups_per_s"] = row["switches"] / seconds
        return seconds, rows

    def end(self):
        self.stop.set()
        for child in reversed(self.children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.environ.get("CANDOR_BUILD", "build/release"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--mode", choices=["idle", "use"], default="idle",
                        help="the agent's cadences: those of an idle laptop or of one in use")
    parser.add_argument("--peers-only", action="store_true", help="without the agent")
    parser.add_argument("--json", help="write the figures into this file too")
    options = parser.parse_args()
    bench = Bench(options)
    try:
        seconds, rows = bench.measure()
    finally:
        bench.end()
    cadences = "" if options.peers_only else (
        f"cadences of a laptop {'in use' if options.mode == 'use' else 'idle'}, ")
    print(f"{seconds:.0f} s, {cadences}load average {os.getloadavg()[1]:.2f}")
    print(f"{'program':<32}{'CPU % of a core':>16}{'wakeups/s':>11}{'RSS MiB':>9}{'pushes':>8}")
    for row in rows:
        pushes = row["pushes"] or ""
        print(f"{row['program']:<32}{row['cpu_pct']:>16.3f}{row['wakeups_per_s']:>11.2f}"
              f"{row['rss_kib'] / 1024:>9.1f}{pushes:>8}")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"seconds": seconds, "mode": options.mode, "rows": rows}, out, indent=2)


if __name__ == "__main__":
    main()
