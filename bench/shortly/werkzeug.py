"""Serve Werkzeug's shortly, which stands in the folder SHORTLY, with the Redis at REDIS_PORT."""
import os
import sys

sys.path.insert(0, os.environ["SHORTLY"])
import shortly

application = shortly.create_app(redis_port=int(os.environ["REDIS_PORT"]))
