#!/usr/bin/env python3
"""Records what two independent programs make of recurrence rules: cases.json (see README.md).

    PYTHONTZPATH= "$(tests/setup/servers.sh)" tests/recordings/recurrence/make.py

Running it again gives the same file. A case on which the two differ is counted, printed and left out.
"""

import datetime as dt
import itertools
import json
import pathlib
import random
import sys
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from dateutil.rrule import rrulestr

MOST = 24  # starts per case
UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)


class Case:
    """One series. `zone` is an IANA name, "" for floating and "day" for all-day; times are written as in iCalendar."""

    def __init__(self, group, start, zone, rules, cancelled=(), extra=(), window=None):
        self.group, self.start, self.zone = group, start, zone
        self.rules = [rules] if isinstance(rules, str) else list(rules)
        self.cancelled, self.extra, self.window = list(cancelled), list(extra), window

    @property
    def all_day(self):
        return self.zone == "day"


def civil(text):
    return dt.datetime.strptime(text, "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d")


def instant(case, wall):
    """The instant of a wall-clock time: gaps move forward, of two the first (zoneinfo with fold=0 does both)."""
    return wall.replace(tzinfo=ZoneInfo(case.zone)).astimezone(UTC)


def written(case, wall):
    if case.all_day:
        return wall.strftime("%Y%m%d")
    if not case.zone:
        return wall.strftime("%Y%m%dT%H%M%S")
    return instant(case, wall).strftime("%Y%m%dT%H%M%SZ")


# --- the first oracle: dateutil on the wall clock, the zone applied afterwards


def wall_rule(case, rule):
    """The rule with UNTIL on the wall clock, and its COUNT."""
    parts, count = [], None
    for part in rule.split(";"):
        name, value = part.split("=")
        if name == "COUNT":
            count = int(value)
            continue
        if name == "UNTIL":
            if case.all_day:
                value = value[:8]
            elif value.endswith("Z") and case.zone:
                utc = civil(value[:-1]).replace(tzinfo=UTC)
                value = utc.astimezone(ZoneInfo(case.zone)).strftime("%Y%m%dT%H%M%S")
            value = value.rstrip("Z")
        parts.append(f"{name}={value}")
    return ";".join(parts), count


def by_dateutil(case, until_wall):
    """Starts up to a time, and whether the first start had to be counted though no rule gives it."""
    first = civil(case.start)
    walls, forced = {first}, False
    for rule in case.rules:
        text, count = wall_rule(case, rule)
        found = []
        for wall in rrulestr(text, dtstart=first):
            if not found and count is not None and wall != first:
                count, forced = count - 1, True
            if wall > until_wall or (count is not None and len(found) >= count) or len(found) > 20_000:
                break
            found.append(wall)
        walls.update(found)
    walls.update(civil(text) for text in case.extra)
    cancelled = {written(case, civil(text)) for text in case.cancelled}
    return sorted({w for w in (written(case, wall) for wall in walls) if w not in cancelled}), forced


# --- the second oracle: recurring-ical-events reads an iCalendar object


def by_events(case, begin, end):
    if case.all_day:
        kind, length = ";VALUE=DATE", "P1D"
    elif case.zone:
        kind, length = f";TZID={case.zone}", "PT15M"
    else:
        kind, length = "", "PT15M"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Calrelay//tests//EN", "BEGIN:VEVENT", "UID:1", "DTSTAMP:19700101T000000Z"]
    lines += [f"DTSTART{kind}:{case.start}", f"DURATION:{length}"]
    lines += [f"RRULE:{rule}" for rule in case.rules]
    lines += [f"EXDATE{kind}:{text}" for text in case.cancelled]
    lines += [f"RDATE{kind}:{text}" for text in case.extra]
    lines += ["END:VEVENT", "END:VCALENDAR", ""]
    calendar = icalendar.Calendar.from_ical("\r\n".join(lines))
    found = set()
    for event in recurring_ical_events.of(calendar).between(begin, end):
        start = event["DTSTART"].dt
        if not isinstance(start, dt.datetime):
            found.add(start.strftime("%Y%m%d"))
        elif start.tzinfo:
            found.add(start.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"))
        else:
            found.add(start.strftime("%Y%m%dT%H%M%S"))
    return found


def judge(case):
    """The case as data, or None where the two oracles differ."""
    first = civil(case.start)
    if case.window:
        begin, end = (civil(text) for text in case.window)
        starts, forced = by_dateutil(case, end + 2 * DAY)
    else:
        begin = first.replace(hour=0, minute=0, second=0) - 2 * DAY
        horizon = dt.datetime(first.year + 9, 1, 1)
        starts, forced = by_dateutil(case, horizon + 2 * DAY)
        # The first start that is too many is the end.
        end = civil(starts[MOST].rstrip("Z")) if len(starts) > MOST else horizon
    low, high = begin.strftime("%Y%m%dT%H%M%S"), end.strftime("%Y%m%dT%H%M%S")

    def inside(start):
        return low <= (start.rstrip("Z") if "T" in start else start + "T000000") < high

    expected = [start for start in starts if inside(start)]
    if not forced:
        utc = (lambda t: t.replace(tzinfo=UTC)) if case.zone and not case.all_day else (lambda t: t)
        events = sorted(start for start in by_events(case, utc(begin - DAY), utc(end + DAY)) if inside(start))
        if events != expected:
            return None
    record = {"group": case.group, "start": case.start, "zone": case.zone, "rules": case.rules, "from": low, "to": high}
    if case.cancelled:
        record["cancelled"] = [written(case, civil(text)) for text in case.cancelled]
    if case.extra:
        record["extra"] = [written(case, civil(text)) for text in case.extra]
    if forced:
        record["by"] = "rfc"
    record["starts"] = expected
    return record


# --- the cases


def rfc_examples():
    """The rules of the examples in RFC 5545 section 3.8.5.3 that repeat hourly or more slowly."""
    ny = "America/New_York"
    rules = [
        ("19970902T090000", "FREQ=DAILY;COUNT=10"),
        ("19970902T090000", "FREQ=DAILY;UNTIL=19971224T000000Z"),
        ("19970902T090000", "FREQ=DAILY;INTERVAL=2"),
        ("19970902T090000", "FREQ=DAILY;INTERVAL=10;COUNT=5"),
        ("19980101T090000", "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA"),
        ("19980101T090000", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1"),
        ("19970902T090000", "FREQ=WEEKLY;COUNT=10"),
        ("19970902T090000", "FREQ=WEEKLY;UNTIL=19971224T000000Z"),
        ("19970902T090000", "FREQ=WEEKLY;INTERVAL=2;WKST=SU"),
        ("19970902T090000", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH"),
        ("19970902T090000", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH"),
        ("19970901T090000", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR"),
        ("19970902T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH"),
        ("19970905T090000", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR"),
        ("19970905T090000", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR"),
        ("19970907T090000", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU"),
        ("19970922T090000", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO"),
        ("19970928T090000", "FREQ=MONTHLY;BYMONTHDAY=-3"),
        ("19970902T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15"),
        ("19970930T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1"),
        ("19970910T090000", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15"),
        ("19970902T090000", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU"),
        ("19970610T090000", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7"),
        ("19970310T090000", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3"),
        ("19970101T090000", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200"),
        ("19970519T090000", "FREQ=YEARLY;BYDAY=20MO"),
        ("19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"),
        ("19970313T090000", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH"),
        ("19970605T090000", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8"),
        ("19970902T090000", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"),
        ("19970913T090000", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13"),
        ("19961105T090000", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8"),
        ("19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3"),
        ("19970929T090000", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2"),
        ("19970902T090000", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z"),
        ("19970902T090000", "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40"),
        ("19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO"),
        ("19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU"),
        ("20070115T090000", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5"),
    ]
    for start, rule in rules:
        yield Case("rfc", start, ny, rule)
    yield Case("rfc", "19970902T090000", ny, "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", cancelled=["19970902T090000"])


def clock_changes():
    """(zone, the day before the gap, a time in it, the day before the fold, a time in it)"""
    changes = [
        ("America/New_York", "20260307", "023000", "20251101", "013000"),
        ("Europe/Berlin", "20260328", "023000", "20251025", "023000"),
        ("Europe/London", "20260328", "013000", "20251025", "013000"),
        ("Australia/Lord_Howe", "20251004", "021500", "20260404", "014500"),
        ("America/Sao_Paulo", "20181103", "003000", "20180217", "233000"),
        ("Africa/Cairo", "20250424", "003000", "20251030", "233000"),
        ("Asia/Beirut", "20250329", "003000", "20251025", "233000"),
        ("America/Santiago", "20250906", "003000", "20250405", "233000"),
        ("Pacific/Apia", "20111228", "100000", "20110401", "033000"),
    ]
    for zone, gap, in_gap, fold, in_fold in changes:
        for day, time in ((gap, in_gap), (fold, in_fold)):
            start = f"{day}T{time}"
            yield Case("clock", start, zone, "FREQ=DAILY;COUNT=4")
            yield Case("clock", start, zone, f"FREQ=DAILY;INTERVAL=2;BYHOUR={time[:2]},{(int(time[:2]) + 1) % 24:02};COUNT=6")
            before = (civil(start) - 13 * DAY).strftime("%Y%m%dT%H%M%S")
            yield Case("clock", before, zone, "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,FR,MO;COUNT=9")
        month = (civil(gap) + DAY).strftime("%Y%m%d")
        year = f"{int(month[:4]) - 1}{month[4:]}"
        yield Case("clock", f"{year}T{in_gap}", zone, "FREQ=YEARLY;COUNT=3")


def until_forms():
    for zone in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", ""):
        for until in ("20260310", "20260310T090000", "20260310T085959", "20260310T080000Z", "20260310T130000Z", "20260310T140000Z", "20260310T033000Z"):
            yield Case("until", "20260302T090000", zone, f"FREQ=DAILY;UNTIL={until}")
        yield Case("until", "20260302T090000", zone, "FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20260401T235959Z")
        yield Case("until", "20260302T223000", zone, "FREQ=DAILY;UNTIL=20260310")
    for until in ("20260310", "20260310T000000Z", "20260310T235959Z", "20260310T120000"):
        yield Case("until", "20260302", "day", f"FREQ=DAILY;UNTIL={until}")
    yield Case("until", "20261024T023000", "Europe/Berlin", "FREQ=DAILY;UNTIL=20261025T003000Z")
    yield Case("until", "20261024T023000", "Europe/Berlin", "FREQ=DAILY;UNTIL=20261025T013000Z")


def all_day():
    rules = [
        "FREQ=DAILY;COUNT=5",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU;WKST=SU",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY",
        "FREQ=YEARLY;BYMONTH=5;BYDAY=2SU",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=TH",
    ]
    for start, rule in itertools.product(("20260105", "20251231"), rules):
        yield Case("all-day", start, "day", rule)
    yield Case("all-day", "20260105", "day", "FREQ=WEEKLY", cancelled=["20260112", "20260202"], extra=["20260114"])


def dates():
    base = "20260303T100000"
    for zone in ("Europe/Tallinn", "America/Los_Angeles", "UTC", ""):
        yield Case("dates", base, zone, "FREQ=WEEKLY;COUNT=6", cancelled=["20260310T100000", "20260407T100000"])
        yield Case("dates", base, zone, "FREQ=WEEKLY;COUNT=6", extra=["20260305T180000", "20260310T100000"])
        yield Case("dates", base, zone, "FREQ=WEEKLY;COUNT=6", cancelled=[base])
        yield Case("dates", base, zone, [], extra=["20260304T100000", "20260329T030000"])
        yield Case("dates", base, zone, "FREQ=DAILY;COUNT=3", cancelled=["20260304T110000"])
        yield Case("dates", base, zone, ["FREQ=WEEKLY;COUNT=4", "FREQ=MONTHLY;COUNT=4"])
        yield Case("dates", base, zone, ["FREQ=WEEKLY;BYDAY=TU;COUNT=4", "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20260320T120000Z"])
        yield Case("dates", base, zone, "FREQ=WEEKLY;BYDAY=MO,FR", cancelled=["20260306T100000"])


def grid():
    for zone in ("Europe/Berlin", "America/New_York"):
        for freq, days, pos in itertools.product(("MONTHLY", "YEARLY"), ("MO,TU,WE,TH,FR", "SA,SU"), ("1", "-1", "2,-2")):
            yield Case("grid", "20260101T080000", zone, f"FREQ={freq};BYDAY={days};BYSETPOS={pos}")
        for wkst, interval in itertools.product(("MO", "SU", "WE"), (1, 2, 3)):
            yield Case("grid", "20251230T080000", zone, f"FREQ=WEEKLY;INTERVAL={interval};BYDAY=TU,SU;WKST={wkst}")
        for week, wkst in itertools.product((1, 20, 52, 53, -1), ("MO", "SU")):
            yield Case("grid", "20251229T080000", zone, f"FREQ=YEARLY;BYWEEKNO={week};BYDAY=MO,SU;WKST={wkst}")
            yield Case("grid", "20251229T080000", zone, f"FREQ=YEARLY;BYWEEKNO={week};WKST={wkst}")


def month_ends():
    for day in (29, 30, 31):
        for rule in ("FREQ=MONTHLY", "FREQ=MONTHLY;INTERVAL=2", f"FREQ=MONTHLY;BYMONTHDAY=28,{day}", "FREQ=MONTHLY;BYMONTHDAY=-1,-2"):
            yield Case("ends", f"202601{day}T070000", "Europe/Madrid", rule)
    for rule in ("FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=4", "FREQ=YEARLY;BYMONTHDAY=-1;BYMONTH=2", "FREQ=MONTHLY", "FREQ=YEARLY;BYYEARDAY=60", "FREQ=YEARLY;BYYEARDAY=366,-1"):
        yield Case("ends", "20240229T070000", "Europe/Madrid", rule)
        yield Case("ends", "20240229", "day", rule)


def long_ago():
    """Series that began long before the window: they must be reached, and without drifting."""
    rules = [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=17",
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;INTERVAL=3",
        "FREQ=WEEKLY;INTERVAL=5",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,WE;WKST=SU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,WE,FR;BYSETPOS=-1",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;INTERVAL=7;BYDAY=2TU,-1FR",
        "FREQ=MONTHLY;INTERVAL=5;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2,-3",
        "FREQ=YEARLY",
        "FREQ=YEARLY;INTERVAL=3;BYMONTH=2,3;BYDAY=1MO",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO;WKST=SU",
        "FREQ=HOURLY;INTERVAL=1001",
        "FREQ=DAILY;COUNT=15000",
        "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4100",
    ]
    for start, rule in itertools.product(("19840229T113000", "19991231T233000"), rules):
        yield Case("long", start, "Europe/Berlin", rule, window=("20260301T000000", "20260410T000000"))
        if "YEARLY" in rule or "INTERVAL=1001" in rule:
            yield Case("long", start, "America/Chicago", rule, window=("20270101T000000", "20290401T000000"))


def hourly():
    for rule in ("FREQ=HOURLY;INTERVAL=5", "FREQ=HOURLY;BYHOUR=9,17;BYMINUTE=15", "FREQ=HOURLY;INTERVAL=8;BYDAY=SA", "FREQ=HOURLY;INTERVAL=25;COUNT=12"):
        yield Case("hourly", "20260415T091500", "Europe/Berlin", rule)
        yield Case("hourly", "20260415T091500", "UTC", rule)


def at_random(count):
    dice = random.Random(5545)
    zones = ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Tokyo", "UTC", "", "day"]
    names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]

    def some(values, most):
        return ",".join(str(value) for value in sorted(dice.sample(values, dice.randint(1, most))))

    for _ in range(count):
        zone = dice.choice(zones)
        start = dt.datetime(2025, 1, 1) + dt.timedelta(minutes=15 * dice.randrange(96 * 500))
        freq = dice.choice(["DAILY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY", "YEARLY"])
        parts = [f"FREQ={freq}"]
        if dice.random() < 0.5:
            parts.append(f"INTERVAL={dice.randint(2, 5)}")
        if dice.random() < 0.3:
            parts.append(f"BYMONTH={some(list(range(1, 13)), 4)}")
        if freq in ("DAILY", "WEEKLY"):
            if dice.random() < 0.6:
                parts.append("BYDAY=" + ",".join(dice.sample(names, dice.randint(1, 4))))
        elif dice.random() < 0.4:
            parts.append(f"BYMONTHDAY={some([d for d in range(-31, 32) if d], 4)}")
        elif dice.random() < 0.5:
            top = 5 if freq == "MONTHLY" or "BYMONTH" in parts[-1] else 50
            parts.append("BYDAY=" + ",".join(f"{dice.choice([-1, 1]) * dice.randint(1, min(top, 4))}{name}" for name in dice.sample(names, 2)))
        elif dice.random() < 0.6:
            parts.append("BYDAY=" + ",".join(dice.sample(names, dice.randint(1, 5))))
            parts.append(f"BYSETPOS={dice.choice([1, 2, -1, -2])}")
        elif freq == "YEARLY":
            parts.append(f"BYYEARDAY={some([d for d in range(-366, 367) if d], 4)}")
        if zone != "day" and dice.random() < 0.15:
            parts.append(f"BYHOUR={some(list(range(24)), 3)}")
        if dice.random() < 0.3:
            parts.append(f"WKST={dice.choice(names)}")
        if dice.random() < 0.2:
            parts.append(f"COUNT={dice.randint(1, 30)}")
        elif dice.random() < 0.2:
            end = start + dt.timedelta(days=dice.randint(10, 900))
            form = "%Y%m%d" if zone == "day" else "%Y%m%dT%H%M%S" if not zone else "%Y%m%dT%H%M%SZ"
            parts.append(f"UNTIL={end.strftime(form)}")
        form = "%Y%m%d" if zone == "day" else "%Y%m%dT%H%M%S"
        yield Case("random", start.strftime(form), zone, ";".join(parts))


def main():
    sources = [rfc_examples(), clock_changes(), until_forms(), all_day(), dates(), grid(), month_ends(), long_ago(), hourly(), at_random(140)]
    records, dropped = [], {}
    for case in itertools.chain(*sources):
        try:
            record, why = judge(case), "the two differ"
        except Exception as error:  # an oracle that refuses a case has no say
            record, why = None, f"{type(error).__name__}: {error}"
        if record:
            records.append(record)
        else:
            dropped[case.group] = dropped.get(case.group, 0) + 1
            print(f"left out ({why}): {case.group} {case.start} {case.zone} {case.rules}", file=sys.stderr)
    lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in records)
    path = pathlib.Path(__file__).with_name("cases.json")
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{len(records)} cases, {sum(dropped.values())} left out {dropped}, {path.stat().st_size} bytes")


main()
