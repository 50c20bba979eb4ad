"""Exit with 0 if a process of this container answers over HTTP, else with 1: `healthcheck.py [URL]`.

By default the web process is asked for /health/ready/. Openbook answers to the host of SITE_URL only, so the request
names it. Standard library only.
"""

import os
import sys
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

url = sys.argv[1] if len(sys.argv) > 1 else f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/health/ready/"
host = urlsplit(os.environ.get("SITE_URL") or url).netloc
try:
    request = Request(url, headers={"Host": host})  # noqa: S310
    urlopen(request, timeout=5).close()  # noqa: S310
except (URLError, OSError) as error:
    sys.exit(f"not ready: {error}")
