"""How often a look at common servers is answered, and how often disputed: TLS records of real programs on loopback.

python benchmarks/authenticated.py      # those of nginx, Apache, lighttpd, Caddy and Node.js that are installed
"""

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.crawler.probe.test_prober import ADDRESS, NOW, VAULT, due
from tests.zoo.certificates import certificate
from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.crawler.net.vantage import Vantage
from waterbed.crawler.probe.prober import HostTask, Prober
from waterbed.model.facts import Observation
from waterbed.model.urls import canonicalize
from waterbed.store.config import Config
from waterbed.store.settings import Probe

PAGES: Final = {"/small.html": 600, "/page.html": 6_000, "/large.html": 60_000, "/gone.html": 0, "/moved": 0}
"""Paths, and bytes of their files; `gone` is a 404 with the server's own page, `moved` a redirect."""
PROFILES: Final = {"phishing": "headers", "abuse": "strict", "reading": "text"}
_HERE: Final = Vantage(name="here", network="one", source=None, proxy=None)


class Server(NamedTuple):
    """A program, its settings where HEAD is answered or refused, and how it is started."""

    program: str
    settings: Callable[[Path, int, bool], str]
    command: Callable[[Path], list[str]]


def _nginx(place: Path, port: int, refused: bool) -> str:
    head = "if ($request_method = HEAD) { return 405; }" if refused else ""
    return f"""daemon off; pid {place}/pid; error_log {place}/log; events {{}}
http {{ access_log off; types {{ text/html html; }} client_body_temp_path {place}/t; proxy_temp_path {place}/t;
fastcgi_temp_path {place}/t; uwsgi_temp_path {place}/t; scgi_temp_path {place}/t; sendfile on; tcp_nopush on;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {place}/pem; ssl_certificate_key {place}/pem;
root {place}/www; {head}
location = /moved {{ return 301 /there; }} }} }}
"""


def _apache(place: Path, port: int, refused: bool) -> str:
    modules = ("mpm_event", "authz_core", "mime", "ssl", "rewrite", "dir", "alias")
    load = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules)
    head = "RewriteEngine on\nRewriteCond %{REQUEST_METHOD} HEAD\nRewriteRule .* - [R=405,L]" if refused else ""
    return f"""{load}
ServerRoot {place}
PidFile {place}/pid
ServerName localhost
ErrorLog {place}/log
Listen 127.0.0.1:{port}
User nobody
Group nogroup
TypesConfig /dev/null
AddType text/html .html
DocumentRoot {place}/www
SSLEngine on
SSLCertificateFile {place}/pem
SSLCertificateKeyFile {place}/pem
Redirect permanent /moved /there
{head}
<Directory {place}/www>
Require all granted
</Directory>
"""


def _lighttpd(place: Path, port: int, refused: bool) -> str:
    head = '$HTTP["request-method"] == "HEAD" { url.access-deny = ("") }' if refused else ""
    return f"""server.modules = ("mod_openssl", "mod_redirect", "mod_access")
server.document-root = "{place}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{place}/log"
mimetype.assign = (".html" => "text/html")
ssl.engine = "enable"
ssl.pemfile = "{place}/pem"
url.redirect = ("^/moved" => "/there")
{head}
"""


def _caddy(place: Path, port: int, refused: bool) -> str:
    head = "@head method HEAD\nrespond @head 405" if refused else ""
    return f"""{{
admin off
auto_https off
default_sni localhost
storage file_system {place}/store
}}
https://localhost:{port}, https://{ADDRESS}:{port}, https://127.0.0.1:{port} {{
bind 127.0.0.1
tls {place}/pem {place}/pem
route {{
{head}
redir /moved /there 301
file_server {{
root {place}/www
}}
}}
}}
"""


def _node(place: Path, port: int, refused: bool) -> str:
    pages = {name: size for name, size in PAGES.items() if size}
    head = "if (q.method === 'HEAD') { r.writeHead(405); return r.end(); }" if refused else ""
    return f"""const fs = require('fs'), pem = fs.readFileSync('{place}/pem');
const pages = {msgspec.json.encode(pages).decode()};
require('https').createServer({{key: pem, cert: pem}}, (q, r) => {{ {head}
if (q.url === '/moved') {{ r.writeHead(301, {{Location: '/there'}}); return r.end('Moved'); }}
const size = pages[q.url], page = size ? fs.readFileSync('{place}/www' + q.url) : 'Cannot GET ' + q.url;
r.writeHead(size ? 200 : 404, {{'Content-Type': 'text/html', 'Content-Length': page.length}}); r.end(page);
}}).listen({port}, '127.0.0.1');
"""


SERVERS: Final = {
    "nginx": Server("nginx", _nginx, lambda at: ["nginx", "-p", str(at), "-c", str(at / "settings")]),
    "Apache": Server("apache2", _apache, lambda at: ["apache2", "-X", "-f", str(at / "settings")]),
    "lighttpd": Server("lighttpd", _lighttpd, lambda at: ["lighttpd", "-D", "-f", str(at / "settings")]),
    "Caddy": Server(
        "caddy", _caddy, lambda at: ["caddy", "run", "--adapter", "caddyfile", "--config", str(at / "settings")]
    ),
    "Node.js": Server("node", _node, lambda at: ["node", str(at / "settings")]),
}


@contextmanager
def running(server: Server, place: Path, *, refused: bool) -> Iterator[int]:
    """The port of a server that answers HEAD, or refuses it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (place / "settings").write_text(server.settings(place, port, refused))
    with (place / "log").open("a") as log, subprocess.Popen(server.command(place), stdout=log, stderr=log) as process:
        try:
            _until_open(port, place / "log")
            yield port
        finally:
            process.terminate()


def _until_open(port: int, log: Path) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"it does not listen: {log.read_text()[-2000:]}")


def body_beside_head(port: int, path: str) -> int:
    """Bytes of the body in the record in which the head of a GET ends."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting.wrap_bio(into, out, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", port), 5) as wire, wire.makefile("rb") as records:

        def record() -> None:
            wire.sendall(out.read())
            front = records.read(5)
            into.write(front + records.read(int.from_bytes(front[3:], "big")))

        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                record()
        tls.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".encode())
        found = b""
        while b"\r\n\r\n" not in found:
            record()
            try:
                while True:
                    found += tls.read(20_000)
            except ssl.SSLWantReadError:
                pass
    return len(found.partition(b"\r\n\r\n")[2])


def look(port: int, path: str, category: str) -> Observation:
    """One look at a page of the server."""

    async def run() -> Observation:
        probe = msgspec.structs.replace(Probe(delay_s=0.0, network_delay_s=0.0, timeout_s=5.0), profiles=PROFILES)
        prober = Prober(
            config=Config(study="s" * 32, probe=probe),
            vault=VAULT,
            resolver=Resolver("127.0.0.1:1", timeout_s=0.1, tries=1, in_flight=1),
            connector=lambda address, _: ("127.0.0.1", port) if address == ADDRESS else None,
            clock=lambda: NOW,
            run_id="r",
            vantages=(_HERE,),
            link_checks=(),
        )
        items = ((due(category), canonicalize(f"https://{ADDRESS}{path}")),)
        facts = await prober.check(HostTask(host_id="h", items=items, controls=(), name_servers=None))
        return next(fact for fact in facts.facts if isinstance(fact, Observation))

    return asyncio.run(run())


def _word(seen: Observation) -> str:
    if seen.authenticated is False:
        return "disputed"
    return "failed" if seen.status is None else "HEAD refused" if seen.status in (403, 405) else "answered"


def main() -> None:
    """Print what came of each, and the shares."""
    shares: dict[tuple[str, bool], Counter[str]] = {}
    for name, server in SERVERS.items():
        if shutil.which(server.program) is None:
            print(f"{name}: {server.program} is not installed")
            continue
        with TemporaryDirectory() as folder:
            place = _filled(Path(folder))
            for refused in (False, True):
                with running(server, place, refused=refused) as port:
                    for path in PAGES:
                        beside = body_beside_head(port, path)
                        said = []
                        for category, profile in PROFILES.items():
                            seen = look(port, path, category)
                            word = _word(seen)
                            said.append(f"{profile} {seen.method} {seen.status} {word}")
                            shares.setdefault((profile, refused), Counter())[word] += 1
                        head = "refused" if refused else "answered"
                        print(f"{name:9} HEAD {head:8} {path:12} {beside:6,} bytes beside the head   {'; '.join(said)}")
    for (profile, refused), words in shares.items():
        told = ", ".join(f"{count} {word}" for word, count in sorted(words.items()))
        print(f"profile {profile:8} HEAD {'refused' if refused else 'answered':8} {told}")


def _filled(place: Path) -> Path:
    place.chmod(0o755)
    (place / "www").mkdir()
    for path, size in PAGES.items():
        if size:
            (place / "www" / path[1:]).write_text(f"<html><title>t</title>{'x' * size}</html>"[: size - 7] + "</html>")
    has = certificate("localhost", own=True)
    pem = has.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (place / "pem").write_text(pem + ssl.DER_cert_to_PEM_cert(has.der))
    return place


if __name__ == "__main__":
    main()
