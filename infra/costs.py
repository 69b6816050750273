#!/usr/bin/env python3
"""What a month of Calrelay on Azure costs, from how many storage transactions and seconds the work takes.

    infra/costs.py                                  the table of the README
    infra/costs.py --users 250 --poll-seconds 300   your own numbers

Everything here is an assumption with a name; the prices are list prices in US dollars as remembered in November 2026 and not looked up for
your subscription. Change what you know better.
"""

import argparse
import math

DAYS = 30
SECONDS = DAYS * 86_400

# Work. Transactions are those that tests/scenarios/azure_costs.rs counts on Azurite; a message is put, taken and deleted.
PER_CHANGE = {"queue": 3, "table": 9}  # one changed event of a pair, leases and all
PER_IDLE = {"queue": 3, "table": 3}    # a push that finds nothing
PER_CALL = {"queue": 0, "table": 2}    # a push at the door: its channel's row is read and replaced; once, where the instance knows it already
PER_POLL = {"queue": 0, "table": 3}    # a poll that finds nothing: directory, secrets, the state of the pair, and no message
CHANGES_A_DAY = 10                     # changed events of one user
IDLE_A_CHANGE = 2                      # pushes for one change that find nothing: our own write echoed, and one double
POLLED_CALENDARS = 1.0                 # CalDAV calendars of one user; Google and Microsoft push
SECONDS_A_CHANGE = 1.5                 # waiting for providers, mostly
SECONDS_AN_IDLE = 0.3
SECONDS_A_POLL, POLLS_AT_ONCE = 0.2, 8
OVERLAP = 8                            # messages that one instance works on at once (host.json), kept 70 % busy
UNWRAPS_A_USER_A_DAY = 4               # data keys stay in memory for a while
LOG_KB_A_RUN = 2.0                     # one request, which is never left out, and a line or two
DAILY_LOG_CAP_GB = 1                   # the parameter dailyLogCapGB

# Prices: Flex Consumption, North Europe.
ON_DEMAND_GB_S = 0.000026
READY_IDLE_GB_S = 0.000004             # an always-ready instance, for every second of the month
MILLION_RUNS = 0.40
FREE_GB_S, FREE_RUNS = 100_000, 250_000  # a month, on demand only
SHORTEST_RUN = 1.0                     # what an instance is billed for at least
QUEUE_10K, TABLE_10K, VAULT_10K = 0.004, 0.00036, 0.15  # the last for a key of 3,072 bits
LOG_GB, FREE_LOG_GB = 2.99, 5
ALERTS = 6 * 0.50                      # six rules, looked at every 5 to 15 minutes


def month(users, poll_seconds, memory_gb, ready, listening):
    """Costs by kind. `ready`: always-ready instances; `listening`: instances that ask the queue for messages all the time, each once a second."""
    changes = users * CHANGES_A_DAY * DAYS
    idle = changes * IDLE_A_CHANGE
    pushes = changes + idle  # each is an HTTP run and a message
    polls = users * POLLED_CALENDARS * SECONDS / poll_seconds
    ticks = SECONDS / 60     # the timer runs every minute, and asks those whose turn it is
    runs = 2 * pushes + ticks

    # An instance is paid while it works on anything. Few runs hardly overlap, and each wakes it for a second; many share it.
    answering = 1 - math.exp(-pushes * SHORTEST_RUN / SECONDS)
    load = (changes * SECONDS_A_CHANGE + idle * SECONDS_AN_IDLE) / SECONDS
    syncing = max(answering, load / (OVERLAP * 0.7))
    polling = max(ticks * SHORTEST_RUN, polls * SECONDS_A_POLL / POLLS_AT_ONCE) / SECONDS
    instances = answering + syncing + polling
    queue = changes * PER_CHANGE["queue"] + idle * PER_IDLE["queue"] + polls * PER_POLL["queue"] + max(listening, syncing) * SECONDS
    table = changes * PER_CHANGE["table"] + idle * PER_IDLE["table"] + pushes * PER_CALL["table"] + polls * PER_POLL["table"]
    logs = min(runs * LOG_KB_A_RUN / 1e6, DAILY_LOG_CAP_GB * DAYS)
    return {
        "running": max(0, instances * SECONDS * memory_gb - FREE_GB_S) * ON_DEMAND_GB_S + max(0, runs - FREE_RUNS) / 1e6 * MILLION_RUNS,
        "always ready": ready * SECONDS * memory_gb * READY_IDLE_GB_S,
        "storage": queue / 1e4 * QUEUE_10K + table / 1e4 * TABLE_10K,
        "vault": users * UNWRAPS_A_USER_A_DAY * DAYS / 1e4 * VAULT_10K,
        "logs": max(0, logs - FREE_LOG_GB) * LOG_GB + ALERTS,
    }


def line(users, poll_seconds, **how):
    costs = month(users, poll_seconds, **how)
    cells = [f"{cost:,.0f}" if cost >= 10 else f"{cost:,.2f}" for cost in costs.values()]
    total = sum(costs.values())
    return f"| {users:,} | {poll_seconds} s | " + " | ".join(cells) + f" | **{total:,.0f}** | {total / users:,.3f} |"


def main():
    parser = argparse.ArgumentParser(description="What a month on Azure costs, in US dollars.")
    parser.add_argument("--users", type=int)
    parser.add_argument("--poll-seconds", type=int, default=60)
    parser.add_argument("--memory-gb", type=float, default=0.5)
    parser.add_argument("--always-ready", type=int, default=1, help="instances that are always up")
    parser.add_argument("--always-listening", type=int, default=0, help="of these, the ones that run syncs")
    given = parser.parse_args()
    if given.users is not None and given.users < 1 or given.poll_seconds < 1:
        parser.error("users and seconds begin at 1")
    how = {"memory_gb": given.memory_gb, "ready": given.always_ready, "listening": given.always_listening}
    print("| users | polling | running | always ready | storage | vault | logs, alerts | total | a user |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = [(given.users, given.poll_seconds)] if given.users else [(users, poll) for users in (10, 1_000, 100_000) for poll in (60, 300, 900)]
    for users, poll in rows:
        print(line(users, poll, **how))


main()
