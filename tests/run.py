"""Run the test folders one after another, each within its time budget: ``python -m tests.run unit=120 e2e=240``.

A folder that does not exist is passed over; one without tests, one that takes longer than its budget, and one that is
there but not named all fail. The last line is one closing line for all of them, in pytest's own form.
"""

import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {"bench"}  # run by `make bench`
# Files side by side, each process with servers of its own: such tests mostly wait for leases, restarts and time-outs.
SIDE_BY_SIDE = {"unit": 2, "contracts": 2, "integration": 4, "e2e": 2, "browser": 2, "fuzz": 2}
OUTCOME = re.compile(r"(\d+) (passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?)")


def main(arguments: list[str]) -> int:
    """0 when every folder passed."""
    budgets = {name: float(seconds) for name, _, seconds in (argument.partition("=") for argument in arguments)}
    began = time.monotonic()
    counts: Counter[str] = Counter()
    trouble = [f"tests/{name} is not among the folders that run: name it in the Makefile" for name in _unnamed(budgets)]
    for folder, budget in budgets.items():
        if not (ROOT / "tests" / folder).is_dir():
            continue
        found, wrong = run(folder, budget)
        counts += found
        trouble += wrong
    for line in trouble:
        print(f"FAILED {line}")
    counts["failed"] = counts["failed"] or len(trouble)
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    print(f" {said or 'no tests ran'} in {time.monotonic() - began:.2f}s ".center(80, "="), flush=True)
    return 1 if trouble else 0


def _unnamed(budgets: dict[str, float]) -> list[str]:
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    return sorted(folders - set(budgets) - ELSEWHERE)


def run(folder: str, budget: float) -> tuple[Counter[str], list[str]]:
    """One folder: its outcomes, and what went wrong in words."""
    print(f"--- tests/{folder} (at most {budget:.0f} s)", flush=True)
    command = [sys.executable, "-m", "pytest", f"tests/{folder}", "-m", "not long"]
    if folder in SIDE_BY_SIDE:
        # Which files stay together, and in which order they are begun, is in `tests/spread.py`.
        command += ["-n", str(SIDE_BY_SIDE[folder]), "--dist", "loadfile", "--no-loadscope-reorder"]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in the background: pytest would inherit that
        signal.signal(signal.SIGINT, signal.default_int_handler)
    late = threading.Event()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        timer = threading.Timer(budget, _stop, (process, late))
        timer.start()
        closing = _show(process)
        code = process.wait()
        timer.cancel()
    counts = Counter({outcome: int(count) for count, outcome in OUTCOME.findall(closing)})
    if late.is_set():
        return counts, [f"tests/{folder} took longer than its {budget:.0f} s and was stopped"]
    if code == 5:
        return counts, [f"tests/{folder} has no test that runs"]
    return counts, [f"tests/{folder} ended with exit code {code}"] if code else []


def _show(process: "subprocess.Popen[str]") -> str:
    closing = ""
    for line in process.stdout or ():
        print(line, end="", flush=True)
        if re.search(r" in \d+\.\d+s", line):
            closing = line
    return closing


def _stop(process: "subprocess.Popen[str]", late: threading.Event) -> None:
    late.set()
    process.send_signal(signal.SIGINT)  # pytest then says where it was
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
