"""A world of servers that answer by source, mislead, move and park, for tests."""

STRANGE = """
name = "strange"
seed = 11
start = 2025-04-01T00:00:00Z
days = 6
home = "NL"
vantages = ["second", "proxy"]

[[hoster]]
key = "polder"
name = "Polder B.V."
asn = 64496
country = "NL"
v4 = ["28.1.0.0/20"]
weight = 3.0
removal = { removes = 1.0, median_hours = 6.0, sigma = 0.5 }

[[hoster]]
key = "always"
name = "Always AS"
asn = 64497
country = "NO"
v4 = ["28.2.0.0/20"]
weight = 3.0
catch_all = true
removal = { removes = 1.0, median_hours = 6.0, sigma = 0.5 }

[[hoster]]
key = "nevel"
name = "Nevel B.V."
asn = 64498
country = "NL"
v4 = ["28.3.0.0/20"]
weight = 1.0
blind_to = ["first"]
blind_from_hour = 24.0
blind_how = "404"

[[hoster]]
key = "parker"
name = "Parker SARL"
asn = 64499
country = "FR"
v4 = ["28.4.0.0/20"]
weight = 2.0
removal = { removes = 1.0, median_hours = 6.0, answer_after_removal = "parked" }

[[hoster]]
key = "mover"
name = "Mover d.o.o."
asn = 64500
country = "SI"
v4 = ["28.5.0.0/20"]
weight = 2.0
removal = { removes = 1.0, median_hours = 6.0, answer_after_removal = "moved" }

[[hoster]]
key = "pictures"
name = "Pictures Inc."
asn = 64501
country = "US"
v4 = ["28.6.0.0/20"]
weight = 2.0
kind = "platform"
suffixes = ["square7.ch"]
link_check = true
removal = { removes = 1.0, median_hours = 5.0 }

[sites]
count = 120
urls_per_site = [1, 3]
roots = 0.4
cname = 0.4
categories = { phishing = 1.0, abuse-material = 1.0 }

[[outage]]
from_hour = 100.0
to_hour = 104.0
source = "second"

[servers]
https = 0.4
https_root = 0.2
no_length = 0.4
no_etag = 0.3
echo = 0.4
dynamic = 0.3
spa = 0.2
head_lies = 0.2
head_refused = 0.1
body_on_head = 0.1
mislabelled = 0.3
"""
