"""Browser profiles: Chrome (version 120 layout) and Firefox (version 115 layout), real SQLite and JSON.

Sources of the schemas: Chromium `components/password_manager/core/browser/login_database.cc`,
`net/extras/sqlite/sqlite_persistent_cookie_store.cc`, `components/history/core/browser/`; Firefox
`toolkit/components/places/nsPlacesTables.h`, `netwerk/cookie/CookiePersistentStorage.cpp`,
`security/nss/lib/softoken/sdb.c`.
"""

from __future__ import annotations

import base64
import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from lazaretto.sandbox.persona.item import Item, Kind, stream, worked_on
from lazaretto.sandbox.persona.person import Person

_CHROME_EPOCH = 11644473600  # seconds between 1601 and 1970
_VISITS = 160
_PAGES = ("", "account", "search?q=invoice+template", "orders", "inbox", "help/contact", "news", "login", "cart")

_LOGINS = """CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);
INSERT INTO meta VALUES('version','35'),('last_compatible_version','33');
CREATE TABLE logins (origin_url VARCHAR NOT NULL, action_url VARCHAR, username_element VARCHAR, username_value VARCHAR,
 password_element VARCHAR, password_value BLOB, submit_element VARCHAR, signon_realm VARCHAR NOT NULL,
 date_created INTEGER NOT NULL, blacklisted_by_user INTEGER NOT NULL, scheme INTEGER NOT NULL, password_type INTEGER,
 times_used INTEGER, form_data BLOB, display_name VARCHAR, icon_url VARCHAR, federation_url VARCHAR,
 skip_zero_click INTEGER, generation_upload_status INTEGER, possible_username_pairs BLOB,
 id INTEGER PRIMARY KEY AUTOINCREMENT, date_last_used INTEGER NOT NULL DEFAULT 0, moving_blocked_for BLOB,
 date_password_modified INTEGER NOT NULL DEFAULT 0,
 UNIQUE (origin_url, username_element, username_value, password_element, signon_realm));"""
_COOKIES = """CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);
INSERT INTO meta VALUES('version','18'),('last_compatible_version','18');
CREATE TABLE cookies(creation_utc INTEGER NOT NULL, host_key TEXT NOT NULL, top_frame_site_key TEXT NOT NULL,
 name TEXT NOT NULL, value TEXT NOT NULL, encrypted_value BLOB NOT NULL, path TEXT NOT NULL, expires_utc INTEGER NOT
 NULL,
 is_secure INTEGER NOT NULL, is_httponly INTEGER NOT NULL, last_access_utc INTEGER NOT NULL, has_expires INTEGER NOT
 NULL,
 is_persistent INTEGER NOT NULL, priority INTEGER NOT NULL, samesite INTEGER NOT NULL, source_scheme INTEGER NOT NULL,
 source_port INTEGER NOT NULL, is_same_party INTEGER NOT NULL, last_update_utc INTEGER NOT NULL);"""
_HISTORY = """CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);
INSERT INTO meta VALUES('version','63'),('last_compatible_version','16');
CREATE TABLE urls(id INTEGER PRIMARY KEY AUTOINCREMENT, url LONGVARCHAR, title LONGVARCHAR,
 visit_count INTEGER DEFAULT 0 NOT NULL, typed_count INTEGER DEFAULT 0 NOT NULL, last_visit_time INTEGER NOT NULL,
 hidden INTEGER DEFAULT 0 NOT NULL);
CREATE TABLE visits(id INTEGER PRIMARY KEY AUTOINCREMENT, url INTEGER NOT NULL, visit_time INTEGER NOT NULL,
 from_visit INTEGER, transition INTEGER DEFAULT 0 NOT NULL, visit_duration INTEGER DEFAULT 0 NOT NULL);
CREATE TABLE downloads (id INTEGER PRIMARY KEY, current_path LONGVARCHAR NOT NULL, start_time INTEGER NOT NULL,
 total_bytes INTEGER NOT NULL, state INTEGER NOT NULL, tab_url VARCHAR NOT NULL);
CREATE TABLE keyword_search_terms (keyword_id INTEGER NOT NULL, url_id INTEGER NOT NULL, term LONGVARCHAR NOT NULL,
 normalized_term LONGVARCHAR NOT NULL);"""
_FORMS = """CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);
INSERT INTO meta VALUES('version','117'),('last_compatible_version','114');
CREATE TABLE autofill (name VARCHAR, value VARCHAR, value_lower VARCHAR, date_created INTEGER DEFAULT 0,
 date_last_used INTEGER DEFAULT 0, count INTEGER DEFAULT 1, PRIMARY KEY (name, value));
CREATE TABLE credit_cards ( guid VARCHAR PRIMARY KEY, name_on_card VARCHAR, expiration_month INTEGER,
 expiration_year INTEGER, card_number_encrypted BLOB, date_modified INTEGER NOT NULL DEFAULT 0,
 origin VARCHAR DEFAULT '', use_count INTEGER NOT NULL DEFAULT 0, use_date INTEGER NOT NULL DEFAULT 0);"""
_PLACES = """CREATE TABLE moz_places (id INTEGER PRIMARY KEY, url LONGVARCHAR, title LONGVARCHAR, rev_host LONGVARCHAR,
 visit_count INTEGER DEFAULT 0, hidden INTEGER DEFAULT 0 NOT NULL, typed INTEGER DEFAULT 0 NOT NULL,
 frecency INTEGER DEFAULT -1 NOT NULL, last_visit_date INTEGER, guid TEXT);
CREATE TABLE moz_historyvisits (id INTEGER PRIMARY KEY, from_visit INTEGER, place_id INTEGER, visit_date INTEGER,
 visit_type INTEGER, session INTEGER);
CREATE TABLE moz_bookmarks (id INTEGER PRIMARY KEY, type INTEGER, fk INTEGER DEFAULT NULL, parent INTEGER,
 position INTEGER, title LONGVARCHAR, dateAdded INTEGER, lastModified INTEGER, guid TEXT);
PRAGMA user_version=74;"""
_FOX_COOKIES = """CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, originAttributes TEXT NOT NULL DEFAULT '', name
TEXT,
 value TEXT, host TEXT, path TEXT, expiry INTEGER, lastAccessed INTEGER, creationTime INTEGER, isSecure INTEGER,
 isHttpOnly INTEGER, inBrowserElement INTEGER DEFAULT 0, sameSite INTEGER DEFAULT 0, rawSameSite INTEGER DEFAULT 0,
 schemeMap INTEGER DEFAULT 0, CONSTRAINT moz_uniqueid UNIQUE (name, host, path, originAttributes));
PRAGMA user_version=12;"""
_KEYS = """CREATE TABLE metaData (id PRIMARY KEY UNIQUE ON CONFLICT REPLACE, item1, item2);
CREATE TABLE nssPrivate (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0, a1, a2, a3, a11, a81, a82, a102);"""

Rows = dict[str, Sequence[Sequence[object]]]


def database(schema: str, rows: Rows) -> bytes:
    """The bytes of a SQLite database with this schema and, for each table, these rows."""
    with sqlite3.connect(":memory:") as connection:
        connection.executescript("PRAGMA page_size=4096;" + schema)
        for table, lines in rows.items():
            if lines:
                marks = ",".join("?" * len(lines[0]))
                connection.executemany(f"INSERT INTO {table} VALUES({marks})", lines)
        connection.commit()
        content = connection.serialize()
    connection.close()
    return content


def chrome_items(person: Person, now: datetime, base: str) -> Iterator[Item]:
    """A Chrome user data folder at `base`."""
    rng = stream(person.seed, "chrome")
    profile = f"{base}/Default"
    recent = timedelta(days=1, minutes=rng.randrange(300))
    state = {
        "os_crypt": {"encrypted_key": base64.b64encode(b"DPAPI" + rng.randbytes(230)).decode()},
        "profile": {
            "info_cache": {"Default": {"name": person.first, "user_name": person.mail, "is_using_default_name": False}},
            "last_used": "Default",
        },
        "user_experience_metrics": {"client_id2": rng.randbytes(16).hex()},
    }
    yield Item(f"{base}/Local State", _json(state), recent, Kind.BROWSER_KEY, 0o600)
    yield Item(f"{profile}/Login Data", database(_LOGINS, {"logins": _chrome_logins(person, now, rng)}), recent,
               Kind.BROWSER_PASSWORDS, 0o600)  # fmt: skip
    cookies = database(_COOKIES, {"cookies": _chrome_cookies(person, now, rng)})
    yield Item(f"{profile}/Network/Cookies", cookies, recent, Kind.BROWSER_COOKIES, 0o600)
    yield Item(f"{profile}/Cookies", cookies, recent + timedelta(days=200), Kind.BROWSER_COOKIES, 0o600)
    yield Item(f"{profile}/History", database(_HISTORY, _chrome_history(person, now, rng)), recent,
               Kind.BROWSER_HISTORY, 0o600)  # fmt: skip
    yield Item(
        f"{profile}/Web Data", database(_FORMS, _chrome_forms(person, now, rng)), recent, Kind.BROWSER_FORMS, 0o600
    )
    yield Item(f"{profile}/Bookmarks", _json(_bookmarks(person, now, rng)), worked_on(rng, oldest=90), None, 0o600)
    preferences = {"profile": {"name": person.first, "exit_type": "Normal"}, "account_info": [{"email": person.mail}]}
    yield Item(f"{profile}/Preferences", _json(preferences), recent, None, 0o600)
    vault = json.dumps({"data": base64.b64encode(rng.randbytes(480)).decode(), "salt": rng.randbytes(32).hex()})
    log = rng.randbytes(7) + b"\x01KeyringController" + json.dumps({"vault": vault}).encode()
    yield Item(f"{profile}/Local Extension Settings/nkbihfbeogaeaoehlefnkodbefgpgknn/000003.log", log,
               worked_on(rng, oldest=60), Kind.WALLET, 0o600)  # fmt: skip


def _chrome_time(now: datetime, rng: random.Random, days: float = 300) -> int:
    return int((now.timestamp() + _CHROME_EPOCH - rng.uniform(0.1, days) * 86400) * 1_000_000)


def _sealed(rng: random.Random, size: int) -> bytes:
    return b"v10" + rng.randbytes(12 + size + 16)  # nonce, text, tag of AES-GCM


def _chrome_logins(person: Person, now: datetime, rng: random.Random) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for number, site in enumerate(person.sites, 1):
        origin, made = f"https://{site}/", _chrome_time(now, rng)
        rows.append((origin + "login", origin + "session", "email", person.mail, "password", _sealed(rng, 12), "",
            origin,
                     made, 0, 0, 0, rng.randrange(1, 60), b"", "", "", "", 0, 0, b"", number,
                     made + 86400_000000, b"", made))  # fmt: skip
    return rows


def _chrome_cookies(person: Person, now: datetime, rng: random.Random) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for site in person.sites:
        host = "." + ".".join(site.split(".")[-2:])
        for name in rng.sample(("session", "SID", "_ga", "csrf", "li_at", "auth_token", "prefs"), 4):
            made = _chrome_time(now, rng, 60)
            rows.append((made, host, "", name, "", _sealed(rng, 40), "/", made + 31536000_000000, 1, 1,
                         made, 1, 1, 1, 0, 2, 443, 0, made))  # fmt: skip
    return rows


def _visited(person: Person, rng: random.Random) -> list[tuple[str, str]]:
    pages = [
        (
            f"https://{site}/{page}",
            f"{site.removeprefix('www.').split('.')[0].capitalize()} {page.split('?')[0]}".strip(),
        )
        for site in person.sites
        for page in _PAGES
    ]
    return rng.sample(pages, min(_VISITS, len(pages)))


def _chrome_history(person: Person, now: datetime, rng: random.Random) -> Rows:
    urls: list[tuple[object, ...]] = []
    visits: list[tuple[object, ...]] = []
    for number, (url, title) in enumerate(_visited(person, rng), 1):
        times = sorted(_chrome_time(now, rng, 90) for _ in range(rng.randrange(1, 6)))
        urls.append((number, url, title, len(times), rng.randrange(2), times[-1], 0))
        visits += [(len(visits) + i, number, at, 0, 805306368, rng.randrange(10**9)) for i, at in enumerate(times, 1)]
    got = [
        (
            n,
            f"C:\\Users\\{person.user}\\Downloads\\{name}",
            _chrome_time(now, rng),
            rng.randrange(10**6),
            1,
            "https://www.google.com/",
        )
        for n, name in enumerate(("offer.zip", "holiday.jpg", "Boarding pass.pdf"), 1)
    ]
    return {"urls": urls, "visits": visits, "downloads": got}


def _chrome_forms(person: Person, now: datetime, rng: random.Random) -> Rows:
    at = int(now.timestamp()) - rng.randrange(10**7)
    fields = {
        "email": person.mail,
        "name": person.name,
        "phone": person.phone,
        "city": person.town,
        "company": person.company,
    }
    card = (rng.randbytes(16).hex(), person.name, 7, now.year + 2, _sealed(rng, 16), at, "", 9, at)
    return {
        "autofill": [(name, value, value.lower(), at, at, rng.randrange(1, 20)) for name, value in fields.items()],
        "credit_cards": [card],
    }


def _bookmarks(person: Person, now: datetime, rng: random.Random) -> dict[str, object]:
    children = [
        {"date_added": str(_chrome_time(now, rng)), "id": str(n), "name": site.split(".")[-2].capitalize(),
            "type": "url",
         "url": f"https://{site}/"}
        for n, site in enumerate(person.sites, 5)
    ]  # fmt: skip
    bar = {"children": children, "id": "1", "name": "Bookmarks bar", "type": "folder"}
    other: dict[str, object] = {"children": [], "id": "2", "name": "Other bookmarks", "type": "folder"}
    return {"checksum": rng.randbytes(16).hex(), "roots": {"bookmark_bar": bar, "other": other}, "version": 1}


def firefox_items(person: Person, now: datetime, base: str, profiles: str) -> Iterator[Item]:
    """A Firefox folder at `base` whose profile lies in `base`/`profiles` ("" or "Profiles/")."""
    rng = stream(person.seed, "firefox")
    folder = f"{profiles}{''.join(rng.choices('abcdefghijklmnopqrstuvwxyz0123456789', k=8))}.default-release"
    recent = timedelta(days=2, minutes=rng.randrange(300))
    ini = (
        f"[Profile0]\nName=default-release\nIsRelative=1\nPath={folder}\nDefault=1\n\n"
        f"[General]\nStartWithLastProfile=1\nVersion=2\n"
    )
    yield Item(f"{base}/profiles.ini", ini.encode(), recent, None)
    home = f"{base}/{folder}"
    yield Item(f"{home}/logins.json", _json(_fox_logins(person, now, rng)), recent, Kind.BROWSER_PASSWORDS, 0o600)
    meta = [("password", rng.randbytes(20), rng.randbytes(133)), ("Version", b"", b"")]
    key = [(rng.randrange(2**31), *(rng.randbytes(size) for size in (4, 1, 1, 1, 130, 16, 16, 16)))]
    yield Item(
        f"{home}/key4.db", database(_KEYS, {"metaData": meta, "nssPrivate": key}), recent, Kind.BROWSER_KEY, 0o600
    )
    yield Item(f"{home}/places.sqlite", database(_PLACES, _fox_places(person, now, rng)), recent, Kind.BROWSER_HISTORY)
    cookies = database(_FOX_COOKIES, {"moz_cookies": _fox_cookies(person, now, rng)})
    yield Item(f"{home}/cookies.sqlite", cookies, recent, Kind.BROWSER_COOKIES)
    preferences = f'user_pref("browser.startup.homepage", "https://intranet.{person.domain}/");\n'
    yield Item(f"{home}/prefs.js", preferences.encode(), recent, None, 0o600)


def _fox_logins(person: Person, now: datetime, rng: random.Random) -> dict[str, object]:
    logins = []
    for number, site in enumerate(person.sites[2:9], 1):
        made = int((now.timestamp() - rng.uniform(1, 400) * 86400) * 1000)
        sealed = [base64.b64encode(b"\x30\x3a\x04\x10" + rng.randbytes(54)).decode() for _ in range(2)]
        logins.append({
            "id": number, "hostname": f"https://{site}", "httpRealm": None, "formSubmitURL": f"https://{site}",
            "usernameField": "email", "passwordField": "password", "encryptedUsername": sealed[0],
            "encryptedPassword": sealed[1], "guid": "{" + rng.randbytes(16).hex() + "}", "encType": 1,
            "timeCreated": made, "timeLastUsed": made, "timePasswordChanged": made, "timesUsed": rng.randrange(1, 30),
        })  # fmt: skip
    return {"nextId": len(logins) + 1, "logins": logins, "potentiallyVulnerablePasswords": [], "version": 3}


def _fox_places(person: Person, now: datetime, rng: random.Random) -> Rows:
    places: list[tuple[object, ...]] = []
    visits: list[tuple[object, ...]] = []
    marks: list[tuple[object, ...]] = []
    for number, (url, title) in enumerate(_visited(person, rng)[:70], 1):
        at = int((now.timestamp() - rng.uniform(1, 200) * 86400) * 1_000_000)
        host = url.split("/")[2]
        places.append((number, url, title, host[::-1] + ".", 1, 0, 0, rng.randrange(2000), at, rng.randbytes(6).hex()))
        visits.append((number, 0, number, at, 1, 0))
        if number % 10 == 0:
            marks.append((number, 1, number, 3, number // 10, title, at, at, rng.randbytes(6).hex()))
    return {"moz_places": places, "moz_historyvisits": visits, "moz_bookmarks": marks}


def _fox_cookies(person: Person, now: datetime, rng: random.Random) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for site in person.sites:
        for name in rng.sample(("session", "sid", "_ga", "auth", "lang"), 2):
            at = int(now.timestamp()) - rng.randrange(10**6)
            rows.append((len(rows) + 1, "", name, rng.randbytes(16).hex(), site, "/", at + 31536000, at * 10**6,
                at * 10**6,
                         1, 1, 0, 0, 0, 2))  # fmt: skip
    return rows


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()
