"""Sites and services that programs know by name and of which they expect a certain answer. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from .content import Item, mark, text
from .place import Place
from .request import Location


@dataclass(frozen=True, kw_only=True)
class Site:
    """A decided answer."""

    status: int = 200
    item: Item


_EMPTY = Item(body=b"", media_type="", category="none")
NO_CONTENT = Site(status=204, item=_EMPTY)


def _json(value: object, status: int = 200) -> Site:
    body = json.dumps(value, separators=(",", ":"))
    return Site(status=status, item=text(body, "application/json", "json"))


def _text(body: str, status: int = 200) -> Site:
    return Site(status=status, item=text(body))


_PLAIN_ADDRESS = {
    "icanhazip.com", "ipv4.icanhazip.com", "checkip.amazonaws.com", "ident.me", "v4.ident.me", "ip.tyk.nu", "l2.io",
    "ipecho.net", "myexternalip.com", "ip.42.pl", "bot.whatismyipaddress.com", "wgetip.com", "eth0.me", "tnx.nl",
    "api.ip.sb", "ip.sb", "ifconfig.co", "ifconfig.me", "ifconfig.io", "api.ipify.org", "api4.ipify.org",
    "api64.ipify.org", "ipinfo.io", "wtfismyip.com", "ipv4bot.whatismyipaddress.com", "whatismyip.akamai.com",
    "api.myip.com", "ip.me", "ipapi.co", "seeip.org", "api.seeip.org", "api.my-ip.io",
}  # fmt: skip
_GEOGRAPHY = {
    "ip-api.com", "freegeoip.app", "freegeoip.net", "ipwho.is", "ipwhois.app", "geolocation-db.com", "api.db-ip.com",
}  # fmt: skip


def _address(at: Location, place: Place) -> Site:
    wants_json = "json" in at.path or "json" in at.query or at.host == "api.myip.com"
    if (at.host == "ipinfo.io" and at.path in {"", "/", "/json"}) or (at.host == "ipapi.co" and wants_json):
        return _json(
            {
                "ip": place.address, "city": place.city, "region": place.region, "country": place.code,
                "loc": f"{place.latitude},{place.longitude}", "org": f"{place.network} {place.provider}",
                "postal": place.postcode, "timezone": place.timezone,
            }
        )  # fmt: skip
    field = at.path.strip("/").rsplit("/", 1)[-1]
    single = {"country": place.code, "city": place.city, "region": place.region, "org": place.provider}
    if field in single:
        return _text(single[field] + "\n")
    if wants_json:
        return _json({"ip": place.address, "country": place.country, "cc": place.code})
    newline = "" if "ipify" in at.host else "\n"
    return _text(place.address + newline)


def _geography(at: Location, place: Place) -> Site:
    facts: dict[str, object] = {
        "status": "success", "country": place.country, "countryCode": place.code, "region": place.code,
        "regionName": place.region, "city": place.city, "zip": place.postcode, "lat": place.latitude,
        "lon": place.longitude, "timezone": place.timezone, "isp": place.provider, "org": place.provider,
        "as": f"{place.network} {place.provider}", "query": place.address,
    }  # fmt: skip
    if at.host != "ip-api.com":
        facts |= {"ip": place.address, "country_name": place.country, "country_code": place.code, "success": True}
    if not at.path.startswith("/line"):
        wanted = parse_qs(at.query).get("fields", [""])[0].split(",")
        chosen = {name: facts[name] for name in wanted if name in facts}
        if "hosting" in wanted or "proxy" in wanted or "mobile" in wanted:
            chosen |= {name: False for name in wanted if name in {"hosting", "proxy", "mobile"}}
        return _json(chosen or facts)
    wanted = parse_qs(at.query).get("fields", [",".join(facts)])[0].split(",")
    return _text("".join(f"{'false' if name == 'hosting' else facts.get(name, '')}\n" for name in wanted[:32]))


def _telegram(at: Location, _: Place) -> Site:
    method = at.path.rstrip("/").rsplit("/", 1)[-1].lower()
    bot = {"id": 6184402917, "is_bot": True, "first_name": "Notify", "username": "notify_7731_bot"}
    results: dict[str, object] = {"getme": bot, "getupdates": [], "getwebhookinfo": {"url": ""}, "deletewebhook": True}
    message = {"message_id": 118, "from": bot, "chat": {"id": 5510938271, "type": "private"}, "date": 1710497404}
    return _json({"ok": True, "result": results.get(method, message)})


def _discord(at: Location, _: Place, method: str) -> Site:
    if "/webhooks/" in at.path:
        if method == "GET":
            return _json({"type": 1, "id": "1187425539283746817", "name": "Hook", "channel_id": "1187425120445190144"})
        if "wait=true" not in at.query:
            return NO_CONTENT
    return _json({"id": "1218049127345819658", "type": 0, "content": "", "channel_id": "1187425120445190144"})


_PASTE_HOSTS = {"pastebin.com", "hastebin.com", "rentry.co", "paste.ee", "controlc.com", "paste.rs", "ix.io"}
_UPLOAD_HOSTS = {"transfer.sh", "0x0.st", "file.io", "catbox.moe", "litterbox.catbox.moe", "temp.sh", "bashupload.com"}
_UPLOAD_APIS = {"gofile.io", "anonfiles.com", "store1.gofile.io", "api.gofile.io", "upload.gofile.io", "bayfiles.com"}

_CONNECTIVITY: dict[tuple[str, str], str] = {
    ("www.msftconnecttest.com", "/connecttest.txt"): "Microsoft Connect Test",
    ("ipv6.msftconnecttest.com", "/connecttest.txt"): "Microsoft Connect Test",
    ("www.msftncsi.com", "/ncsi.txt"): "Microsoft NCSI",
    ("detectportal.firefox.com", "/success.txt"): "success\n",
    ("detectportal.firefox.com", "/canonical.html"): (
        '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
    ),
    ("captive.apple.com", "/hotspot-detect.html"): (
        "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>\n"
    ),
    ("nmcheck.gnome.org", "/check_network_status.txt"): "NetworkManager is online\n",
    ("network-test.debian.org", "/nm"): "NetworkManager is online\n",
    ("connectivity-check.ubuntu.com", "/"): "",
}


def site(at: Location, method: str, place: Place, gateway: bool) -> Site | None:
    """The answer of a service that is known by name; None for any other site. `gateway`: it is the LAN's router."""
    host = at.host.removeprefix("www.")
    if at.path in {"/generate_204", "/gen_204"}:
        return NO_CONTENT
    known = _CONNECTIVITY.get((at.host, at.path))
    if known is not None:
        return _text(known) if known else NO_CONTENT
    if host in _PLAIN_ADDRESS:
        return _address(at, place)
    if host == "checkip.dyndns.org":
        title = "<title>Current IP Check</title>"
        body = f"<html><head>{title}</head><body>Current IP Address: {place.address}</body></html>\r\n"
        return Site(item=text(body, "text/html", "page"))
    if host in _GEOGRAPHY:
        return _geography(at, place)
    if gateway:
        return Site(item=text(_ROUTER, "text/html; charset=utf-8", "page"))
    return _exchange(host, at, method, place)


def _exchange(host: str, at: Location, method: str, place: Place) -> Site | None:
    """Services through which data is sent and commands are fetched."""
    if host == "api.telegram.org":
        return _telegram(at, place)
    if host in {"discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com"} and "/api/" in at.path:
        return _discord(at, place, method)
    key = mark(at.url)[:8]
    if host in _PASTE_HOSTS:
        if method == "POST":
            return _text(f"https://{host}/{key}")
        if re.search(r"raw|/[A-Za-z0-9]{5,}$", at.path):
            return _text("OK\n")
    if host in _UPLOAD_HOSTS and method in {"POST", "PUT"}:
        return _text(f"https://{host}/{key}/{at.path.rsplit('/', 1)[-1] or 'file'}\n")
    if host in _UPLOAD_APIS or host.endswith(".gofile.io"):
        servers = {"server": "store1", "servers": [{"name": "store1", "zone": "eu"}]}
        sent = {"downloadPage": f"https://gofile.io/d/{key}", "code": key, "fileId": mark(at.url)}
        return _json({"status": "ok", "data": sent if method == "POST" else servers})
    return None


_ROUTER = (
    '<!DOCTYPE html>\n<html lang="de"><head><meta charset="utf-8"><title>FRITZ!Box</title></head><body>'
    '<form method="post" action="/login_sid.lua"><label>Kennwort <input type="password" name="response"></label>'
    "<button>Anmelden</button></form></body></html>\n"
)
