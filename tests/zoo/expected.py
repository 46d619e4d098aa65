"""What each behaviour deserves: outcome and rule in the profiles strict, headers, text."""

from tests.zoo.rig import PROFILES

EXPECTED: dict[str, tuple[str, ...]] = {}
"""Outcome and rule by behaviour, one for all profiles or one for each."""


def expected(name: str) -> dict[str, str]:
    """Outcome and rule of a behaviour by profile."""
    told = EXPECTED[name]
    return dict(zip(PROFILES, told * len(PROFILES) if len(told) == 1 else told, strict=True))


_TABLE = """
# DNS
dns-healthy                up U1-up
nxdomain                   no_name N1-no-name
nodata                     no_name N1-no-name
servfail                   name_failure N2-name-failure
refused-query              name_failure N2-name-failure
formerr                    name_failure N2-name-failure
notimp                     name_failure N2-name-failure
dns-timeout                name_failure N2-name-failure
late-answer                up U1-up
truncated                  up U1-up
truncated-tcp-closes       name_failure N2-name-failure
truncated-tcp-hangs        name_failure N2-name-failure
truncated-twice            name_failure N2-name-failure
cname-loop                 name_failure N2-name-failure
cname-twice                name_failure N2-name-failure
cname-chain-5              up U1-up
cname-chain-20             name_failure N2-name-failure
thousand-addresses         up U1-up
private-answers            refused_by_us G2-guard
private-and-public         up U1-up
rebinding                  up U1-up
rebinding-by-name          refused_by_us G2-guard
nat64-private              refused_by_us G2-guard
mapped-private             refused_by_us G2-guard
6to4-private               refused_by_us G2-guard
wrong-id                   name_failure N2-name-failure
spoofed-port               up U1-up
wrong-question             name_failure N2-name-failure
lame-delegation            name_failure N2-name-failure
ttl-0                      up U1-up
ttl-huge                   up U1-up
garbage                    name_failure N2-name-failure
garbage-behind-question    name_failure N2-name-failure
pointer-loop               name_failure N2-name-failure
answer-for-another         name_failure N2-name-failure
short-address              name_failure N2-name-failure
overlong-count             name_failure N2-name-failure
other-letter-case          up U1-up
half-aaaa-servfail         up U1-up
half-a-servfail            name_failure N2-name-failure
half-a-silent              name_failure N2-name-failure
half-nxdomain              no_name N1-no-name
servfail-with-reason       name_failure N2-name-failure
nxdomain-blocked           name_failure N2-name-failure
# TCP
refused                    unobserved C1-unreachable+panel
black-hole                 unobserved C1-unreachable+panel
reset-after-accept         protocol_error H1-broken-http
reset-after-request        protocol_error H1-broken-http
reset-within-head          protocol_error H1-broken-http
half-open                  unobserved C2-silent+panel
close-at-once              protocol_error H1-broken-http
close-after-request        protocol_error H1-broken-http
close-within-head          protocol_error H1-broken-http
close-when-kept            up U1-up | indistinct S2-indistinct | indistinct S2-indistinct
# TLS
tls-good                   up U1-up
certificate-expired        up U1-up
certificate-self-signed    up U1-up
certificate-wrong-name     up U1-up
certificate-sha1           up U1-up
certificate-two-names      up U1-up
certificate-x400           up U1-up
certificate-version-8      up U1-up
tls-1-0                    up U1-up
tls-1-2                    up U1-up
tls-1-2-cbc                up U1-up
tls-1-2-chacha             up U1-up
tls-byte-records           up U1-up
certificate-huge           too_long B1-too-long
tls-alert                  tls_error T1-tls
plaintext-on-443           tls_error T1-tls
garbage-on-443             tls_error T1-tls
endless-handshake          tls_error T1-tls
endless-certificate        tls_error T1-tls
silent-handshake           unobserved C2-silent+panel
close-in-handshake         tls_error T1-tls
reset-in-handshake         tls_error T1-tls
silence-after-handshake    unobserved C2-silent+panel
goodbye-before-answer      protocol_error H1-broken-http
cut-before-answer          protocol_error H1-broken-http
garbage-record             protocol_error H1-broken-http
tls-head-with-photo        disputed A1-unauthenticated | disputed A1-unauthenticated | disputed A1-unauthenticated
tls-head-end-with-photo    disputed A1-unauthenticated | disputed A1-unauthenticated | disputed A1-unauthenticated
tls-1-2-head-with-photo    disputed A1-unauthenticated | disputed A1-unauthenticated | disputed A1-unauthenticated
tls-1-2-cbc-head-with-photo disputed A1-unauthenticated | disputed A1-unauthenticated | disputed A1-unauthenticated
tls-on-80                  protocol_error H1-broken-http
# HTTP
http-good                  up U1-up
no-status-line             protocol_error H1-broken-http
http-0-9                   protocol_error H1-broken-http
other-protocol             protocol_error H1-broken-http
almost-http                protocol_error H1-broken-http
http-1-0                   up U1-up
status-000                 protocol_error H1-broken-http
status-1000                protocol_error H1-broken-http
status-999                 unclassified Z1-unclassified
status-299                 up U1-up
status-204                 up U1-up
status-600                 unclassified Z1-unclassified
status-without-words       up U1-up
bare-line-feeds            up U1-up
folded-header              protocol_error H1-broken-http
space-before-colon         protocol_error H1-broken-http
header-without-colon       protocol_error H1-broken-http
nul-in-header              protocol_error H1-broken-http
nul-in-status-line         protocol_error H1-broken-http
non-ascii-header           up U1-up
two-content-types          up U1-up
two-lengths                protocol_error H1-broken-http
length-negative            protocol_error H1-broken-http
length-huge                protocol_error H1-broken-http
length-and-chunked         protocol_error H1-broken-http
chunked-nonsense           up U1-up
unknown-coding             up U1-up
one-header-1-mb            too_long B1-too-long
headers-10000              too_long B1-too-long
headers-1000               up U1-up
headers-endless            too_long B1-too-long
status-line-endless        too_long B1-too-long
one-byte-a-second          protocol_error H1-broken-http
silence-within-head        protocol_error H1-broken-http
silence-after-request      unobserved C2-silent+panel
continue-forever           too_long B1-too-long
continue-then-silence      protocol_error H1-broken-http
early-hints                up U1-up
switching-protocols        protocol_error H1-broken-http
location-missing           protocol_error R1-bad-redirect
location-bad               protocol_error R1-bad-redirect
location-10-kb             redirected R4-redirected-in-site | up U2-up-redirect-in-site | up U2-up-redirect-in-site
location-20-kb             too_long B1-too-long
location-private           protocol_error R1-bad-redirect
location-loopback          protocol_error R1-bad-redirect
location-metadata          protocol_error R1-bad-redirect
location-ftp               protocol_error R1-bad-redirect
location-javascript        protocol_error R1-bad-redirect
location-data              protocol_error R1-bad-redirect
location-file              protocol_error R1-bad-redirect
location-relative          redirected R4-redirected-in-site | up U2-up-redirect-in-site | up U2-up-redirect-in-site
location-bytes             redirected R4-redirected-in-site | up U2-up-redirect-in-site | up U2-up-redirect-in-site
location-self              protocol_error R1-bad-redirect
redirect-slash             protocol_error R1-bad-redirect
late-bytes                 up U1-up
late-bytes-next            up U1-up
redirect-www               protocol_error R1-bad-redirect
redirect-www-once          up U1-up
redirect-4-steps           protocol_error R1-bad-redirect
redirect-site              redirected R4-redirected-in-site
redirect-other-lasting     redirected R3-redirected | moved R2-moved | moved R2-moved
redirect-other-308         redirected R3-redirected | moved R2-moved | moved R2-moved
redirect-other-302         redirected R3-redirected
redirect-other-307         redirected R3-redirected
redirect-everything        redirected R3-redirected | indistinct S2-indistinct | indistinct S2-indistinct
redirect-suspended         suspended H3-suspended-mark
front-page-later           up U1-up
login-later                up U1-up
status-300                 unclassified Z1-unclassified
status-304                 unclassified Z1-unclassified
elsewhere-later            up U1-up
banner-elsewhere-later     up U1-up
suspended-elsewhere-later  up U1-up
banner-later               up U1-up
redirect-scheme-loop       protocol_error R1-bad-redirect
http-to-https              up U1-up
http-to-dead-https         unobserved C1-unreachable+panel
gone-404                   gone H5-gone
gone-410                   gone H5-gone
unauthorised-401           challenge H9-challenge
forbidden-403              challenge H9-challenge
legal-451                  legal H8-legal
error-500                  server_error H10-server-error
error-502                  server_error H10-server-error
error-503                  challenge H9-challenge
error-520                  server_error H10-server-error
teapot-418                 unclassified Z1-unclassified
retry-after-seconds        challenge H9-challenge
retry-after-date           challenge H9-challenge
retry-after-absurd         challenge H9-challenge
retry-after-nonsense       challenge H9-challenge
retry-after-overflow       challenge H9-challenge
challenge-mark             challenge H2-challenge-mark
suspended-mark             suspended H3-suspended-mark
not-for-us                 challenge H9-challenge
gone-for-us                gone H5-gone
alternating                up U1-up
catch-all                  up U1-up | indistinct S2-indistinct | indistinct S2-indistinct
catch-all-bare             up U1-up | indistinct S2-indistinct | indistinct S2-indistinct
missing-everything         gone H5-gone
no-length-no-etag          up U1-up
cookies                    up U1-up
head-with-small-body       up U1-up | indistinct S2-indistinct | indistinct S2-indistinct
head-with-10-mb            up U1-up | indistinct S2-indistinct | indistinct S2-indistinct
image-as-html              up U1-up | indistinct S2-indistinct | indistinct S2-indistinct
image-as-html-at-get       up U1-up
image-behind-405           refused_head H7-head-refused | indistinct S2-indistinct | indistinct S2-indistinct
image-as-html-behind-405   refused_head H7-head-refused | indistinct S2-indistinct | indistinct S2-indistinct
gzip-bomb                  up U1-up | indistinct S2-indistinct | indistinct S2-indistinct
gzip-bomb-behind-405       refused_head H7-head-refused | indistinct S2-indistinct | indistinct S2-indistinct
page-behind-405            refused_head H7-head-refused | up U1-up | up U1-up
page-behind-501            refused_head H7-head-refused | up U1-up | up U1-up
page-behind-400            unclassified Z1-unclassified | up U1-up | up U1-up
page-behind-500            server_error H10-server-error | up U1-up | up U1-up
head-lies-404              gone H5-gone | up U1-up | up U1-up
head-hangs-up              protocol_error H1-broken-http
page-endless               up U1-up
page-slow                  up U1-up
page-deep                  up U1-up
page-odd-charset           up U1-up
page-chunked               up U1-up
page-chunk-huge            up U1-up
page-chunk-line-endless    up U1-up
page-cut-off               up U1-up
gone-behind-405            refused_head H7-head-refused | gone H5-gone | gone H5-gone
"""

for _line in _TABLE.strip().splitlines():
    if not _line.startswith("#"):
        _name, _, _told = _line.partition(" ")
        EXPECTED[_name] = tuple(each.strip() for each in _told.split("|"))
