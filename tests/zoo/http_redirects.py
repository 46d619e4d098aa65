"""HTTP behaviours: redirects to nowhere, to everywhere, and round and round."""

from tests.zoo.behaviour import REAL_PATH, Behaviour, good
from tests.zoo.http_plays import BANNER, everything, head_of, http, moved_to, once, page, redirects, twice
from tests.zoo.tls_faults import secured


def behaviours() -> list[Behaviour]:
    """All of them."""
    long = "http://{host}/" + "a" * 10_000
    www = ("http://www.{host}/reported/page", "http://{host}/reported/page")
    cases = [
        ("location-missing", "301 without Location.", everything("301 Moved Permanently", "Content-Length: 0")),
        ("location-bad", "301 to what is no URL.", moved_to("http://[::1")),
        ("location-10-kb", "301 to a URL of 10 kB on the same site.", moved_to(long)),
        ("location-20-kb", "301 to a URL of 20 kB.", moved_to(long + "a" * 10_000)),
        ("location-private", "301 to a private address.", moved_to("http://192.168.0.1/admin")),
        ("location-loopback", "301 to 127.0.0.1 as one number.", moved_to("http://2130706433/")),
        (
            "location-metadata",
            "302 to a cloud's metadata address.",
            moved_to("http://169.254.169.254/latest", "302 Found"),
        ),
        ("location-ftp", "301 to ftp.", moved_to("ftp://{host}/reported/page")),
        ("location-javascript", "301 to javascript.", moved_to("javascript:alert(1)")),
        ("location-data", "301 to data.", moved_to("data:text/html,hello")),
        ("location-file", "301 to a file.", moved_to("file:///etc/passwd")),
        ("location-relative", "301 to a path of the same site.", moved_to("/elsewhere/on/the/site")),
        ("location-bytes", "301 to bytes that are no text.", moved_to("/\xff\xfe\x80")),
        ("location-self", "301 to itself.", moved_to("http://{host}" + REAL_PATH)),
        ("redirect-slash", "301 to itself with a slash, and back.", redirects(*[REAL_PATH + "/", REAL_PATH] * 20)),
        ("late-bytes", "301 to a slash at the end; each answer is followed by a late 404.", twice(0.005)),
        ("late-bytes-next", "The same; the 404 comes when the next request is on its way.", twice(None)),
        ("redirect-www", "301 to `www.` and back, without end.", redirects(*www * 20)),
        ("redirect-www-once", "301 to `www.`, which answers 200.", redirects(www[0])),
        ("redirect-4-steps", "Four steps within the same place, then 200.", redirects(www[0], www[1], www[0], www[1])),
        ("redirect-site", "302 to the site's front page.", moved_to("/", "302 Found")),
        ("redirect-other-lasting", "301 to another site.", moved_to("http://elsewhere-zoo.com/new")),
        (
            "redirect-other-308",
            "308 to another site.",
            moved_to("http://elsewhere-zoo.com/new", "308 Permanent Redirect"),
        ),
        ("redirect-other-302", "302 to another site.", moved_to("http://elsewhere-zoo.com/new", "302 Found")),
        (
            "redirect-other-307",
            "307 to another site.",
            moved_to("http://elsewhere-zoo.com/new", "307 Temporary Redirect"),
        ),
        (
            "redirect-everything",
            "302 to another site, whatever is asked.",
            everything("302 Found", "Location: http://elsewhere-zoo.com/", "Content-Length: 0"),
        ),
        (
            "redirect-suspended",
            "302 to the hoster's page for suspended accounts.",
            moved_to("/cgi-sys/suspendedpage.cgi", "302 Found"),
        ),
        (
            "front-page-later",
            "A page at the first check, then 302 to the front page.",
            once(head_of("302 Found", "Location: /", "Content-Length: 0")),
        ),
        (
            "login-later",
            "A page at the first check, then 302 to a login, from every path.",
            once(*[head_of("302 Found", "Location: /login", "Content-Length: 0")] * 2),
        ),
        ("status-300", "300 Multiple Choices.", page("300 Multiple Choices", "Content-Length: 0")),
        ("status-304", "304 though nothing was asked for.", page("304 Not Modified")),
    ]
    away = head_of("301 Moved Permanently", "Location: http://elsewhere-zoo.com/", "Content-Length: 0")
    seized = head_of("302 Found", "Location: https://usssdomainseizure.com/", "Content-Length: 0")
    suspended = head_of("302 Found", "Location: http://suspended-website.com/", "Content-Length: 0")
    banner = head_of("200 OK", "Content-Type: text/html", f"Content-Length: {len(BANNER)}")
    cases += [
        ("elsewhere-later", "A page at the first check, then 301 to another site, from every path.", once(away, away)),
        ("banner-elsewhere-later", "The same, 302 to a known banner of a seizure.", once(seized, seized)),
        ("suspended-elsewhere-later", "The same, 302 to a known page for suspended accounts.", once(*[suspended] * 2)),
        (
            "banner-later",
            "A page at the first check, then a banner of a seizure at every path.",
            once(banner, banner, BANNER),
        ),
    ]
    to_https = moved_to("https://{host}" + REAL_PATH)
    to_http = secured(moved_to("http://{host}" + REAL_PATH))
    return [
        *(http(name, does, play) for name, does, play in cases),
        http("redirect-scheme-loop", "301 from http to https and back, without end.", to_https, https=to_http),
        http("http-to-https", "A live site that sends http to https.", to_https, https=secured(good)),
        http("http-to-dead-https", "301 to https, where nothing listens.", to_https),
    ]
