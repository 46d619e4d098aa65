"""One pass of Waterbed over a study, as its own process."""

import json
import sys

from crawler.recheck.run import run_recheck
from waterbed.study.study import open_study

with open_study(sys.argv[1]) as study:
    report = run_recheck(study.folder)
print(json.dumps({"answered": report.looks, "seconds": report.seconds}))
