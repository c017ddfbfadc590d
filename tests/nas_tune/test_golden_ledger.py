"""What a ledger may hold: fields of events and facts of a run are taken, mended and refused as in earlier versions."""

from __future__ import annotations

import functools
import json
import re
import sqlite3
from contextlib import closing

from nas_tune.ledger.events import decode_event, encode_event
from nas_tune.ledger.fields import depth, keys_in, shown_ascii
from nas_tune.ledger.meta import decode_meta
from nas_tune.session.run_folder import ledger_path
from search_spaces.errors import NasTuneError
from tests.golden import agrees
from tests.nas_tune.results.made import begun, make
from tests.nas_tune.test_golden_screens import eventful

VALUES = [None, True, -1, 0, 1.5, 2**63 - 1, 2**63, -(2**63) - 1, float("nan"), float("inf"), 1e300, "", "x", "\ud800"]
VALUES += [
    "a" * 300,
    [],
    ["x"],
    [[1, 0.5]],
    [[1, 0.5, 2]],
    [[0, 0.5]],
    [[1, "x"]],
    {},
    {"a": 1},
    {"a b": 1},
    {"a": "x"},
]
VALUES += [{"A": 1, "a": 2}, {"x": float("nan")}, {"x": [1]}, [{"x": 1}]]


def nested(levels):
    value = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def tried(read):
    try:
        return read()
    except NasTuneError as error:
        return re.sub(r" at 0x\w+", "", str(error))[:160]


def test_fields_of_events_are_taken_and_refused_as_they_were():
    found = {}
    for event in {type(one).__name__: one for one in eventful()}.values():
        kind, body = event.kind, json.loads(encode_event(event))
        for name in body:
            for value in [*VALUES, nested(99), nested(100), nested(101)]:
                text = json.dumps({**body, name: value})

                def read(text=text, kind=kind, name=name):
                    return taken(getattr(decode_event(kind, text), name), json.loads(text)[name])

                found[f"{kind}.{name}={shown_ascii(value, 24)}"] = tried(read)
        lacking = {name: value for name, value in body.items() if name != next(iter(body))}
        for title, changed in {"lacking": lacking, "more": {**body, "colour": 1}}.items():
            found[f"{kind}, {title}"] = tried(functools.partial(told, kind, json.dumps(changed)))
    agrees("ledger-fields", found)


def taken(found, given):
    return "taken" if shown_ascii(found) == shown_ascii(given) else f"taken as {shown_ascii(found)}"


def told(kind, text):
    return str(decode_event(kind, text))[:60]


def test_facts_of_a_run_are_taken_and_refused_as_they_were(tmp_path):
    found = {}
    make(tmp_path, begun(), meta={"created": 1_700_000_000.0, "versions": {}}).close()
    with closing(sqlite3.connect(ledger_path(tmp_path))) as connection:
        rows = dict(connection.execute("SELECT key, value FROM meta"))
    for key in rows:
        for value in VALUES:
            text = json.dumps(value)
            found[f"{key}={shown_ascii(value, 24)}"] = tried(
                lambda key=key, text=text: taken(decode_meta({**rows, key: text})[key], json.loads(text))
            )
        found[f"{key}, lacking"] = tried(
            lambda key=key: sorted(decode_meta({one: row for one, row in rows.items() if one != key}))
        )
        found[f"{key}, damaged"] = tried(lambda key=key: sorted(decode_meta({**rows, key: "{"})))
    agrees("ledger-facts", found)


def test_values_are_shown_and_measured_as_they_were():
    found = {}
    for value in [*VALUES, nested(3), nested(101), {"a": {"b": [1, {"c": 2}]}, "d": 3}]:
        shown = [shown_ascii(value), shown_ascii(value, 9)]
        found[shown_ascii(value, 40)] = [*shown, depth(value), depth(value, 2), keys_in(value)]
    agrees("ledger-values", found)
