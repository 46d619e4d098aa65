"""One pass of Waterbed over a study, as its own process."""

import json
import sys

from waterbed.study import open_study

with open_study(sys.argv[1]) as study:
    report = study.recheck()
print(json.dumps({"answered": report.looks, "seconds": report.seconds}))
